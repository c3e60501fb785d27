"""Arrays of which a band needs a row at a time: they are that short, or stand where another stood.

Knows bands, not how they are found (`banding.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import prod

from neuralc.backends.native.code import Band, operands, within
from neuralc.backends.native.nests import Nest
from neuralc.backends.native.plan import Item, touched
from neuralc.backends.native.recompute import on
from neuralc.backends.native.views import Buffer

Spot = tuple[int, tuple[int, ...], int]  # offset and strides of an operand, and that of the band


def in_place(
    band: Band, used: Collection[Buffer], free: Collection[Buffer]
) -> tuple[Band, dict[Buffer, Buffer]]:
    """Return a band with less memory, and which buffers are called otherwise from there on.

    A sum that nobody looks at after the band goes into a row at a time, and what has its size and
    is made from it in the band takes its place.

    Args:
        band: the band.
        used: those of its buffers that are needed after it.
        free: those of them that may be called otherwise.

    """
    names: dict[Buffer, Buffer] = {}
    for k, part in enumerate(band.parts):
        if not isinstance(part, Nest) or not part.add or part.out.buffer.scope != "example":
            continue
        total = part.out.buffer
        spot = _spot(band, total)
        earlier = {b for p in band.parts[:k] for b in (*p.reads, *p.writes)}
        if spot is None or spot[2] == 0 or total in earlier or total in used:
            continue
        draft = Buffer("sum", total.count, total.lanes, "example")
        parts = [on(p, {total: draft}) for p in band.parts]
        terms = ((part.out,), *part.terms)
        parts[k] = replace(part, out=replace(part.out, buffer=draft), add=False, terms=terms)
        strides = list(band.strides)
        strides[k] = (strides[k][0], *strides[k])
        band = Band(band.count, tuple(parts), tuple(strides))
        if heir := _heir(band, k, free, spot):
            band = on(band, {heir: total})
            names[heir] = total
    return band, names


def _spot(band: Band, buffer: Buffer) -> Spot | None:
    """Return how a band goes through a buffer; None, if it does so in several ways."""
    spots = {
        (a.offset, a.strides, stride)
        for part, strides in zip(band.parts, band.strides, strict=True)
        for a, stride in zip(operands(part), strides, strict=True) if a.buffer is buffer
    }  # fmt: skip
    return spots.pop() if len(spots) == 1 else None


def _heir(band: Band, k: int, free: Collection[Buffer], spot: Spot) -> Buffer | None:
    """Return one of some buffers that is made behind part k, and could stand where its sum did."""
    first = band.parts[k]
    assert isinstance(first, Nest)
    total = first.terms[0][0].buffer
    seen: set[Buffer] = set()
    for number, part in enumerate(band.parts):
        before, seen = seen, seen | {*part.reads, *part.writes}
        if number <= k or not isinstance(part, Nest) or part.add:
            continue
        made = part.out.buffer
        same = (made.count, made.lanes, made.scope) == (total.count, total.lanes, total.scope)
        whole = band.count * prod(part.sizes[: part.free]) == made.count
        fresh = made not in before and made not in part.reads
        if same and whole and fresh and made in free and _spot(band, made) == spot:
            return made
    return None


# ---- short arrays


def shrunk(items: Sequence[Item]) -> list[Item]:
    """Return instructions with arrays that live within one band made as long as its rows."""
    uses = touched(items)
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
            good = access.offset == 0 and within(access, part, stride)
            seen.setdefault(access.buffer, set()).add((stride, stride if good else -1))
    short = {b for b in own if len(seen[b]) == 1 and all(s == t > 0 for s, t in seen[b])}
    for buffer in short:
        buffer.count, buffer.draft = next(iter(seen[buffer]))[0], True
    return replace(band, strides=tuple(
        tuple(0 if a.buffer in short else stride
              for a, stride in zip(operands(part), strides, strict=True))
        for part, strides in zip(band.parts, band.strides, strict=True)
    ))  # fmt: skip
