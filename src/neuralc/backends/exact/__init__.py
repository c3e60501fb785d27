"""The exact execution: integers in, integers out, for many programs and examples at once.

A program becomes one function of plain scalar Python, compiled by numba. Held to `ir/evaluate.py`
with the algebra of integers.
"""

from neuralc.backends.exact.executor import Executor, source
from neuralc.backends.exact.judge import judge
from neuralc.backends.exact.sites import Site, declines, sites

__all__ = ["Executor", "Site", "declines", "judge", "sites", "source"]
