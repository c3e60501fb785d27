"""Simulated annealing with restarts, a chain on each thread.

Chains are short at first and then longer. They look at a part of the examples where there are
many; what is right on that part is run on all, and the examples that come out wrong join it. The
cost is the number of observed values that come out wrong, so half a solution is worth something.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from neuralc.backends.base.problem import Candidate, Outcome, Problem, Report
from neuralc.backends.exact import Executor
from neuralc.backends.search.chain import compiled
from neuralc.ir.nodes import Int, Program
from neuralc.ir.space import open_choices

Array = np.ndarray[Any, Any]
HOT, COLD = 2.0, 0.3  # temperatures, in wrong values; measured on the tasks of TerpreT
SHORT, LENGTHS = 100_000, 6  # proposals of the first chain; how often the length is doubled
EXAMPLES = 48  # that a chain looks at in the beginning
MORE = 8  # that join them at a time
LOOK = 0.2  # seconds between two looks at the clock


def anneal(problem: Problem, report: Report, *, rounds: int | None = None) -> Outcome:
    """Look for choices that are right on all examples.

    Args:
        problem: what to find; `chances` are used for half of the proposals.
        report: told of better candidates.
        rounds: how often every thread begins a chain; None: until the deadline.

    Returns:
        "found" or "unknown". With one thread the result is a function of the seed.

    """
    search = _Search(problem, report)
    if not len(search.space.where):
        return search.alone()
    with ThreadPoolExecutor(problem.threads) as pool:
        count = 0
        while (rounds is None or count < rounds) and problem.left() > 0:
            if search.round(pool, count):
                break
            count += 1
    return search.outcome()


class _Search:
    """All that the rounds share: the compiled chain, the examples looked at, the best so far."""

    def __init__(self, problem: Problem, report: Report) -> None:
        self.problem, self.report = problem, report
        self.space = Space.of(problem)
        self.executor = Executor(problem.program, threads=problem.threads)
        self.chain: Any = None
        self.looked_at = np.arange(min(EXAMPLES, problem.examples.count))
        self.best: Candidate | None = None
        self.tried = self.chains = 0

    def round(self, pool: ThreadPoolExecutor, count: int) -> bool:
        """Run one chain on every thread; tell whether choices were found."""
        stop = np.zeros(1, np.int64)
        length = SHORT << count % LENGTHS
        chains = [
            self.start(pool, length, [self.problem.seed, count, thread], stop)
            for thread in range(self.problem.threads)
        ]
        try:
            while not all(future.done() for future, _ in chains):
                wait([future for future, _ in chains], LOOK)
                done = [flat for future, flat in chains if future.done()]
                if self.problem.left() <= 0 or any(map(self.settle, done)):
                    stop[0] = 1
        finally:
            stop[0] = 1
        for future, flat in chains:
            self.tried += future.result()[1]
            self.chains += 1
            self.settle(flat)
        return self.best is not None and self.best.right == self.problem.examples.count

    def start(
        self, pool: ThreadPoolExecutor, length: int, seed: list[int], stop: Array
    ) -> tuple[Future[tuple[int, int]], Array]:
        """Begin a chain at random choices; its best choices are in the array, once it is done."""
        space, examples = self.space, self.problem.examples.take(self.looked_at)
        rng = np.random.default_rng(seed)
        flat = space.start.copy()
        flat[space.where] = rng.integers(0, space.sizes)
        kernel, arrays, places = self.executor.single(space.choices(flat, lead=True), examples)
        if self.chain is None:
            self.chain = compiled(kernel)
        for name, part in space.parts.items():
            arrays[places[name]] = flat[part]
        best = flat.copy()
        future = pool.submit(
            self.chain, rng, length, HOT, COLD, stop, flat, space.where,
            space.sizes, space.line, space.members, space.counts, space.ladder, examples.count,
            np.arange(examples.count), best, tuple(arrays),
        )  # fmt: skip
        return future, best

    def settle(self, flat: Array) -> bool:
        """Run what a chain has found on all examples; tell whether it is right on all."""
        problem, choices = self.problem, self.space.choices(flat)
        batch = {name: value[None] for name, value in choices.items()}
        right = self.executor.score(batch, problem.examples)[0]
        found = Candidate(choices, int(right.sum()))
        if self.best is None or found.right > self.best.right:
            self.best = found
            self.report(self.note(), found)
        if right[self.looked_at].all() and not right.all():
            more = np.flatnonzero(~right)[:MORE]
            self.looked_at = np.concatenate([self.looked_at, more])
        return bool(right.all())

    def alone(self) -> Outcome:
        """Return the outcome where nothing is left open."""
        self.settle(self.space.start)
        return self.outcome()

    def note(self) -> str:
        return f"annealing: {self.tried / 1e6:.1f} M programs tried in {self.chains} chains"

    def outcome(self) -> Outcome:
        best = self.best
        done = best is not None and best.right == self.problem.examples.count
        return Outcome("found" if done else "unknown", best, (), self.note())


@dataclass(frozen=True, eq=False)
class Space:
    """The choices of a program as one flat array, and how a chain moves in it; see `compiled`."""

    program: Program
    start: Array
    parts: dict[str, slice]
    where: Array
    sizes: Array
    line: Array
    members: Array
    counts: Array
    ladder: Array

    @staticmethod
    def of(problem: Problem) -> Space:
        """Lay the choices of a problem out; those with the same first index are one line."""
        program = problem.program
        parts: dict[str, slice] = {}
        end = largest = 0
        for decl in program.of("param"):
            assert isinstance(decl.type, Int)
            parts[decl.name] = slice(end, end := end + prod(decl.shape))
            largest = max(largest, decl.type.size)
        start = np.zeros(end, np.min_scalar_type(max(0, largest - 1)))
        for fixed in program.fixed:
            start[_place(program, parts, fixed.name, fixed.index)] = fixed.value
        choices = [c for c in open_choices(program) if c[2] > 1]
        where = np.array([_place(program, parts, n, i) for n, i, _ in choices], np.int64)
        sizes = np.array([size for _, _, size in choices], np.int64)
        heads = [index[:1] or name for name, index, _ in choices]
        lines = {head: number for number, head in enumerate(dict.fromkeys(heads))}
        line = np.array([lines[head] for head in heads], np.int64)
        counts = np.bincount(line, minlength=len(lines)) if len(line) else np.zeros(0, np.int64)
        members = np.zeros((len(lines), int(counts.max(initial=0))), np.int64)
        for number in lines.values():
            members[number, : counts[number]] = np.flatnonzero(line == number)
        ladder = _ladder(problem, choices)
        return Space(program, start, parts, where, sizes, line, members, counts, ladder)

    def choices(self, flat: Array, *, lead: bool = False) -> dict[str, Array]:
        """Return the choices by name, [*shape]; with `lead` [1, *shape]."""
        front = (1,) if lead else ()
        return {
            decl.name: flat[self.parts[decl.name]].astype(np.int64).reshape(*front, *decl.shape)
            for decl in self.program.of("param")
        }


def _place(program: Program, parts: dict[str, slice], name: str, index: tuple[int, ...]) -> int:
    shape = program.decl[name].shape
    inside = int(np.ravel_multi_index(index, shape)) if shape else 0
    return int(parts[name].start) + inside


def _ladder(problem: Problem, choices: list[tuple[str, tuple[int, ...], int]]) -> Array:
    """Return the summed probabilities of each choice, [choices, most values], 1 at the end."""
    if not problem.chances:
        return np.zeros((len(choices), 0))
    most = max((size for _, _, size in choices), default=1)
    ladder = np.ones((len(choices), most))
    for row, (name, index, size) in enumerate(choices):
        chances = np.asarray(problem.chances[name][index], np.float64)[:size]
        ladder[row, : size - 1] = np.minimum(1.0, np.cumsum(chances / chances.sum())[:-1])
    return ladder
