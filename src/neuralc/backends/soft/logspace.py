"""The functions of `runtime.py` on log-probabilities, for `precision="log"`.

A probability of 0 is `FLOOR` instead of minus infinity, so that gradients stay finite.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from neuralc.backends.soft.runtime import blend as real_blend  # noqa: F401  (generated code)
from neuralc.backends.soft.runtime import features as features
from neuralc.backends.soft.runtime import join as join
from neuralc.backends.soft.runtime import mixture as real_mixture  # noqa: F401  (generated code)
from neuralc.backends.soft.runtime import stack as stack

FLOOR = -1e4


def from_linear(x: Tensor) -> Tensor:
    """Return log-probabilities of probabilities."""
    tiny = torch.finfo(x.dtype).tiny
    return torch.where(x > tiny, x.clamp_min(tiny).log(), torch.full_like(x, FLOOR))


def einsum(equation: str, a: Tensor, b: Tensor) -> Tensor:
    """Multiply two tensors and sum, on logarithms."""
    (left, right), out = (part.split(",") for part in equation.split("->"))
    summed = [c for c in dict.fromkeys(left + right) if c not in out[0]]
    order = out[0] + "".join(summed)
    total = _spread(a, left, order) + _spread(b, right, order)
    return total.logsumexp(tuple(range(-len(summed), 0))) if summed else total


def _spread(x: Tensor, names: str, order: str) -> Tensor:
    x = x.permute([names.index(c) for c in order if c in names])
    for place, c in enumerate(order):
        if c not in names:
            x = x.unsqueeze(place)
    return x


def blend(a: Tensor, b: Tensor, chance_a: Tensor, chance_b: Tensor) -> Tensor:
    """Mix `a` and `b`, each with its log-chance."""
    return torch.logaddexp(a + chance_a, b + chance_b)


def mixture(weights: Tensor, arms: Sequence[Tensor]) -> Tensor:
    """Mix arms with log-weights `[…, k]`."""
    parts = weights.unsqueeze(-1).unbind(-2)
    terms = [weight + arm for weight, arm in zip(parts, arms, strict=True)]
    return torch.stack(torch.broadcast_tensors(*terms)).logsumexp(0)


def share(loose: int, *terms: Tensor) -> Tensor:
    """Add `loose` shares, and pairs of a log-chance and an arm."""
    products = [a + b for a, b in zip(terms[loose::2], terms[loose + 1 :: 2], strict=True)]
    total, *rest = (*terms[:loose], *products)
    for term in rest:
        total = torch.logaddexp(total, term)
    return total


def widen(x: Tensor, size: int) -> Tensor:
    """Give a distribution more values, of probability 0."""
    return pad(x, (0, size - x.shape[-1]), value=FLOOR)


def normalise(x: Tensor) -> Tensor:
    """Make a distribution sum to 1."""
    return x.log_softmax(-1)


def running(x: Tensor, reverse: bool, strict: bool) -> Tensor:
    """Return the mass up to each value, itself left out if `strict`; down to it if `reverse`."""
    x = x.flip(-1) if reverse else x
    total = x.logcumsumexp(-1)
    if strict:
        total = pad(total[..., :-1], (1, 0), value=FLOOR)
    return total.flip(-1) if reverse else total


def circle(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of `(x + y) % size`."""
    return add(x, y, 0, size, size)


def scatter(parts: Sequence[Tensor], index: Tensor, size: int) -> Tensor:
    """Move the mass of each tuple of arguments to `index[tuple]`."""
    joint = parts[0]
    for part in parts[1:]:
        joint = (joint.unsqueeze(-1) + part.unsqueeze(-2)).flatten(-2)
    top = joint.detach().amax(-1, keepdim=True)
    mass = (joint - top).exp()
    zeros = mass.new_zeros(*mass.shape[:-1], size)
    return (from_linear(zeros.index_add(-1, index, mass)) + top).clamp_min(FLOOR)


def add(x: Tensor, y: Tensor, offset: int, modulus: int, size: int, sign: int = 1) -> Tensor:
    """Return the distribution of `x + sign * y + offset`, modulo `modulus` unless that is 0."""
    i = torch.arange(x.shape[-1], device=x.device).unsqueeze(-1)
    j = torch.arange(y.shape[-1], device=x.device)
    total = i + sign * j + offset
    return scatter((x, y), (total % modulus if modulus else total).reshape(-1), size)


def minimum(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of the smaller of two values."""
    i = torch.arange(x.shape[-1], device=x.device).unsqueeze(-1)
    j = torch.arange(y.shape[-1], device=x.device)
    return scatter((x, y), torch.minimum(i, j).reshape(-1), size)


def maximum(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of the larger of two values."""
    i = torch.arange(x.shape[-1], device=x.device).unsqueeze(-1)
    j = torch.arange(y.shape[-1], device=x.device)
    return scatter((x, y), torch.maximum(i, j).reshape(-1), size)


def equal(x: Tensor, y: Tensor, values: tuple[int, int], size: int) -> Tensor:
    """Return the distribution of `values[x == y]`."""
    i = torch.arange(x.shape[-1], device=x.device).unsqueeze(-1)
    return _tested(x, y, (i == torch.arange(y.shape[-1], device=x.device)), values, size)


def less(x: Tensor, y: Tensor, values: tuple[int, int], size: int) -> Tensor:
    """Return the distribution of `values[x < y]`."""
    i = torch.arange(x.shape[-1], device=x.device).unsqueeze(-1)
    return _tested(x, y, (i < torch.arange(y.shape[-1], device=x.device)), values, size)


def _tested(x: Tensor, y: Tensor, so: Tensor, values: tuple[int, int], size: int) -> Tensor:
    numbers = torch.where(so, values[1], values[0])
    return scatter((x, y), numbers.reshape(-1), size)
