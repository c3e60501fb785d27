"""The question that every solver is asked, and the answer that it gives.

A solver is a module with two functions: `declines(problem)` says why it cannot be asked at all,
`solve(problem, report)` looks for the open choices. A solver need not look at the clock more often
than it likes: whoever asked it may end its process at any time, and keeps what was reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
"""For every `param` an integer array of its shape; fixed elements hold their fixed values."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Find choices with which a program gives the wanted outputs on all examples.

    Attributes:
        program: a checked program.
        examples: what the program must do.
        seed: of every random choice.
        threads: that the solver may use.
        deadline: on the clock of `time.monotonic`; None: no limit.
        chances: probabilities of the values of choices, [*shape, size] by `param`, from the soft
            execution; a solver may draw its proposals from them.
        networks: for each site of `backends.exact` (in its order) the log-likelihoods of the
            classes, float [E, *arrays, classes], where the networks of the program are known.

    """

    program: Program
    examples: Examples
    seed: int = 0
    threads: int = 1
    deadline: float | None = None
    chances: Mapping[str, Array] = field(default_factory=dict)
    networks: tuple[Array, ...] = ()

    def left(self) -> float:
        """Return the seconds until the deadline; infinite without one, 0 when it has passed."""
        if self.deadline is None:
            return float("inf")
        return max(0.0, self.deadline - time.monotonic())


@dataclass(frozen=True, eq=False)
class Candidate:
    """Choices, and how many of the examples they get right by exact execution."""

    choices: Choices
    right: int


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a solver has to say in the end.

    Attributes:
        status: "found": `best` is right on all examples, by exact execution; "impossible": it is
            proved that no choices are; "unknown": neither, the solver gave up or ran out of time.
        best: the best candidate that was met, if any.
        core: with "impossible", examples that already contradict each other (indices): as few as
            the solver can tell, all of them if it cannot. Empty: no single example matters.
        note: what was reached, in a few words: `"4.2 M programs tried, 3 of 8 gates enumerated"`.
        arrays: what else there is to say, by name: `chances:<param>` are probabilities of choices
            [*shape, size], `inputs:<k>:<name>` an input by which the program is told apart from
            the k-th of others that it was asked to differ from.

    """

    status: Literal["found", "impossible", "unknown"]
    best: Candidate | None = None
    core: tuple[int, ...] = ()
    note: str = ""
    arrays: Mapping[str, Array] = field(default_factory=dict)


Report = Callable[[str, Candidate | None], None]
"""Called by a solver now and then: a remark on where it stands, and a better candidate if any."""
