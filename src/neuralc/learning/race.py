"""Several solvers, each in a process, asked one question: the first exact program ends them all.

Keeps the best program, checks every one by exact execution and trusts none, and ends what does not
end in time. Which solvers, in which order and for how long is decided in `portfolio.py`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any, Literal

import numpy as np

from neuralc.backends.base import Candidate, Problem
from neuralc.backends.exact import Executor, sites
from neuralc.errors import (
    DataError,
    Declined,
    MissingExtra,
    NeuralcError,
    SolverFailed,
)
from neuralc.learning.children import Child
from neuralc.learning.frames import Frame
from neuralc.learning.interrupts import held_back
from neuralc.learning.questions import chances_of, choices_of
from neuralc.learning.reached import Reached

Array = np.ndarray[Any, Any]
Tell = Callable[[str], None]
Progress = Callable[[int, int, str], None]
WORK_WORTH_COMPILING = 300  # examples
TICK = 1.0  # seconds between reports of progress


@dataclass(frozen=True)
class Entrant:
    """A solver that takes part: its module, its share of the time, and options of its own."""

    name: str
    module: str
    share: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


def ask(problem: Problem, entrant: Entrant) -> Race:
    """Ask one solver, without a word of how it goes; return the race that has ended."""
    race = Race(problem, [entrant], lambda done, total, remark: None, lambda words: None)
    race.run()
    return race


class Checker:
    """Counts the examples that choices get right, by exact execution."""

    def __init__(self, problem: Problem) -> None:
        """Prepare; raises Declined where a program has no exact execution."""
        program = problem.program
        self.program, self.examples = program, problem.examples
        jit = problem.examples.count > WORK_WORTH_COMPILING
        self.executor = Executor(program, jit=jit, threads=1)
        places = sites(program)
        self.tables = {
            site: array.argmax(-1)[None]
            for site, array in zip(places, problem.networks, strict=False)
        }

    def candidate(self, choices: Mapping[str, Array]) -> Candidate:
        """Return choices, with fixed ones put in, and how many examples they get right.

        Raises:
            DataError: a choice is out of range.

        """
        whole = {name: np.array(array) for name, array in choices.items()}
        for fixed in self.program.fixed:
            whole[fixed.name][fixed.index] = fixed.value
        batch = {name: array[None] for name, array in whole.items()}
        right = self.executor.score(batch, self.examples, self.tables)
        return Candidate(whole, int(right.sum()))

    def first(self) -> Candidate:
        """Return the program whose choices are all 0, where nothing better is known."""
        params = self.program.of("param")
        return self.candidate({decl.name: np.zeros(decl.shape, np.int64) for decl in params})


class Race:
    """Solvers side by side, at most `problem.threads` at once.

    Attributes:
        status: "found", "impossible" or "unknown".
        best: the best candidate so far, checked.
        leader: who found it, or proved that there is none; "": nobody yet.
        core: with "impossible", see `Outcome`.
        rows: what each solver has reached, by name.
        errors: why a solver ended without an answer, by name.
        last: the last outcome that a solver gave.

    """

    def __init__(
        self, problem: Problem, entrants: Sequence[Entrant], progress: Progress, tell: Tell, *,
        goal: int | None = None,
    ) -> None:  # fmt: skip
        """Prepare.

        Args:
            problem: the question; its threads and its time are shared out.
            entrants: the solvers, the most promising first.
            progress: called with examples right, examples in all, and a remark.
            tell: called with what happens, for whoever wants to know.
            goal: so many examples right count as found; None: all.

        """
        count = problem.examples.count
        self.goal = count if goal is None else goal
        self.problem, self.progress, self.tell = problem, progress, tell
        self.waiting = list(entrants)
        self.slots = max(1, min(problem.threads, len(entrants)))
        self.checker = Checker(problem)
        self.status: Literal["found", "impossible", "unknown"] = "unknown"
        self.best: Candidate | None = None
        self.leader = ""
        self.core: tuple[int, ...] = ()
        self.rows: dict[str, Reached] = {}
        self.errors: dict[str, NeuralcError] = {}
        self.chances = dict(problem.chances)
        self.last: Frame | None = None
        self.running: dict[str, Child] = {}
        self.inbox: Queue[tuple[Child, Frame | None]] = Queue()
        self.began = time.monotonic()

    def run(self) -> None:
        """Let them run until one has the answer, all have ended, or the time is over.

        Raises:
            KeyboardInterrupt: all processes have ended then, too.

        """
        try:
            while self.status == "unknown" and (self.running or self.waiting):
                if not self.problem.left():
                    break
                self._start()
                self._listen()
                self._expire()
        finally:
            with held_back():  # also a second Ctrl-C ends none too few
                for name in list(self.running):
                    self._end(name, "unknown")
        for entrant in self.waiting:
            self.rows[entrant.name] = Reached(entrant.name, "skipped", 0, 0.0, "not needed")

    # ---- who runs

    def _start(self) -> None:
        """Fill the free slots."""
        while self.waiting and len(self.running) < self.slots:
            entrant, free = self.waiting[0], self.slots - len(self.running)
            threads = self.problem.threads // self.slots
            problem = dataclasses.replace(
                self.problem, threads=max(1, threads), deadline=self._slice(free),
                chances=self.chances,
            )  # fmt: skip
            left = "" if problem.deadline is None else f" for up to {problem.left():.0f} s"
            self.tell(f"{entrant.name}: started{left}")
            with held_back():  # a process that is started is one that will be ended
                self.waiting.pop(0)
                self.running[entrant.name] = Child(
                    entrant.name, entrant.module, problem, entrant.options, self.inbox
                )
                self.rows[entrant.name] = Reached(entrant.name, "unknown", 0, 0.0, "")

    def _slice(self, free: int) -> float | None:
        """Return when the next solver is to end: the time is shared with those still waiting."""
        if self.problem.deadline is None:
            return None
        shares = sum(entrant.share for entrant in self.waiting)
        part = min(1.0, self.slots * self.waiting[0].share / shares)
        if len(self.waiting) <= free:
            return self.problem.deadline
        return time.monotonic() + self.problem.left() * part

    def _expire(self) -> None:
        now = time.monotonic()
        for name, child in list(self.running.items()):
            if child.deadline is not None and now >= child.deadline:
                self._end(name, "unknown")

    def _end(self, name: str, status: str, note: str = "") -> str:
        """End a process and complete its row; return what it died of."""
        child = self.running[name]
        with held_back():
            cause = child.end()
            del self.running[name]
        row = self.rows[name]
        self.rows[name] = row._replace(
            status=status, seconds=child.seconds(), note=note or row.note
        )
        return cause

    # ---- what they say

    def _listen(self) -> None:
        """Wait for a message and take in all that are there."""
        ends = [child.deadline for child in self.running.values() if child.deadline is not None]
        wait = max(0.0, min([TICK, *(end - time.monotonic() for end in ends)]))
        found: list[tuple[Child, Frame | None]] = []
        try:
            found.append(self.inbox.get(timeout=wait))
            while True:
                found.append(self.inbox.get_nowait())
        except Empty:
            pass
        latest = {
            child: k for k, (child, frame) in enumerate(found) if frame and frame[0].get("best")
        }
        for k, (child, frame) in enumerate(found):
            if self.running.get(child.name) is child and self.status == "unknown":
                self._take(child, frame, check=latest.get(child) == k)
        right, count = self.best.right if self.best else 0, self.problem.examples.count
        remark = ", ".join(self.running) or self.leader
        self.progress(right, count, f"{remark}: {right} of {count} right")

    def _take(self, child: Child, frame: Frame | None, *, check: bool) -> None:
        """Take one message in; without one the process has ended on its own."""
        if frame is None:
            cause = self._end(child.name, "failed")
            self._failed(child.name, cause)
            return
        message = frame[0]
        kind, note = str(message.get("kind")), str(message.get("note", ""))
        if kind not in ("remark", "outcome"):
            self._no_answer(child, kind, note, message)
            return
        right = None
        try:
            right = self._checked(child, frame) if check else None
            if kind == "outcome":
                self._outcome(child, frame, note)
            elif note:
                self.rows[child.name] = self.rows[child.name]._replace(note=note)
        except (ValueError, TypeError, KeyError, DataError) as error:
            self._end(child.name, "failed")
            self._failed(child.name, f"its answer cannot be used: {error}")
            return
        if right is not None and right >= self.goal:
            self.status = "found"
            if child.name in self.running:
                self._end(child.name, "found")
            self.rows[child.name] = self.rows[child.name]._replace(status="found")

    def _checked(self, child: Child, frame: Frame) -> int | None:
        """Count what the candidate of a message gets right, and keep the best."""
        choices = choices_of(self.problem.program, frame)
        if choices is None:
            return None
        candidate = self.checker.candidate(choices)
        row = self.rows[child.name]
        self.rows[child.name] = row._replace(right=max(row.right, candidate.right))
        if self.best is None or candidate.right > self.best.right:
            self.best, self.leader = candidate, child.name
            count = self.problem.examples.count
            self.tell(f"{child.name}: {candidate.right} of {count} right, {child.seconds():.1f} s")
        return candidate.right

    def _outcome(self, child: Child, frame: Frame, note: str) -> None:
        """Take the last word of a solver in."""
        message, name = frame[0], child.name
        status, core = message["status"], tuple(message["core"])
        count = self.problem.examples.count
        row = self.rows[name]
        if status not in ("found", "impossible", "unknown"):
            raise ValueError(f"a status {status!r}")
        if any(type(k) is not int or not 0 <= k < count for k in core):
            raise ValueError("it names examples that are not there")
        if status == "found" and row.right < self.goal:
            raise ValueError(f"its program is right on {row.right} of {count} examples only")
        if status == "impossible" and row.right == count:
            raise ValueError("it takes for impossible what has been found")
        self.chances |= chances_of(frame)
        self.last = frame
        self._end(name, status, note)
        remark = f"{name}: {status} after {self.rows[name].seconds:.1f} s"
        self.tell(f"{remark}, {note}" if note else remark)
        if status == "impossible":
            self.status, self.leader, self.core = "impossible", name, core

    def _no_answer(self, child: Child, kind: str, note: str, message: Mapping[str, Any]) -> None:
        """Take in why a solver gave none."""
        name = child.name
        if kind == "failed":
            self._end(name, "failed")
            self._failed(name, note)
            return
        self._end(name, "skipped", note)
        self.tell(f"{name} skipped: {note}")
        if kind == "missing":
            package, extra, purpose = map(str, message["parts"])
            self.errors[name] = MissingExtra(package, extra, purpose)
        elif kind == "declined":
            self.errors[name] = Declined(f"the solver {name}", note.split("; "))
        else:
            self.errors[name] = NeuralcError(note)

    def _failed(self, name: str, why: str) -> None:
        self.rows[name] = self.rows[name]._replace(status="failed", note=f"failed: {why}")
        self.errors[name] = SolverFailed(f"the solver {name} failed: {why}")
        self.tell(f"{name} failed: {why}")
