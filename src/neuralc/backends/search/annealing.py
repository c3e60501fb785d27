"""Simulated annealing with restarts, a chain on each thread.

Chains are short at first, then longer. They look at a part of the examples where there are many;
what is right on that part is run on all, and examples that come out wrong join it. The cost is the
number of observed values that come out wrong, so half a solution is worth something.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.base.problem import Problem
from neuralc.backends.exact import Executor, judge
from neuralc.backends.search.chain import compiled
from neuralc.backends.search.space import Array, Space

HOT, COLD = 2.0, 0.3  # temperatures, in wrong values; chosen on the tasks of TerpreT
SHORT, LENGTHS = 100_000, 6  # proposals of the first chain; how often the length doubles
EXAMPLES = 48  # that chains look at in the beginning
MORE = 8  # that join them at a time
LOOK = 0.2  # seconds between two looks at the clock


class Annealing:
    """A search that can be stopped at every yield.

    Attributes:
        best: the choices int64 [choices] that are right on the most examples so far.
        right: on how many.
        tried: how many programs were proposed.
        done: whether `best` is right on all examples.

    """

    def __init__(self, problem: Problem, space: Space) -> None:
        """Start with nothing."""
        self.problem, self.space = problem, space
        self.moves = Moves.of(problem, space)
        self.judge = judge(problem.program, problem.examples, threads=problem.threads)
        self.executor = Executor(problem.program, threads=problem.threads)
        self.chain: Any = None
        self.looked_at = np.arange(min(EXAMPLES, problem.examples.count))
        self.best: Array | None = None
        self.right = -1
        self.tried = self.rounds = 0

    @property
    def done(self) -> bool:
        """Whether a program is right on all examples."""
        return self.right == self.problem.examples.count

    @property
    def note(self) -> str:
        """What was done so far, in a few words."""
        return f"{self.tried:,} programs annealed in {self.rounds} rounds"

    def search(self) -> Iterator[int]:
        """Yield the number of proposals of each round; ends when a program is right."""
        with ThreadPoolExecutor(self.problem.threads) as pool:
            while not self.done and self.problem.left():
                before = self.tried
                self._round(pool)
                yield self.tried - before

    def _round(self, pool: ThreadPoolExecutor) -> None:
        """Run one chain on every thread; the first that is right ends the others."""
        stop = np.zeros(1, np.int64)
        length = SHORT << self.rounds % LENGTHS
        chains = [
            self._start(pool, length, [self.problem.seed, self.rounds, thread], stop)
            for thread in range(self.problem.threads)
        ]
        self.rounds += 1
        settled: set[int] = set()
        try:
            while len(settled) < len(chains):
                wait([f for k, (f, _) in enumerate(chains) if k not in settled], LOOK)
                for k, (future, flat) in enumerate(chains):
                    if future.done() and k not in settled:
                        settled.add(k)
                        self.tried += future.result()[1]
                        self._settle(flat)
                if self.done or not self.problem.left():
                    stop[0] = 1
        finally:
            stop[0] = 1

    def _start(
        self, pool: ThreadPoolExecutor, length: int, seed: list[int], stop: Array
    ) -> tuple[Future[tuple[int, int]], Array]:
        """Begin a chain at random choices; its best ones are in the array when it is done."""
        space, moves = self.space, self.moves
        examples = self.problem.examples.take(self.looked_at)
        rng = np.random.default_rng(seed)
        flat = np.maximum(space.start, 0).astype(moves.dtype)
        flat[moves.where] = rng.integers(0, moves.sizes)
        kernel, arrays, places = self.executor.single(space.params(flat[None]), examples)
        if self.chain is None:
            self.chain = compiled(kernel)
        ends = [*space.offsets.values(), space.count]
        for k, name in enumerate(space.offsets):
            arrays[places[name]] = flat[ends[k] : ends[k + 1]]
        best = flat.copy()
        future = pool.submit(
            self.chain, rng, length, HOT, COLD, stop, flat, moves.where, moves.sizes, moves.line,
            moves.members, moves.counts, moves.ladder, examples.count, np.arange(examples.count),
            best, tuple(arrays),
        )  # fmt: skip
        return future, best

    def _settle(self, flat: Array) -> None:
        """Run what a chain has found on all examples."""
        row = flat.astype(np.int64)
        params = self.space.params(row[None])
        right = self.judge({name: value[0] for name, value in params.items()})
        if int(right.sum()) > self.right:
            self.best, self.right = row, int(right.sum())
        if right[self.looked_at].all() and not right.all():
            wrong = np.flatnonzero(~right)[:MORE]
            self.looked_at = np.concatenate([self.looked_at, wrong])


@dataclass(frozen=True, eq=False)
class Moves:
    """How a chain moves among the open choices, as arrays; see `chain.compiled`.

    Choices with the same first index are one line of the program and often change together.
    """

    dtype: np.dtype[Any]
    where: Array
    sizes: Array
    line: Array
    members: Array
    counts: Array
    ladder: Array

    @staticmethod
    def of(problem: Problem, space: Space) -> Moves:
        """Lay the open choices out; those with one value only are left as they are."""
        where = np.array([k for k in space.open if space.sizes[k] > 1], np.int64)
        line = _lines(space)[where]
        line = np.unique(line, return_inverse=True)[1].astype(np.int64)
        counts = np.bincount(line) if len(line) else np.zeros(0, np.int64)
        members = np.zeros((len(counts), int(counts.max(initial=0))), np.int64)
        for number, count in enumerate(counts):
            members[number, :count] = np.flatnonzero(line == number)
        sizes = space.sizes[where]
        largest = int(space.sizes.max(initial=1))
        return Moves(
            np.min_scalar_type(largest - 1), where, sizes, line, members, counts,
            _ladder(problem, space, where),
        )  # fmt: skip


def _lines(space: Space) -> Array:
    """Return the line of every choice: its first index; a single choice is a line of its own."""
    parts = [np.zeros(0, np.int64)]
    for number, decl in enumerate(space.decls):
        first = np.indices(decl.shape)[0].ravel() if decl.shape else np.array([-1 - number])
        parts.append(first)
    return np.concatenate(parts)


def _ladder(problem: Problem, space: Space, where: Array) -> Array:
    """Return the summed probabilities of each choice [choices, most], or [choices, 0]."""
    if not problem.chances:
        return np.zeros((len(where), 0))
    ladder = np.ones((len(where), int(space.sizes.max(initial=1))))
    for row, choice in enumerate(where):
        sums = np.cumsum(space.chance(int(choice), problem.chances))
        ladder[row, : len(sums) - 1] = np.minimum(1.0, sums[:-1])
    return ladder
