"""Distributions of functions with a structure, in a few tensor operations.

Sums are circular convolutions, extremes and comparisons cumulative sums, one-to-one maps gathers.
Only products and sums of probabilities: nothing cancels, so that small ones stay right. What a
structure is says `ir/structure.py`; how one is found is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neuralc.backends.soft import runtime
from neuralc.ir.structure import Structure


def closed(what: Structure, args: Sequence[Tensor]) -> Tensor:
    """Return the distribution of a function of independent arguments.

    Args:
        what: any kind but "table"; its `args` are indices into `args`.
        args: the arguments that matter and others, `(..., n_k)`; they broadcast.

    Returns:
        `(..., what.size)`; its mass is that of all arguments multiplied.

    """
    if what.kind == "constant":
        z = args[0].new_zeros(what.size)
        z[what.offset] = 1
    else:
        z = _moved(what, [args[k] for k in what.args])
    for k, arg in enumerate(args):
        if k not in what.args:
            z = z * arg.sum(-1, keepdim=True)
    return z


def _moved(what: Structure, used: Sequence[Tensor]) -> Tensor:
    x, y = used[0], used[-1]
    match what.kind:
        case "identity":
            return runtime.widen(x, what.size)
        case "rotation":
            return runtime.widen(x.roll(what.offset, -1), what.size)
        case "permutation" | "unary":
            return spread(x, what.values, what.size)
        case "add" | "sub":
            sign = 1 if what.kind == "add" else -1
            return runtime.add(x, y, what.offset, what.modulus, what.size, sign)
        case "min" | "max":
            return _extreme(x, y, what.size, least=what.kind == "min")
        case "eq":
            return _equal(x, y, what)
        case "less":
            return spread(runtime.less(x, y, (0, 1), 2), what.values, what.size)
        case "shift":
            turned = spread(y, what.values, what.modulus)
            return runtime.add(x, turned, 0, what.modulus, what.size)
        case _:
            raise AssertionError(f"no closed form for {what.kind}")


def spread(x: Tensor, values: Sequence[int], size: int) -> Tensor:
    """Return the distribution of `values[x]`."""
    index = torch.tensor(values, device=x.device)
    return x.new_zeros(*x.shape[:-1], size).index_add(-1, index, x)


def _extreme(x: Tensor, y: Tensor, size: int, *, least: bool) -> Tensor:
    n = max(x.shape[-1], y.shape[-1])
    x, y = runtime.widen(x, n), runtime.widen(y, n)
    z = x * runtime.running(y, least, False) + y * runtime.running(x, least, True)
    return z[..., :size] if n > size else runtime.widen(z, size)


def _equal(x: Tensor, y: Tensor, what: Structure) -> Tensor:
    n = max(x.shape[-1], y.shape[-1])
    x, y = runtime.widen(x, n), runtime.widen(y, n)
    others = runtime.running(y, False, True) + runtime.running(y, True, True)
    chances = torch.stack(((x * others).sum(-1), (x * y).sum(-1)), -1)
    return spread(chances, what.values, what.size)
