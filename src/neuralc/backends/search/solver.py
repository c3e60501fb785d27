"""The solver "search": systematic search and annealing by turns, until one of them is done.

What networks do is left to `likelihood.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from neuralc.backends.base.problem import Candidate, Outcome, Problem, Report
from neuralc.backends.exact import Executor, sites
from neuralc.backends.exact import declines as no_exact_execution
from neuralc.backends.search import likelihood
from neuralc.backends.search.annealing import Annealing
from neuralc.backends.search.enumerate import Enumeration
from neuralc.backends.search.machine import Machine
from neuralc.backends.search.space import Array, Space
from neuralc.ir.space import log10_size

PLAIN = 3_000  # runs of plain Python before anything is compiled
FIRST, GROWTH = 1 << 22, 2  # runs of the first systematic turn; then more and more
ROUNDS = 2  # of annealing between two of them
SMALL = 8.0  # 10 ** 8 programs: the systematic search goes first
FEW = 200  # examples that are checked without compilation


def declines(problem: Problem) -> list[str]:
    """Return why this solver cannot be asked: an empty list, if it can."""
    if sites(problem.program):
        return likelihood.declines(problem)
    return no_exact_execution(problem.program)


def solve(problem: Problem, report: Report, *, jit: bool = True) -> Outcome:
    """Look for choices with which all examples come out right.

    Args:
        problem: `declines(problem)` must be empty.
        report: called with remarks and with each better candidate.
        jit: False: nothing is compiled, for tests.

    Returns:
        "found" with a candidate that the exact execution has confirmed on all examples;
        "impossible" when the systematic search has come to its end without one; "unknown" when the
        deadline has passed. With the same seed and number of threads the same, but for deadlines.

    """
    if sites(problem.program):
        return likelihood.solve_likelihood(problem, report)
    return _Solver(problem, report, jit).solve()


class _Solver:
    def __init__(self, problem: Problem, report: Report, jit: bool) -> None:
        self.problem, self.report, self.jit = problem, report, jit
        self.space = Space(problem.program)
        # compilation takes longer than a few runs
        self.checker = Executor(problem.program, jit=jit and problem.examples.count > FEW)
        self.best: Candidate | None = None

    def solve(self) -> Outcome:
        if not self.problem.examples.count:
            self._look(self.space.start)
            return Outcome("found", self.best, note="there is no example")
        quick = Enumeration(Machine(self.problem, jit=False))
        done = self._turn(quick.search(), PLAIN if self.jit else None)
        self._look(quick.best)
        if done or not self.problem.left():
            return self._outcome(quick, done)
        return self._by_turns()

    def _by_turns(self) -> Outcome:
        """Give both searches turns that take about equally long, longer and longer ones."""
        machine = Machine(self.problem)
        systematic = Enumeration(machine)
        random = Annealing(self.problem, self.space)
        search, annealing, runs = systematic.search(), random.search(), FIRST
        first = len(machine.stages) > 1 or log10_size(self.problem.program) <= SMALL
        while self.problem.left():
            if first and self._turn(search, runs):
                return self._outcome(systematic, True, random.note)
            first = True
            self._look(systematic.best)
            self.report(systematic.note, None)
            for _ in range(ROUNDS):
                next(annealing, None)
                self._look(random.best)
                self.report(random.note, None)
                if random.done:
                    return self._outcome(systematic, False, random.note)
            runs *= GROWTH
        return self._outcome(systematic, False, random.note)

    def _turn(self, search: Iterator[int], most: int | None) -> bool:
        """Let a search work; tell whether it has come to its end."""
        spent = 0
        for work in search:
            spent += work
            if (most is not None and spent >= most) or not self.problem.left():
                return False
        return True

    def _look(self, row: Array | None) -> None:
        """Run a candidate exactly, and report it if it is better than all before."""
        if row is None:
            return
        params = self.space.params(self.space.filled(row, self.problem.chances)[None])
        right = int(self.checker.score(params, self.problem.examples).sum())
        if self.best is None or right > self.best.right:
            self.best = Candidate({name: array[0] for name, array in params.items()}, right)
            count = self.problem.examples.count
            self.report(f"{right} of {count} examples right", self.best)

    def _outcome(self, systematic: Enumeration, done: bool, more: str = "") -> Outcome:
        self._look(systematic.answer)
        note = ", ".join(filter(None, [systematic.note, more]))
        if self.best is not None and self.best.right == self.problem.examples.count:
            return Outcome("found", self.best, note=note)
        assert systematic.answer is None, "the two executions of the program disagree"
        if done:
            whole = tuple(range(self.problem.examples.count))  # which of them, it cannot tell
            return Outcome("impossible", self.best, whole, f"all programs were tried: {note}")
        return Outcome("unknown", self.best, note=note)
