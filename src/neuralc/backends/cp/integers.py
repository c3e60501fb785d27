"""The values of a symbolic run as integer variables of CP-SAT: the domain is what they may be.

Functions are table constraints, or linear ones where there are many rows; choices are equalities
that hold if the selectors are so. Every constraint leaves each argument all its numbers: where a
branch rules some out, the result may be anything. Knows nothing of how a model is solved.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from neuralc.backends.base.functions import Structures, bounds, distinct, results, rows
from neuralc.backends.base.symbolic import Function
from neuralc.errors import MissingExtra
from neuralc.ir.structure import Structure

FEW_ROWS = 64  # up to here a table is solved as fast as arithmetic
Literal = Any
"""A Boolean variable of CP-SAT, or its negation."""


def load_cp() -> Any:
    """Return the module of CP-SAT.

    Raises:
        MissingExtra: it is not installed.

    """
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise MissingExtra("ortools", "cp", "the solver cp") from None
    return cp_model


@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """A number: `variable` has `numbers` as its domain, and is None where there is only one."""

    variable: Any | None
    numbers: tuple[int, ...]

    @property
    def key(self) -> Hashable:
        """What tells it from others of the same model."""
        return self.numbers[0] if self.variable is None else ("variable", self.variable.index)

    @property
    def expression(self) -> Any:
        """The variable, or the number."""
        return self.numbers[0] if self.variable is None else self.variable


class Integers:
    """Makes variables and constraints of `model`."""

    def __init__(self) -> None:
        """Start with an empty model."""
        self.cp = load_cp()
        self.model = self.cp.CpModel()
        self._known: dict[Hashable, Any] = {}
        self._structures = Structures()

    # ---- what the symbolic run needs

    def constant(self, number: int) -> Number:
        """Return a known number."""
        return Number(None, (number,))

    def unknown(self, name: str, size: int) -> Number:
        """Return a number to be found."""
        return self.value(tuple(range(size)), name)

    def support(self, value: Number) -> Sequence[int]:
        """Return the numbers that a value may be, ascending."""
        return value.numbers

    def restrict(self, value: Number, numbers: Sequence[int]) -> Number:
        """Return a variable that is the same where it can be."""
        kept = tuple(numbers)
        if len(kept) == 1 or kept == value.numbers:
            return value if len(kept) > 1 else self.constant(kept[0])
        key = ("restrict", value.key, kept)
        if key not in self._known:
            self._known[key] = self._table([value], {(number,): number for number in kept})
        found: Number = self._known[key]
        return found

    def apply(self, function: Function, args: Sequence[Number]) -> Number:
        """Return a function of values."""
        key = (function.key, *(arg.key for arg in args))
        if key not in self._known:
            self._known[key] = self._applied(function, args)
        found: Number = self._known[key]
        return found

    def choose(self, selectors: Sequence[Number], arms: Mapping[tuple[int, ...], Number]) -> Number:
        """Return the arm that the selectors name."""
        first = next(iter(arms.values()))
        if all(arm.key == first.key for arm in arms.values()):
            return first
        key = (*(s.key for s in selectors), *((numbers, arm.key) for numbers, arm in arms.items()))
        if key not in self._known:
            self._known[key] = self._chosen(selectors, arms)
        found: Number = self._known[key]
        return found

    # ---- variables

    def value(self, numbers: tuple[int, ...], name: str = "") -> Number:
        """Return a new variable that is one of some numbers, or the only one."""
        if len(numbers) == 1:
            return self.constant(numbers[0])
        domain = self.cp.Domain.from_values(numbers)
        return Number(self.model.new_int_var_from_domain(domain, name), numbers)

    def literal(self, value: Number, number: int) -> Literal:
        """Return a literal that holds if and only if a value, not a known one, is a number."""
        key = ("literal", value.key, number)
        if key not in self._known:
            literal = self.model.new_bool_var("")
            self.model.add(value.variable == number).only_enforce_if(literal)
            self.model.add(value.variable != number).only_enforce_if(~literal)
            self._known[key] = literal
            if len(value.numbers) == 2:
                (other,) = set(value.numbers) - {number}
                self._known["literal", value.key, other] = ~literal
        return self._known[key]

    def demand(self, value: Number, number: int, switch: Literal | None = None) -> None:
        """Demand that a value is a number, if a switch is on."""
        if value.variable is not None:
            constraint = self.model.add(value.variable == number)
        elif value.numbers == (number,):
            return
        else:
            constraint = self.model.add_bool_or([])
        if switch is not None:
            constraint.only_enforce_if(switch)

    # ---- functions and choices

    def _applied(self, function: Function, args: Sequence[Number]) -> Number:
        supports = [arg.numbers for arg in args]
        if prod(map(len, supports)) > FEW_ROWS:
            found = self._structures.of(function, supports)
            if found is not None:
                value = self._linear(found, [args[k] for k in found.args], supports)
                if value is not None:
                    return value
        return self._table(args, rows(function, supports, "cp"))

    def _linear(
        self, found: Structure, args: Sequence[Number], supports: Sequence[Sequence[int]]
    ) -> Number | None:
        """Return a sum, a difference, a minimum or a maximum; None: it is something else."""
        if found.kind not in ("add", "sub", "min", "max"):
            return None
        result = self.value(results(found, supports))
        if result.variable is None:
            return result
        terms = [arg.expression for arg in args]
        if found.kind == "min":
            self.model.add_min_equality(result.variable, terms)
        elif found.kind == "max":
            self.model.add_max_equality(result.variable, terms)
        else:
            total = terms[0] + (terms[1] if found.kind == "add" else -terms[1]) + found.offset
            if found.modulus:
                low, high = bounds(found, [arg.numbers for arg in args])
                turns = range(low // found.modulus, high // found.modulus + 1)
                total = total - found.modulus * self.value(tuple(turns)).expression
            self.model.add(total == result.variable)
        return result

    def _table(self, args: Sequence[Number], table: Mapping[tuple[int, ...], int]) -> Number:
        """Return the value of a table; where it has no row the result is any of its values."""
        result = self.value(distinct(table.values()))
        if result.variable is None:
            return result
        wanted = [k for k, arg in enumerate(args) if arg.variable is not None]
        either = result.numbers[0]
        allowed = [
            (*(numbers[k] for k in wanted), table.get(numbers, either))
            for numbers in product(*(arg.numbers for arg in args))
        ]
        variables = [*(args[k].variable for k in wanted), result.variable]
        self.model.add_allowed_assignments(variables, allowed)
        return result

    def _chosen(
        self, selectors: Sequence[Number], arms: Mapping[tuple[int, ...], Number]
    ) -> Number:
        if all(arm.variable is None for arm in arms.values()):
            if len(selectors) == 1 and all(arm.numbers == k for k, arm in arms.items()):
                return self.restrict(selectors[0], [number for (number,) in arms])
            return self._table(selectors, {k: arm.numbers[0] for k, arm in arms.items()})
        result = self.value(distinct(number for arm in arms.values() for number in arm.numbers))
        for numbers, arm in arms.items():
            here = [
                self.literal(selector, number)
                for selector, number in zip(selectors, numbers, strict=True)
                if selector.variable is not None
            ]
            self.model.add(result.variable == arm.expression).only_enforce_if(here)
        return result
