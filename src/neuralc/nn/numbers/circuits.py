"""Arithmetic on bits `(..., b)`, least significant first, as circuits of soft or hard gates.

Exact on hard bits, at any width; differentiable on chances. Numbers are unsigned and results are
modulo 2 ** b. By zero: `a div 0` is all ones, 2 ** b - 1, and `a mod 0` is a (as a long division
that subtracts nothing gives, and as RISC-V has it).

Soft sums, differences and comparisons are exact for independent bits: a carry depends only on
lower bits. Products and quotients are not, as the same bit enters several times; they are
relaxations that agree on 0 and 1.

Source: Saldyt & Kambhampati (2024), arXiv:2407.04899 (ripple-carry circuits, long division).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from neuralc.nn.numbers.gates import both, choose, differ, invert, together


def add(a: Tensor, b: Tensor) -> Tensor:
    """Return `(a + b) % 2 ** bits`."""
    return _ripple(a, b, _zero(a, b))[0]


def subtract(a: Tensor, b: Tensor) -> Tensor:
    """Return `(a - b) % 2 ** bits`."""
    return difference(a, b)[0]


def difference(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return `(a - b) % 2 ** bits`, and whether `a < b`, `(...)`: the last borrow."""
    total, carry = _ripple(a, invert(b), invert(_zero(a, b)))
    return total, invert(carry)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Return `a * b % 2 ** bits`: rows are added up without carrying, the carries once at last."""
    a, b = torch.broadcast_tensors(a, b)
    low = both(a, b[..., :1])
    carries = torch.zeros_like(low)
    row = a
    for k in range(1, a.shape[-1]):
        row = _up(row)
        low, carries = _three(low, carries, both(row, b[..., k : k + 1]))
    return add(low, carries)


def divide(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return `a // b` and `a % b`, by long division; see above for 0."""
    a, b = torch.broadcast_tensors(a, b)
    rest = torch.zeros_like(a)
    quotient: list[Tensor] = []
    wide = torch.cat((b, torch.zeros_like(b[..., :1])), -1)  # a rest, shifted up, has a bit more
    for k in range(a.shape[-1] - 1, -1, -1):
        shifted = torch.cat((a[..., k : k + 1], rest), -1)
        less, below = difference(shifted, wide)
        fits = invert(below)
        rest = choose(fits.unsqueeze(-1), less, shifted)[..., :-1]
        quotient.append(fits)
    return torch.stack(quotient[::-1], -1), rest


def less(a: Tensor, b: Tensor) -> Tensor:
    """Return whether `a < b`, `(...)`."""
    return difference(a, b)[1]


def equal(a: Tensor, b: Tensor) -> Tensor:
    """Return whether `a == b`, `(...)`."""
    same = invert(differ(a, b))
    return same.all(-1) if same.dtype == torch.bool else same.prod(-1)


def minimum(a: Tensor, b: Tensor) -> Tensor:
    """Return the smaller number; softly a mixture of both numbers, bit by bit."""
    return choose(less(a, b).unsqueeze(-1), a, b)


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """Return the larger number; softly a mixture of both numbers, bit by bit."""
    return choose(less(a, b).unsqueeze(-1), b, a)


def number(bit: Tensor, bits: int) -> Tensor:
    """Return a bit `(...)` as a number 0 or 1 of so many bits."""
    return pad(bit.unsqueeze(-1), (0, bits - 1))


def _ripple(a: Tensor, b: Tensor, carry: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum bit by bit, and the last carry."""
    half, make = differ(a, b), both(a, b)
    total: list[Tensor] = []
    for one, two in zip(half.unbind(-1), make.unbind(-1), strict=True):
        total.append(differ(one, carry))
        carry = together(two, both(one, carry))  # never both: a and b, and one of them alone
    return torch.stack(total, -1), carry


def _three(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Return two numbers with the sum of three, each bit for itself."""
    half = differ(a, b)
    return differ(half, c), _up(together(both(a, b), both(half, c)))


def _up(a: Tensor) -> Tensor:
    """Return `2 * a`, modulo 2 ** bits."""
    return torch.cat((torch.zeros_like(a[..., :1]), a[..., :-1]), -1)


def _zero(a: Tensor, b: Tensor) -> Tensor:
    shape = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return a.new_zeros(shape)
