"""Which instructions go through their arrays row by row together, as one band.

What is done with a row is done before the next one is looked at, so that a large array is gone
through once for several instructions. Changes the order of additions at most, never what is
computed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import TypeGuard

from neuralc.backends.native.code import Band, Single, operands, within
from neuralc.backends.native.drafts import in_place
from neuralc.backends.native.nests import Access, Nest
from neuralc.backends.native.plan import Instruction, Item, Loss
from neuralc.backends.native.recompute import on
from neuralc.backends.native.steps import Staged, Zero
from neuralc.backends.native.views import Buffer

LARGE = 96  # elements from which on an array is gone through once for several instructions
COLUMNS = 300  # elements from which on sums across the rows are, too: each row adds to all of them
WINDOW = 150  # instructions among which such are looked for that go together
Arrays = set[tuple[Buffer, int, int]]  # with an offset, and how far rows are apart


@dataclass(frozen=True)
class Row:
    """An instruction as what it does in one turn of a loop over one of its indices."""

    whole: Single
    count: int
    inner: Single
    strides: tuple[int, ...]

    @cached_property
    def moving(self) -> Arrays:
        """The large arrays of which each turn has a row of its own."""
        return {
            (a.buffer, a.offset, stride)
            for a, stride in zip(operands(self.inner), self.strides, strict=True)
            if within(a, self.inner, stride)
            and stride > 1
            and self.count * _elements(a, self.inner) >= LARGE
        }


def _elements(access: Access, inner: Single) -> int:
    return prod(n for n, stride in zip(inner.sizes, access.strides, strict=True) if stride)


def _large(instruction: Instruction) -> TypeGuard[Nest | Staged]:
    """Tell whether an instruction may go through large arrays."""
    return isinstance(instruction, Nest | Staged) and instruction.work >= LARGE


def rows_of(instruction: Single) -> Iterator[Row]:
    """Yield the ways of taking an instruction row by row, if it is about no constants."""
    accesses = operands(instruction)
    if isinstance(instruction, Nest):
        accesses = [instruction.out, *instruction.factors]
    if len(instruction.sizes) < 2 or any(a.buffer.array is not None for a in accesses):
        return
    if isinstance(instruction, Staged):
        yield _step_row(instruction)
    elif isinstance(instruction, Nest):
        for k in range(instruction.free):
            if instruction.out.strides[k]:  # else each turn would add to the same sums in memory
                yield _nest_row(instruction, k)
        flat = len(instruction.sizes) == 2 and instruction.free == 1 and instruction.out.strides[0]
        if instruction.add and flat and prod(instruction.sizes) >= COLUMNS:
            yield _nest_row(instruction, 1)


def _step_row(step: Staged) -> Row:
    inner = replace(
        step, sizes=step.sizes[1:],
        operands=tuple(Access(a.buffer, a.offset, a.strides[1:]) for a in step.operands),
    )  # fmt: skip
    return Row(step, step.sizes[0], inner, tuple(a.strides[0] for a in step.operands))


def _nest_row(nest: Nest, k: int) -> Row:
    def less(a: Access) -> Access:
        return Access(a.buffer, a.offset, a.strides[:k] + a.strides[k + 1 :])

    inner = Nest(
        nest.sizes[:k] + nest.sizes[k + 1 :], nest.free - (k < nest.free), less(nest.out),
        nest.add, tuple(tuple(map(less, term)) for term in nest.terms),
    )  # fmt: skip
    strides = tuple(a.strides[k] for a in (nest.out, *nest.factors))
    return Row(nest, nest.sizes[k], inner, strides)


# ---- looking for what goes together


@dataclass(eq=False)
class _Seen:
    """An item, and what it reads and writes."""

    item: Item

    def __post_init__(self) -> None:
        self.reads = frozenset(self.item.instruction.reads)
        self.writes = frozenset(self.item.instruction.writes)

    @cached_property
    def ways(self) -> list[tuple[Row, list[Instruction]]]:
        """The ways of taking it row by row, and what has to come before a band with it."""
        nest = self.item.instruction
        if not _large(nest):
            return []
        found: list[tuple[Row, list[Instruction]]] = [(row, []) for row in rows_of(nest)]
        if isinstance(nest, Nest) and not nest.add and nest.free == 1 and nest.out.strides[0] == 1:
            out = Access(nest.out.buffer, nest.out.offset, (1,))
            zero = Zero(nest.sizes[:1], (out,))
            found += [
                (row, [zero]) for row in rows_of(replace(nest, add=True)) if row.strides[0] == 0
            ]
        return found


@dataclass
class _Touched:
    """The buffers that some instructions read and write."""

    reads: set[Buffer] = field(default_factory=set)
    writes: set[Buffer] = field(default_factory=set)

    def add(self, one: _Seen | Instruction) -> None:
        self.reads.update(one.reads)
        self.writes.update(one.writes)

    def because(self, seen: _Seen) -> set[Buffer]:
        """Return the buffers because of which it must."""
        return (self.writes & (seen.reads | seen.writes)) | (self.reads & seen.writes)


def _bars(first: _Seen | _Touched, second: _Seen) -> bool:
    """Tell whether an instruction must stay behind what comes before it."""
    return not (
        first.writes.isdisjoint(second.reads) and first.writes.isdisjoint(second.writes)
        and first.reads.isdisjoint(second.writes)
    )  # fmt: skip


@dataclass
class _Open:
    """A band in the making: its rows, and where the items up to here go.

    By their numbers, `chosen` items are in the band, `early` ones may come before it, all others
    behind it. `fresh` are what comes right before it, `pieces` what stands behind it for an item of
    which a part went into the band.
    """

    rows: list[Row]
    chosen: set[int] = field(default_factory=lambda: {0})
    early: list[int] = field(default_factory=list)
    fresh: list[Instruction] = field(default_factory=list)
    pieces: dict[int, Instruction] = field(default_factory=dict)

    def arrays(self) -> Arrays:
        """Return the large arrays that its rows move through."""
        return {array for row in self.rows for array in row.moving}

    def needed(self, items: Sequence[_Seen]) -> list[int]:
        """Return the early items that the band, or one of them, waits for; others may be late."""
        found: list[int] = []
        for k in self.early[::-1]:
            if any(_bars(items[k], items[j]) for j in (*self.chosen, *found) if j > k):
                found.append(k)
        return found[::-1]


def _renamed(item: Item, names: Mapping[Buffer, Buffer]) -> _Seen:
    """Return an item with some buffers called otherwise."""
    return _Seen(replace(item, instruction=on(item.instruction, names)))


class _Coming:
    """Items in their order, those that come next as a window; what they call buffers may change."""

    def __init__(self, items: Sequence[Item], later: Collection[Buffer]) -> None:
        self.items, self.at = items, 0
        self.window: list[_Seen] = []
        self.last: dict[Buffer, int] = {}  # behind the window, by what a buffer is called now
        self.fixed = set(later)  # what is not to be called otherwise
        self.names: dict[Buffer, Buffer] = {}
        for k, item in enumerate(items):
            own = (*item.instruction.reads, *item.instruction.writes)
            self.last.update(dict.fromkeys(own, k))
            if isinstance(item.instruction, Loss):
                self.fixed.update(own)
        self.last.update(dict.fromkeys(later, len(items)))

    def fill(self) -> None:
        """Make the window as long as it should be."""
        while len(self.window) < WINDOW and self.at < len(self.items):
            self.window.append(_renamed(self.items[self.at], self.names))
            self.at += 1

    def used(self, band: Band, late: Sequence[_Seen]) -> set[Buffer]:
        """Return those buffers of a band that come again, in some items or behind the window."""
        own = {*band.reads, *band.writes}
        near = set[Buffer]().union(*(s.reads | s.writes for s in late))
        return {b for b in own if b in near or self.last.get(b, -1) >= self.at}

    def rename(self, old: Buffer, new: Buffer) -> None:
        """Call a buffer otherwise in all items behind the window."""
        self.last[new] = self.last.pop(old, -1)
        for one, name in self.names.items():
            if name is old:
                self.names[one] = new
        self.names[old] = new


def banded(items: Sequence[Item], later: Collection[Buffer] = ()) -> list[Item]:
    """Return instructions with others near them that share large arrays put into bands.

    `later` are buffers that are used behind all of them.
    """
    result: list[Item] = []
    coming = _Coming(items, later)
    coming.fill()
    while left := coming.window:
        best = _longest(left)
        if best is None or len(best.rows) < 2:
            result.append(left.pop(0).item)
        else:
            coming.window = _with_band(left, best, coming)
        coming.fill()
    return result


def _with_band(left: Sequence[_Seen], best: _Open, coming: _Coming) -> list[_Seen]:
    """Return the items of a window with a band, and what has to come before it in front of it."""
    early = best.needed(left)
    late = [
        _Seen(replace(seen.item, instruction=best.pieces[k])) if k in best.pieces else seen
        for k, seen in enumerate(left)
        if (k not in best.chosen or k in best.pieces) and k not in early
    ]
    rows = best.rows
    band = Band(rows[0].count, tuple(r.inner for r in rows), tuple(r.strides for r in rows))
    used = coming.used(band, late)
    band, names = in_place(band, used, used - coming.fixed)
    for old, new in names.items():
        coming.rename(old, new)
    if names:
        late = [_renamed(seen.item, names) for seen in late]
    own = [_Seen(replace(left[0].item, instruction=i)) for i in (*best.fresh, band)]
    return [*(left[k] for k in early), *own, *late]  # the early ones look for others, too


def _longest(items: Sequence[_Seen]) -> _Open | None:
    """Return the band of as many instructions as can go with the first."""
    best: _Open | None = None
    for row, fresh in items[0].ways:
        band = _collected(items, row, fresh, row.moving)
        while len(band.rows) > 1:  # what comes before the first row of an array now knows of it
            more = _collected(items, row, fresh, band.arrays())
            if len(more.rows) <= len(band.rows):
                break
            band = more
        if best is None or len(band.rows) > len(best.rows):
            best = band
    return best


def _collected(
    items: Sequence[_Seen], row: Row, fresh: Sequence[Instruction], arrays: Arrays
) -> _Open:
    """Return the band that begins with a row; `arrays` are what it is known to go through."""
    band, arrays = _Open([row], fresh=list(fresh)), set(arrays)
    inside, behind = _Touched(), _Touched()
    inside.add(row.whole)
    for k in range(1, len(items)):
        seen = items[k]
        joined = _joining(band, seen, behind, arrays) if seen.ways else None
        if joined:
            row, before, piece = joined
            band.rows.append(row)
            arrays |= row.moving
            band.chosen.add(k)
            band.fresh += before
            inside.add(row.whole)
            if piece is not None:
                band.pieces[k] = piece
                behind.add(piece)
        elif _bars(behind, seen) or _bars(inside, seen):
            behind.add(seen)
        else:
            band.early.append(k)
    return band


def _joining(
    band: _Open, seen: _Seen, behind: _Touched, arrays: Arrays
) -> tuple[Row, list[Instruction], Instruction | None] | None:
    """Return how an instruction goes into a band: rows, what comes before, what is left of it."""
    if not _bars(behind, seen):
        for row, fresh in seen.ways:
            if _fits(band.rows, row, arrays):
                return row, fresh, None
        return None
    nest = seen.item.instruction
    if not (isinstance(nest, Nest) and nest.add and nest.free == 1 and len(nest.sizes) == 2):
        return None
    out, factors = nest.out, {a.buffer for a in nest.factors}
    if behind.because(seen) != {out.buffer} or out.buffer in factors:
        return None
    if all(buffer.scope != "example" for buffer in factors):
        return None  # such a part would not outlive the examples
    size = nest.sizes[0]
    part = Buffer("part", size, out.buffer.lanes, "example")  # what is added to the rest behind
    for row in rows_of(replace(nest, out=Access(part, 0, (1, 0)), add=False)):
        if _fits(band.rows, row, arrays):
            terms = ((Access(part, 0, (1,)),),)
            rest = Nest((size,), 1, Access(out.buffer, out.offset, out.strides[:1]), True, terms)
            return row, [], rest
    return None


def _fits(rows: Sequence[Row], row: Row, arrays: Arrays) -> bool:
    """Tell whether an instruction can go with those before it, and through one of some arrays."""
    return (
        row.count == rows[0].count and not row.moving.isdisjoint(arrays)
        and all(_apart(other, row) for other in rows)
    )  # fmt: skip


def _apart(first: Row, second: Row) -> bool:
    """Tell whether the second may do its i-th turn before the first does its next one."""
    written = {*first.whole.writes, *second.whole.writes}
    for a, s in zip(operands(first.inner), first.strides, strict=True):
        for b, t in zip(operands(second.inner), second.strides, strict=True):
            if a.buffer is not b.buffer or a.buffer not in written:
                continue
            same = s == t != 0 and a.offset == b.offset
            if not (same and within(a, first.inner, s) and within(b, second.inner, t)):
                return False
    return True
