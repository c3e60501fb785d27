"""Samples for the register machine: memories before a run, and what they should be after it.

Plain arrays. It does not know where they come from (`tasks/ram`, `data/memories`), nor who runs
a program on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Samples:
    """N memories of M cells.

    Attributes:
        given: int64 [N, M], the memory before the run.
        wanted: int64 [N, M], the memory after it; what it says counts only where `asked`.
        asked: bool [N, M], the cells that are scored.
        any: bool [N, M], cells of `given` that may hold any value: exactly it is 0, softly it is
            the uniform distribution. None: there are none.

    """

    given: Array
    wanted: Array
    asked: Array
    any: Array | None = None

    @property
    def count(self) -> int:
        """N, the number of samples."""
        return len(self.given)

    @property
    def memory(self) -> int:
        """M, the number of cells."""
        return int(self.given.shape[1])

    def take(self, indices: Any) -> Samples:
        """Return some of the samples: `indices` is an integer array, a mask, a list or a slice."""
        flat = None if self.any is None else self.any[indices]
        return Samples(self.given[indices], self.wanted[indices], self.asked[indices], flat)

    def joined(self, more: Samples) -> Samples:
        """Return these samples and others of the same size."""
        both = (self, more)
        flat = None
        if any(part.any is not None for part in both):
            flat = np.concatenate(
                [np.zeros(p.given.shape, bool) if p.any is None else p.any for p in both]
            )
        return Samples(
            np.concatenate([part.given for part in both]),
            np.concatenate([part.wanted for part in both]),
            np.concatenate([part.asked for part in both]),
            flat,
        )

    def right(self, final: Array) -> Array:
        """Return bool [..., N]: are all cells that are asked for as wanted?

        Args:
            final: int [..., N, M], the memories after the run.

        """
        return np.asarray(((final == self.wanted) | ~self.asked).all(axis=-1))
