"""What operators of the subset do with numbers, lists, tuples and None.

As in Python, on Python's own values; what Python cannot do, and what would fill the memory, is
an `Undefined` with the reason in words. Knows nothing of syntax.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Any

from neuralc.lang.pyfn.expressions import MOST_BITS

MOST_ELEMENTS = 100_000
"""Of a list."""
MOST_COMPARED = 100_000
"""Elements that one comparison of lists looks at."""


class Undefined(Exception):
    """An operation has no result; the message says why."""


def kind(value: Any) -> str:
    """Return what a value is, in words."""
    if value is None:
        return "None"
    names = {bool: "a truth value", int: "a number", list: "a list", tuple: "a tuple"}
    return names.get(type(value), "nothing")


def is_number(value: Any) -> bool:
    """Tell whether a value is a whole number or a truth value."""
    return isinstance(value, int)


# ---- operators


def _both(sign: str, a: Any, b: Any) -> None:
    if not (isinstance(a, int) and isinstance(b, int)):
        raise Undefined(f"`{sign}` does not work on {kind(a)} and {kind(b)}")


def _small(bits: int) -> None:
    if bits > MOST_BITS:
        raise Undefined(f"the number is too large: more than {MOST_BITS} bits")


def check_length(count: int) -> None:
    """Refuse a list that is too long."""
    if count > MOST_ELEMENTS:
        raise Undefined(f"the list is too long: more than {MOST_ELEMENTS} elements")


def _add(a: Any, b: Any) -> Any:
    if type(a) in (list, tuple) and type(a) is type(b):
        check_length(len(a) + len(b))
        return a + b
    _both("+", a, b)
    return a + b


def _multiply(a: Any, b: Any) -> Any:
    if type(a) is type(b) is int:
        _small(a.bit_length() + b.bit_length())
        return a * b
    for many, count in ((a, b), (b, a)):
        if isinstance(many, list | tuple) and isinstance(count, int):
            check_length(len(many) * max(count, 0))
            return many * count
    _both("*", a, b)
    return a * b  # with a truth value


def _divide(a: Any, b: Any) -> Any:
    _both("//", a, b)
    if b == 0:
        raise Undefined("it divides by zero")
    return a // b


def _modulo(a: Any, b: Any) -> Any:
    _both("%", a, b)
    if b == 0:
        raise Undefined("it divides by zero")
    return a % b


def _power(a: Any, b: Any) -> Any:
    _both("**", a, b)
    if b < 0:
        raise Undefined("the exponent is negative")
    _small(a.bit_length() * b if abs(a) > 1 else 0)
    return a**b


def _left(a: Any, b: Any) -> Any:
    _both("<<", a, b)
    if b < 0:
        raise Undefined("the shift is negative")
    _small(a.bit_length() + b if a else 0)
    return a << b


def _right(a: Any, b: Any) -> Any:
    _both(">>", a, b)
    if b < 0:
        raise Undefined("the shift is negative")
    return a >> min(b, a.bit_length() + 1)


def _plain(sign: str, work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(a: Any, b: Any) -> Any:
        _both(sign, a, b)
        return work(a, b)

    return run


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _add,
    ast.Sub: _plain("-", operator.sub),
    ast.Mult: _multiply,
    ast.FloorDiv: _divide,
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.LShift: _left,
    ast.RShift: _right,
    ast.BitAnd: _plain("&", operator.and_),
    ast.BitOr: _plain("|", operator.or_),
    ast.BitXor: _plain("^", operator.xor),
}

FAST: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
"""Operators that always have a small result on two numbers."""


def in_place(op: type[ast.operator], a: Any, b: Any) -> Any:
    """Return the result of `a += b` and such: a list is changed itself."""
    if isinstance(a, list) and op is ast.Add and isinstance(b, list | tuple):
        check_length(len(a) + len(b))
        a += b
        return a
    if isinstance(a, list) and op is ast.Mult and isinstance(b, int):
        check_length(len(a) * max(b, 0))
        a *= b
        return a
    return BINARY[op](a, b)


def _negative(a: Any) -> Any:
    return -whole_number("-", a)


def _positive(a: Any) -> Any:
    return +whole_number("+", a)


def _invert(a: Any) -> Any:
    return -1 - whole_number("~", a)


def whole_number(sign: str, a: Any) -> int:
    """Return the argument of an operator or a function that takes a number."""
    if not isinstance(a, int):
        raise Undefined(f"`{sign}` does not work on {kind(a)}")
    return int(a)


UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: _negative,
    ast.UAdd: _positive,
    ast.Invert: _invert,
}


# ---- comparisons


def equal(a: Any, b: Any) -> bool:
    """Return `a == b`; lists are compared in a bounded number of steps."""
    left = [MOST_COMPARED]
    return _equal(a, b, left)


def _equal(a: Any, b: Any, left: list[int]) -> bool:
    if type(a) not in (list, tuple) or type(a) is not type(b):
        return bool(a == b)
    if a is b:
        return True
    left[0] -= len(a) + 1
    if left[0] < 0:
        raise Undefined("the lists are too large to be compared")
    if len(a) != len(b):
        return False
    try:
        return all(_equal(x, y, left) for x, y in zip(a, b, strict=True))
    except RecursionError:
        raise Undefined("the lists are nested too deeply to be compared") from None


def _unequal(a: Any, b: Any) -> bool:
    return not equal(a, b)


def _ordered(sign: str, work: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(a: Any, b: Any) -> bool:
        _both(sign, a, b)
        return work(a, b)

    return run


def _contained(a: Any, b: Any) -> bool:
    if not isinstance(b, list | tuple):
        raise Undefined(f"`in` looks into lists, not into {kind(b)}")
    return any(equal(a, element) for element in b)


def _not_contained(a: Any, b: Any) -> bool:
    return not _contained(a, b)


COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: equal,
    ast.NotEq: _unequal,
    ast.Lt: _ordered("<", operator.lt),
    ast.LtE: _ordered("<=", operator.le),
    ast.Gt: _ordered(">", operator.gt),
    ast.GtE: _ordered(">=", operator.ge),
    ast.In: _contained,
    ast.NotIn: _not_contained,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}

FAST_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
"""The same, on two numbers."""


# ---- elements


def read(value: Any, index: Any) -> Any:
    """Return `value[index]`; an index may be a slice."""
    if not isinstance(value, list | tuple):
        raise Undefined(f"{kind(value)} has no elements")
    if isinstance(index, slice):
        check_slice(index)
    elif not isinstance(index, int):
        raise Undefined(f"an index is a number, not {kind(index)}")
    elif not -len(value) <= index < len(value):
        raise Undefined(f"the index {index} is out of range: there are {len(value)} elements")
    return value[index]


def write(value: Any, index: Any, element: Any) -> None:
    """Do `value[index] = element`."""
    if not isinstance(value, list):
        raise Undefined(f"the elements of {kind(value)} cannot be set")
    if isinstance(index, slice):
        check_slice(index)
        if not isinstance(element, list | tuple):
            raise Undefined(f"a slice is set to a list, not to {kind(element)}")
        check_length(len(value) + len(element))
        try:
            value[index] = element
        except ValueError:
            count = len(value[index])
            raise Undefined(
                f"a slice of {count} elements with a step cannot be set to {len(element)}"
            ) from None
        return
    read(value, index)
    value[index] = element


def check_slice(index: slice) -> None:
    """Refuse a slice of anything but numbers, or with step 0."""
    for part in (index.start, index.stop, index.step):
        if part is not None and not isinstance(part, int):
            raise Undefined(f"a slice is made of numbers, not of {kind(part)}")
    if index.step == 0:
        raise Undefined("the step of the slice is 0")


def unpack(value: Any, count: int) -> Sequence[Any]:
    """Return the elements of a list that is assigned to `count` targets."""
    if not isinstance(value, list | tuple):
        raise Undefined(f"{kind(value)} cannot be taken apart into {count} values")
    if len(value) != count:
        raise Undefined(f"there are {len(value)} values for {count} names")
    return value
