"""A solver whose package is not installed."""

from __future__ import annotations

from neuralc.backends.base import Outcome, Problem, Report
from neuralc.errors import MissingExtra


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    raise MissingExtra("z3", "smt", "the solver smt")
