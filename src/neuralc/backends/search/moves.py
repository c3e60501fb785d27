"""Random changes of many programs at once: one choice, several of one line, two lines swapped.

A line is all choices with the same first index, over all params of that length: an instruction, a
row of a table. Knows nothing of what programs do.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from neuralc.backends.search.space import Array, Space

MIXED = 0.1  # the share of uniform draws where probabilities are given
_ONE, _LINE = 0.6, 0.9  # of all moves change one choice; up to that, a line; the rest swap
_MOST_SWAPS = 500


class Moves:
    """The changes that the choices of one program allow."""

    def __init__(
        self, space: Space, chances: Mapping[str, Array], rng: np.random.Generator
    ) -> None:
        """Find the lines; `chances` are probabilities of values, [*shape, size] by name."""
        self.space, self.rng = space, rng
        self.open = space.open
        self.sizes = space.sizes[self.open]
        lines = _lines(space)
        members = [np.isin(self.open, numbers) for numbers in lines.values()]
        self.lines = np.array([m for m in members if m.any()]).reshape(-1, len(self.open))
        self.swaps = self._swaps(lines)
        self.bounds: Array | None = None
        if chances:
            self.bounds = np.full((len(self.open), int(self.sizes.max(initial=1))), np.inf)
            for k, choice in enumerate(self.open.tolist()):
                chance = space.chance(choice, chances)
                mixed = (1 - MIXED) * chance + MIXED / len(chance)
                self.bounds[k, : len(chance) - 1] = np.cumsum(mixed)[:-1]

    def draw(self, count: int) -> Array:
        """Return random programs: int64 [count, open]."""
        uniform = self.rng.random((count, len(self.open)))
        if self.bounds is None:
            plain: Array = (uniform * self.sizes).astype(np.int64)
            return plain
        drawn: Array = (uniform[:, :, None] >= self.bounds).sum(axis=2)
        return drawn

    def changed(self, rows: Array) -> Array:
        """Return programs [C, open], each changed in one random way."""
        count, width = rows.shape
        kind = self.rng.random(count)
        changes = np.zeros(rows.shape, np.bool_)
        changes[np.arange(count), self.rng.integers(width, size=count)] = True
        # of a line each choice with even chance, and at least the one that is drawn above
        line = self.lines[(self.lines[None] & changes[:, None]).any(axis=2).argmax(axis=1)]
        several = (kind >= _ONE) & (kind < _LINE)
        changes |= line & (self.rng.random(rows.shape) < 0.5) & several[:, None]
        if self.bounds is None:  # any value but the old one
            shift = (self.rng.random(rows.shape) * (self.sizes - 1)).astype(np.int64)
            fresh = (rows + 1 + shift) % self.sizes
        else:
            fresh = self.draw(count)
        found = np.where(changes, fresh, rows)
        if len(self.swaps):
            picked = self.swaps[self.rng.integers(len(self.swaps), size=count)]
            swapped = np.take_along_axis(rows, picked, axis=1) % self.sizes
            found = np.where((kind >= _LINE)[:, None], swapped, found)
        return found

    def _swaps(self, lines: Mapping[tuple[int, int], Array]) -> Array:
        """Return permutations of the open choices, int64 [swaps, open]."""
        place = np.full(self.space.count, -1)
        place[self.open] = np.arange(len(self.open))
        found: list[Array] = []
        for one, other in combinations(lines, 2):
            if one[0] != other[0] or len(found) >= _MOST_SWAPS:
                continue
            a, b = place[lines[one]], place[lines[other]]
            both = (a >= 0) & (b >= 0)  # fixed choices stay
            if both.any():
                order = np.arange(len(self.open))
                order[a[both]], order[b[both]] = b[both], a[both]
                found.append(order)
        return np.array(found, np.int64).reshape(-1, len(self.open))


def _lines(space: Space) -> dict[tuple[int, int], Array]:
    """Return the numbers of all choices of each line, by length of the first axis and index."""
    found: dict[tuple[int, int], list[Array]] = {}
    for decl in space.decls:
        length = decl.shape[0] if decl.shape else 1
        count = int(np.prod(decl.shape))
        numbers = space.offsets[decl.name] + np.arange(count).reshape(length, -1 if count else 0)
        for k in range(length):
            found.setdefault((length, k), []).append(numbers[k])
    return {key: np.concatenate(parts) for key, parts in found.items()}
