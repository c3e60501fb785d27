"""Which instructions become one function, and which go through their arrays row by row together.

Both change the order of additions at most, never what is computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TypeGuard

from neuralc.backends.native.code import Band, Group, Single, operands
from neuralc.backends.native.nests import Access, Nest
from neuralc.backends.native.plan import Instruction, Item, Loss, Transfer
from neuralc.backends.native.steps import Staged
from neuralc.backends.native.views import Buffer

LARGE = 96  # elements from which on an array is gone through once for several instructions
SMALL = 240  # products in a group at most, unless it is a single instruction
PARTS = 12
WINDOW = 150  # instructions among which such are looked for that go together


@dataclass(frozen=True)
class Row:
    """An instruction as what it does in one turn of a loop over one of its indices."""

    whole: Single
    count: int
    inner: Single
    strides: tuple[int, ...]

    def moving(self) -> set[tuple[int, int, int]]:
        """Return the large arrays of which each turn has a row of its own.

        As buffer, offset and stride.
        """
        return {
            (id(a.buffer), a.offset, stride)
            for a, stride in zip(operands(self.inner), self.strides, strict=True)
            if _within(a, self.inner, stride) and self.count * _elements(a, self.inner) >= LARGE
        }


def _elements(access: Access, inner: Single) -> int:
    return prod(n for n, stride in zip(inner.sizes, access.strides, strict=True) if stride)


def _within(access: Access, inner: Single, stride: int) -> bool:
    """Tell whether all elements of a turn lie between the beginnings of two rows."""
    spans = [(n - 1) * s for n, s in zip(inner.sizes, access.strides, strict=True)]
    return all(s >= 0 for s in spans) and sum(spans) < stride


def rows_of(instruction: Single) -> Iterator[Row]:
    """Yield the ways of taking an instruction row by row."""
    if isinstance(instruction, Staged) and len(instruction.sizes) > 1:
        yield _step_row(instruction)
    elif isinstance(instruction, Nest) and len(instruction.sizes) > 1:
        for k in range(instruction.free):
            if instruction.out.strides[k]:  # else each turn would add to the same sums in memory
                yield _nest_row(instruction, k)


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
        nest.sizes[:k] + nest.sizes[k + 1 :], nest.free - 1, less(nest.out),
        nest.add, tuple(tuple(map(less, term)) for term in nest.terms),
    )  # fmt: skip
    moved = [nest.out, *nest.factors]
    constant = [a.buffer.array is not None for a in moved]
    assert not any(constant)
    return Row(nest, nest.sizes[k], inner, tuple(a.strides[k] for a in moved))


def banded(items: Sequence[Item]) -> list[Item]:
    """Return instructions with others near them that share large arrays put into bands."""
    result: list[Item] = []
    left = list(items)
    while left:
        rows, chosen = _longest(left)
        if len(rows) < 2:
            result.append(left.pop(0))
            continue
        band = Band(rows[0].count, tuple(r.inner for r in rows), tuple(r.strides for r in rows))
        result.append(replace(left[0], instruction=band))
        left = [item for k, item in enumerate(left) if k not in chosen]
    return result


def _longest(items: list[Item]) -> tuple[list[Row], set[int]]:
    """Return the rows of as many instructions as can go with the first, and their numbers."""
    best: tuple[list[Row], set[int]] = ([], set())
    first = items[0].instruction
    if not _large(first):
        return best
    for row in rows_of_safe(first):
        rows, chosen, reads, writes = [row], {0}, set[Buffer](), set[Buffer]()
        for k in range(1, min(WINDOW, len(items))):
            instruction = items[k].instruction
            free = not writes & {*instruction.reads, *instruction.writes} and not (
                reads & set(instruction.writes)
            )
            if free and _large(instruction) and (following := _fitting(rows, instruction)):
                rows.append(following)
                chosen.add(k)
            else:
                reads |= set(instruction.reads)
                writes |= set(instruction.writes)
        best = max(best, (rows, chosen), key=lambda found: len(found[0]))
    return best


def _large(instruction: Instruction) -> TypeGuard[Nest | Staged]:
    """Tell whether an instruction may go through large arrays."""
    return isinstance(instruction, Nest | Staged) and instruction.work >= LARGE


def rows_of_safe(instruction: Single) -> Iterator[Row]:
    """Yield the ways of taking an instruction row by row, if it is about no constants."""
    accesses = operands(instruction)
    if isinstance(instruction, Nest):
        accesses = [instruction.out, *instruction.factors]
    if all(a.buffer.array is None for a in accesses):
        yield from rows_of(instruction)


def _fitting(rows: Sequence[Row], instruction: Single) -> Row | None:
    """Return a way in which an instruction goes with those before it, if there is one."""
    for row in rows_of_safe(instruction):
        shared = any(row.moving() & other.moving() for other in rows)
        if row.count == rows[0].count and shared and all(_apart(o, row) for o in rows):
            return row
    return None


def shrunk(items: Sequence[Item]) -> list[Item]:
    """Return instructions with arrays that live within one band made as long as a row."""
    uses = Counter(
        buffer for item in items
        for buffer in {*item.instruction.reads, *item.instruction.writes}
    )  # fmt: skip
    result = []
    for item in items:
        band = item.instruction
        if isinstance(band, Band):
            own = {b for b in band.writes if uses[b] == 1 and b.scope == "example"}
            item = replace(item, instruction=_with_rows(band, own))
        result.append(item)
    return result


def _with_rows(band: Band, own: Collection[Buffer]) -> Band:
    """Return a band in which each turn uses the same row of some arrays."""
    seen: dict[Buffer, set[tuple[int, int]]] = {}
    for part, strides in zip(band.parts, band.strides, strict=True):
        for access, stride in zip(operands(part), strides, strict=True):
            good = access.offset == 0 and _within(access, part, stride)
            seen.setdefault(access.buffer, set()).add((stride, stride if good else -1))
    short = {b for b in own if len(seen[b]) == 1 and all(s == t > 0 for s, t in seen[b])}
    for buffer in short:
        buffer.count = next(iter(seen[buffer]))[0]
    return Band(band.count, band.parts, tuple(
        tuple(0 if a.buffer in short else stride
              for a, stride in zip(operands(part), strides, strict=True))
        for part, strides in zip(band.parts, band.strides, strict=True)
    ))  # fmt: skip


def _apart(first: Row, second: Row) -> bool:
    """Tell whether the second may do its i-th turn before the first does its next one."""
    written = {id(b) for b in first.whole.writes} | {id(b) for b in second.whole.writes}
    for a, s in zip(operands(first.inner), first.strides, strict=True):
        for b, t in zip(operands(second.inner), second.strides, strict=True):
            if a.buffer is not b.buffer or id(a.buffer) not in written:
                continue
            same = s == t != 0 and a.offset == b.offset
            if not (same and _within(a, first.inner, s) and _within(b, second.inner, t)):
                return False
    return True


def grouped(items: Sequence[Item]) -> list[Item]:
    """Return instructions with small neighbours of one node of the program put together."""
    result: list[Item] = []
    parts: list[Item] = []

    def close() -> None:
        if parts:
            group = Group(tuple(item.instruction for item in parts))  # type: ignore[misc]
            result.append(replace(parts[0], instruction=group))
            parts.clear()

    for item in items:
        if isinstance(item.instruction, Transfer | Loss):
            close()
            result.append(item)
            continue
        if parts and not _together(parts, item):
            close()
        parts.append(item)
    close()
    return result


def _together(parts: Sequence[Item], item: Item) -> bool:
    first = parts[0]
    here = first.node.line if first.node else 0
    there = item.node.line if item.node else 0
    work = sum(getattr(part.instruction, "work", 0) for part in (*parts, item))
    same = (here, first.back) == (there, item.back)
    return same and len(parts) < PARTS and work <= SMALL
