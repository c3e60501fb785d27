"""A solver whose library ends the process, with words on stderr."""

from __future__ import annotations

import os

from neuralc.backends.base import Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    os.write(2, b"first\nthe library is out of luck\n")
    os._exit(7)
