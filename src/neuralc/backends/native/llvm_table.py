"""Tables of sums as code, written out entry by entry, or as a loop over them if they are many.

Where the sums of one result contain those of another, as with triangles, they go on from there: a
running sum takes n additions, not n * n / 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.llvm_nest import accumulate
from neuralc.backends.native.nests import Access, Table

TILE = 8
LONG = 1500  # entries from which on they are a loop
Entry = tuple[float, tuple[int, ...]]
Chains = dict[tuple[int, int], list[tuple[int, int]]]  # (end, direction): lengths and results


def pointers(table: Table) -> list[Access]:
    """Return the operands whose addresses a table is called with, the result first."""
    return [table.out, *table.factors]


def is_long(table: Table) -> bool:
    """Tell whether the entries are an array that a loop reads."""
    return sum(len(group) for _, group in table.entries) > LONG


def write_table(w: Writer, table: Table, spots: Sequence[str], arrays: Sequence[str]) -> None:
    """Write a table; `arrays` are the names of those of `numbers`, if it is long."""
    loops, index = [], []
    for n in table.sizes:
        loops.append(w.begin(n))
        index.append(loops[-1].index)
    bases = [
        w.address(spot, a.buffer.lanes, 0, list(zip(index, a.strides, strict=True)))
        for spot, a in zip(spots, pointers(table), strict=True)
    ]
    if is_long(table):
        _looped(w, table, bases, arrays)
    else:
        _listed(w, table, bases)
    for loop in reversed(loops):
        w.end(loop)


def numbers(table: Table) -> list[list[float]]:
    """Return the arrays that a long table reads: a place for each operand, and coefficients."""
    rows = [(o, *places, c) for o, group in table.entries for c, places in group]
    return [list(column) for column in zip(*rows, strict=True)]


def _looped(w: Writer, table: Table, bases: Sequence[str], arrays: Sequence[str]) -> None:
    lanes, t = table.out.buffer.lanes, w.target
    if not table.add:
        for o, _ in table.entries:
            w.store(w.number(0, lanes), w.address(bases[0], lanes, o, ()), lanes)
    loop = w.begin(sum(len(group) for _, group in table.entries))
    places = []
    for name in arrays[:-1]:
        spot = w.let(f"getelementptr i32, ptr {name}, i64 {loop.index}")
        places.append(w.let(f"sext i32 {w.let(f'load i32, ptr {spot}')} to i64"))
    spot = w.let(f"getelementptr {t.real}, ptr {arrays[-1]}, i64 {loop.index}")
    known = [w.let(w.loading(spot, False))]
    vectors: list[str] = []
    for access, base, place in zip(table.factors, bases[1:], places[1:], strict=True):
        own = access.buffer.lanes
        value = w.let(w.loading(w.address(base, own, 0, [(place, 1)]), own))
        (vectors if own else known).append(value)
    out = w.address(bases[0], lanes, 0, [(places[0], 1)])
    w.store(accumulate(w, w.let(w.loading(out, lanes)), vectors, known, lanes), out, lanes)
    w.end(loop)


def _listed(w: Writer, table: Table, bases: Sequence[str]) -> None:
    lanes = table.out.buffer.lanes
    chains = _chains(table)
    if chains is not None:
        _chained(w, table, bases, chains)
        return
    for start in range(0, len(table.entries), TILE):
        tile = table.entries[start : start + TILE]
        spots = [w.address(bases[0], lanes, o, ()) for o, _ in tile]
        sums = [w.let(w.loading(spot, lanes)) if table.add else "" for spot in spots]
        for row in range(max(len(group) for _, group in tile)):
            for k, (_, group) in enumerate(tile):
                if row < len(group):
                    sums[k] = _entry(w, table, bases, sums[k], group[row])
        for value, spot in zip(sums, spots, strict=True):
            w.store(value or w.number(0, lanes), spot, lanes)


def _entry(w: Writer, table: Table, bases: Sequence[str], total: str, entry: Entry) -> str:
    coefficient, places = entry
    vectors: list[str] = []
    scalars = [] if coefficient == 1 else [w.target.literal(coefficient)]
    for access, base, place in zip(table.factors, bases[1:], places, strict=True):
        own = access.buffer.lanes
        value = w.load(w.address(base, own, place, ()), own)
        (vectors if own else scalars).append(value)
    return accumulate(w, total, vectors, scalars, table.out.buffer.lanes)


# ---- running sums


def _chains(table: Table) -> Chains | None:
    """Return how sums share parts: for each range of places that begins, or ends, where others do.

    None, if that does not save much.
    """
    if len(table.factors) != 1 or any(c != 1 for _, group in table.entries for c, _ in group):
        return None
    total = sum(len(group) for _, group in table.entries)
    if total <= 3 * len(table.entries):
        return None
    ranges = {o: _ranges([p for _, (p,) in group], table) for o, group in table.entries}
    starts = Counter(low for parts in ranges.values() for low, _ in parts)
    stops = Counter(high for parts in ranges.values() for _, high in parts)
    chains: Chains = {}
    for o, parts in ranges.items():
        for low, high in parts:
            up = starts[low] >= stops[high]
            chains.setdefault((low, 1) if up else (high, -1), []).append((high - low, o))
    work = sum(max(length for length, _ in chain) + len(chain) for chain in chains.values())
    return chains if work < total // 2 else None


def _ranges(places: Sequence[int], table: Table) -> list[tuple[int, int]]:
    """Return places as ranges; blocks as long as there are results are kept apart."""
    found: list[tuple[int, int]] = []
    for place in sorted(places):
        if found and found[-1][1] == place and place % len(table.entries):
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def _chained(w: Writer, table: Table, bases: Sequence[str], chains: Chains) -> None:
    lanes = table.out.buffer.lanes
    parts: dict[int, list[str]] = {o: [] for o, _ in table.entries}
    for (end, step), chain in chains.items():
        total, have = "", 0
        for length, o in sorted(chain):
            for k in range(have, length):
                place = end + k if step > 0 else end - 1 - k
                total = _entry(w, table, bases, total, (1.0, (place,)))
            have = length
            parts[o].append(total)
    for o, sums in parts.items():
        spot = w.address(bases[0], lanes, o, ())
        if table.add:
            sums = [w.let(w.loading(spot, lanes)), *sums]
        value = sums[0] if sums else w.number(0, lanes)
        for other in sums[1:]:
            value = w.plus(value, other, lanes)
        w.store(value, spot, lanes)
