"""Reports one poor program and never comes to an end; leaves its number in a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from neuralc.backends.base import Candidate, Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    choices = {d.name: np.zeros(d.shape, np.int64) for d in problem.program.of("param")}
    report("one program tried", Candidate(choices, 1))
    if "NUMBERS" in os.environ:
        (Path(os.environ["NUMBERS"]) / str(os.getpid())).touch()
    time.sleep(600)
    return Outcome("unknown")
