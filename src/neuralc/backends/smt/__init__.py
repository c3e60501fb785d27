"""Programs as bit-vectors of z3: find the open choices, prove what a program does, write SMT-LIB."""

from neuralc.backends.smt.solver import declines, solve

__all__ = ["declines", "solve"]
