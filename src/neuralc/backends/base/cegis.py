"""Counterexample-guided search: a constraint solver is shown only the examples that it needs.

The engine starts with a few examples; what it finds is run exactly on all of them, and the first
ones that come out wrong are added. Engines keep what they have learnt from round to round.

Source: Solar-Lezama et al., "Combinatorial sketching for finite programs" (2006), section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from neuralc.backends.base.problem import Candidate, Outcome, Problem, Report

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
Judge = Callable[[Choices], Array]
"""Runs one candidate exactly: bool [E], which examples come out right?"""
FIRST = 4  # examples that a solver is shown at once
MORE = 2  # that are added in a round


class Engine(Protocol):
    """A constraint solver that knows some of the examples: those in `shown`."""

    shown: list[int]

    def add(self, example: int) -> None:
        """Demand that one more example comes out right; it joins those that are shown."""

    def solve(self) -> Literal["sat", "unsat", "unknown"]:
        """Look for choices that satisfy all examples added so far."""

    def choices(self) -> dict[str, Array]:
        """Return the choices that the last `solve` found, [*shape] for each param."""

    def core(self) -> list[int]:
        """Return examples that contradict each other, after "unsat"."""


def smallest(
    examples: Sequence[int], conflict: Callable[[Sequence[int]], list[int] | None]
) -> list[int]:
    """Return some of the examples that still contradict each other; none can be left out.

    Args:
        examples: that contradict each other.
        conflict: returns those of some examples that contradict each other; None: they do not, or
            the time is up before that is known, and then more may be returned than is needed.

    """
    found = conflict(examples)
    kept = list(examples) if found is None else found
    for example in list(kept):
        if example in kept:
            smaller = conflict([other for other in kept if other != example])
            kept = kept if smaller is None else smaller
    return kept


def solve(problem: Problem, engine: Engine, judge: Judge, report: Report) -> Outcome:
    """Find choices for all examples; show the engine as few of them as needed."""
    count = problem.examples.count
    shown = engine.shown
    best: Candidate | None = None
    if not shown:
        for example in range(min(FIRST, count)):
            engine.add(example)
    rounds = 0
    while problem.left() > 0:
        rounds += 1
        answer = engine.solve()
        note = f"{rounds} rounds, {len(shown)} of {count} examples shown"
        if answer == "unsat":
            return Outcome("impossible", best, tuple(sorted(engine.core())), note)
        if answer == "unknown":
            return Outcome("unknown", best, (), note)
        choices = engine.choices()
        right = judge(choices)
        found = Candidate(choices, int(right.sum()))
        if best is None or found.right > best.right:
            best = found
            report(f"{note}, {best.right} right", best)
        if right.all():
            return Outcome("found", found, (), note)
        wrong = [int(k) for k in np.flatnonzero(~right)]
        assert not set(wrong) & set(shown), "a solver's program is wrong on an example it was shown"
        for example in wrong[:MORE]:
            engine.add(example)
    return Outcome("unknown", best, (), f"{rounds} rounds, out of time")
