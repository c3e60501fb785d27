"""Which instructions become one function, and which go through their arrays row by row together.

Both change the order of additions at most, never what is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from neuralc.backends.native.code import Band, Group, Single, operands
from neuralc.backends.native.nests import Access, Nest, Table
from neuralc.backends.native.plan import Item, Loss, Transfer
from neuralc.backends.native.steps import Normalise, NormaliseBack, Step, Zero

LARGE = 96  # elements from which on an array is gone through once for several instructions
SMALL = 240  # products in a group at most, unless it is a single instruction
PARTS = 12


@dataclass(frozen=True)
class Row:
    """An instruction as what it does in one turn of a loop over one of its indices."""

    whole: Single
    count: int
    inner: Single
    strides: tuple[int, ...]

    def moving(self) -> set[tuple[int, int, int]]:
        """Return the arrays of which each turn has a row of its own: buffer, offset, stride."""
        return {
            (id(a.buffer), a.offset, stride)
            for a, stride in zip(operands(self.inner), self.strides, strict=True)
            if stride and _within(a, self.inner, stride)
        }


def _within(access: Access, inner: Single, stride: int) -> bool:
    """Tell whether all elements of a turn lie between the beginnings of two rows."""
    spans = [(n - 1) * s for n, s in zip(inner.sizes, access.strides, strict=True)]
    return all(s >= 0 for s in spans) and sum(spans) < stride


def rows_of(instruction: Single) -> Iterator[Row]:
    """Yield the ways of taking an instruction row by row."""
    if isinstance(instruction, Normalise | NormaliseBack) and len(instruction.sizes) > 1:
        yield _step_row(instruction)
    elif isinstance(instruction, Nest) and len(instruction.sizes) > 1:
        for k in range(len(instruction.sizes)):
            if k < instruction.free or len(instruction.terms) == 1:
                yield _nest_row(instruction, k)


def _step_row(step: Step) -> Row:
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
        nest.add or k >= nest.free, tuple(tuple(map(less, term)) for term in nest.terms),
    )  # fmt: skip
    moved = [nest.out, *(a for term in nest.terms for a in term)]
    constant = [a.buffer.array is not None for a in moved]
    assert not any(constant)
    return Row(nest, nest.sizes[k], inner, tuple(a.strides[k] for a in moved))


def banded(items: Sequence[Item]) -> list[Item]:
    """Return instructions with neighbours that share large arrays put into bands."""
    result: list[Item] = []
    k = 0
    while k < len(items):
        rows = _longest(items, k)
        if len(rows) < 2:
            result.append(items[k])
            k += 1
            continue
        for row in rows:  # what is summed over the turns begins at 0
            whole = row.whole
            if isinstance(whole, Nest) and not whole.add and row.inner.add:  # type: ignore[union-attr]
                result.append(replace(items[k], instruction=_zero(whole)))
        band = Band(rows[0].count, tuple(r.inner for r in rows), tuple(r.strides for r in rows))
        result.append(replace(items[k], instruction=band))
        k += len(rows)
    return result


def _zero(nest: Nest) -> Nest:
    """Return the instruction that sets what a nest writes to 0."""
    kept = range(nest.free)
    out = Access(nest.out.buffer, nest.out.offset, tuple(nest.out.strides[k] for k in kept))
    return Nest(tuple(nest.sizes[k] for k in kept), nest.free, out, False, ())


def _longest(items: Sequence[Item], start: int) -> list[Row]:
    """Return the rows of as many instructions from one on as can go together."""
    best: list[Row] = []
    first = items[start].instruction
    if isinstance(first, Transfer | Loss | Table | Band | Group) or first.work < LARGE:
        return best
    for row in rows_of_safe(first):
        rows = [row]
        for item in items[start + 1 : start + PARTS]:
            following = _fitting(rows, item)
            if following is None:
                break
            rows.append(following)
        best = max(best, rows, key=len)
    return best


def rows_of_safe(instruction: Single) -> Iterator[Row]:
    """Yield the ways of taking an instruction row by row, if it is about no constants."""
    accesses = operands(instruction)
    if isinstance(instruction, Nest):
        accesses = [instruction.out, *(a for term in instruction.terms for a in term)]
    if all(a.buffer.array is None for a in accesses):
        yield from rows_of(instruction)


def _fitting(rows: Sequence[Row], item: Item) -> Row | None:
    """Return a way in which an instruction goes with those before it, if there is one."""
    instruction = item.instruction
    if isinstance(instruction, Transfer | Loss | Table | Band | Group | Zero):
        return None
    if instruction.work < LARGE:
        return None
    for row in rows_of_safe(instruction):
        shared = any(row.moving() & other.moving() for other in rows)
        if row.count == rows[0].count and shared and all(_apart(o, row) for o in rows):
            return row
    return None


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
    work = sum(part.instruction.work for part in parts) + item.instruction.work  # type: ignore[union-attr]
    return len(parts) < PARTS and (here, first.back) == (there, item.back) and work <= SMALL
