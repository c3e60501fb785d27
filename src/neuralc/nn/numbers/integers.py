"""Binary operations on integers: what tables hold, and what circuits are tested against.

Numbers are from 0 to below a modulus, and so are results: sums, differences and products are
modulo it. By zero, `a div 0` is the largest number, and `a mod 0` is a. A comparison is 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neuralc.errors import DataError

Array = np.ndarray[Any, Any]
SQUARE = 1 << 31  # moduli up to which a product fits into int64


def compute(name: str, a: Any, b: Any, modulus: int) -> Array:
    """Return an operation on integers in `range(modulus)`, element by element.

    Args:
        name: one of `OPERATIONS`.
        a: integers, any shape.
        b: integers; both broadcast.
        modulus: one more than the largest number.

    Returns:
        int64; Python integers in an array of objects for moduli above 2 ** 31.

    Raises:
        DataError: an unknown operation.

    """
    if name not in OPERATIONS:
        raise DataError(f"no operation {name!r}\n  hint: one of {', '.join(OPERATIONS)}")
    kind = np.int64 if modulus <= SQUARE else object
    x, y = np.broadcast_arrays(np.asarray(a, dtype=kind), np.asarray(b, dtype=kind))
    return np.asarray(OPERATIONS[name](x, y, modulus)).astype(kind)


def _divided(x: Array, y: Array, modulus: int) -> Array:
    return np.where(y == 0, modulus - 1, x // np.where(y == 0, 1, y))


def _rest(x: Array, y: Array, modulus: int) -> Array:
    return np.where(y == 0, x, x % np.where(y == 0, 1, y))


def _power(x: Array, y: Array, modulus: int) -> Array:
    total, square = np.full_like(x, 1 % modulus), x
    for bit in range(int(y.max(initial=0)).bit_length()):
        total = np.where(y >> bit & 1 == 1, total * square % modulus, total)
        square = square * square % modulus
    return total


def _multiple(x: Array, y: Array, modulus: int) -> Array:
    """Return the least common multiple, 0 with 0."""
    divisor = np.gcd(x, y)
    return x // np.where(divisor == 0, 1, divisor) * y % modulus


OPERATIONS: dict[str, Callable[[Array, Array, int], Array]] = {
    "add": lambda x, y, modulus: (x + y) % modulus,
    "sub": lambda x, y, modulus: (x - y) % modulus,
    "mul": lambda x, y, modulus: x * y % modulus,
    "div": _divided,
    "mod": _rest,
    "min": lambda x, y, modulus: np.minimum(x, y),
    "max": lambda x, y, modulus: np.maximum(x, y),
    "equal": lambda x, y, modulus: x == y,
    "unequal": lambda x, y, modulus: x != y,
    "less": lambda x, y, modulus: x < y,
    "less_equal": lambda x, y, modulus: x <= y,
    "greater": lambda x, y, modulus: x > y,
    "greater_equal": lambda x, y, modulus: x >= y,
    "and": lambda x, y, modulus: (x & y) % modulus,
    "or": lambda x, y, modulus: (x | y) % modulus,
    "xor": lambda x, y, modulus: (x ^ y) % modulus,
    "gcd": lambda x, y, modulus: np.gcd(x, y),
    "lcm": _multiple,
    "pow": _power,
}
"""By name; the last three have tables only, no circuits."""
CIRCUITS = tuple(OPERATIONS)[:-3]
