"""Integer arithmetic on whole columns of numbers, refusing what has no 64-bit integer result.

Each column holds one number for each row of a table that is being filled. `UndefinedError` names
the first row, counted within the columns, on which an operation has no result.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

Column = np.ndarray[Any, np.dtype[np.int64]]
LIMIT = 2.0**62


class UndefinedError(Exception):
    """An operation has no result on row `row` of the columns."""

    def __init__(self, row: int, message: str) -> None:
        """Keep the row and what is wrong there."""
        super().__init__(message)
        self.row, self.message = row, message


def _refuse(bad: np.ndarray[Any, Any], message: str) -> None:
    if bad.any():
        raise UndefinedError(int(np.argmax(bad)), message)


def _magnitude(a: Column) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.abs(a.astype(np.float64))


def _small(*columns: Column) -> bool:
    """Return whether sums and products of two of these cannot overflow, without looking closer."""
    return all(c.size == 0 or (c.min() > -(2**30) and c.max() < 2**30) for c in columns)


def _add(a: Column, b: Column) -> Column:
    if not _small(a, b):
        _refuse(_magnitude(a) + _magnitude(b) >= LIMIT, "the sum is too large")
    return a + b


def _subtract(a: Column, b: Column) -> Column:
    if not _small(a, b):
        _refuse(_magnitude(a) + _magnitude(b) >= LIMIT, "the difference is too large")
    return a - b


def _multiply(a: Column, b: Column) -> Column:
    if not _small(a, b):
        _refuse(_magnitude(a) * _magnitude(b) >= LIMIT, "the product is too large")
    return a * b


def _divide(a: Column, b: Column) -> Column:
    _refuse(b == 0, "it divides by zero")
    return np.asarray(a // b)


def _modulo(a: Column, b: Column) -> Column:
    _refuse(b == 0, "it divides by zero")
    return np.asarray(a % b)


def _power(a: Column, b: Column) -> Column:
    _refuse(b < 0, "the exponent is negative")
    bits = b * np.log2(np.maximum(_magnitude(a), 1.0))
    _refuse(bits >= 62, "the power is too large")
    small = _magnitude(a) <= 1  # 0, 1 and -1 repeat, however large the exponent is
    return np.asarray(np.where(small, a ** (b % 2 + 2 * (b > 0)), a ** np.where(small, 0, b)))


def _left(a: Column, b: Column) -> Column:
    _refuse(b < 0, "the shift is negative")
    bits = np.log2(np.maximum(_magnitude(a), 1.0)) + b
    _refuse((bits >= 62) & (a != 0), "the shifted number is too large")
    return np.asarray(np.where(a == 0, 0, a << np.minimum(b, 62)))


def _right(a: Column, b: Column) -> Column:
    _refuse(b < 0, "the shift is negative")
    return a >> np.minimum(b, 63)


def _and(a: Column, b: Column) -> Column:
    return a & b


def _or(a: Column, b: Column) -> Column:
    return a | b


def _xor(a: Column, b: Column) -> Column:
    return a ^ b


BINARY: dict[type[ast.operator], Callable[[Column, Column], Column]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _multiply,
    ast.Div: _divide,  # as in Python 2
    ast.FloorDiv: _divide,
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.LShift: _left,
    ast.RShift: _right,
    ast.BitAnd: _and,
    ast.BitOr: _or,
    ast.BitXor: _xor,
}

COMPARE: dict[type[ast.cmpop], Callable[[Column, Column], Any]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Is: np.equal,
    ast.IsNot: np.not_equal,
}
