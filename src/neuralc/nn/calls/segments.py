"""Segment sums with a gradient: the mass of every tuple of arguments moves to its result.

On the CPU by compiled kernels (`kernels.py`), elsewhere by `index_add` over a bounded number of
products at a time; where there are few, over all of them. Every operation is linear in each
argument, so the backward pass is another look-up in the table. Knows tables as flat integers, not
what they mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neuralc.backends.soft.runtime import scatter
from neuralc.nn.calls import kernels

FEW = 1 << 15  # products up to which all of them at once are quicker
CHUNK = 1 << 24  # products in memory at a time, on other devices than the CPU


def segments(table: Tensor, size: int, args: Sequence[Tensor]) -> Tensor:
    """Return the distribution of one function.

    Args:
        table: results, int32 `[entries]`, the last argument fastest.
        size: the number of results.
        args: distributions `(B, n_k)`, float32 or float64.

    Returns:
        `(B, size)`.

    """
    if table.numel() * len(args[0]) <= FEW:
        return _at_once(args, table, size)
    result: Tensor = _Segments.apply(table, size, *args)  # type: ignore[no-untyped-call]
    return result


def mixed(tables: Tensor, weights: Tensor, size: int, args: Sequence[Tensor]) -> Tensor:
    """Return `sum_k weights[:, k] * f_k(args)` for functions of the same arguments.

    Forward costs as much as every function alone, and keeps what each of them gave: so the
    gradient of the weights is an inner product, and that of the arguments one pass for all.

    Args:
        tables: results, int32 `[K, entries]`.
        weights: `(B, K)`.
        size: the number of results.
        args: distributions `(B, n_k)`.

    Returns:
        `(B, size)`.

    """
    if tables.numel() * len(args[0]) <= FEW:
        return _at_once([weights, *args], tables.flatten(), size)
    result: Tensor = _Mixed.apply(tables, weights, size, *args)  # type: ignore[no-untyped-call]
    return result


def _at_once(args: Sequence[Tensor], table: Tensor, size: int) -> Tensor:
    with torch.autocast(args[0].device.type, enabled=False):  # which would make products bfloat16
        index = table.long()  # which torch adds up far quicker by than by int32
        return scatter([_summed(arg) for arg in args], index, size).to(args[0].dtype)


def _summed(x: Tensor) -> Tensor:
    """Return float64, in which products are added up (`kernels.py` says why), if there is such."""
    return x if x.device.type == "mps" else x.double()


class _Segments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, size: int, *args: Tensor) -> Tensor:
        ctx.save_for_backward(table, *args)
        return _push(table, size, args)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        table, *args = ctx.saved_tensors
        weights = args[0].new_ones(len(args[0]), 1)
        return None, None, *_pull(table.unsqueeze(0), weights, args, grads[0])


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tables: Tensor, weights: Tensor, size: int, *args: Tensor) -> Tensor:
        each = torch.stack([_push(table, size, args) for table in tables], 1)
        ctx.save_for_backward(tables, weights, each, *args)
        return (weights.unsqueeze(2) * each).sum(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        tables, weights, each, *args = ctx.saved_tensors
        chosen = (grads[0].unsqueeze(1) * each).sum(2) if ctx.needs_input_grad[1] else None
        moved: Sequence[Tensor | None] = [None] * len(args)
        if any(ctx.needs_input_grad[3:]):
            moved = _pull(tables, weights, args, grads[0])
        return None, chosen, None, *moved


def _push(table: Tensor, size: int, args: Sequence[Tensor]) -> Tensor:
    if args[0].device.type != "cpu":
        return push_chunks(table, size, args)
    arrays = [arg.detach().numpy() for arg in args]
    z = kernels.forward(table.numpy(), size, arrays, torch.get_num_threads())
    return torch.from_numpy(z).to(args[0].dtype)


def _pull(
    tables: Tensor, weights: Tensor, args: Sequence[Tensor], gradient: Tensor
) -> list[Tensor]:
    if args[0].device.type != "cpu":
        return pull_chunks(tables, weights, args, gradient)
    arrays = [arg.detach().numpy() for arg in args]
    found = kernels.backward(
        tables.numpy(), weights.detach().numpy(), arrays, gradient.numpy(),
        torch.get_num_threads(),
    )  # fmt: skip
    return [torch.from_numpy(part).to(args[0].dtype) for part in found]


# ---- other devices


def push_chunks(table: Tensor, size: int, args: Sequence[Tensor], chunk: int = CHUNK) -> Tensor:
    """Return what `segments` returns, by tensor operations: at most `chunk` products at a time."""
    *lead, last = (_summed(arg) for arg in args)
    z = last.new_zeros(len(last), size)
    for leads in _chunks([arg.shape[1] for arg in args], len(last), chunk):
        joint = (_joint(lead, leads, last).unsqueeze(2) * last.unsqueeze(1)).flatten(1)
        z.index_add_(1, _rows(table, leads, last.shape[1]).flatten(), joint)
    return z.to(args[0].dtype)


def pull_chunks(
    tables: Tensor, weights: Tensor, args: Sequence[Tensor], gradient: Tensor, chunk: int = CHUNK
) -> list[Tensor]:
    """Return the gradients of the arguments, by tensor operations."""
    *lead, last = args
    found = [torch.zeros_like(arg) for arg in args]
    for leads in _chunks([arg.shape[1] for arg in args], len(last), chunk):
        g = last.new_zeros(len(last), len(leads), last.shape[1])
        for k, table in enumerate(tables):
            moved = gradient[:, _rows(table, leads, last.shape[1])]
            g.addcmul_(moved, weights[:, k, None, None])
        found[-1] += torch.einsum("blj,bl->bj", g, _joint(lead, leads, last))
        part = torch.einsum("blj,bj->bl", g, last)
        for a, places in enumerate(_places(lead, leads)):
            others = [arg for k, arg in enumerate(lead) if k != a]
            rest = [p for k, p in enumerate(_places(lead, leads)) if k != a]
            product = part
            for arg, place in zip(others, rest, strict=True):
                product = product * arg[:, place]
            found[a].index_add_(1, places, product)
    return found


def _chunks(sizes: Sequence[int], rows: int, chunk: int) -> Iterator[range]:
    """Yield ranges of flat indices of the leading arguments."""
    count = math.prod(sizes[:-1])
    step = max(1, chunk // max(1, rows * sizes[-1]))
    for first in range(0, count, step):
        yield range(first, min(first + step, count))


def _rows(table: Tensor, leads: range, n: int) -> Tensor:
    return table[leads.start * n : leads.stop * n].view(-1, n).long()


def _places(lead: Sequence[Tensor], leads: range) -> list[Tensor]:
    """Return the value of each leading argument for a range of flat indices."""
    if not lead:
        return []
    flat = torch.arange(leads.start, leads.stop, device=lead[0].device)
    return list(torch.unravel_index(flat, tuple(arg.shape[1] for arg in lead)))


def _joint(lead: Sequence[Tensor], leads: range, like: Tensor) -> Tensor:
    """Return the products of the leading arguments, `(B, leads)`."""
    joint = like.new_ones(len(like), len(leads))
    for arg, places in zip(lead, _places(lead, leads), strict=True):
        joint = joint * arg[:, places]
    return joint
