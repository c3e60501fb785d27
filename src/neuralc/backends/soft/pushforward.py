"""Known functions of distributions: where a table moves probability mass.

A table is never expanded to a dense cube unless that is tiny. In this order: arithmetic known at
compile time, an identity or a permutation, the algebra of the table's structure (convolution,
cumulative sums, inner product), and a segment sum over the outer product of the arguments.

Source: forward marginals of Gaunt et al., "TerpreT" (2016), arXiv:1608.04428; the cumulative-sum
forms of MIN and MAX are those of Bunel et al., "Adaptive Neural Compilation" (2016), appendix.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from neuralc.backends.soft import algebra
from neuralc.backends.soft.algebra import Operand
from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.values import Factor, Known, Label, Product
from neuralc.ir.nodes import Table
from neuralc.ir.structure import Structure

DENSE = 8192  # entries of a one-hot cube that is cheaper than anything cleverer
FEW = 12  # values up to which it is cheaper even than a convolution
ALGEBRA = ("add", "sub", "min", "max", "eq", "less")


def apply(builder: Builder, table: Table, args: Sequence[Product | Known]) -> Product | Known:
    """Return a table applied to independent values."""
    cube = np.asarray(table.values, dtype=np.int64).reshape(table.sizes)
    if all(isinstance(arg, Known) for arg in args):
        return _known(builder, cube, [arg for arg in args if isinstance(arg, Known)])
    soft: list[Product] = []
    kept: list[Known] = []
    for arg in args:  # known single numbers leave the table at once
        if isinstance(arg, Known) and not arg.labels:
            cube = np.take(cube, int(arg.numbers), axis=len(soft) + len(kept))
        elif isinstance(arg, Known):
            kept.append(arg)
            cube = np.moveaxis(cube, len(soft) + len(kept) - 1, len(kept) - 1)
        else:
            soft.append(arg)
    if kept:
        return _partly_known(builder, cube, table.size, kept, soft)
    return _structured(builder, builder.structure(cube, table.size), soft)


def _known(builder: Builder, cube: np.ndarray, args: Sequence[Known]) -> Known:
    labels = builder.order({label for arg in args for label in arg.labels}, None)
    index = tuple(builder.spread(arg, labels) for arg in args)
    return Known(np.asarray(cube[index]), labels)


def _partly_known(
    builder: Builder, cube: np.ndarray, size: int, kept: list[Known], soft: list[Product]
) -> Product | Known:
    """Put integers that vary along axes into the table; the rest is a small one-hot cube."""
    labels = builder.order({label for arg in kept for label in arg.labels}, None)
    cells = cube[tuple(builder.spread(arg, labels) for arg in kept)]
    if cells.size * size > 64 * DENSE:
        args = [builder.one_hot(arg, n) for arg, n in zip(kept, cube.shape, strict=False)]
        return _structured(builder, builder.structure(cube, size), [*args, *soft])
    return _dense(builder, cells, size, soft, labels)


def _dense(
    builder: Builder, cells: np.ndarray, size: int, soft: Sequence[Product],
    labels: tuple[Label, ...] = (),
) -> Product:  # fmt: skip
    """Multiply with a constant one-hot cube; nothing is computed before it is needed."""
    axis = builder.label(size)
    factors: list[Factor] = []
    summed: set[Label] = set()
    inner: list[Label] = []
    for arg in soft:
        if len(soft) > 1 or len(arg.factors) > 1:
            arg = single(builder, arg)
        factors += arg.factors
        summed |= arg.summed | {arg.axis}
        inner.append(arg.axis)
    hot = np.eye(size, dtype=np.float32)[cells]
    factors.append(builder.const(hot, (*labels, *inner, axis)))
    return Product(tuple(factors), axis, frozenset(summed))


def single(builder: Builder, value: Product) -> Product:
    """Compute a value and give it an axis of its own, so that it can occur twice in a product."""
    factor = builder.contract(value)
    axis = builder.label(builder.extent(value.axis))
    return Product((factor.renamed(value.axis, axis),), axis, real=value.real)


def _structured(builder: Builder, what: Structure, soft: Sequence[Product]) -> Product | Known:
    args = [soft[k] for k in what.args]
    cells = cells_of(what).reshape(what.sizes)
    match what.kind:
        case "constant":
            return Known(np.asarray(what.offset))
        case "identity":
            return widened(builder, args[0], what.size)
        case "rotation" | "permutation" if what.sizes[0] > algebra.SMALL:
            return _unary(builder, cells, what.size, args[0])
        case "rotation" | "permutation" | "unary":
            if what.sizes[0] * what.size <= DENSE:
                return _dense(builder, cells, what.size, args)
            return _unary(builder, cells, what.size, args[0])
    plain = _is_plain(what)
    if prod(what.sizes) * what.size <= (FEW**3 if plain else DENSE):
        return _dense(builder, cells, what.size, args)
    if plain:
        factor, axis = _plain(builder, what, [(builder.contract(arg), arg.axis) for arg in args])
        return Product((builder.normalised(factor),), axis)
    factors = [builder.contract(arg) for arg in args]
    op, attrs = "scatter", (tuple(int(c) for c in cells.reshape(-1)), what.size)
    if what.kind in ALGEBRA:
        op, attrs = what.kind, (what.offset, what.modulus, what.values, what.size)  # type: ignore[assignment]
    axis = builder.label(what.size)
    inner = [arg.axis for arg in args]
    drift = sum(builder.drift(factor) for factor in factors) + 1
    result = builder.together(op, factors, axis, inner, what.size, attrs, drift)
    return Product((builder.normalised(result),), axis)


def _is_plain(what: Structure) -> bool:
    """Tell whether a function is a sum, a difference or an extreme with room for its arguments."""
    room = what.size
    if what.kind in ("add", "sub"):
        room = what.modulus or what.size
    return what.kind in ("add", "sub", "min", "max") and max(what.sizes) <= room <= what.size


def _plain(builder: Builder, what: Structure, args: Sequence[Operand]) -> Operand:
    x, y = args
    if what.kind in ("min", "max"):
        return algebra.extreme(builder, x, y, what.size, least=what.kind == "min")
    around = what.modulus or what.size  # without a modulus it fits, and never comes round
    move = algebra.rotated if what.kind == "add" else algebra.turned
    y = move(builder, y, what.offset, around)
    return algebra.padded(builder, algebra.circle(builder, x, y, around), what.size)


def cells_of(what: Structure) -> np.ndarray:
    """Return the results for all arguments that matter."""
    if what.kind == "constant":
        return np.asarray(what.offset)
    highest = max(what.args) + 1
    grid: list[np.ndarray | int] = [0] * highest
    for place, (arg, size) in enumerate(zip(what.args, what.sizes, strict=True)):
        shape = [1] * len(what.args)
        shape[place] = size
        grid[arg] = np.arange(size).reshape(shape)
    return np.asarray(what(*grid))


def _unary(builder: Builder, cells: np.ndarray, size: int, arg: Product) -> Product:
    """Move the mass of one large distribution: by a gather where the map is one-to-one."""
    factor = builder.contract(arg)
    axis = builder.label(size)
    one_to_one = len(cells) == size and len(np.unique(cells)) == size
    numbers = np.argsort(cells) if one_to_one else cells
    attrs = (tuple(int(n) for n in numbers), size)
    op = "gather" if one_to_one else "scatter"
    drift = builder.drift(factor)
    result = builder.together(op, [factor], axis, [arg.axis], size, attrs, drift)
    return Product((result,), axis)


def widened(builder: Builder, value: Product | Known, size: int) -> Product | Known:
    """Return a value in a domain with `size` values, not fewer than it has."""
    if isinstance(value, Known) or value.real or builder.extent(value.axis) == size:
        return value
    factor = builder.contract(value)
    axis = builder.label(size)
    result = builder.together(
        "pad", [factor], axis, [value.axis], size, (size,), builder.drift(factor)
    )
    return Product((result,), axis)


def project(builder: Builder, value: Product, numbers: Sequence[int]) -> Factor:
    """Return the probability that a value is one of `numbers`: a factor without the axis."""
    axis = value.axis
    inside = [factor for factor in value.factors if axis in factor.labels]
    if all(builder.graph.array(factor.node) is not None for factor in inside):
        factors = [factor for factor in value.factors if axis not in factor.labels]
        for factor in inside:
            array = builder.graph.array(factor.node)
            assert array is not None
            place = factor.labels.index(axis)
            rest = tuple(label for label in factor.labels if label != axis)
            picked = np.take(array, list(numbers), axis=place).sum(place)
            factors.append(builder.const(picked.astype(np.float32), rest))
        return builder.sum_product(factors, value.summed, None)
    factor = builder.contract(value)
    if len(numbers) == 1:
        return builder.take(factor, axis, numbers[0])
    hit = np.zeros(builder.extent(axis), dtype=np.float32)
    hit[list(numbers)] = 1
    return builder.sum_product([factor, builder.const(hit, (axis,))], frozenset((axis,)), None)
