"""Other programs that fit the same examples, each with an input that tells it apart.

Where examples leave open what was meant, the user decides by looking at such an input. Asks the
solver "sat", because it can also prove that there is no other program.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.base import Problem
from neuralc.backends.base.symbolic import declines
from neuralc.errors import Declined
from neuralc.ir.examples import Examples
from neuralc.ir.space import open_choices
from neuralc.learning.decided import decided
from neuralc.learning.questions import inputs_of
from neuralc.learning.race import Entrant, Race, ask
from neuralc.learning.solution import Solution

Array = np.ndarray[Any, Any]
MODULE = "neuralc.backends.sat.distinct"
TIMEOUT = 600.0  # seconds, if nobody says otherwise


@dataclass(frozen=True, eq=False)
class Program:
    """One of several programs for the same examples.

    Attributes:
        solution: the program.
        size: how many of its choices matter on the examples.
        inputs: an input [*shape] by name on which it differs from the first one; the first one has
            none.
        first, this: outputs [*shape] by name of the first one and of this one on that input.

    """

    solution: Solution
    size: int
    inputs: dict[str, Array]
    first: dict[str, Array]
    this: dict[str, Array]


@dataclass(frozen=True, eq=False)
class Programs:
    """Programs that differ in behaviour, the smallest first; `complete`: it is proved that they
    are all there are.
    """

    programs: tuple[Program, ...]
    complete: bool


def alternatives(
    solution: Solution, train: Examples, count: int, *, timeout: float | None = None,
    threads: int = 1, tell: Callable[[str], None] = lambda words: None,
) -> Programs:  # fmt: skip
    """Look for programs that fit the examples too and behave differently on some input.

    Args:
        solution: one program that is right on all examples.
        train: the examples.
        count: how many programs are wanted, this one included.
        timeout: seconds for all of them; None: 600.
        threads: that a solver may use.
        tell: called with what was reached, in words.

    Returns:
        Up to `count` programs in the order of their size: the number of choices that matter on the
        examples. No two of them have the same outputs for all inputs of the bounded domain.

    Raises:
        Declined: the model has networks or real-valued inputs.
        MissingExtra: python-sat is not installed.

    """
    reasons = declines(solution.model.program)
    if reasons:
        raise Declined("the search for other programs", reasons)
    deadline = time.monotonic() + (TIMEOUT if timeout is None else timeout)
    problem = Problem(solution.model.program, train, solution.report.seed, threads, deadline)
    found, complete = [solution], False
    inputs: dict[tuple[int, int], dict[str, Array]] = {}
    while len(found) < count and problem.left():
        race = _further(problem, found)
        complete = race.status == "impossible"
        if race.status != "found" or race.best is None:
            break
        report = dataclasses.replace(
            solution.report, solver="sat", seconds=time.monotonic() - race.began, note="", others=()
        )
        for k in range(len(found)):
            inputs[k, len(found)] = inputs_of(problem.program, race.last or ({}, {}), k)
        found.append(decided(solution.model, None, race.best.choices, train, report))
        tell(f"{len(found)} programs found")
    return Programs(_ordered(found, inputs), complete)


def _ordered(
    found: Sequence[Solution], inputs: Mapping[tuple[int, int], dict[str, Array]]
) -> tuple[Program, ...]:
    """Return the programs, the smallest first, each with what tells it apart from that one."""
    order = sorted(range(len(found)), key=lambda k: (_size(found[k]), k))
    first = order[0]
    programs = [Program(found[first], _size(found[first]), {}, {}, {})]
    for k in order[1:]:
        given = inputs[min(first, k), max(first, k)]
        rows = {name: value[None] for name, value in given.items()}
        one, other = (
            {name: value[0] for name, value in found[i](rows).items()} for i in (first, k)
        )
        programs.append(Program(found[k], _size(found[k]), given, one, other))
    return tuple(programs)


def _size(solution: Solution) -> int:
    """Return how many open choices of a program matter."""
    choices = open_choices(solution.model.program)
    return sum((name, index) not in solution.dead for name, index, _ in choices)


def _further(problem: Problem, found: Sequence[Solution]) -> Race:
    """Ask for one more program that differs from those found."""
    known = [
        {name: value.tolist() for name, value in solution.choices.items()} for solution in found
    ]
    race = ask(problem, Entrant("sat", MODULE, options={"known": known}))
    for error in race.errors.values():
        raise error
    return race
