"""A solver that declines everything."""

from __future__ import annotations

from neuralc.backends.base import Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return ["it is Sunday", "it is late"]


def solve(problem: Problem, report: Report) -> Outcome:
    raise AssertionError("it has declined")
