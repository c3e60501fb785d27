"""Tables of sums as code, written out entry by entry, or as a loop over them if they are many.

Where the sums of one result contain those of another, as with triangles, they go on from there: a
running sum takes n additions, not n * n / 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate as accumulated

from neuralc.backends.native.llvm import Loop, Writer
from neuralc.backends.native.llvm_nest import accumulate
from neuralc.backends.native.nests import Access, Table
from neuralc.backends.native.running import Chain

TILE = 8
LONG = 1500  # entries from which on they are a loop
SHORT = 256  # additions and stores of running sums that are written out
Entry = tuple[float, tuple[int, ...]]


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
    if table.chains:
        _chained(w, table, bases)
    elif is_long(table):
        _looped(w, table, bases, arrays)
    else:
        _listed(w, table, bases)
    for loop in reversed(loops):
        w.end(loop)


def numbers(table: Table) -> list[list[float]]:
    """Return the arrays that a long table reads.

    Of each sum with products: its place, and the number of products up to its end. Of each product:
    a place for each factor, and the coefficient.
    """
    groups = [(o, group) for o, group in table.entries if group]
    stops = accumulated(len(group) for _, group in groups)
    rows = [(*places, c) for _, group in groups for c, places in group]
    return [[o for o, _ in groups], list(stops), *map(list, zip(*rows, strict=True))]


def _looped(w: Writer, table: Table, bases: Sequence[str], arrays: Sequence[str]) -> None:
    lanes, t = table.out.buffer.lanes, w.target

    def number(name: str, index: str) -> str:
        spot = w.let(f"getelementptr i32, ptr {name}, i64 {index}")
        return w.let(f"sext i32 {w.let(f'load i32, ptr {spot}')} to i64")

    results, stops, *places, coefficients = arrays
    if not table.add:
        for o in (o for o, group in table.entries if not group):
            w.store(w.number(0, lanes), w.address(bases[0], lanes, o, ()), lanes)
    groups = sum(bool(group) for _, group in table.entries)
    row = w.begin(groups, [("i64", "0")])
    out = w.address(bases[0], lanes, 0, [(number(results, row.index), 1)])
    first = w.let(w.loading(out, lanes)) if table.add else w.number(0, lanes)
    stop = number(stops, row.index)
    each = w.begin(stop, [(t.type(lanes), first)], start=row.values[0])
    spot = w.let(f"getelementptr {t.real}, ptr {coefficients}, i64 {each.index}")
    known = [w.let(w.loading(spot, False))]
    vectors: list[str] = []
    for access, base, name in zip(table.factors, bases[1:], places, strict=True):
        own = access.buffer.lanes
        place = number(name, each.index)
        value = w.let(w.loading(w.address(base, own, 0, [(place, 1)]), own))
        (vectors if own else known).append(value)
    total = accumulate(w, each.values[0], vectors, known, lanes)
    w.end(each, [total])
    w.store(total, out, lanes)
    w.end(row, [stop])


def _listed(w: Writer, table: Table, bases: Sequence[str]) -> None:
    lanes = table.out.buffer.lanes
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


def _chained(w: Writer, table: Table, bases: Sequence[str]) -> None:
    """Write all results at once, or a loop for each running sum where they are many.

    Sums grow side by side, and by additions alone: each waits for the one before, which is shorter
    than for a product with it. A result is stored as soon as its parts are there.
    """
    if sum(chain.work for chain in table.chains) > SHORT:
        _rolled(w, table, bases)
        return
    lanes = table.out.buffer.lanes
    assert all(a.buffer is not table.out.buffer for a in table.factors)  # read after it is stored
    missing = Counter(o for chain in table.chains for _, o in chain.results)
    parts: dict[int, list[str]] = {o: [] for o, _ in table.entries}
    growing = [(chain, dict(chain.results)) for chain in table.chains]
    totals = [""] * len(growing)
    for k in range(max(chain.results[-1][0] for chain in table.chains)):
        for c, (chain, results) in enumerate(growing):
            if k < chain.results[-1][0]:
                value = _entry(w, table, bases, "", (1.0, chain.at(k)))
                totals[c] = w.plus(totals[c], value, lanes, fused=False) if k else value
            if (o := results.get(k + 1)) is not None:
                parts[o].append(totals[c])
                if len(parts[o]) == missing[o]:
                    _result(w, table, bases[0], o, parts[o])
    for o in (o for o in parts if not missing[o]):
        _result(w, table, bases[0], o, [])


def _result(w: Writer, table: Table, base: str, o: int, parts: Sequence[str]) -> None:
    """Write the sum of the parts of a result."""
    lanes = table.out.buffer.lanes
    spot = w.address(base, lanes, o, ())
    first = [w.let(w.loading(spot, lanes))] if table.add else []
    value, *others = [*first, *parts] or [w.number(0, lanes)]
    for other in others:
        value = w.plus(value, other, lanes)
    w.store(value, spot, lanes)


def _rolled(w: Writer, table: Table, bases: Sequence[str]) -> None:
    """Write a loop for each part of a running sum whose results are evenly spaced."""
    lanes = table.out.buffer.lanes
    kind = w.target.type(lanes)
    order = sorted(table.chains, key=lambda chain: -len(chain.results))
    if not table.add:  # what the first sum does not write is 0 before the others add to it
        written = {o for _, o in order[0].results}
        for o in (o for o, _ in table.entries if o not in written):
            w.store(w.number(0, lanes), w.address(bases[0], lanes, o, ()), lanes)
    for chain in order:
        add = table.add or chain is not order[0]
        value, have = w.number(0, lanes), 0
        for length, first, apart, count in _even(chain):
            loop = w.begin(length - have + count - 1, [(kind, value)])
            value = _grown(w, table, bases, loop, (chain.at(have), chain.step))
            late = length - have - 1
            after = w.branch(w.let(f"icmp sge i64 {loop.index}, {late}")) if late else None
            spot = w.address(bases[0], lanes, first - late * apart, [(loop.index, apart)])
            result = w.plus(w.let(w.loading(spot, lanes)), value, lanes) if add else value
            w.store(result, spot, lanes)
            if after:
                w.join(after)
            w.end(loop, [value])
            have = length + count - 1


def _grown(
    w: Writer, table: Table, bases: Sequence[str], loop: Loop,
    places: tuple[Sequence[int], Sequence[int]],
) -> str:  # fmt: skip
    """Return a running sum with one more product, of factors at `start + index * step`."""
    vectors: list[str] = []
    scalars: list[str] = []
    for access, base, start, step in zip(table.factors, bases[1:], *places, strict=True):
        own = access.buffer.lanes
        value = w.load(w.address(base, own, start, [(loop.index, step)]), own)
        (vectors if own else scalars).append(value)
    return accumulate(w, loop.values[0], vectors, scalars, table.out.buffer.lanes)


def _even(chain: Chain) -> list[tuple[int, int, int, int]]:
    """Return the results of a running sum in parts whose lengths differ by one, evenly spaced.

    For each part: the length and the result of the first, how far results are apart, their number.
    """
    found: list[tuple[int, int, int, int]] = []
    for length, o in chain.results:
        if found:
            start, first, apart, count = found[-1]
            if length == start + count and (count == 1 or o == first + count * apart):
                found[-1] = (start, first, o - first if count == 1 else apart, count + 1)
                continue
        found.append((length, o, 0, 1))
    return found
