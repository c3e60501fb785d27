"""How the values of each constraint solver are pinned, and read from the models that it finds.

One small class for each solver: `Terms` for the symbolic run, and `find`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from neuralc.backends.base.symbolic import Terms
from neuralc.backends.sat.clauses import TRUE, Clauses, Direct
from neuralc.backends.sat.engine import cadical

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
