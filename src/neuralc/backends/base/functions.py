"""Known functions on the numbers that their arguments may be: the rows, or what they really are.

Shared by solvers that would rather have arithmetic than a table of many rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from neuralc.backends.base.symbolic import Function
from neuralc.errors import Declined
from neuralc.ir.nodes import Table
from neuralc.ir.structure import Structure, classify

Array = np.ndarray[Any, Any]
Supports = Sequence[Sequence[int]]
MOST_ROWS = 1_000_000


def rows(function: Function, supports: Supports, solver: str) -> dict[tuple[int, ...], int]:
    """Return the rows that may occur; those without a value are left out.

    Raises:
        Declined: there are too many, for the solver of this name.

    """
    count = prod(map(len, supports))
    if count > MOST_ROWS:
        raise Declined(f"the solver {solver}", [
            f"{function.key} has {count} rows, at most {MOST_ROWS} fit"
        ])  # fmt: skip
    calls = ((numbers, function.call(*numbers)) for numbers in product(*supports))
    return {numbers: value for numbers, value in calls if value is not None}


class Structures:
    """What functions really are; looks at each of them once."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Structure | None] = {}

    def of(self, function: Function, supports: Supports) -> Structure | None:
        """Return the structure of a function; None where it has no value for some arguments."""
        table = function.table
        key = function.key if table is not None else (function.key, *map(tuple, supports))
        if key not in self._found:
            table = table or _tabulated(function, supports)
            self._found[key] = None if table is None else classify(table)
        return self._found[key]


def _tabulated(function: Function, supports: Supports) -> Table | None:
    """Return a function without a table as one, if its arguments count from 0."""
    sizes = tuple(map(len, supports))
    if any(tuple(s) != tuple(range(n)) for s, n in zip(supports, sizes, strict=True)):
        return None
    values = [function.call(*numbers) for numbers in product(*supports)]
    known = tuple(value for value in values if value is not None and value >= 0)
    if len(known) < len(values):
        return None
    return Table("static", sizes, max(known) + 1, known)


def results(found: Structure, supports: Supports) -> tuple[int, ...]:
    """Return the values that a function takes on some arguments, ascending."""
    lengths = [len(support) for support in supports]
    grids = [
        np.asarray(support).reshape([n if k == axis else 1 for k, n in enumerate(lengths)])
        for axis, support in enumerate(supports)
    ]
    return distinct(np.ravel(found(*grids)).tolist())


def distinct(numbers: Iterable[int]) -> tuple[int, ...]:
    """Return numbers ascending, each once."""
    return tuple(sorted(set(numbers)))


def bounds(found: Structure, supports: Supports) -> tuple[int, int]:
    """Return the least and the largest sum or difference before it is taken modulo anything.

    For a structure "add", "sub" or "rotation"; the supports are those of the arguments it uses.
    """
    parts = [(min(support), max(support)) for support in supports]
    if found.kind == "sub":
        parts[1] = (-parts[1][1], -parts[1][0])
    return sum(low for low, _ in parts) + found.offset, sum(
        high for _, high in parts
    ) + found.offset
