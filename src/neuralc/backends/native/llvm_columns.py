"""Bands that go through an array by strips of columns, as code.

Where rows have no sums of their own, it does not matter whether a band takes row by row or column
by column. What all rows add to, or read, then stays in registers while a strip of a few columns is
gone through from the first row to the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product, repeat

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.llvm_nest import pointers
from neuralc.backends.native.llvm_row import Cells, is_row, loops, nest_stage
from neuralc.backends.native.nests import Access, Nest
from neuralc.backends.native.views import Buffer

Rows = Sequence[tuple[Nest, Sequence[int]]]  # what is done with a row, and how operands move on

KEPT = 10  # numbers in registers: with what is loaded meanwhile they fill 16
NARROW = 2  # columns below which a strip is not worth it
CACHED = 600  # numbers of an array that is still at hand for the next strip; larger ones go by rows


def strips(count: int, parts: Sequence[object], strides: Sequence[Sequence[int]]) -> Rows:
    """Return the instructions of a band of so many rows, none if it should go row by row."""
    rows = [(p, s) for p, s in zip(parts, strides, strict=True) if isinstance(p, Nest)]
    if len(rows) < len(parts) or not all(is_row(nest) and nest.free for nest, _ in rows):
        return []
    if count * rows[0][0].sizes[0] > CACHED:
        return []
    stages = [nest_stage(nest, [""] * len(pointers(nest)), own) for nest, own in rows]
    return rows if len(loops(stages)) == 1 and width(rows) else []


def width(rows: Rows) -> int:
    """Return how many columns a strip should have, 0 where rows are better."""
    n, count = rows[0][0].sizes[0], len(_columns(rows))
    most = min(n, KEPT // count) if count else 0
    whole = [u for u in range(NARROW, most + 1) if n % u == 0]
    return max(whole, default=most if most >= NARROW else 0)


def _columns(rows: Rows) -> list[Cells]:
    """Return what has the same numbers for all rows."""
    cells = [
        Cells(access, "", outer)
        for nest, strides in rows
        for access, outer in zip(pointers(nest), strides, strict=True)
    ]
    still = [c for c in cells if c.stride and not c.outer and not c.access.buffer.draft]
    return list({c.key(0): c for c in still}.values())


def write_columns(w: Writer, rows: Rows, count: int, base: Mapping[Buffer, str]) -> None:
    """Write a band of so many rows by strips; `base` are the addresses of its buffers."""
    n, u = rows[0][0].sizes[0], width(rows)
    whole = n // u * u
    loop = w.begin(whole, step=u)
    _Strip(w, rows, base, loop.index, u).write(count)
    w.end(loop)
    if whole < n:
        _Strip(w, rows, base, str(whole), n - whole).write(count)


@dataclass
class _Strip:
    """Some columns: where they begin, and how many they are."""

    w: Writer
    rows: Rows
    base: Mapping[Buffer, str]
    start: str
    size: int

    def write(self, count: int) -> None:
        """Write what is done with them."""
        w = self.w
        columns = [replace(c, spot=self.spot(c.access)) for c in _columns(self.rows)]
        grid = list(product(columns, range(self.size)))
        held: dict[object, str] = {c.key(k): c.load(w, (self.start, k)) for c, k in grid}
        outs = {nest.out.buffer for nest, _ in self.rows}
        sums = [(c, k) for c, k in grid if c.access.buffer in outs]
        loop = w.begin(count, [(w.target.type(c.lanes), held[c.key(k)]) for c, k in sums])
        w.held = held | {c.key(k): v for (c, k), v in zip(sums, loop.values, strict=True)}
        w.drafts = {b for b in outs if b.draft}
        self.row(loop.index)
        values = [w.held[c.key(k)] for c, k in sums]
        w.held, w.drafts = {}, set()
        w.end(loop, values)
        for (c, k), value in zip(sums, values, strict=True):
            c.store(w, (self.start, k), value)

    def row(self, index: str) -> None:
        """Write what is done with them in one row."""
        w = self.w
        stages = [
            nest_stage(nest, list(map(self.spot, pointers(nest), repeat(index), own)), own)
            for nest, own in self.rows
        ]
        for stage in stages:
            stage.begin(w)
        for k in range(self.size):
            for stage in stages:
                w.known.append({})  # what was loaded may be stored to by now
                stage.body(w, (self.start, k), "")
                w.known.pop()

    def spot(self, access: Access, index: str = "", stride: int = 0) -> str:
        """Return where an operand begins, in some row."""
        buffer = access.buffer
        return self.w.address(self.base[buffer], buffer.lanes, access.offset, [(index, stride)])
