"""A routine called on its most probable arguments only, where a table of all is too large.

The tuples of arguments with the largest products of probabilities are found best first, the
routine is run exactly on these, and what was left out is reported. No other choice of as many
tuples leaves out less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.errors import DataError
from neuralc.nn.calls.pushforward import widened

Array = np.ndarray[Any, Any]
Run = Callable[[Array], tuple[Array, Array, Array]]
"""Runs a routine on integers `[E, operands]`; returns values, steps, and whether it halted."""


@dataclass(frozen=True, eq=False)
class Top:
    """The result of a call on the most probable arguments.

    Attributes:
        distribution: `(..., size)`.
        lost: the mass of all tuples of arguments that were not run, `(...)`, exact but for
            rounding. Before the division by its sum, the distribution is the exact one less just
            this mass: no value has too much. After it, no event's probability is wrong by more
            than `lost` over the mass of the arguments.
        unhalted: the mass of the tuples whose run was cut off, `(...)`; it is in `distribution`,
            on the values that these runs had come to.

    """

    distribution: Tensor
    lost: Tensor
    unhalted: Tensor


def top(
    args: Sequence[Tensor], run: Run, size: int, tuples: int, *, normalised: bool = True
) -> Top:
    """Call a routine on the most probable tuples of independent arguments.

    The gradient is that of the mass which was run: tuples left out have none, except through the
    division. So what is returned by default is the distribution of the result, given that the
    arguments are among those run: it sums up to 1 and may go on to the next call.

    Args:
        args: distributions `(..., n_k)`; the leading axes broadcast.
        run: the exact execution; called once, with each tuple once.
        size: the number of results.
        tuples: how many tuples to run for each example.
        normalised: divide the result by its sum, as part of the gradient.

    Raises:
        DataError: no arguments, no tuples, or a result out of range.

    """
    if not args or tuples < 1:
        raise DataError("a call on the most probable arguments needs arguments, and tuples to run")
    kind = args[0].dtype
    args = [widened(arg) for arg in args]
    shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in args))
    args = [arg.expand(*shape, arg.shape[-1]) for arg in args]
    places = most_probable(args, tuples)
    kept = torch.stack([arg.gather(-1, places[..., k]) for k, arg in enumerate(args)]).prod(0)
    values, halted = exactly(run, places, size)
    z = kept.new_zeros(*shape, size).scatter_add(-1, values, kept)
    sure = kept.detach().double()
    mass = torch.stack([arg.detach().double().sum(-1) for arg in args]).prod(0)
    lost = (mass - sure.sum(-1)).clamp_min(0).to(kind)
    unhalted = (sure * ~halted).sum(-1).to(kind)
    return Top((z / z.sum(-1, keepdim=True) if normalised else z).to(kind), lost, unhalted)


def most_probable(args: Sequence[Tensor], tuples: int) -> Tensor:
    """Return the tuples with the largest products, best first: `(..., at most tuples, k)`.

    Arguments are taken in one by one: what is not among the best of the first ones is not part of
    the best of all. In sorted order a pair can be among the K best only if the product of its two
    ranks is at most K, so that few are looked at.
    """
    with torch.no_grad():
        chances, first = args[0].topk(min(tuples, args[0].shape[-1]))
        places = first.unsqueeze(-1)
        for arg in args[1:]:
            more, second = arg.topk(min(tuples, arg.shape[-1]))
            left, right = (
                torch.from_numpy(ranks).to(arg.device)
                for ranks in _ranks(chances.shape[-1], more.shape[-1], tuples)
            )
            products = chances[..., left] * more[..., right]
            chances, best = products.topk(min(tuples, len(left)))
            left, right = left[best], right[best]
            before = places.gather(-2, left.unsqueeze(-1).expand(*left.shape, places.shape[-1]))
            places = torch.cat((before, second.gather(-1, right).unsqueeze(-1)), -1)
    return places


@cache
def _ranks(n: int, m: int, tuples: int) -> tuple[Array, Array]:
    """Return the pairs of ranks, from 0, that may be among the best."""
    ranks = np.arange(n)[:, None] + 1, np.arange(m)[None, :] + 1
    left, right = np.nonzero(ranks[0] * ranks[1] <= tuples)
    return left, right


def exactly(run: Run, places: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Run a routine on tuples of numbers, each different one once.

    Args:
        run: the exact execution.
        places: integers `(..., k)`.
        size: the number of results.

    Returns:
        Results and whether the runs halted, `(...)` each.

    Raises:
        DataError: a result is out of range.

    """
    flat = places.reshape(-1, places.shape[-1]).cpu().numpy()
    unique, back = np.unique(flat, axis=0, return_inverse=True)
    values, _, halted = run(unique)
    values = np.asarray(values)
    if values.shape != (len(unique),) or values.min() < 0 or values.max() >= size:
        raise DataError(f"a routine returned other than {len(unique)} numbers in range({size})")
    shape, device = places.shape[:-1], places.device
    back = back.reshape(-1)
    return (
        torch.from_numpy(values.astype(np.int64)[back]).reshape(shape).to(device),
        torch.from_numpy(np.asarray(halted, dtype=bool)[back]).reshape(shape).to(device),
    )
