"""Where the values of array elements are kept while a program is lowered.

A piece covers one element, or a whole range of a dimension as an axis. Layers follow the
branches: what a branch sets goes to its own layer, on top of what was set before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neuralc.backends.soft.values import Known, Label, Value, raw

Range = tuple[int, int]
Place = int | Range
Key = tuple[Place, ...]
Index = tuple[int | Known, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A value and the labels of the ranges in its key, in order."""

    value: Value
    labels: tuple[Label, ...]


@dataclass
class Layer:
    """What one branch has set: pieces by variable and key."""

    pieces: dict[str, dict[Key, Piece]] = field(default_factory=dict)
    masks: dict[str, set[tuple[bool, ...]]] = field(default_factory=dict)
    ranged: dict[tuple[str, Key], list[Key]] = field(default_factory=dict)
    fresh: list[Value] = field(default_factory=list)

    def put(self, name: str, key: Key, piece: Piece) -> None:
        """Add a piece."""
        self.pieces.setdefault(name, {})[key] = piece
        self.fresh.append(piece.value)
        mask = tuple(isinstance(place, tuple) for place in key)
        if any(mask):
            self.masks.setdefault(name, set()).add(mask)
            self.ranged.setdefault((name, _fixed(key, mask)), []).append(key)

    def settle(self) -> None:
        """Lower what was put here since the last time.

        After each turn of a loop, so that values that wait for one another make no chain as long
        as the loop: that would be deeper than Python's stack. What nobody needs costs nothing
        later, only the nodes that are alive are printed.
        """
        for value in self.fresh:
            raw(value)
        self.fresh.clear()

    def find(self, name: str, index: Index) -> tuple[Key, Piece] | None:
        """Return the piece that covers every element that an index may mean, if one does."""
        pieces = self.pieces.get(name)
        if pieces is None:
            return None
        if all(isinstance(i, int) for i in index) and index in pieces:
            return index, pieces[index]  # type: ignore[index, return-value]
        for mask in self.masks.get(name, ()):
            if any(isinstance(i, Known) and not m for i, m in zip(index, mask, strict=True)):
                continue
            fixed = _fixed(index, mask)  # type: ignore[arg-type]
            for key in self.ranged.get((name, fixed), ()):
                if all(_covers(place, i) for place, i in zip(key, index, strict=True)):
                    return key, pieces[key]
        return None

    def items(self) -> Iterator[tuple[str, Key, Piece]]:
        """Yield all pieces."""
        for name, pieces in self.pieces.items():
            for key, piece in pieces.items():
                yield name, key, piece


def lost(layers: Sequence[Layer], found: Iterable[tuple[str, Key]]) -> set[str]:
    """Return the variables of which some branch has set more than was found in every branch."""
    common: Counter[str] = Counter()
    for name, key in found:
        common[name] += _count(key)
    return {
        name
        for layer in layers
        for name, pieces in layer.pieces.items()
        if sum(map(_count, pieces)) > common[name]
    }


def _count(key: Key) -> int:
    return prod(place[1] - place[0] for place in key if isinstance(place, tuple))


def _fixed(key: Key, mask: tuple[bool, ...]) -> Key:
    return tuple(-1 if ranged else place for place, ranged in zip(key, mask, strict=True))


def _covers(place: Place, index: int | Known) -> bool:
    if isinstance(place, int):
        return place == index
    low, high = place
    if isinstance(index, int):
        return low <= index < high
    return bool(np.min(index.numbers) >= low and np.max(index.numbers) < high)
