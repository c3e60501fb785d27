"""Tables are recognised for what they are, and the structure computes the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.ir.nodes import Table
from neuralc.ir.structure import Structure, classify


def tabulated(sizes: tuple[int, ...], size: int, function: Callable[..., int]) -> Table:
    return Table("F", sizes, size, tuple(function(*a) for a in product(*map(range, sizes))))


def checked(table: Table) -> Structure:
    """Return the structure, once it has been compared with every entry."""
    found = classify(table)
    for args in product(*map(range, table.sizes)):
        assert found(*args) == table(*args)
    grids = np.meshgrid(*map(np.arange, table.sizes), indexing="ij")
    assert np.ravel(found(*grids)).tolist() == list(table.values)
    assert found.sizes == tuple(table.sizes[k] for k in found.args)
    return found


CASES: list[tuple[tuple[int, ...], int, Callable[..., int], str, tuple[int, ...]]] = [
    ((5, 3), 5, lambda a, b: 2, "constant", ()),
    ((5, 3), 5, lambda a, b: a, "identity", (0,)),
    ((5,), 5, lambda a: (a + 1) % 5, "rotation", (0,)),
    ((5,), 5, lambda a: (a - 1) % 5, "rotation", (0,)),
    ((5,), 5, lambda a: 4 - a, "permutation", (0,)),
    ((5,), 5, lambda a: a // 2, "unary", (0,)),
    ((5, 5), 5, lambda a, b: (a + b) % 5, "add", (0, 1)),
    ((5, 4), 9, lambda a, b: a + b + 1, "add", (0, 1)),
    ((5, 4), 5, lambda a, b: (a - b) % 5, "sub", (0, 1)),
    ((5, 5), 5, lambda a, b: (b - a + 2) % 5, "sub", (1, 0)),
    ((4, 5), 4, min, "min", (0, 1)),
    ((4, 5), 5, max, "max", (0, 1)),
    ((5, 5), 2, lambda a, b: int(a == b), "eq", (0, 1)),
    ((5, 5), 2, lambda a, b: int(a != b), "eq", (0, 1)),
    ((5, 4), 2, lambda a, b: int(a < b), "less", (0, 1)),
    ((5, 4), 2, lambda a, b: int(a <= b), "less", (1, 0)),
    ((5, 4), 2, lambda a, b: int(a > b), "less", (1, 0)),
    ((5, 4), 4, lambda a, b: 3 * int(a >= b), "less", (0, 1)),
    ((5, 3), 5, lambda p, d: (p, p + 1, p - 1)[d] % 5, "shift", (0, 1)),
    ((3, 5), 5, lambda d, p: (p, p + 1, p - 1)[d] % 5, "shift", (1, 0)),
    ((2, 2), 2, lambda a, b: a & b, "min", (0, 1)),
    ((2, 2), 2, lambda a, b: a ^ b, "add", (0, 1)),
    ((2, 5, 4), 9, lambda a, b, c: b + c, "add", (1, 2)),
    ((3, 3, 3), 3, lambda a, b, c: b if a else c, "table", (0, 1, 2)),
    ((4, 4), 4, lambda a, b: a * b % 4, "table", (0, 1)),
]


@pytest.mark.parametrize(("sizes", "size", "function", "kind", "args"), CASES)
def test_what_a_table_is(
    sizes: tuple[int, ...], size: int, function: Any, kind: str, args: tuple[int, ...]
) -> None:
    found = checked(tabulated(sizes, size, function))
    assert (found.kind, found.args) == (kind, args)


@given(st.data())
def test_any_table_is_computed(data: st.DataObject) -> None:
    sizes = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    size = data.draw(st.integers(1, 4))
    count = int(np.prod(sizes))
    values = data.draw(st.lists(st.integers(0, size - 1), min_size=count, max_size=count))
    checked(Table("F", sizes, size, tuple(values)))
