"""Operations with a structure, made of few tensor operations: sums, minima, rotations.

All of them only add and multiply probabilities, so that small ones stay right, and so that they
can be carried out on logarithms. Knows operands, not tables nor where they come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.values import Factor, Label

SMALL = 32  # values up to which a permutation is a product with a matrix
TRIANGLE = 128  # values up to which running sums are a product with a triangular matrix
SQUARE = 256  # values up to which the sum of all others is a product with a matrix
Operand = tuple[Factor, Label]  # a distribution and the label of its axis
Pair = tuple[Factor, Label | None, Operand]  # a factor, its axis if it has one, what it multiplies


def moved(builder: Builder, x: Operand, index: np.ndarray, size: int) -> Operand:
    """Return a distribution whose value `v` has the mass of `index[v]`: a one-to-one map."""
    if np.array_equal(index, np.arange(builder.extent(x[1]))):
        return x
    axis = builder.label(size)
    if size <= SMALL:
        matrix = builder.const(np.eye(size, dtype=np.float32)[:, index], (x[1], axis))
        return builder.sum_product([x[0], matrix], frozenset((x[1],)), axis), axis
    attrs = (tuple(int(n) for n in index), size)
    drift = builder.drift(x[0])
    return builder.together("gather", [x[0]], axis, [x[1]], size, attrs, drift), axis


def padded(builder: Builder, x: Operand, size: int) -> Operand:
    """Return a distribution over more values."""
    if builder.extent(x[1]) == size:
        return x
    axis = builder.label(size)
    drift = builder.drift(x[0])
    return builder.together("pad", [x[0]], axis, [x[1]], size, (size,), drift), axis


def rotated(builder: Builder, x: Operand, offset: int, size: int) -> Operand:
    """Return the distribution of `(x + offset) % size`."""
    return moved(builder, padded(builder, x, size), (np.arange(size) - offset) % size, size)


def turned(builder: Builder, x: Operand, offset: int, size: int) -> Operand:
    """Return the distribution of `(offset - x) % size`."""
    return moved(builder, padded(builder, x, size), (offset - np.arange(size)) % size, size)


def circle(builder: Builder, x: Operand, y: Operand, size: int) -> Operand:
    """Return the distribution of `(x + y) % size`."""
    axis = builder.label(size)
    drift = builder.drift(x[0]) + builder.drift(y[0]) + 1
    operands, inner = [x[0], y[0]], [x[1], y[1]]
    return builder.together("circle", operands, axis, inner, size, (size,), drift), axis


def running(builder: Builder, x: Operand, *, reverse: bool, strict: bool) -> Operand:
    """Return the mass up to each value, itself left out if `strict`; down to it if `reverse`."""
    factor, own = x
    size = builder.extent(own)
    axis = builder.label(size)
    if size > TRIANGLE:
        attrs, drift = (reverse, strict), builder.drift(factor) + 1
        return builder.together("running", [factor], axis, [own], size, attrs, drift), axis
    counted = np.triu(np.ones((size, size), dtype=np.float32), int(strict))
    triangle = builder.const(counted.T if reverse else counted, (own, axis))
    return builder.sum_product([factor, triangle], frozenset((own,)), axis), axis


def others(builder: Builder, x: Operand, label: Label) -> Factor:
    """Return, along the axis `label`, the mass of all other values: summed, not `1 - p`."""
    factor, own = x
    size = builder.extent(own)
    if size <= SQUARE:
        matrix = builder.const(1 - np.eye(size, dtype=np.float32), (own, label))
        return builder.sum_product([factor, matrix], frozenset((own,)), None)
    sides = [running(builder, x, reverse=down, strict=True) for down in (False, True)]
    return builder.plus([side.renamed(axis, label) for side, axis in sides])


def total(builder: Builder, loose: Sequence[Operand], pairs: Sequence[Pair], size: int) -> Operand:
    """Return the sum of operands and of products."""
    axis = builder.label(size)
    operands = [factor for factor, _ in loose]
    inner: list[Label | None] = [own for _, own in loose]
    errors = [builder.drift(factor) for factor in operands]
    for left, own, right in pairs:
        operands += [left, right[0]]
        inner += [own, right[1]]
        errors.append(builder.drift(left) + builder.drift(right[0]))
    if len(loose) == 1 and not pairs:
        return loose[0]
    attrs, drift = (len(loose),), max(errors) + 2
    return builder.together("share", operands, axis, inner, size, attrs, drift), axis


def extremes(
    builder: Builder, x: Operand, y: Operand, size: int, chances: Operand, least: Sequence[bool]
) -> list[Pair]:
    """Return terms whose sum is a mixture of `max(x, y)` and, where `least`, `min(x, y)`.

    The axis of the chances counts the arms. `P(max = c)` is `x_c * P(y <= c) + y_c * P(x < c)`:
    sums only, nothing that cancels.
    """
    x, y = padded(builder, x, size), padded(builder, y, size)
    return [
        (*this, _running(builder, other, size, chances, least, strict=strict))
        for this, other, strict in ((x, y, False), (y, x, True))
    ]


def _running(
    builder: Builder, x: Operand, size: int, chances: Operand, reverse: Sequence[bool],
    *, strict: bool,
) -> Operand:  # fmt: skip
    """Return a mixture of running sums, up or down."""
    factor, own = x
    weights, arm = chances
    if size <= TRIANGLE:
        axis = builder.label(size)
        counted = np.triu(np.ones((size, size), dtype=np.float32), int(strict))
        tables = np.stack([counted.T if down else counted for down in reverse])
        inner = builder.label(size)  # younger than the axis of the arms: so it comes behind it
        table = builder.const(tables, (arm, inner, axis))
        factors = [factor.renamed(own, inner), weights, table]
        return builder.sum_product(factors, frozenset((arm, inner)), axis), axis
    terms: list[Pair] = [
        (builder.take(weights, arm, k), None, running(builder, x, reverse=down, strict=strict))
        for k, down in enumerate(reverse)
    ]
    return total(builder, [], terms, size)


def extreme(builder: Builder, x: Operand, y: Operand, size: int, *, least: bool) -> Operand:
    """Return the distribution of the smaller or of the larger of two values."""
    x, y = padded(builder, x, size), padded(builder, y, size)
    pairs: list[Pair] = [
        (*this, running(builder, other, reverse=least, strict=strict))
        for this, other, strict in ((x, y, False), (y, x, True))
    ]
    return total(builder, [], pairs, size)
