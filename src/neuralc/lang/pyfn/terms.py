"""Whole numbers as terms of the solver z3: each knows its least and its largest value.

A number is a signed bit-vector just wide enough for its interval, so nothing overflows; where more
than `MOST_WIDTH` bits could come up, the encoding is refused. Knows nothing of syntax or lists.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from neuralc.errors import MissingExtra

MOST_WIDTH = 64
MOST_CHOICES = 64
"""Values of an exponent or of a shift that are told apart."""
Bool = Any
"""True, False, or a Boolean term."""


class Unencodable(Exception):
    """A function has no encoding; the message says why."""


def load_z3() -> Any:
    """Return the module of the solver.

    Raises:
        MissingExtra: it is not installed.

    """
    try:
        import z3
    except ImportError:
        raise MissingExtra("z3-solver", "smt", "a proof by SMT") from None
    return z3


@dataclass(frozen=True, eq=False)
class Number:
    """A number that depends on the inputs: `low <= value <= high`, never a single value.

    `term` is a signed bit-vector of `width(low, high)` bits; a truth value, 0 or 1, has `truth`.
    """

    low: int
    high: int
    term: Any
    truth: Any = None


def width(low: int, high: int) -> int:
    """Return how many bits a signed number in this interval takes."""
    return max(low.bit_length() if low >= 0 else (-low - 1).bit_length(), high.bit_length()
               if high >= 0 else (-high - 1).bit_length()) + 1  # fmt: skip


Value = Any
"""Here: a Python integer, or a `Number`."""


class Terms:
    """Arithmetic on numbers; `fail` is told of divisions by zero and the like."""

    def __init__(self, fail: Callable[[Bool, str], None]) -> None:
        """Load the solver."""
        self.z3 = load_z3()
        self.fail = fail

    # ---- conditions

    def both(self, a: Bool, b: Bool) -> Bool:
        """Return `a and b`."""
        if a is False or b is False:
            return False
        if a is True:
            return b
        return a if b is True else self.z3.And(a, b)

    def either(self, a: Bool, b: Bool) -> Bool:
        """Return `a or b`."""
        if a is True or b is True:
            return True
        if a is False:
            return b
        return a if b is False else self.z3.Or(a, b)

    def negated(self, a: Bool) -> Bool:
        """Return `not a`."""
        if isinstance(a, bool):
            return not a
        return a.arg(0) if self.z3.is_not(a) else self.z3.Not(a)

    def boolean(self, a: Bool) -> Value:
        """Return a condition as a number."""
        if isinstance(a, bool):
            return a
        z3 = self.z3
        return Number(0, 1, z3.If(a, z3.BitVecVal(1, 2), z3.BitVecVal(0, 2)), a)

    def truth(self, a: Value) -> Bool:
        """Return whether a number is not 0."""
        if isinstance(a, int):
            return bool(a)
        if a.truth is not None:
            return a.truth
        return True if a.low > 0 or a.high < 0 else a.term != 0

    # ---- numbers

    def given(self, term: Any, size: int) -> Value:
        """Return an input: an unsigned bit-vector of any width that is known to be below `size`."""
        if size == 1:
            return 0
        wanted, own = width(0, size - 1), term.size()
        if own < wanted:
            term = self.z3.ZeroExt(wanted - own, term)
        return Number(0, size - 1, term if own <= wanted else self._cut(term, wanted))

    def wide(self, a: Value, bits: int) -> Any:
        """Return the term of a number in so many bits."""
        if isinstance(a, int):
            return self.z3.BitVecVal(int(a), bits)
        extra = bits - a.term.size()
        return self.z3.SignExt(extra, a.term) if extra > 0 else a.term

    def choose(self, condition: Any, a: Value, b: Value) -> Value:
        """Return a where the condition holds, else b."""
        if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
            return a
        z3, (low, high) = self.z3, _hull([a, b])
        if _is_truth(a) and _is_truth(b):
            return self.boolean(z3.If(condition, self._as_bool(a), self._as_bool(b)))
        bits = width(low, high)
        return Number(low, high, z3.If(condition, self.wide(a, bits), self.wide(b, bits)))

    def equal(self, a: Value, b: Value) -> Bool:
        """Return `a == b`."""
        return self._compared(a, b, lambda x, y: x == y, lambda x, y: x == y)

    def less(self, a: Value, b: Value) -> Bool:
        """Return `a < b`."""
        (low, high), (least, most) = _hull([a]), _hull([b])
        if high < least:
            return True
        return False if low >= most else self._term(lambda x, y: x < y, a, b)

    def compare(self, op: type[ast.cmpop], a: Value, b: Value) -> Bool:
        """Return a comparison of numbers."""
        rules: dict[type[ast.cmpop], Callable[[], Bool]] = {
            ast.Eq: lambda: self.equal(a, b),
            ast.NotEq: lambda: self.negated(self.equal(a, b)),
            ast.Lt: lambda: self.less(a, b),
            ast.Gt: lambda: self.less(b, a),
            ast.LtE: lambda: self.negated(self.less(b, a)),
            ast.GtE: lambda: self.negated(self.less(a, b)),
        }
        return rules[op]()

    def binary(self, op: type[ast.operator], a: Value, b: Value) -> Value:
        """Return an operator of two numbers, at least one of which is none of Python's."""
        rules: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
            ast.Add: self._add, ast.Sub: self._subtract, ast.Mult: self._multiply,
            ast.FloorDiv: self._divide, ast.Mod: self._modulo, ast.Pow: self._power,
            ast.LShift: self._left, ast.RShift: self._right, ast.BitAnd: self._bits,
            ast.BitOr: self._bits, ast.BitXor: self._bits,
        }  # fmt: skip
        if rules[op] == self._bits:
            return self._bits(a, b, op)
        return rules[op](a, b)

    def negative(self, a: Value) -> Value:
        """Return `-a`."""
        return -a if isinstance(a, int) else self._subtract(0, a)

    # ---- the operators

    def _number(self, low: int, high: int, bits: int, term: Any) -> Value:
        """Return a number whose interval is known, from a term that may be wider than needed."""
        if low == high:
            return low
        needed = width(low, high)
        return Number(low, high, self._cut(term, needed) if needed < bits else term)

    def _cut(self, term: Any, bits: int) -> Any:
        return self.z3.Extract(bits - 1, 0, term)

    def _width(self, *values: int) -> int:
        bits = width(min(values), max(values))
        if bits > MOST_WIDTH:
            raise Unencodable(f"a number of more than {MOST_WIDTH} bits may come up")
        return bits

    def _term(self, work: Callable[[Any, Any], Any], a: Value, b: Value) -> Any:
        bits = width(*_hull([a, b]))
        return work(self.wide(a, bits), self.wide(b, bits))

    def _compared(
        self,
        a: Value,
        b: Value,
        known: Callable[[int, int], bool],
        term: Callable[[Any, Any], Any],
    ) -> Bool:
        if isinstance(a, int) and isinstance(b, int):
            return known(a, b)
        (low, high), (least, most) = _hull([a]), _hull([b])
        if high < least or most < low:
            return False
        if _is_truth(a) and _is_truth(b):
            return self.z3.simplify(self._as_bool(a) == self._as_bool(b))
        return self._term(term, a, b)

    def _as_bool(self, a: Value) -> Any:
        truth = self.truth(a)
        return self.z3.BoolVal(truth) if isinstance(truth, bool) else truth

    def _add(self, a: Value, b: Value) -> Value:
        (low, high), (least, most) = _hull([a]), _hull([b])
        bits = self._width(low + least, high + most, low, high, least, most)
        return self._number(low + least, high + most, bits, self.wide(a, bits) + self.wide(b, bits))

    def _subtract(self, a: Value, b: Value) -> Value:
        (low, high), (least, most) = _hull([a]), _hull([b])
        bits = self._width(low - most, high - least, low, high, least, most)
        return self._number(low - most, high - least, bits, self.wide(a, bits) - self.wide(b, bits))

    def _multiply(self, a: Value, b: Value) -> Value:
        corners = [x * y for x, y in product(_hull([a]), _hull([b]))]
        bits = self._width(*corners, *_hull([a]), *_hull([b]))
        term = self.wide(a, bits) * self.wide(b, bits)
        return self._number(min(corners), max(corners), bits, term)

    def _divisors(self, b: Value) -> list[int]:
        """Return the divisors at the ends, 0 left out, which is told to `fail`."""
        least, most = _hull([b])
        if least <= 0 <= most:
            self.fail(self.equal(b, 0), "it divides by zero")
        return [y for y in {least, most, -1, 1} if y and least <= y <= most]

    def _divide(self, a: Value, b: Value) -> Value:
        low, high = _hull([a])
        divisors = self._divisors(b)
        if not divisors:
            return 0
        corners = [x // y for x, y in product((low, high), divisors)]
        reach = max(map(abs, _hull([b])))  # x - x % y may be this far beyond x
        bits = self._width(*corners, low - reach, high + reach, *_hull([b]))
        x, y = self.wide(a, bits), self.wide(b, bits)
        if low >= 0 and min(divisors) > 0:
            return self._number(min(corners), max(corners), bits, self.z3.UDiv(x, y))
        return self._number(min(corners), max(corners), bits, (x - x % y) / y)

    def _modulo(self, a: Value, b: Value) -> Value:
        (low, high), (least, most) = _hull([a]), _hull([b])
        divisors = self._divisors(b)
        if not divisors:
            return 0
        if isinstance(b, int) and b > 0:
            if low // b == high // b:
                return self._subtract(a, low // b * b)
            if high // b - low // b <= 2:  # a comparison or two are far cheaper than a division
                return self._wrapped(a, b, low // b, high // b)
        bits = self._width(low, high, least, most)
        x, y = self.wide(a, bits), self.wide(b, bits)
        if low >= 0 and least > 0:
            return self._number(0, min(most - 1, high), bits, self.z3.URem(x, y))
        return self._number(min(0, least + 1), max(0, most - 1), bits, x % y)

    def _wrapped(self, a: Value, b: int, first: int, last: int) -> Value:
        """Return `a % b` where `a // b` is one of a few numbers."""
        bits = self._width(*_hull([a]), -b, b, (last + 1) * b)
        term = self.wide(a, bits)
        found = term - last * b
        for k in range(last - 1, first - 1, -1):
            found = self.z3.If(term < (k + 1) * b, term - k * b, found)
        return self._number(0, b - 1, bits, found)

    def _choices(self, b: Value, what: str) -> Sequence[tuple[int, Bool]]:
        """Return the values of an exponent or a shift, with a condition for each."""
        low, high = _hull([b])
        if low < 0:
            self.fail(self.less(b, 0), f"the {what} is negative")
        if high - max(low, 0) > MOST_CHOICES:
            raise Unencodable(f"the {what} may take more than {MOST_CHOICES} values")
        return [(k, self.equal(b, k)) for k in range(max(low, 0), high + 1)]

    def _chosen(self, parts: Sequence[tuple[Bool, Value]]) -> Value:
        """Return the part whose condition holds; the last one where none does."""
        if not parts:
            return 0
        found = parts[-1][1]
        for condition, value in reversed(parts[:-1]):
            found = value if condition is True else self.choose(condition, value, found)
        return found

    def _power(self, a: Value, b: Value) -> Value:
        parts = []
        for k, condition in self._choices(b, "exponent"):
            value: Value = 1
            for _ in range(k):
                value = value * a if isinstance(value, int) and isinstance(a, int) else (
                    self._multiply(value, a)
                )  # fmt: skip
                self._width(*_hull([value]))
            parts.append((condition, value))
        return self._chosen(parts)

    def _left(self, a: Value, b: Value) -> Value:
        choices = self._choices(b, "shift")
        return self._chosen([(c, self._times(a, 2**k)) for k, c in choices])

    def _times(self, a: Value, b: int) -> Value:
        return a * b if isinstance(a, int) else self._multiply(a, b)

    def _right(self, a: Value, b: Value) -> Value:
        choices = self._choices(b, "shift")
        return self._chosen(
            [(c, a >> k if isinstance(a, int) else self._divide(a, 2**k)) for k, c in choices]
        )

    def _bits(self, a: Value, b: Value, op: type[ast.operator] = ast.BitAnd) -> Value:
        (low, high), (least, most) = _hull([a]), _hull([b])
        bits = self._width(low, high, least, most)
        x, y = self.wide(a, bits), self.wide(b, bits)
        term = x & y if op is ast.BitAnd else x | y if op is ast.BitOr else x ^ y
        if min(low, least) >= 0:
            top = min(high, most) if op is ast.BitAnd else 2 ** max(high, most).bit_length() - 1
            return self._number(0, top, bits, term)
        return self._number(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, bits, term)


def _hull(values: Sequence[Value]) -> tuple[int, int]:
    """Return the least and the largest value."""
    lows = [int(v) if isinstance(v, int) else v.low for v in values]
    highs = [int(v) if isinstance(v, int) else v.high for v in values]
    return min(lows), max(highs)


def _is_truth(a: Value) -> bool:
    return a in (0, 1) if isinstance(a, int) else a.truth is not None
