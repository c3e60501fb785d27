"""Drawing many memories at once: numbers, lists of different lengths, permutations; and counting.

Bounds are inclusive, as the papers write them. Nothing here knows a task.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rng = np.random.Generator


def between(rng: Rng, low: Any, high: Any, size: int | tuple[int, ...]) -> Array:
    """Draw integers low..high; the bounds may be arrays of this size."""
    return np.asarray(rng.integers(low, high, size=size, endpoint=True))


def permutations(rng: Rng, size: int, count: int) -> Array:
    """Draw permutations of 0..size - 1, [count, size]."""
    return rng.permuted(np.tile(np.arange(size), (count, 1)), axis=1)


def blank(count: int, memory: int) -> Array:
    """Return memories that hold 0 everywhere, [count, memory]."""
    return np.zeros((count, memory), np.int64)


def scatter(memories: Array, cells: Array, values: Array, length: Any) -> None:
    """Put the first `length` of the values of each row into the cells of the same row.

    Args:
        memories: [N, M], changed.
        cells: [N, K], addresses.
        values: [N, K].
        length: [N] or a number; what is behind it is not put anywhere.

    """
    used = np.arange(values.shape[1]) < np.reshape(length, (-1, 1))
    rows, columns = np.nonzero(np.broadcast_to(used, values.shape))
    memories[rows, cells[rows, columns]] = values[rows, columns]


def place(memories: Array, start: Any, values: Array, length: Any) -> None:
    """Put the first `length` of the values of each row into the cells from `start` on.

    Args:
        memories: [N, M], changed.
        start: [N] or a number.
        values: [N, K].
        length: [N] or a number.

    """
    cells = np.reshape(start, (-1, 1)) + np.arange(values.shape[1])
    scatter(memories, np.broadcast_to(cells, values.shape), values, length)


def tuples(low: int, high: int, length: int) -> Array:
    """Return all tuples of numbers low..high, [(high - low + 1) ** length, length]."""
    return np.indices((high - low + 1,) * length).reshape(length, -1).T + low


def listed(memory: list[int], start: int) -> list[int]:
    """Return the numbers from `start` up to the first 0, or to the end of the memory."""
    tail = memory[start:]
    return tail[: tail.index(0)] if 0 in tail else tail
