"""A program and its examples as clauses, solved by CaDiCaL; grows example by example."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from neuralc.backends.base import cegis
from neuralc.backends.base.ground import chosen, demands, unknown_choices
from neuralc.backends.base.problem import Problem
from neuralc.backends.sat.clauses import TRUE, Clauses, Direct
from neuralc.errors import MissingExtra
from neuralc.ir.evaluate import Element

Array = np.ndarray[Any, Any]
SOLVER = "cadical195"


def cadical() -> Any:
    """Return a new incremental solver.

    Raises:
        MissingExtra: python-sat is not installed.

    """
    try:
        from pysat.solvers import Solver
    except ImportError:
        raise MissingExtra("python-sat", "sat", "the solver sat") from None
    return Solver(name=SOLVER)


class Engine:
    """Clauses of the examples added so far; CaDiCaL keeps what it learns from round to round."""

    def __init__(self, problem: Problem) -> None:
        """Make the choices unknown."""
        self.problem = problem
        self.solver = cadical()
        self.clauses = Clauses()
        self.params = unknown_choices(problem.program, self.clauses)
        self.shown: list[int] = []
        self._sent = 0
        self.solver.set_phases(_random_choices(self.params, problem.seed))

    def add(self, example: int) -> None:
        """Demand that one more example comes out right."""
        self.shown.append(example)
        for value, number in self._demands(example):
            self.clauses.add(value.get(number, -TRUE))

    def solve(self) -> Literal["sat", "unsat"]:
        """Look for choices that satisfy all examples added so far."""
        self._send()
        return "sat" if self.solver.solve() else "unsat"

    def model(self) -> frozenset[int]:
        """Return the literals that are true in the model that was found.

        The solver says nothing about variables that occur in no clause: they are false.
        """
        found = frozenset(self.solver.get_model())
        return found | {-v for v in range(1, self.clauses.variables + 1) if v not in found}

    def choices(self) -> dict[str, Array]:
        """Return the choices of the model that was found."""
        true = self.model()
        numbers = {
            element: next(k for k, literal in value.items() if literal in true)
            for element, value in self.params.items()
        }
        return chosen(self.problem.program, numbers)

    def core(self) -> list[int]:
        """Return examples, of those shown, that contradict each other; none can be left out."""
        again = Engine(self.problem)
        switch: dict[int, int] = {}
        for example in self.shown:
            switch[example] = again.clauses.literal()
            for value, number in again._demands(example):
                again.clauses.add(value.get(number, -TRUE), -switch[example])
        again._send()
        return cegis.smallest(self.shown, lambda some: again._conflict(switch, some))

    def _conflict(self, switch: dict[int, int], examples: Sequence[int]) -> list[int] | None:
        """Return those of some examples that contradict each other; None: they do not."""
        if self.solver.solve([switch[k] for k in examples]):
            return None
        needed = set(self.solver.get_core() or [])
        return [k for k in examples if switch[k] in needed]

    def _demands(self, example: int) -> list[tuple[Direct, int]]:
        problem = self.problem
        return demands(problem.program, self.params, problem.examples, example, self.clauses)

    def _send(self) -> None:
        self.solver.append_formula(self.clauses.clauses[self._sent :])
        self._sent = len(self.clauses.clauses)


def _random_choices(params: Mapping[Element, Direct], seed: int) -> list[int]:
    """Return literals that the search tries first: other seeds begin at other programs."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    literals: list[int] = []
    for value in params.values():
        favourite = rng.choice(list(value))
        literals += [lit if k == favourite else -lit for k, lit in value.items()]
    return literals
