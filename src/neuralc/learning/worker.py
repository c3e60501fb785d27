"""The process of one solver: `python -m neuralc.learning.worker`, started by `children.py`.

It reads one question from stdin, asks the solver, and writes remarks, candidates and the answer to
what was stdout when it began. Imports nothing heavy: a solver brings what it needs.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from importlib import import_module
from typing import BinaryIO

from neuralc.backends.base import Candidate
from neuralc.errors import Declined, MissingExtra, NeuralcError
from neuralc.learning import frames
from neuralc.learning.questions import answer, problem_of

PAUSE = 0.2  # seconds between remarks that bring no better candidate
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


class Reporter:
    """What a solver calls now and then: sends remarks, not too many, and better candidates."""

    def __init__(self, sink: BinaryIO) -> None:
        self.sink, self.lock = sink, threading.Lock()
        self.right, self.last = -1, 0.0

    def __call__(self, remark: str, candidate: Candidate | None) -> None:
        """Send a remark, and a candidate if it is better than those before."""
        with self.lock:  # a solver may have threads
            better = candidate is not None and candidate.right > self.right
            now = time.monotonic()
            if not better and now - self.last < PAUSE:
                return
            self.last = now
            if candidate is not None and better:
                self.right = candidate.right
            kept = candidate if better else None
            self.send(answer({"kind": "remark", "note": remark}, kept))

    def send(self, frame: frames.Frame) -> None:
        """Write a message; without a reader there is no reason to go on."""
        try:
            frames.write(self.sink, *frame)
        except OSError:
            os._exit(1)


def main() -> None:
    """Answer one question."""
    source, sink = os.dup(0), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries may print: not into the messages
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    _end_with_parent()
    with os.fdopen(os.dup(source), "rb") as opened:
        frame = frames.read(opened)
    if frame is None:
        return
    threading.Thread(target=_watch, args=(source,), daemon=True).start()
    reporter = Reporter(sink)
    last = _answered(frame, reporter)
    with reporter.lock:
        reporter.send(last)
    os._exit(0)  # not waiting for threads that the solver may have left behind


def _end_with_parent() -> None:
    """Let the system end this process with its parent, and sooner than that where memory ends.

    Only Linux knows how. Elsewhere `_watch` does it, if the solver lets other threads run.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write("500")
    except OSError:
        pass  # not allowed here: then the system chooses whom it likes


def _watch(source: int) -> None:
    """End this process when nobody holds the other end of stdin."""
    while os.read(source, 1):
        pass
    os._exit(1)


def _answered(frame: frames.Frame, reporter: Reporter) -> frames.Frame:
    """Return the last message: the outcome, or why there is none."""
    try:
        solver = import_module(frame[0]["module"])
        outcome = solver.solve(problem_of(frame), reporter, **frame[0]["options"])
    except MissingExtra as error:
        parts = [error.package, error.extra, error.purpose]
        return {"kind": "missing", "note": "not installed", "parts": parts}, {}
    except Declined as error:
        return {"kind": "declined", "note": "; ".join(error.reasons)}, {}
    except NeuralcError as error:
        return {"kind": "refused", "note": str(error)}, {}
    except MemoryError:
        return {"kind": "failed", "note": "out of memory"}, {}
    except Exception as error:  # noqa: BLE001  (a defect of one solver does not end the others)
        traceback.print_exc()
        lines = str(error).splitlines() or [""]
        return {"kind": "failed", "note": f"{type(error).__name__}: {lines[0]}"}, {}
    message = {
        "kind": "outcome", "status": outcome.status, "note": outcome.note,
        "core": [int(k) for k in outcome.core],
    }  # fmt: skip
    return answer(message, outcome.best, outcome.arrays)


if __name__ == "__main__":
    main()
