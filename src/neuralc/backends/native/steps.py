"""The instructions that are no sums of products, and how each is written.

`pointers` are the operands by whose addresses an instruction is called; two with the same `key` are
the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from math import prod

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.llvm_row import Cells, Place, Stage, write_stages
from neuralc.backends.native.nests import Access
from neuralc.backends.native.views import Buffer

SHORT = 32  # values along which a sum is written out
Body = Callable[[list[str], list[str]], list[str]]  # addresses, what is carried: what is carried on


def _buffers(accesses: tuple[Access, ...]) -> tuple[Buffer, ...]:
    return tuple(access.buffer for access in accesses)


@dataclass(frozen=True)
class Step:
    """An instruction on some operands, of which the first `results` are written.

    `sizes` are its indices, the last of them the one it works along.
    """

    sizes: tuple[int, ...]
    operands: tuple[Access, ...]
    add: bool = False

    results = 1

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read, what is added to included."""
        return _buffers(self.operands[0 if self.add else self.results :])

    @property
    def writes(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return _buffers(self.operands[: self.results])

    @property
    def work(self) -> int:
        """How many operations there are, about."""
        return 2 * prod(self.sizes)

    def key(self) -> Hashable:
        """Return all that its code depends on."""
        shape = tuple((a.strides, a.buffer.lanes, a.buffer.count == 1) for a in self.operands)
        return (type(self).__name__, self.sizes, self.add, shape)

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        self.by_rows(w, spots, self.row)

    def by_rows(
        self, w: Writer, spots: Sequence[str], row: Callable[[Writer, Sequence[str]], None]
    ) -> None:
        """Write loops over all indices but the last around what is done with a row."""
        loops = [w.begin(n) for n in self.sizes[:-1]]
        index = [loop.index for loop in loops]
        row(w, [
            w.address(spot, a.buffer.lanes, 0, list(zip(index, a.strides[:-1], strict=True)))
            for spot, a in zip(spots, self.operands, strict=True)
        ])  # fmt: skip
        for loop in reversed(loops):
            w.end(loop)

    def row(self, w: Writer, spots: Sequence[str]) -> None:
        """Write what is done with one row of each operand."""
        raise NotImplementedError


def along(w: Writer, step: Step, spots: Sequence[str], carried: list[str], body: Body) -> list[str]:
    """Write something for each value along the last index; return what is carried at the end.

    `body(elements' addresses, carried)` returns what is carried on.
    """
    n = step.sizes[-1]
    lanes = step.operands[0].buffer.lanes

    def at(variable: str, number: int) -> list[str]:
        return [
            w.address(spot, a.buffer.lanes, number * a.strides[-1],
                      [(variable, a.strides[-1])] if variable else [])
            for spot, a in zip(spots, step.operands, strict=True)
        ]  # fmt: skip

    if n <= SHORT:
        for k in range(n):
            carried = body(at("", k), carried)
        return carried
    loop = w.begin(n, [(w.target.type(lanes), value) for value in carried])
    carried = body(at(loop.index, 0), loop.values)
    w.end(loop, carried)
    return carried


@dataclass(frozen=True)
class Zero(Step):
    """Set everything to 0."""

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        lanes = self.operands[0].buffer.lanes
        (n,) = self.sizes
        if n <= SHORT:
            for k in range(n):
                w.store(w.number(0, lanes), w.address(spots[0], lanes, k, ()), lanes)
            return
        loop = w.begin(n)
        w.store(w.number(0, lanes), w.address(spots[0], lanes, 0, [(loop.index, 1)]), lanes)
        w.end(loop)


@dataclass(frozen=True)
class Staged(Step):
    """A step that goes along a row in stages, which may go together with those of others."""

    def row(self, w: Writer, spots: Sequence[str]) -> None:
        """Write what is done with one row of each operand."""
        own = tuple(Access(a.buffer, a.offset, a.strides[-1:]) for a in self.operands)
        one = replace(self, sizes=self.sizes[-1:], operands=own)
        write_stages(w, one.stages(spots, [0] * len(own)))

    def stages(self, spots: Sequence[str], outers: Sequence[int]) -> list[Stage]:
        """Return it as stages, if it is about one row."""
        raise NotImplementedError


@dataclass(frozen=True)
class Normalise(Staged):
    """`y = x / sum(x)` along the last index; operands y, 1 / sum(x), x."""

    results = 2

    def stages(self, spots: Sequence[str], outers: Sequence[int]) -> list[Stage]:
        """Return it as stages, if it is about one row."""
        y, share, x = map(Cells, self.operands, spots, outers)
        lanes, size, known = y.lanes, self.sizes[-1], [""]

        def add(w: Writer, place: Place, total: str) -> str:
            value = x.load(w, place)
            return value if total == "" else w.plus(total, value, lanes)

        def invert(w: Writer, whole: str) -> None:
            kind = w.target.type(lanes)
            known[0] = w.let(f"fdiv {kind} {w.number(1, lanes)}, {whole}")
            w.store(known[0], share.spot, lanes)

        def divide(w: Writer, place: Place, total: str) -> str:
            y.store(w, place, w.times(x.load(w, place), known[0], lanes))
            return total

        first = Stage(size, lanes, [x], [], add, end=invert, behind=[share.access.buffer])
        return [first, Stage(size, None, [x], [y], divide, needs=first)]


@dataclass(frozen=True)
class NormaliseBack(Staged):
    """`gx (+)= (gy - sum(gy * y)) / sum(x)`; operands gx, gy, y, 1 / sum(x)."""

    def stages(self, spots: Sequence[str], outers: Sequence[int]) -> list[Stage]:
        """Return it as stages, if it is about one row."""
        gx, gy, y, share = map(Cells, self.operands, spots, outers)
        lanes, size, known = gx.lanes, self.sizes[-1], ["", ""]

        def add(w: Writer, place: Place, total: str) -> str:
            value = w.times(gy.load(w, place), y.load(w, place), lanes)
            return value if total == "" else w.plus(total, value, lanes)

        def mean(w: Writer, whole: str) -> None:
            known[0] = whole

        def begin(w: Writer) -> None:
            known[1] = w.let(w.loading(share.spot, lanes))

        def divide(w: Writer, place: Place, total: str) -> str:
            kind = w.target.type(lanes)
            gradient = w.let(f"fsub {kind} {gy.load(w, place)}, {known[0]}")
            value = w.times(gradient, known[1], lanes)
            if self.add:
                value = w.plus(gx.load(w, place), value, lanes)
            gx.store(w, place, value)
            return total

        first = Stage(size, lanes, [gy, y], [], add, end=mean)
        reads = [gy, gx] if self.add else [gy]
        before = [share.access.buffer]
        return [first, Stage(size, None, reads, [gx], divide, begin, before=before, needs=first)]


@dataclass(frozen=True)
class Running(Step):
    """Sums up to each value, itself left out if `strict`, from the end if `reverse`; z, x."""

    reverse: bool = False
    strict: bool = False

    def key(self) -> Hashable:
        """Return all that its code depends on."""
        return (super().key(), self.reverse, self.strict)

    def row(self, w: Writer, spots: Sequence[str]) -> None:
        """Write what is done with one row of each operand."""
        lanes, n = self.operands[0].buffer.lanes, self.sizes[-1]
        ends = list(spots)
        operands = self.operands
        if self.reverse:  # from the last value on, with the strides turned round
            ends = [
                w.address(s, lanes, (n - 1) * a.strides[-1], ())
                for s, a in zip(spots, operands, strict=True)
            ]
            operands = tuple(
                Access(a.buffer, a.offset, (*a.strides[:-1], -a.strides[-1])) for a in operands
            )
        turned = Running(self.sizes, operands, self.add, self.reverse, self.strict)

        def next_(spots: list[str], carried: list[str]) -> list[str]:
            total = w.plus(carried[0], w.load(spots[1], lanes), lanes)
            value = carried[0] if self.strict else total
            if self.add:
                value = w.plus(w.let(w.loading(spots[0], lanes)), value, lanes)
            w.store(value, spots[0], lanes)
            return [total]

        along(w, turned, ends, [w.number(0, lanes)], next_)


@dataclass(frozen=True)
class Reduce(Step):
    """The sums over the lanes; operands numbers, vectors."""

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        (n,) = self.sizes
        loop = w.begin(n)
        vector = w.load(w.address(spots[1], True, 0, [(loop.index, 1)]), True)
        value = w.across(vector)
        lanes = self.operands[0].buffer.lanes
        spot = w.address(spots[0], lanes, 0, [(loop.index, 1)])
        if self.add:
            value = w.plus(w.let(w.loading(spot, lanes)), value, lanes)
        w.store(value, spot, lanes)
        w.end(loop)
