"""Claims that a program is right on everything, which it is not."""

from __future__ import annotations

import numpy as np

from neuralc.backends.base import Candidate, Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    choices = {d.name: np.zeros(d.shape, np.int64) for d in problem.program.of("param")}
    return Outcome("found", Candidate(choices, problem.examples.count))
