"""A switch between known functions of the same values is one known function of all of them.

`if op == 0: z = x + y elif op == 1: z = x - y …` needs one product with one table, instead of a
table for each branch and a mixture; where the selector is a choice of the program, the table is
mixed once and serves all time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.forms import merged
from neuralc.backends.soft.pushforward import single
from neuralc.backends.soft.values import (
    EXAMPLES,
    Factor,
    Known,
    Label,
    Later,
    Product,
    Value,
    settled,
)

ENTRIES = 20_000  # of a joint table, one-hot
ARGUMENTS = 2  # different ones, at most

Group = tuple[list[int], Value]


@dataclass
class _Joint:
    """Arms that are functions of `args`, each with its values of the selector."""

    args: list[Product] = field(default_factory=list)
    arms: list[tuple[list[int], np.ndarray, list[int]]] = field(default_factory=list)

    def place(self, arg: Product) -> int | None:
        """Return the number of an argument, a new one if there is room."""
        if arg in self.args:
            return self.args.index(arg)
        if len(self.args) == ARGUMENTS:
            return None
        self.args.append(arg)
        return len(self.args) - 1


def fused(
    builder: Builder, choice: Product, groups: Sequence[Group], size: int | None
) -> tuple[Product | None, list[Group]]:
    """Return the share of the arms that are known functions, and the arms that are left.

    The share is what these arms contribute: its sum is the chance that one of them is taken.
    """
    if size is None:
        return None, list(groups)
    if EXAMPLES in choice.labels():  # otherwise a table is mixed once and serves all examples
        share, rest = merged(builder, choice, groups, size)
        if share is not None:
            return share, rest
    joint = _Joint()
    left: list[Group] = []
    for values, arm in groups:
        found = _function(joint, arm)
        if found is None:
            left.append((values, arm))
        else:
            joint.arms.append((values, *found))
    called = sum(table.ndim > 0 for _, table, _ in joint.arms)
    shape = [builder.extent(arg.axis) for arg in joint.args]
    entries = int(np.prod([builder.extent(choice.axis), *shape, size]))
    if called < 2:
        return None, list(groups)
    if entries > ENTRIES:
        return merged(builder, choice, groups, size)
    others: list[Group] = []
    for values, arm in left:
        place = _copied(joint, settled(arm))
        if place is None:
            others.append((values, arm))
        else:
            joint.arms.append((values, np.arange(shape[place]), [place]))
    return _contracted(builder, choice, joint, shape, size), others


def _function(joint: _Joint, arm: Value) -> tuple[np.ndarray, list[int]] | None:
    """Return the table of an arm and the numbers of its arguments, if it is a known function."""
    if isinstance(arm, Known) and not arm.labels:
        return arm.numbers, []
    if not isinstance(arm, Later) or arm.call is None:
        return None
    table, parts = arm.call
    cube = np.asarray(table.values, dtype=np.int64).reshape(table.sizes)
    places: list[int] = []
    for part in parts:
        value = settled(part)
        if isinstance(value, Known):
            if value.labels:
                return None
            cube = np.take(cube, int(value.numbers), axis=len(places))
            continue
        place = joint.place(value)
        if place is None or place in places:
            return None
        places.append(place)
    return cube, places


def _copied(joint: _Joint, value: Product | Known) -> int | None:
    """Return the number of the argument that a value is a copy of."""
    return joint.args.index(value) if value in joint.args else None


def _contracted(
    builder: Builder, choice: Product, joint: _Joint, shape: list[int], size: int
) -> Product:
    """Multiply arguments, selector and the joint one-hot table."""
    chosen = single(builder, choice)
    hot = np.zeros((builder.extent(choice.axis), *shape, size), dtype=np.float32)
    grid = np.indices(shape)
    for values, cells, places in joint.arms:
        if places:
            cells = cells[tuple(grid[place] for place in places)]
        cells = np.broadcast_to(cells, shape)
        for k in values:
            hot[k] = np.eye(size, dtype=np.float32)[cells]
    args = [single(builder, arg) for arg in joint.args]
    axis = builder.label(size)
    axes: list[Label] = [chosen.axis, *(arg.axis for arg in args)]
    table = builder.const(hot, (*axes, axis))
    factors: list[Factor] = [factor for arg in args for factor in arg.factors]
    if EXAMPLES in chosen.labels():
        return Product((*chosen.factors, *factors, table), axis, frozenset(axes))
    mixed = builder.sum_product([*chosen.factors, table], frozenset((chosen.axis,)), axis)
    return Product((*factors, mixed), axis, frozenset(axes[1:]))
