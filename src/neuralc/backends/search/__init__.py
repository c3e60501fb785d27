"""Search on the exact execution: systematic, stochastic, and by likelihood under networks."""

from neuralc.backends.search.solver import declines, solve

__all__ = ["declines", "solve"]
