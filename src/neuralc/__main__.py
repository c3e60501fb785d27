"""`python -m neuralc` is the command `neuralc`."""

from neuralc.cli import main

main()
