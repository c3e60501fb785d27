"""Learning: restarts in one batch, judged by exact execution, saved as solutions."""

from neuralc.learn.learn import learn as learn
