"""Where each buffer stands in the memory that one thread works in.

Values that are not needed any more make room for others. Everything begins at a multiple of a
vector.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.backends.native.plan import Item
from neuralc.backends.native.views import Buffer


def place(items: Sequence[Item], buffers: Sequence[Buffer], lanes: int) -> int:
    """Give all buffers their places, in numbers; return how many numbers they take.

    `items` are those of the examples' section, which is what is gone through most.
    """
    top = 0
    for buffer in buffers:
        if buffer.scope == "task":
            buffer.place = top
            top += room(buffer, lanes)
    first, last = spans(items)
    begin: dict[int, list[Buffer]] = {}
    end: dict[int, list[Buffer]] = {}
    for buffer, k in first.items():
        begin.setdefault(k, []).append(buffer)
        end.setdefault(last[buffer], []).append(buffer)
    holes = _Holes(top)
    for k in range(len(items)):
        for buffer in begin.get(k, ()):
            buffer.place = holes.take(room(buffer, lanes))
        for buffer in end.get(k, ()):
            holes.give(buffer.place, room(buffer, lanes))
    return holes.top


def spans(items: Sequence[Item]) -> tuple[dict[Buffer, int], dict[Buffer, int]]:
    """Return for each buffer of an example the numbers of the first and last item that uses it."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for k, item in enumerate(items):
        for buffer in (*item.instruction.reads, *item.instruction.writes):
            if buffer.scope == "example":
                first.setdefault(buffer, k)
                last[buffer] = k
    return first, last


def room(buffer: Buffer, lanes: int) -> int:
    """Return how many numbers a buffer takes."""
    return buffer.count * lanes if buffer.lanes else -(-buffer.count // lanes) * lanes


class _Holes:
    """Free memory, as ranges in order; there is always more at the end."""

    def __init__(self, start: int) -> None:
        self.top = start
        self.free: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        """Return the first place with room for so much."""
        for k, (at, n) in enumerate(self.free):
            if n >= size:
                self.free[k : k + 1] = [(at + size, n - size)] if n > size else []
                return at
        if self.free and sum(self.free[-1]) == self.top:
            at, _ = self.free.pop()
        else:
            at = self.top
        self.top = at + size
        return at

    def give(self, at: int, size: int) -> None:
        """Make a range free again."""
        low = 0
        while low < len(self.free) and self.free[low][0] < at:
            low += 1
        self.free.insert(low, (at, size))
        for k in (low, low - 1):
            if 0 <= k < len(self.free) - 1 and sum(self.free[k]) == self.free[k + 1][0]:
                self.free[k : k + 2] = [(self.free[k][0], self.free[k][1] + self.free[k + 1][1])]
