"""Programs as propositional clauses: find the open choices, or prove that there are none."""

from neuralc.backends.sat.solver import declines, solve

__all__ = ["declines", "solve"]
