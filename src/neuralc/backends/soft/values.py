"""What a variable can be while a program is lowered to tensors.

Labels name the axes that a value depends on: `0` is the restarts, `1` the examples, every open
gate and every vectorised loop has its own, and so has the value itself. A factor is a node whose
dimensions carry labels; renaming an axis costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuralc.ir.nodes import Table

RESTARTS, EXAMPLES = 0, 1
Label = int


@dataclass(frozen=True, slots=True)
class Factor:
    """A node and the labels of its dimensions, in order."""

    node: int
    labels: tuple[Label, ...]

    def renamed(self, old: Label, new: Label) -> Factor:
        """Return the factor with one label replaced."""
        return Factor(self.node, tuple(new if label == old else label for label in self.labels))


@dataclass(frozen=True, slots=True)
class Product:
    """The distribution over `axis`: the product of the factors, summed over `summed`.

    Nothing is computed until it is needed, so the order of contraction can be chosen then.
    `real` marks a tensor of real numbers, flattened along `axis`.
    """

    factors: tuple[Factor, ...]
    axis: Label
    summed: frozenset[Label] = frozenset()
    real: bool = False

    def labels(self) -> frozenset[Label]:
        """Return what the value depends on, itself left out."""
        every = {label for factor in self.factors for label in factor.labels}
        return frozenset(every - self.summed - {self.axis})


@dataclass(frozen=True, eq=False, slots=True)
class Known:
    """An integer known at compile time for each position on the axes `labels`."""

    numbers: np.ndarray
    labels: tuple[Label, ...] = ()

    def same(self, other: Value) -> bool:
        """Tell whether two known values are equal."""
        return (
            isinstance(other, Known)
            and self.labels == other.labels
            and np.array_equal(self.numbers, other.numbers)
        )


@dataclass(eq=False, kw_only=True)
class Several:
    """A value of several arms, kept apart until somebody needs the whole; `make` lowers it.

    A gate that ends can often do better than to put the arms together first.
    """

    make: Callable[[Any], Product | Known]
    done: Product | Known | None = field(default=None)

    def get(self) -> Product | Known:
        """Lower it, once."""
        if self.done is None:
            self.done = self.make(self)
        return self.done


@dataclass(eq=False)
class Masked(Several):
    """`then` where `condition` holds on its axes, `orelse` elsewhere."""

    condition: Known
    then: Value
    orelse: Value


@dataclass(eq=False)
class Joined(Several):
    """Values that belong to parts of the axis `label`: value `k` to `positions[k]`.

    On value `k` the axis of its part is called `parts[k]`.
    """

    values: Sequence[Value]
    parts: Sequence[Label]
    positions: Sequence[np.ndarray]
    label: Label


@dataclass(eq=False)
class Sum(Several):
    """A mixture as a sum of arms, each times its chances; see `terms.py`.

    An arm without chances is a share: its own sum is the chance that it is taken.
    """

    terms: tuple[Term, ...]


@dataclass(eq=False, slots=True)
class Later:
    """A value that is lowered only if somebody asks for it.

    `call`: the table and the arguments, for one that is a known function of other values.
    """

    make: Callable[[], Value]
    done: Value | None = field(default=None)
    call: tuple[Table, Sequence[Value]] | None = field(default=None)

    def get(self) -> Product | Known | Several:
        """Lower it, once."""
        if self.done is None:
            self.done = self.make()
        if isinstance(self.done, Later):
            self.done = self.done.get()
        return self.done


Term = tuple[tuple[Factor, ...], Product | Known]
Value = Product | Known | Several | Later


class Unavailable(Exception):
    """An element or a number that does not exist everywhere on the axes it was asked for."""


def raw(value: Value) -> Product | Known | Several:
    """Return the value, lowered if that was still to do; one of several arms as it is."""
    return value.get() if isinstance(value, Later) else value


def settled(value: Value) -> Product | Known:
    """Return the value itself, lowered if that was still to do."""
    found = raw(value)
    return found.get() if isinstance(found, Several) else found


def same(left: Value, right: Value) -> bool:
    """Tell whether two values are the same without lowering anything."""
    if left is right:
        return True
    if isinstance(left, Later) and left.done is not None:
        left = left.done
    if isinstance(right, Later) and right.done is not None:
        right = right.done
    if left is right:
        return True
    if isinstance(left, Known):
        return left.same(right)
    if not isinstance(left, Product) or not isinstance(right, Product):
        return False
    return left == right or left == _on_axis(right, left.axis)


def _on_axis(value: Product, axis: Label) -> Product:
    """Return the same distribution with another label for its axis, where that is free."""
    if any(axis in factor.labels for factor in value.factors):
        return value
    factors = tuple(factor.renamed(value.axis, axis) for factor in value.factors)
    return Product(factors, axis, value.summed, value.real)
