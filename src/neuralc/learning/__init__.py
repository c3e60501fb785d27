"""Learning: restarts in one batch, judged by exact execution, saved as solutions."""

from neuralc.learning.run import learn as learn
