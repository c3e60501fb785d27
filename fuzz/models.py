"""How the values of each constraint solver are pinned, and read from the models that it finds.

One small class for each solver: `Terms` for the symbolic run, and `find`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from neuralc.backends.base.symbolic import Terms
from neuralc.backends.cp.integers import Integers
from neuralc.backends.sat.clauses import TRUE, Clauses, Direct
from neuralc.backends.sat.engine import cadical
from neuralc.backends.smt.bitvectors import BitVectors
from neuralc.backends.smt.engine import numbers

Pairs = Sequence[tuple[Any, int]]
Model = Callable[[Any], int]
"""The number that a value has."""


class Models(Protocol):
    """A constraint solver that is asked again and again about the same values."""

    @property
    def terms(self) -> Terms[Any]:
        """Return the values of the solver."""

    def find(self, equal: Pairs, unlike: Pairs = ()) -> Model | None:
        """Return a model in which values have these numbers, but one of `unlike` has another.

        None: there is none.
        """


class Sat:
    """Clauses and CaDiCaL."""

    def __init__(self) -> None:
        """Start without any clause."""
        self.terms = Clauses()
        self._solver = cadical()
        self._sent = 0

    def find(self, equal: Pairs, unlike: Pairs = ()) -> Model | None:
        """Return a model, if there is one; what is demanded holds for this time only."""
        assumed = [value.get(number, -TRUE) for value, number in equal]
        if unlike:
            assumed.append(self.terms.literal())
            others = [-value.get(number, -TRUE) for value, number in unlike]
            self.terms.add(-assumed[-1], *others)
        self._solver.append_formula(self.terms.clauses[self._sent :])
        self._sent = len(self.terms.clauses)
        if not self._solver.solve(assumed):
            return None
        true = frozenset(self._solver.get_model())
        return lambda value: _number(value, true)


def _number(value: Direct, true: frozenset[int]) -> int:
    """Return the one number whose literal is true; a variable in no clause is false."""
    numbers = [k for k, literal in value.items() if (abs(literal) in true) == (literal > 0)]
    return numbers[0] if len(numbers) == 1 else -1 - len(numbers)


class Smt:
    """Bit-vectors and z3."""

    def __init__(self) -> None:
        """Start without any constraint."""
        self.terms = BitVectors()
        self._solver = self.terms.z3.SolverFor("QF_BV")
        self._sent = 0

    def find(self, equal: Pairs, unlike: Pairs = ()) -> Model | None:
        """Return a model, if there is one; what is demanded holds for this time only."""
        terms, z3 = self.terms, self.terms.z3
        self._solver.add(terms.constraints[self._sent :])
        self._sent = len(terms.constraints)
        self._solver.push()
        self._solver.add([terms.equal(value, terms.constant(number)) for value, number in equal])
        others = [z3.Not(terms.equal(value, terms.constant(number))) for value, number in unlike]
        if others:
            self._solver.add(z3.Or(others))
        answer = str(self._solver.check())
        assert answer != "unknown", "z3 has no limit here"
        model = self._solver.model() if answer == "sat" else None
        self._solver.pop()
        return None if model is None else lambda value: numbers(model, {("", ()): value})["", ()]


class Cp:
    """Integer variables and CP-SAT."""

    def __init__(self) -> None:
        """Start without any constraint."""
        self.terms = Integers()

    def find(self, equal: Pairs, unlike: Pairs = ()) -> Model | None:
        """Return a model, if there is one; what is demanded holds for this time only."""
        cp, model = self.terms.cp, self.terms.model
        switch = model.new_bool_var("")
        for value, number in equal:
            self.terms.demand(value, number, switch)
        others = [model.new_bool_var("") for _ in unlike]
        for other, (value, number) in zip(others, unlike, strict=True):
            model.add(value.expression != number).only_enforce_if(other)
        if others:
            model.add_bool_or(others).only_enforce_if(switch)
        model.clear_assumptions()
        model.add_assumptions([switch])
        solver = cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.catch_sigint_signal = False
        status = solver.solve(model)
        assert status in (cp.OPTIMAL, cp.FEASIBLE, cp.INFEASIBLE), solver.status_name(status)
        if status == cp.INFEASIBLE:
            return None
        return lambda value: int(solver.value(value.expression))
