"""A program and its examples as a model of CP-SAT; the model grows example by example.

CP-SAT keeps nothing from one call to the next, so every round begins afresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any, Literal

import numpy as np

from neuralc.backends.base import cegis
from neuralc.backends.base.ground import chosen, demands, unknown_choices
from neuralc.backends.base.problem import Problem
from neuralc.backends.cp.integers import Integers, Number

Array = np.ndarray[Any, Any]
Answer = Literal["sat", "unsat", "unknown"]


class Engine:
    """The model of the examples added so far."""

    def __init__(self, problem: Problem) -> None:
        """Make the choices unknown.

        Raises:
            MissingExtra: OR-Tools is not installed.

        """
        self.problem = problem
        self.terms = Integers()
        self.params = unknown_choices(problem.program, self.terms)
        self.shown: list[int] = []
        self.solver: Any = None  # the one that was asked last

    def add(self, example: int) -> None:
        """Demand that one more example comes out right."""
        self.shown.append(example)
        for value, number in self._demands(example):
            self.terms.demand(value, number)

    def solve(self) -> Answer:
        """Look for choices that satisfy all examples added so far."""
        self.solver = self._new_solver()
        return self._asked(self.solver)

    def choices(self) -> dict[str, Array]:
        """Return the choices of the solution that was found."""
        numbers = {
            element: number.numbers[0]
            if number.variable is None
            else int(self.solver.value(number.variable))
            for element, number in self.params.items()
        }
        return chosen(self.problem.program, numbers)

    def core(self) -> list[int]:
        """Return examples, of those shown, that contradict each other.

        None of them can be left out, unless the time is up before that is known.
        """
        again = Engine(self.problem)
        switches: dict[int, Any] = {}
        for example in self.shown:
            switches[example] = again.terms.model.new_bool_var("")
            for value, number in again._demands(example):
                again.terms.demand(value, number, switches[example])
        return cegis.smallest(self.shown, lambda some: again._conflict(switches, some))

    def _conflict(self, switches: dict[int, Any], examples: Sequence[int]) -> list[int] | None:
        """Return those of some examples that contradict each other; None: it is not proved."""
        model, solver = self.terms.model, self._new_solver()
        model.clear_assumptions()
        model.add_assumptions([switches[k] for k in examples])
        if self._asked(solver) != "unsat":
            return None
        needed = set(solver.sufficient_assumptions_for_infeasibility())
        return [k for k in examples if switches[k].index in needed]

    def _demands(self, example: int) -> list[tuple[Number, int]]:
        problem = self.problem
        return demands(problem.program, self.params, problem.examples, example, self.terms)

    def _new_solver(self) -> Any:
        solver = self.terms.cp.CpSolver()
        solver.parameters.num_workers = self.problem.threads
        solver.parameters.random_seed = self.problem.seed % 2**31
        solver.parameters.catch_sigint_signal = False  # Ctrl-C is for whoever asks us
        left = self.problem.left()
        if not isinf(left):
            solver.parameters.max_time_in_seconds = left
        return solver

    def _asked(self, solver: Any) -> Answer:
        cp = self.terms.cp
        status = solver.solve(self.terms.model)
        assert status != cp.MODEL_INVALID, self.terms.model.validate()
        answers: dict[Any, Answer] = {
            cp.OPTIMAL: "sat", cp.FEASIBLE: "sat", cp.INFEASIBLE: "unsat",
        }  # fmt: skip
        return answers.get(status, "unknown")
