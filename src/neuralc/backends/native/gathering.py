"""Sums that grow in each step of a run, added up for several steps at once.

The gradient of a table of choices gets another outer product at each step of a loop. Each alone
loads and stores the whole table; several together keep parts of it in registers meanwhile. Changes
the order of additions at most, never what is computed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from neuralc.backends.native.nests import UNROLLED, Nest
from neuralc.backends.native.plan import Item
from neuralc.backends.native.views import Buffer

TERMS = 8  # products of operands that are added up at once


@dataclass
class _Open:
    """A sum that may be put off: the items that add to it, and what they read."""

    items: list[Item] = field(default_factory=list)
    reads: set[Buffer] = field(default_factory=set)

    def whole(self) -> Item:
        """Return all items as one."""
        nests = [item.instruction for item in self.items]
        terms = tuple(t for nest in nests if isinstance(nest, Nest) for t in nest.terms)
        last = self.items[-1]
        assert isinstance(last.instruction, Nest)
        return replace(last, instruction=replace(last.instruction, terms=terms))


def gathered(items: Sequence[Item]) -> list[Item]:
    """Return instructions with sums into the same array put off until they are `TERMS`.

    A sum is written at the latest before its array, or what it reads, is touched otherwise.
    """
    result: list[Item] = []
    waiting: dict[Hashable, _Open] = {}

    def settle(reads: set[Buffer], writes: set[Buffer], but: Hashable = None) -> None:
        for key, sum_ in list(waiting.items()):
            out = sum_.items[0].instruction.writes[0]
            if key != but and (out in reads | writes or writes & sum_.reads):
                result.append(waiting.pop(key).whole())

    for item in items:
        nest = item.instruction
        key = _key(nest) if isinstance(nest, Nest) else None
        if key is None or not isinstance(nest, Nest):
            settle(set(nest.reads), set(nest.writes))
            result.append(item)
            continue
        factors = {a.buffer for a in nest.factors}
        settle(factors, set(nest.writes), but=key)
        own = waiting.setdefault(key, _Open())
        own.items.append(item)
        own.reads |= factors
        if len(own.items) == TERMS:
            result.append(waiting.pop(key).whole())
    return [*result, *(sum_.whole() for sum_ in waiting.values())]


def _key(nest: Nest) -> Hashable:
    """Return what sums share that can be one, None where there is nothing to gain."""
    accesses = nest.factors
    outer = nest.free == len(nest.sizes) and any(0 in a.strides for a in accesses)
    if not (nest.add and outer and len(nest.terms) == 1 and nest.work > UNROLLED):
        return None
    if nest.out.buffer in {a.buffer for a in accesses} or any(
        a.buffer.array is not None for a in accesses
    ):
        return None
    shape = tuple((a.strides, a.offset, a.buffer.lanes) for a in accesses)
    return (nest.sizes, id(nest.out.buffer), nest.out.offset, nest.out.strides, shape)
