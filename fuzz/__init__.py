"""One meaning for all executions: random programs, run by everything that can run a program."""
