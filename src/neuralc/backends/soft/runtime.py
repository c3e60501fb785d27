"""The few functions that generated PyTorch code calls besides torch itself.

Distributions are probabilities along the last dimension; everything broadcasts over the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from neuralc.backends.soft.circular import circle, circle_back, circled

__all__ = [
    "add", "along", "blend", "centred_backward", "centred_softmax", "circle", "circle_back",
    "circled", "equal", "features", "join", "less", "maximum", "minimum", "mixture", "normalise",
    "running", "scatter", "stack", "taped", "untape", "widen",
]  # fmt: skip

ROWS = 64  # of distributions from which on a product with a matrix pays
CELLS = 100_000  # of that matrix at most
MANY = 4096  # numbers in an operand from which on the cost of a call does not count


def centred_softmax(logits: Tensor) -> Tensor:
    """Return the softmax along the last dimension, its gradient centred on the largest entry.

    The usual backward `y * (dy - sum(y * dy))` cancels when one entry is close to 1, so that
    float32 gradients of a nearly discrete program are noise. The softmax does not change when a
    constant is added to `dy`; subtracting the winner's own `dy` first removes the cancellation.
    """
    result: Tensor = _CentredSoftmax.apply(logits)  # type: ignore[no-untyped-call]
    return result


class _CentredSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor) -> Tensor:
        y = logits.softmax(-1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return centred_backward(y, grads[0])


def centred_backward(y: Tensor, dy: Tensor) -> Tensor:
    """Return the gradient of a softmax with output `y`, centred on the largest entry."""
    centred = dy - dy.gather(-1, y.argmax(-1, keepdim=True))
    return y * (centred - (y * centred).sum(-1, keepdim=True))


def mixture(weights: Tensor, arms: Sequence[Tensor]) -> Tensor:
    """Return `sum_k weights[..., k] * arms[k]`; the arms broadcast."""
    parts = weights.unsqueeze(-1).unbind(-2)
    total = parts[0] * arms[0]
    for weight, arm in zip(parts[1:], arms[1:], strict=True):
        total = torch.addcmul(total, weight, arm)
    return total


def blend(a: Tensor, b: Tensor, chance_a: Tensor, chance_b: Tensor) -> Tensor:
    """Return `a * chance_a + b * chance_b`."""
    return torch.addcmul(a * chance_a, b, chance_b)


def along(weights: Tensor, rows: Tensor) -> Tensor:
    """Return `sum_k weights[..., k] * rows[..., k, :]` for few and short rows of one batch.

    Torch adds up along a dimension in the middle slowly: where that counts, row by row is quicker.
    """
    if rows.numel() < MANY * rows.shape[-2]:
        return (weights.unsqueeze(-1) * rows).sum(-2)
    first, *rest = rows.unbind(-2)
    chance, *chances = weights.unsqueeze(-1).unbind(-2)
    total = chance * first
    for chance, row in zip(chances, rest, strict=True):
        total.addcmul_(chance, row)
    return total


def stack(parts: Sequence[Tensor]) -> Tensor:
    """Stack tensors that broadcast, as the last dimension but one."""
    return torch.stack(torch.broadcast_tensors(*parts), -2)


def features(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate tensors along the last dimension; they broadcast over the others."""
    shape = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*shape, part.shape[-1]) for part in parts], -1)


def join(parts: Sequence[Tensor], dim: int, lengths: Sequence[int], order: Tensor | None) -> Tensor:
    """Concatenate along `dim`, where part `k` is `lengths[k]` long; then permute by `order`."""
    rows = [
        part.expand(*_but(parts, dim, length)) for part, length in zip(parts, lengths, strict=True)
    ]
    whole = torch.cat(rows, dim)
    return whole if order is None else whole.index_select(dim, order)


def _but(parts: Sequence[Tensor], dim: int, length: int) -> list[int]:
    rank = max(part.dim() for part in parts)
    dim %= rank
    shapes = [[1] * (rank - part.dim()) + list(part.shape) for part in parts]
    for shape in shapes:
        shape[dim] = 1
    return [length if d == dim else max(shape[d] for shape in shapes) for d in range(rank)]


def widen(x: Tensor, size: int) -> Tensor:
    """Give a distribution more values, of probability 0."""
    return pad(x, (0, size - x.shape[-1]))


def scatter(parts: Sequence[Tensor], index: Tensor, size: int) -> Tensor:
    """Move the mass of each tuple of arguments to `index[tuple]`: a segment sum.

    With three arguments or more and many rows, the last one comes in after a product with the
    table as a matrix, while that is small: a third of the time of the joint distribution of all.
    """
    rows = torch.broadcast_shapes(*(part.shape[:-1] for part in parts)).numel()
    late = len(parts) > 2 and rows >= ROWS and len(index) * size <= CELLS
    joint = parts[0]
    for part in parts[1 : len(parts) - late]:
        joint = (joint.unsqueeze(-1) * part.unsqueeze(-2)).flatten(-2)
    if late:
        table = joint.new_zeros(len(index), size)
        table[torch.arange(len(index), device=index.device), index] = 1
        moved = (joint @ table.reshape(joint.shape[-1], -1)).unflatten(-1, (-1, size))
        return along(parts[-1], moved)
    zeros = joint.new_zeros(*joint.shape[:-1], size)
    return zeros.index_add(-1, index, joint)


def add(x: Tensor, y: Tensor, offset: int, modulus: int, size: int, sign: int = 1) -> Tensor:
    """Return the distribution of `x + sign * y + offset`, modulo `modulus` unless that is 0."""
    length = modulus or (x.shape[-1] + y.shape[-1] + abs(offset))
    y = widen(_folded(y, length), length)
    z = circle(_folded(x, length), y if sign > 0 else y.flip(-1).roll(1, -1), length)
    if offset:
        z = z.roll(offset, -1)
    return z[..., :size] if length > size else widen(z, size)


def _folded(x: Tensor, length: int) -> Tensor:
    """Return the distribution of `x` modulo `length`; `rfft` would cut off what is beyond it."""
    if x.shape[-1] <= length:
        return x
    folded: Tensor = widen(x, -(-x.shape[-1] // length) * length).unflatten(-1, (-1, length))
    return folded.sum(-2)


def running(x: Tensor, reverse: bool, strict: bool) -> Tensor:
    """Return the mass up to each value, itself left out if `strict`; down to it if `reverse`."""
    x = x.flip(-1) if reverse else x
    total = x.cumsum(-1)
    if strict:
        total = pad(total[..., :-1], (1, 0))
    return total.flip(-1) if reverse else total


def minimum(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of the smaller of two values."""
    n = max(x.shape[-1], y.shape[-1])  # one argument may have more values than the result
    x, y = widen(x, n), widen(y, n)
    z = x * _at_least(y) + y * _at_least(x) - x * y
    return z[..., :size] if n > size else widen(z, size)


def maximum(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of the larger of two values."""
    x, y = widen(x, size), widen(y, size)
    return x * y.cumsum(-1) + y * x.cumsum(-1) - x * y


def _at_least(x: Tensor) -> Tensor:
    return x.flip(-1).cumsum(-1).flip(-1)


def equal(x: Tensor, y: Tensor, values: tuple[int, int], size: int) -> Tensor:
    """Return the distribution of `values[x == y]`."""
    n = min(x.shape[-1], y.shape[-1])
    yes = (x[..., :n] * y[..., :n]).sum(-1)
    return _test(yes, x.sum(-1) * y.sum(-1) - yes, values, size)


def less(x: Tensor, y: Tensor, values: tuple[int, int], size: int) -> Tensor:
    """Return the distribution of `values[x < y]`."""
    n = max(x.shape[-1], y.shape[-1])
    x, y = widen(x, n), widen(y, n)
    above = _at_least(y)
    yes = (x[..., :-1] * above[..., 1:]).sum(-1)
    no = (x * y.cumsum(-1)).sum(-1)
    return _test(yes, no, values, size)


def _test(yes: Tensor, no: Tensor, values: tuple[int, int], size: int) -> Tensor:
    chances = torch.stack((no, yes), -1)
    if (values, size) == ((0, 1), 2):
        return chances
    hot = torch.zeros(2, size, dtype=yes.dtype, device=yes.device)
    hot[0, values[0]] = 1
    hot[1, values[1]] = 1
    return chances @ hot


def normalise(x: Tensor) -> Tensor:
    """Divide by the sum along the last dimension."""
    return x / x.sum(-1, keepdim=True)


Tape = tuple[tuple[Tensor, ...], Tensor]


def taped(function: Callable[..., Tensor], *operands: Tensor) -> tuple[Tensor, Tape]:
    """Run one operation with autograd recording; return the result and what `untape` needs."""
    leaves = tuple(operand.detach().requires_grad_() for operand in operands)
    with torch.enable_grad():
        result = function(*leaves)
    return result.detach(), (leaves, result)


def untape(tape: Tape, gradient: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of the operands of a recorded operation."""
    leaves, result = tape
    return torch.autograd.grad(result, leaves, gradient, retain_graph=True)
