"""Where numbers stand in memory: buffers, and views of them.

An element of a buffer is one number, or one vector with a number for each lane. Dimensions of
restarts and examples have no place of their own: the lanes, or the loop around the kernel, are
those. Knows neither operations nor code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from neuralc.backends.soft.graph import Dim

Scope = Literal["constant", "task", "example"]
Axis = tuple[Dim, int]  # a size and a stride, in elements


@dataclass(eq=False)
class Buffer:
    """Memory for `count` elements, vectors if `lanes`.

    Those of scope "task" are there as long as a block of restarts is worked on, those of scope
    "example" for one block of examples. `place` is where it begins, in numbers, once that is known.
    A `draft` is the row of one turn of a band, of which nothing is left after the turn.
    """

    name: str
    count: int
    lanes: bool
    scope: Scope
    array: np.ndarray[Any, Any] | None = None
    place: int = -1
    draft: bool = False


@dataclass(frozen=True)
class View:
    """A part of a buffer: an offset and, for each dimension, size and stride."""

    buffer: Buffer
    offset: int
    axes: tuple[Axis, ...]

    @property
    def inner(self) -> tuple[tuple[int, int], ...]:
        """The dimensions without restarts and examples."""
        return tuple((n, stride) for n, stride in self.axes if isinstance(n, int))

    @property
    def count(self) -> int:
        """The number of elements that are seen."""
        return prod(n for n, _ in self.inner)

    def whole(self) -> bool:
        """Tell whether it is the whole buffer, in order."""
        strides = contiguous([n for n, _ in self.inner])
        same = all(n == 1 or s == t for (n, s), t in zip(self.inner, strides, strict=True))
        return same and self.offset == 0 and self.count == self.buffer.count

    def covers(self) -> bool:
        """Tell whether each element of the buffer is seen once."""
        expected = 1
        for n, stride in sorted(self.inner, key=lambda axis: (abs(axis[1]), axis[0])):
            if n > 1:
                if stride != expected:
                    return False
                expected *= n
        return self.offset == 0 and expected == self.buffer.count

    def on(self, buffer: Buffer) -> View:
        """Return the same part of another buffer."""
        return View(buffer, self.offset, self.axes)

    def select(self, dim: int, number: int) -> View:
        """Return it at one place of a dimension."""
        axes = self.axes[:dim] + self.axes[dim + 1 :]
        return View(self.buffer, self.offset + number * self.axes[dim][1], axes)

    def narrow(self, dim: int, start: int, length: int) -> View:
        """Return a range of a dimension."""
        stride = self.axes[dim][1]
        axes = (*self.axes[:dim], (length, stride), *self.axes[dim + 1 :])
        return View(self.buffer, self.offset + start * stride, axes)

    def permute(self, places: Sequence[int]) -> View:
        """Return it with its dimensions in another order."""
        return View(self.buffer, self.offset, tuple(self.axes[place] for place in places))

    def diagonal(self, first: int, second: int) -> View:
        """Return the diagonal of two dimensions, which becomes the last one."""
        (n, one), (_, two) = self.axes[first], self.axes[second]
        rest = tuple(axis for k, axis in enumerate(self.axes) if k not in (first, second))
        return View(self.buffer, self.offset, (*rest, (n, one + two)))

    def indexed(self, dim: int, numbers: np.ndarray[Any, Any]) -> View | None:
        """Return it at places of a dimension, if these are different and evenly spaced."""
        if len(np.unique(numbers)) < numbers.size:
            return None  # what is added to one element by way of two places would be lost
        first = int(numbers.reshape(-1)[0])
        steps = [
            int(np.take(numbers, 1, axis=k).reshape(-1)[0]) - first if n > 1 else 0
            for k, n in enumerate(numbers.shape)
        ]
        grid = np.full(numbers.shape, first)
        for k, (n, step) in enumerate(zip(numbers.shape, steps, strict=True)):
            grid += (np.arange(n) * step).reshape([-1 if j == k else 1 for j in range(grid.ndim)])
        if not np.array_equal(grid, numbers):
            return None
        stride = self.axes[dim][1]
        fresh = tuple((n, step * stride) for n, step in zip(numbers.shape, steps, strict=True))
        axes = (*self.axes[:dim], *fresh, *self.axes[dim + 1 :])
        return View(self.buffer, self.offset + first * stride, axes)


def contiguous(sizes: Sequence[int]) -> list[int]:
    """Return the strides of an array in memory order."""
    return [prod(sizes[k + 1 :]) for k in range(len(sizes))]


def full(buffer: Buffer, dims: Sequence[Dim]) -> View:
    """Return a buffer as an array with these dimensions, restarts and examples among them."""
    strides = iter(contiguous([n for n in dims if isinstance(n, int)]))
    return View(buffer, 0, tuple((n, next(strides) if isinstance(n, int) else 0) for n in dims))
