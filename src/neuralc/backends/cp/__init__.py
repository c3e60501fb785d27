"""Programs as integer variables of CP-SAT: find the open choices, or prove that there are none."""

from neuralc.backends.cp.solver import declines, solve

__all__ = ["declines", "solve"]
