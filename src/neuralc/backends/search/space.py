"""All choices of a program as one row of numbers: where each is, its values, which are open.

Knows nothing of how programs are run or searched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.ir.nodes import Decl, Int, Program

Array = np.ndarray[Any, Any]
OPEN = -1
"""What stands for a choice that has not been made."""


class Space:
    """The choices of a program, numbered in the order of declaration, last index fastest.

    Attributes:
        offsets: the number of the first choice of every `param`.
        sizes: int64 [choices], how many values each has.
        start: int32 [choices], fixed choices with their values, the others OPEN.
        open: int64 [open], the numbers of the choices that are not fixed.

    """

    def __init__(self, program: Program) -> None:
        """Number the choices."""
        self.program = program
        self.decls = program.of("param")
        counts = [math.prod(decl.shape) for decl in self.decls]
        ends = np.cumsum([0, *counts])
        self.count = int(ends[-1])
        self.offsets = {d.name: int(n) for d, n in zip(self.decls, ends[:-1], strict=True)}
        self.sizes = np.concatenate(
            [
                np.zeros(0, np.int64),
                *(_sizes(d, n) for d, n in zip(self.decls, counts, strict=True)),
            ]
        )
        self.start = np.full(self.count, OPEN, np.int32)
        for fixed in program.fixed:
            shape = program.decl[fixed.name].shape
            where = int(np.ravel_multi_index(fixed.index, shape)) if shape else 0
            self.start[self.offsets[fixed.name] + where] = fixed.value
        self.open = np.flatnonzero((self.start == OPEN) & (self.sizes > 0))

    def params(self, rows: Array) -> dict[str, Array]:
        """Return rows of choices [C, choices] by name, [C, *shape]; OPEN ones become 0."""
        return {
            d.name: np.maximum(rows[:, at : at + math.prod(d.shape)], 0).reshape(-1, *d.shape)
            for d, at in zip(self.decls, self.offsets.values(), strict=True)
        }

    def filled(self, row: Array, chances: Mapping[str, Array]) -> Array:
        """Return choices [choices] with the OPEN ones at their likeliest value."""
        values, starts = self.orders(chances)
        first = values[np.minimum(starts[:-1], max(len(values) - 1, 0))] if len(values) else row
        return np.where((row == OPEN) & (self.sizes > 0), first, row)

    def orders(self, chances: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return the values of every choice, likeliest first, one after another.

        Args:
            chances: probabilities [*shape, size] by name; without them the order is 0, 1, 2, …

        Returns:
            The values int32 [sum of sizes], and int64 [choices + 1] where those of each begin.

        """
        parts = [
            np.argsort(-self.chance(k, chances), kind="stable").astype(np.int32)
            for k in range(self.count)
        ]
        starts = np.cumsum([0, *self.sizes]).astype(np.int64)
        return np.concatenate([np.zeros(0, np.int32), *parts]), starts

    def chance(self, choice: int, chances: Mapping[str, Array]) -> Array:
        """Return the probabilities float64 [size] of the values of one choice."""
        size = int(self.sizes[choice])
        name = next(d.name for d in reversed(self.decls) if self.offsets[d.name] <= choice)
        if name not in chances or not size:
            return np.full(size, 1 / max(size, 1))
        kind = self.program.decl[name].type
        assert isinstance(kind, Int)
        row = np.asarray(chances[name], np.float64).reshape(-1, kind.size)
        found = row[choice - self.offsets[name], :size]
        total = float(found.sum())
        return found / total if total > 0 else np.full(size, 1 / size)


def _sizes(decl: Decl, count: int) -> Array:
    assert isinstance(decl.type, Int)
    if decl.limits is not None:
        return np.array(decl.limits, np.int64)
    return np.full(count, decl.type.size, np.int64)
