"""The direct encoding: a value is one literal for each number that it may be.

Each row of a table and each arm of a choice becomes one clause: if the arguments are these, the
result is that. With "exactly one" on the result this propagates in all directions, and needs no
helping variables. Knows clauses, and nothing of who solves them.

Source: the direct encoding of Walsh, "SAT v CSP" (2000), with the rows of functions as clauses.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations, product
from math import prod

from neuralc.backends.base.symbolic import Function
from neuralc.errors import Declined

Direct = dict[int, int]
"""Number to literal; the literals of one value: exactly one of them is true."""
TRUE = 1
"""The literal that is always true."""
PAIRWISE = 6  # up to here "at most one" is written pair by pair
LARGEST = 4_000_000  # clauses of one function


class Clauses:
    """Collects clauses; the values of a symbolic run are `Direct`."""

    def __init__(self) -> None:
        """Start with the variable that is true."""
        self.variables = 1
        self.clauses: list[list[int]] = [[TRUE]]
        self._known: dict[Hashable, Direct] = {}

    # ---- what the symbolic run needs

    def constant(self, number: int) -> Direct:
        """Return a known number."""
        return {number: TRUE}

    def unknown(self, name: str, size: int) -> Direct:
        """Return a number to be found."""
        return self.value(range(size))

    def support(self, value: Direct) -> Sequence[int]:
        """Return the numbers that a value may be, ascending."""
        return list(value)

    def restrict(self, value: Direct, numbers: Sequence[int]) -> Direct:
        """Return the value with the literals of some numbers only."""
        return {k: value[k] for k in numbers}

    def apply(self, function: Function, args: Sequence[Direct]) -> Direct:
        """Return a function of values: a clause for each row that may occur."""
        key = (function.key, *(tuple(arg.items()) for arg in args))
        if key not in self._known:
            count = prod(map(len, args))
            if count > LARGEST:
                raise Declined("sat", [f"{function.key} has {count} rows, at most {LARGEST} fit"])
            rows = {numbers: function.call(*numbers) for numbers in product(*args)}
            arms = {numbers: {k: TRUE} for numbers, k in rows.items() if k is not None}
            self._known[key] = self._chosen(args, arms)
        return self._known[key]

    def choose(self, selectors: Sequence[Direct], arms: Mapping[tuple[int, ...], Direct]) -> Direct:
        """Return the arm that the selectors name."""
        first = next(iter(arms.values()))
        if all(arm is first or arm == first for arm in arms.values()):
            return first
        key = (
            *(tuple(s.items()) for s in selectors),
            *((numbers, tuple(arm.items())) for numbers, arm in arms.items()),
        )
        if key not in self._known:
            self._known[key] = self._chosen(selectors, arms)
        return self._known[key]

    # ---- clauses

    def literal(self) -> int:
        """Return a new variable."""
        self.variables += 1
        return self.variables

    def add(self, *literals: int) -> None:
        """Add a clause; literals that are known to be false, or true, are taken out."""
        if TRUE not in literals:
            self.clauses.append([literal for literal in literals if literal != -TRUE])

    def value(self, numbers: Sequence[int]) -> Direct:
        """Return a value that is one of some numbers."""
        numbers = sorted(numbers)
        if len(numbers) == 1:
            return {numbers[0]: TRUE}
        if len(numbers) == 2:
            literal = self.literal()
            return {numbers[0]: -literal, numbers[1]: literal}
        found = {k: self.literal() for k in numbers}
        self.add(*found.values())
        self.at_most_one(list(found.values()))
        return found

    def at_most_one(self, literals: Sequence[int]) -> None:
        """Forbid two of them: pair by pair, or, where there are many, by groups."""
        while len(literals) > PAIRWISE:
            head, commander = literals[: PAIRWISE - 1], self.literal()
            self._pairs(head)
            for literal in head:
                self.add(-literal, commander)
            literals = [*literals[PAIRWISE - 1 :], commander]
        self._pairs(literals)

    def _pairs(self, literals: Sequence[int]) -> None:
        for one, other in combinations(literals, 2):
            self.add(-one, -other)

    def _chosen(
        self, selectors: Sequence[Direct], arms: Mapping[tuple[int, ...], Direct]
    ) -> Direct:
        renamed = self._renamed(selectors, arms)
        if renamed is not None:
            return renamed
        result = self.value(sorted(set().union(*arms.values())))
        for numbers, arm in arms.items():
            against = [-s[k] for s, k in zip(selectors, numbers, strict=True)]
            for number, literal in arm.items():
                self.add(result[number], -literal, *against)
        return result

    def _renamed(
        self, selectors: Sequence[Direct], arms: Mapping[tuple[int, ...], Direct]
    ) -> Direct | None:
        """Return a result that needs no clauses: one number, or a selector's numbers renamed."""
        numbers = {k for arm in arms.values() for k in arm}
        if len(numbers) == 1:
            return {numbers.pop(): TRUE}
        single = len(selectors) == 1 and len(arms) == len(selectors[0]) == len(numbers)
        if not single or any(len(arm) > 1 for arm in arms.values()):
            return None
        return dict(sorted((next(iter(arm)), selectors[0][k]) for (k,), arm in arms.items()))
