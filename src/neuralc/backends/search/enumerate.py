"""Systematic search through all choices of a program: it ends with an answer or a proof.

A run of several stages is searched stage by stage (`layers.py`), where their tables are not too
large; any other program depth-first, example by example, the one that looks at the fewest choices
first (`descend.py`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from neuralc.backends.search.descend import LEAF, PAUSED, Descent
from neuralc.backends.search.emit import DONE, NEED
from neuralc.backends.search.layers import Layers
from neuralc.backends.search.machine import Machine, cells
from neuralc.backends.search.space import OPEN, Array
from neuralc.backends.search.tables import TooLarge, tabulate

_PARTS = 32  # for each thread, that a depth-first search is cut into
_SMALLEST = 4  # choices that the first, smallest programs make
_SAMPLED = 32  # examples that are looked at for their order
Prefix = Mapping[int, int]


class Enumeration:
    """A search that can be stopped at every yield.

    Attributes:
        answer: choices int32 [choices] that are right on all examples, OPEN: any value; or None.
        best: the best choices that were met, the same way.
        tried: how many runs were made, or beginnings of programs looked at.

    """

    def __init__(self, machine: Machine, *, staged: bool = True) -> None:
        """Start with nothing; without `staged` the search is depth-first in any case."""
        self.machine, self.staged = machine, staged
        self.answer: Array | None = None
        self.best: Array | None = None
        self.tried = 0
        self.way = "not begun"
        self.until = machine.stages[-1].until
        self._reached = 0

    @property
    def note(self) -> str:
        """What was done so far, in a few words."""
        return f"{self.tried:,} {self.way}"

    def search(self) -> Iterator[int]:
        """Yield how much was tried since the last yield; the end without `answer` is a proof."""
        for amount in self._search():
            self.tried += amount
            yield amount

    def _search(self) -> Iterator[int]:
        if self.staged and len(self.machine.stages) > 1:
            try:
                yield from self._layers()
            except TooLarge:
                pass
            else:
                return
        yield from self._depth_first()

    def _layers(self) -> Iterator[int]:
        machine = self.machine
        count = len(machine.stages)
        self.way = f"runs, to tabulate {count} stages"
        for moves in tabulate(machine):
            if isinstance(moves, int):
                yield moves
                continue
            if not moves:
                return
            layers = Layers(
                moves, machine.problem.examples.count, jit=machine.jit,
                threads=machine.problem.threads,
            )  # fmt: skip
            for tried in layers.search():
                self.way = f"beginnings tried, {layers.states:,} states in {count} stages kept"
                yield tried
            if layers.answer is not None:
                row = machine.space.start.copy()
                for one, move in zip(moves, layers.answer, strict=True):
                    row[list(one.stage.choices)] = one.choices[move]
                self.answer = self.best = row

    # ---- depth first

    def _depth_first(self) -> Iterator[int]:
        """Search in order of size: programs first that make few choices, then larger ones."""
        machine, threads = self.machine, self.machine.problem.threads
        order = by_difficulty(machine)
        prefixes = split(machine, order, _PARTS * threads if threads > 1 else 1)
        limit, step, before = min(_SMALLEST, machine.space.count), 1, 0
        while True:
            self.way = f"runs, depth first, up to {limit} choices"
            parts = (
                Descent(machine, 0, self.until, order, prefix=prefix, limit=limit)
                for prefix in prefixes
            )
            cut, runs = yield from self._together(parts)
            if self.answer is not None or not cut:
                return
            if runs < 1.5 * before:  # the step was too small
                step *= 2
            limit, before = min(limit + step, machine.space.count), runs

    def _together(self, parts: Iterator[Descent]) -> Generator[int, None, tuple[bool, int]]:
        """Search parts, as many at a time as there are threads.

        They go on for equally many runs each, so that the same seed gives the same answer.

        Returns:
            Whether a part was cut off by its limit, and the number of runs.

        """
        threads, slice_ = self.machine.problem.threads, self.machine.slice
        cut, runs = False, 0
        active = list(islice(parts, threads))
        with ThreadPoolExecutor(threads) as pool:
            while active and self.answer is None:
                before = sum(part.runs for part in active)
                codes = list(pool.map(lambda part: part.advance(slice_), active))
                for part, code in zip(active, codes, strict=True):
                    cut = cut or part.cut
                    if part.reached > self._reached:
                        self._reached, self.best = part.reached, part.best.copy()
                    if code == LEAF and self.answer is None:
                        self.answer = part.choices.copy()
                made = sum(part.runs for part in active) - before
                runs += made
                yield made
                active = [p for p, code in zip(active, codes, strict=True) if code == PAUSED]
                active += islice(parts, threads - len(active))
        return cut, runs


def by_difficulty(machine: Machine) -> Array:
    """Return the examples, int64 [E]: those that look at few choices first.

    A wrong choice is then found out before many others have been made. Some examples are run with
    a few random programs each; those that are not come last.
    """
    count = machine.problem.examples.count
    rng = np.random.default_rng(machine.problem.seed)
    need, room = np.zeros(2, np.int64), cells(machine, 1)
    until = machine.stages[-1].until
    some = np.sort(rng.permutation(count)[:_SAMPLED])
    looks = np.full(count, np.iinfo(np.int64).max)
    looks[some] = 0
    for example in np.repeat(some, 4):
        choices, at = machine.space.start.copy(), 0
        while _run(machine, at, until, 0, int(example), choices, need, room) == NEED:
            looks[example] += 1
            choices[need[0]] = rng.integers(machine.space.sizes[need[0]])
            at = int(need[1])
    return np.argsort(looks, kind="stable")


def split(machine: Machine, order: Array, wanted: int) -> list[Prefix]:
    """Cut the space into parts, at least `wanted` of them unless it is small.

    Returns:
        Choices to begin with, the parts in the order of a depth-first search: of all choices they
        leave out only such as are wrong on some example.

    """
    values, starts = machine.space.orders(machine.problem.chances)
    parts: list[Prefix] = [{}]
    while 0 < len(parts) < wanted:
        found: list[Prefix] = []
        cut = False
        for part in parts:
            choice = _first_choice(machine, order, part)
            if choice is None:
                found.append(part)
            elif choice >= 0:
                cut = True
                own = values[starts[choice] : starts[choice + 1]]
                found += [{**part, choice: int(value)} for value in own]
        parts = found
        if not cut:
            break
    return parts


def _first_choice(machine: Machine, order: Array, part: Prefix) -> int | None:
    """Return the first choice looked at; None: there is none; OPEN: the part is wrong."""
    choices, need, room = machine.space.start.copy(), np.zeros(2, np.int64), cells(machine, 1)
    for choice, value in part.items():
        choices[choice] = value
    for example in order:
        code = _run(machine, 0, machine.stages[-1].until, 0, int(example), choices, need, room)
        if code != DONE:
            return int(need[0]) if code == NEED else OPEN
    return None


def _run(
    machine: Machine, at: int, until: int, row: int, example: int, choices: Array, need: Array,
    room: Array,
) -> int:  # fmt: skip
    return int(machine.run(
        at, until, row, example, choices, need, room, machine.given, machine.wanted, machine.tables
    ))  # fmt: skip
