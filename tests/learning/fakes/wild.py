"""Gives choices that are out of range."""

from __future__ import annotations

import numpy as np

from neuralc.backends.base import Candidate, Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    choices = {d.name: np.full(d.shape, 99) for d in problem.program.of("param")}
    return Outcome("found", Candidate(choices, problem.examples.count))
