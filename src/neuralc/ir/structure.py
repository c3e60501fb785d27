"""What a table really is: an increment, a sum modulo n, a minimum … found by looking at it.

The executions use this to replace look-ups by arithmetic, and cubes by rolls, convolutions and
cumulative sums. Knows nothing of how a structure is executed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from neuralc.ir.nodes import Table

Kind = Literal["constant", "identity", "rotation", "permutation", "unary",
               "add", "sub", "min", "max", "eq", "less", "shift", "table"]  # fmt: skip
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Structure:
    """A function of the arguments `args` of a table; the other arguments do not matter.

    With `x, y = args` (in this order: they may be swapped), the value is by `kind`

    ===========  ========================================================================
    constant     `offset` (no arguments)
    identity     `x`
    rotation     `(x + offset) % modulus`, where x has `modulus` values: inc, dec
    permutation  `values[x]`, a one-to-one map of `range(size)`, as many values as x has
    unary        `values[x]`
    add          `(x + y + offset) % modulus`; modulus 0: no modulo, it fits
    sub          `(x - y + offset) % modulus`; modulus 0: no modulo, it fits
    min, max     `min(x, y)`, `max(x, y)`
    eq           `values[x == y]`: values are (if not, if so)
    less         `values[x < y]`; `x <= y` is `less` with x and y swapped and values (1, 0)
    shift        `(x + values[y]) % modulus`, where x has `modulus` values
    table        `values[flat index of args]`, the last argument fastest
    ===========  ========================================================================

    `sizes` are the numbers of values of `args`, `size` that of the result.
    """

    kind: Kind
    args: tuple[int, ...]
    sizes: tuple[int, ...]
    size: int
    offset: int = 0
    modulus: int = 0
    values: tuple[int, ...] = field(default=(), repr=False)

    def __call__(self, *args: Any) -> Any:
        """Return the value for all arguments of the table: integers, or broadcastable arrays."""
        used = [np.asarray(args[k]) for k in self.args]
        shape = np.broadcast_shapes(*(np.shape(arg) for arg in args))
        found = np.broadcast_to(self._compute(used), shape)
        return found if found.ndim else int(found)

    def _compute(self, used: list[Array]) -> Any:
        lookup = np.asarray(self.values, dtype=np.int64)
        match self.kind:
            case "constant":
                return np.asarray(self.offset)
            case "identity":
                return used[0]
            case "rotation":
                return (used[0] + self.offset) % self.modulus
            case "permutation" | "unary":
                return lookup[used[0]]
            case "add" | "sub":
                total = used[0] + (used[1] if self.kind == "add" else -used[1]) + self.offset
                return total % self.modulus if self.modulus else total
            case "min":
                return np.minimum(*used)
            case "max":
                return np.maximum(*used)
            case "eq":
                return lookup[(used[0] == used[1]).astype(np.int64)]
            case "less":
                return lookup[(used[0] < used[1]).astype(np.int64)]
            case "shift":
                return (used[0] + lookup[used[1]]) % self.modulus
            case "table":
                return lookup[np.ravel_multi_index(np.broadcast_arrays(*used), self.sizes)]


def classify(table: Table) -> Structure:
    """Return the structure of a table: the first kind that fits, in the order of `Structure`.

    Only the entries decide, not the name or how the function was written: AND of two bits is
    `min`, XOR is `add` modulo 2. Costs a few passes over the table.
    """
    cube = np.asarray(table.values, dtype=np.int64).reshape(table.sizes)
    matter, kept = essential(cube)
    found = recognise(matter, kept, table.size)
    if found is not None:
        return found
    values = table.values if kept.size == cube.size else _numbers(kept)
    return Structure("table", matter, kept.shape, table.size, values=values)


def essential(cube: Array) -> tuple[tuple[int, ...], Array]:
    """Return the arguments that matter, and the table of these alone: a view, one axis each."""
    matter = tuple(k for k in range(cube.ndim) if _depends(cube, k))
    return matter, cube[tuple(slice(None) if k in matter else 0 for k in range(cube.ndim))]


def recognise(args: tuple[int, ...], kept: Array, size: int) -> Structure | None:
    """Return the structure of what `essential` returned, or None if it is a mere table.

    A table of millions of entries is never copied to Python integers here.
    """
    if not args:
        return Structure("constant", (), (), size, offset=int(kept))
    if len(args) == 1:
        return _unary(args, kept, size)
    if len(args) == 2:
        return next((guess for guess in _binary(args, kept, size) if guess is not None), None)
    return None


def _depends(cube: Array, axis: int) -> bool:
    first = cube.take([0], axis) if cube.shape[axis] else cube
    return not np.array_equal(np.broadcast_to(first, cube.shape), cube)


def _numbers(array: Array) -> tuple[int, ...]:
    return tuple(array.ravel().tolist())


def _unary(args: tuple[int, ...], row: Array, size: int) -> Structure:
    n, x = len(row), np.arange(len(row))
    if np.array_equal(row, x):
        return Structure("identity", args, (n,), size)
    first = int(row[0])
    if np.array_equal(row, (x + first) % n):
        return Structure("rotation", args, (n,), size, offset=first, modulus=n)
    one_to_one = n == size and np.array_equal(np.sort(row), x)
    kind: Kind = "permutation" if one_to_one else "unary"
    return Structure(kind, args, (n,), size, values=_numbers(row))


def _binary(args: tuple[int, ...], grid: Array, size: int) -> Iterator[Structure | None]:
    """Guess: each structure is computed and compared with the grid."""
    n, m = grid.shape
    x, y = np.arange(n)[:, None], np.arange(m)[None, :]
    yield from _sums(args, grid, size, x, y)
    if np.array_equal(grid, np.minimum(x, y)):
        yield Structure("min", args, (n, m), size)
    if np.array_equal(grid, np.maximum(x, y)):
        yield Structure("max", args, (n, m), size)
    yield _test(Structure("eq", args, (n, m), size), grid, x == y)
    yield _test(Structure("less", args, (n, m), size), grid, x < y)
    yield _test(Structure("less", args[::-1], (m, n), size), grid, y < x)
    yield _shift(args, grid, size)
    yield _shift(args[::-1], grid.T, size)


def _sums(args: tuple[int, ...], grid: Array, size: int, x: Array, y: Array) -> Iterator[Structure]:
    n, m = grid.shape
    corner = int(grid[0, 0])
    moduli = dict.fromkeys((0, size, n, m, int(grid.max()) + 1))
    for kind, base in (("add", x + y), ("sub", x - y), ("bus", y - x)):
        for modulus in moduli:
            total = base + corner
            if np.array_equal(grid, total % modulus if modulus else total):
                order, sizes = (args[::-1], (m, n)) if kind == "bus" else (args, (n, m))
                yield Structure("add" if kind == "add" else "sub", order, sizes, size,
                                offset=corner, modulus=modulus)  # fmt: skip


def _test(guess: Structure, grid: Array, holds: Array) -> Structure | None:
    """Return the guess if the grid is one number where `holds`, another where not."""
    if holds.all() or not holds.any():
        return None
    so, other = grid[holds], grid[~holds]
    if (so != so[0]).any() or (other != other[0]).any():
        return None
    return replace(guess, values=(int(other[0]), int(so[0])))


def _shift(args: tuple[int, ...], grid: Array, size: int) -> Structure | None:
    """Return the structure if each column is `range(n)`, rotated by the column's own amount."""
    n = len(grid)
    if math.prod(grid.shape) == 0:
        return None
    if not np.array_equal(grid, (np.arange(n)[:, None] + grid[:1]) % n):
        return None
    return Structure("shift", args, grid.shape, size, modulus=n, values=_numbers(grid[0]))
