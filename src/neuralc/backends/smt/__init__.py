"""Programs as bit-vectors of z3: to find open choices, to prove something, to write SMT-LIB."""

from neuralc.backends.smt.solver import declines, solve

__all__ = ["declines", "solve"]
