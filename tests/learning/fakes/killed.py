"""A solver whose process the system ends, as it does where memory is short."""

from __future__ import annotations

import os
import signal

from neuralc.backends.base import Outcome, Problem, Report


def declines(problem: Problem) -> list[str]:
    return []


def solve(problem: Problem, report: Report) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")
