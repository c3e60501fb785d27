"""A tabulated function applied to distributions: `z[f(i, j)] += x[i] * y[j]`, differentiable.

What the table is (a sum, an extreme, a comparison, a permutation) is found once, when it is made;
without a structure the mass of every tuple of arguments is moved by a segment sum. The dense
one-hot cube of the papers is never built. Knows tables, not where they come from, and takes its
arguments for independent (`shared.py` for those that are not).

Source: Saldyt & Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, whose tables are dense; forward marginals of TerpreT, arXiv:1608.04428.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.errors import DataError
from neuralc.ir.structure import Structure, essential, recognise
from neuralc.nn.calls.closed import closed
from neuralc.nn.calls.segments import mixed, segments

Array = np.ndarray[Any, Any]


class Pushforward(nn.Module):
    """One function of k arguments, applied to their distributions.

    Attributes:
        sizes: the number of values of each argument.
        size: the number of results.
        structure: how it is computed, or None: by a segment sum over `table`.
        matter: the arguments that the function depends on.

    """

    table: Tensor

    def __init__(self, values: Array, size: int) -> None:
        """Look at the table.

        Args:
            values: results, integers `[n_1, ..., n_k]`, all in `range(size)`.
            size: the number of results.

        Raises:
            DataError: the table is empty or of no arguments, or a result is out of range.

        """
        super().__init__()
        values = _checked(values, size)
        self.sizes, self.size = values.shape, size
        self.matter, kept = essential(values)
        self.structure: Structure | None = recognise(self.matter, kept, size)
        flat = np.ascontiguousarray(kept).reshape(-1) if self.structure is None else values[:0]
        self.register_buffer("table", torch.from_numpy(flat), persistent=False)

    def forward(self, *args: Tensor) -> Tensor:
        """Return the distribution of the result, multilinear in the arguments.

        The mass of the result is the product of their masses; nothing is divided by it.

        Args:
            args: `(..., n_k)` each, of one type; the leading axes broadcast. Types below float32
                are computed in float32.

        Returns:
            `(..., size)`, of the type of the arguments.

        Raises:
            DataError: not as many arguments as the table has, or of other sizes.

        """
        fit(self.sizes, args)
        kind = args[0].dtype
        args = tuple(widened(arg) for arg in args)
        shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in args))
        if self.structure is not None:
            z = closed(self.structure, args).expand(*shape, self.size)
        else:
            rows = [flattened(args[k], shape) for k in self.matter]
            z = segments(self.table, self.size, rows).reshape(*shape, self.size)
            for k, arg in enumerate(args):
                if k not in self.matter:
                    z = z * arg.sum(-1, keepdim=True)
        return z.to(kind)

    def extra_repr(self) -> str:
        """Return what it is: sizes and structure."""
        kind = "segment sum" if self.structure is None else self.structure.kind
        return f"{' x '.join(map(str, self.sizes))} -> {self.size}, {kind}"


class Mixture(nn.Module):
    """Several functions of the same arguments, mixed by a selection: `sum_k s_k f_k(x, y)`.

    Functions with a structure are computed by it. All others share one backward pass over the
    tuples of arguments, so that choosing among K of them costs less than K functions do.
    """

    tables: Tensor

    def __init__(self, functions: Sequence[Array], size: int) -> None:
        """Look at the tables.

        Args:
            functions: results of each, integers `[n_1, ..., n_k]`, all of one shape.
            size: the number of results, the same for all.

        Raises:
            DataError: no table, tables of several shapes, or what `Pushforward` says.

        """
        super().__init__()
        if len({np.shape(values) for values in functions}) != 1:
            raise DataError("a mixture needs functions of the same arguments, at least one")
        kept = [_checked(values, size) for values in functions]
        self.sizes, self.size = kept[0].shape, size
        found = [recognise(*essential(values), size) for values in kept]
        self.structures = dict(enumerate(found))
        mere = [k for k, what in self.structures.items() if what is None]
        flat = np.empty((len(mere), kept[0].size), np.int32)
        for row, k in zip(flat, mere, strict=True):
            row[:] = kept[k].reshape(-1)
        self.register_buffer("tables", torch.from_numpy(flat), persistent=False)

    def alone(self, k: int, *args: Tensor) -> Tensor:
        """Return the distribution of the result of function k, as `Pushforward` does."""
        fit(self.sizes, args)
        kind, what = args[0].dtype, self.structures[k]
        args = tuple(widened(arg) for arg in args)
        shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in args))
        if what is not None:
            return closed(what, args).expand(*shape, self.size).to(kind)
        table = self.tables[sum(self.structures[j] is None for j in range(k))]
        z = segments(table, self.size, [flattened(arg, shape) for arg in args])
        return z.reshape(*shape, self.size).to(kind)

    def forward(self, selection: Tensor, *args: Tensor) -> Tensor:
        """Return the mixture, linear in the selection and in each argument.

        Args:
            selection: how much each function counts, `(..., K)`.
            args: `(..., n_k)` each; the leading axes of all broadcast.

        Returns:
            `(..., size)`, of the type of the arguments.

        Raises:
            DataError: not as many arguments or weights as there are, or of other sizes.

        """
        fit((len(self.structures), *self.sizes), (selection, *args))
        kind = args[0].dtype
        weights, *args_ = (widened(arg) for arg in (selection, *args))
        shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in (weights, *args_)))
        known = {k: what for k, what in self.structures.items() if what is not None}
        z = args_[0].new_zeros(*shape, self.size)
        if len(known) < len(self.structures):
            rows = [flattened(arg, shape) for arg in args_]
            mere = [k for k in self.structures if k not in known]
            chosen = flattened(weights, shape)[:, mere]
            z = mixed(self.tables, chosen, self.size, rows).reshape(*shape, self.size)
        for k, what in known.items():
            z = torch.addcmul(z, weights[..., k, None], closed(what, args_))
        return z.to(kind)


def fit(sizes: Sequence[int], args: Sequence[Tensor]) -> None:
    """Raise a DataError unless there is one distribution of each size, all floating point."""
    found = [arg.shape[-1] if arg.dim() else 0 for arg in args]
    if found != list(sizes):
        raise DataError(
            f"distributions over {found} values, where {list(sizes)} are needed\n"
            "  hint: the last axis of each argument counts the values it may have"
        )
    if not all(arg.dtype.is_floating_point for arg in args):
        raise DataError(
            "an argument is not of a floating point type\n"
            "  hint: torch.nn.functional.one_hot(numbers, n).float() makes numbers distributions"
        )


def widened(x: Tensor) -> Tensor:
    """Return float32 for smaller types, and others as they are."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def flattened(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Return `(B, n)` for `(..., n)`, broadcast to the leading axes `shape`."""
    return x.expand(*shape, x.shape[-1]).reshape(math.prod(shape), x.shape[-1])


def _checked(values: Array, size: int) -> Array:
    table = np.asarray(values)
    if not table.ndim or not table.size or table.dtype.kind not in "iub":
        raise DataError(
            f"a table of results is integers [n, ...], not {table.dtype} of {table.shape}"
        )
    if table.min() < 0 or table.max() >= size:
        raise DataError(
            f"a table has results from {table.min()} to {table.max()}, not in range({size})\n"
            "  hint: a function of n values has its results modulo n, or a larger `size`"
        )
    return np.ascontiguousarray(table, dtype=np.int32)
