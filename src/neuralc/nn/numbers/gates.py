"""Gates on bits, hard or soft.

Soft bits are the chances of being 1, and a gate gives the chance of its result for independent
inputs: and = ab, or = ab + (1 - a)b + a(1 - b), xor = (1 - a)b + a(1 - b), not = 1 - a. Sums of
products only, so that small chances stay right. On bool tensors the same gates are the operations
of the machine. Both agree on 0 and 1.

Source: Saldyt & Kambhampati (2024), arXiv:2407.04899.
"""

from __future__ import annotations

import torch
from torch import Tensor


def is_hard(a: Tensor) -> bool:
    """Tell bits from chances of bits."""
    return a.dtype == torch.bool


def invert(a: Tensor) -> Tensor:
    """Return not a."""
    return ~a if is_hard(a) else 1 - a


def both(a: Tensor, b: Tensor) -> Tensor:
    """Return a and b."""
    return a & b if is_hard(a) else a * b


def either(a: Tensor, b: Tensor) -> Tensor:
    """Return a or b."""
    return a | b if is_hard(a) else a * b + (1 - a) * b + a * (1 - b)


def differ(a: Tensor, b: Tensor) -> Tensor:
    """Return a xor b."""
    return a ^ b if is_hard(a) else (1 - a) * b + a * (1 - b)


def together(a: Tensor, b: Tensor) -> Tensor:
    """Return a or b where never both are 1: chances add up."""
    return a | b if is_hard(a) else a + b


def choose(test: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """Return yes if the test is 1, else no."""
    return together(both(test, yes), both(invert(test), no))
