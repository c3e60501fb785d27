"""A solver in a process of its own: started, listened to, ended.

A plain `subprocess` and not `multiprocessing`: scripts of users have no main guard, and nothing is
pickled. What the messages mean is for `race.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any, BinaryIO, cast

from neuralc.backends.base import Problem
from neuralc.learning import frames
from neuralc.learning.questions import question

Inbox = Queue[tuple["Child", frames.Frame | None]]
_WORKER = [sys.executable, "-P", "-m", "neuralc.learning.worker"]
# -P: the folder that we are in is no place for modules: files of strangers may lie there


class Child:
    """One process. All its messages go to the inbox; None there means that it has ended.

    Attributes:
        name: of the solver.
        began: when it was started, on the clock of `time.monotonic`.
        deadline: when it is to be ended, on the same clock; None: never.
        problem: what it was asked.

    """

    def __init__(
        self, name: str, module: str, problem: Problem, options: Mapping[str, Any], inbox: Inbox
    ) -> None:
        """Start the process and ask."""
        self.name, self.problem, self.deadline = name, problem, problem.deadline
        self.began = time.monotonic()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `end`)
        self.process = subprocess.Popen(  # noqa: S603  (this very interpreter, our own module)
            _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=_environment(problem.threads), start_new_session=True,
        )  # fmt: skip
        self.reader = Thread(target=self._listen, args=(inbox,), daemon=True)
        self.reader.start()
        try:
            frames.write(cast(BinaryIO, self.process.stdin), *question(module, problem, options))
        except OSError:
            pass  # it has died already, which the reader will tell

    def _listen(self, inbox: Inbox) -> None:
        try:
            while (frame := frames.read(cast(BinaryIO, self.process.stdout))) is not None:
                inbox.put((self, frame))
        except Exception as error:  # noqa: BLE001  (numpy, zipfile and json raise a dozen kinds)
            note = f"its message cannot be read: {type(error).__name__}"
            inbox.put((self, ({"kind": "failed", "note": note}, {})))
        inbox.put((self, None))

    def seconds(self) -> float:
        """Return for how long it has been running."""
        return time.monotonic() - self.began

    def end(self) -> str:
        """End the process with all that it has started; return what it died of, if it did so.

        Killed at once and not asked: it holds nothing that would have to be saved.
        """
        if os.name == "posix":
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # not yet waited for: still its number
            except (ProcessLookupError, PermissionError):
                pass  # it was gone
        self.process.kill()
        code = self.process.wait()
        self.reader.join(timeout=5)
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what was not yet written has nobody to read it
        cause = self._cause(code)
        self.errors.close()
        return cause

    def _cause(self, code: int) -> str:
        if code < 0:
            number = -code
            why = ", perhaps for want of memory" if number == signal.SIGKILL else ""
            return f"ended by signal {number}{why}"
        self.errors.seek(0)
        lines = self.errors.read()[-2000:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"ended with code {code}" + (f": {last}" if last else "")


def _environment(threads: int) -> dict[str, str]:
    """Return an environment in which the child finds the modules that we have found."""
    here = str(Path(__file__).parents[2])
    paths = [path for path in sys.path if path]
    if here not in paths:
        paths.append(here)
    number = str(threads)
    return {
        **os.environ, "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number,
    }  # fmt: skip
