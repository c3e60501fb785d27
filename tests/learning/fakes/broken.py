"""A solver with a defect: it raises what it should not."""

from __future__ import annotations

from neuralc.backends.base import Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    raise IndexError("there is no seventh gate\nand more")
