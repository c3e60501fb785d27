"""Instructions that go along rows of the same length, as one loop where that changes nothing.

An instruction is one or two stages: what is done for each place of the row, and what is done with
a sum of all. Stages go together as long as none needs what another has only at its end, so that a
number is loaded once for all that is done with it. Longer rows stay loops: written out, values
would be carried from stage to stage in registers that there are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.llvm_nest import accumulate, total
from neuralc.backends.native.nests import Access, Nest
from neuralc.backends.native.views import Buffer

WHOLE = 11  # places of a row that is written out
TURNS = (5, 4, 6, 7, 8, 3)  # places that a turn of a loop is about, the best first
CHAINS = 8  # sums that grow at the same time
Place = tuple[str, int]  # the variable of a loop, if any, and a number


@dataclass(frozen=True)
class Cells:
    """An operand along a row: where it begins, `outer` being how a loop around moves it."""

    access: Access
    spot: str
    outer: int = 0

    @property
    def stride(self) -> int:
        """How far apart its numbers are."""
        return self.access.strides[0] if self.access.strides else 0

    @property
    def lanes(self) -> bool:
        """Tell whether they are vectors."""
        return self.access.buffer.lanes

    @property
    def where(self) -> tuple[int, int, int]:
        """What tells it from other operands in the same buffer."""
        return self.access.offset, self.outer, self.stride

    def at(self, w: Writer, place: Place) -> str:
        """Return the address of a number."""
        variable, number = place
        parts = [(variable, self.stride)] if variable else []
        return w.address(self.spot, self.lanes, number * self.stride, parts)

    def key(self, number: int) -> tuple[Buffer, tuple[int, int, int], int]:
        """Return what tells a column that is kept in a register from others."""
        return self.access.buffer, self.where, number

    def load(self, w: Writer, place: Place) -> str:
        """Return a number."""
        for key in (self.access.buffer, self.key(place[1])):
            if key in w.held:
                return w.held[key]
        return w.load(self.at(w, place), self.lanes)

    def store(self, w: Writer, place: Place, value: str) -> None:
        """Store a number, unless all who want to know it are told at once, or it is kept."""
        if self.access.buffer in w.drafts:
            w.held[self.access.buffer] = value
        elif self.key(place[1]) in w.held:
            w.held[self.key(place[1])] = value
        else:
            w.store(value, self.at(w, place), self.lanes)


def idle(w: Writer) -> None:
    """Do nothing before a row."""


def kept(w: Writer, whole: str) -> None:
    """Do nothing with a sum."""


@dataclass(eq=False)
class Stage:
    """What is done for each place of a row.

    Attributes:
        size: the number of places.
        lanes: whether the sum is one of vectors; None: there is none.
        reads: operands that are read at each place.
        writes: operands that are written at each place.
        before: buffers that `begin` reads, ahead of the row.
        behind: buffers that `end` reads or writes, behind it.
        needs: the stage whose sum this one works with.
        body: writes it for one place; takes and returns the sum so far.

    """

    size: int
    lanes: bool | None
    reads: Sequence[Cells]
    writes: Sequence[Cells]
    body: Callable[[Writer, Place, str], str]
    begin: Callable[[Writer], None] = idle
    end: Callable[[Writer, str], None] = kept
    before: Sequence[Buffer] = ()
    behind: Sequence[Buffer] = ()
    needs: Stage | None = None

    @property
    def along(self) -> set[Buffer]:
        """The buffers that it goes along."""
        return {c.access.buffer for c in (*self.reads, *self.writes)}

    @property
    def touches(self) -> set[Buffer]:
        """All buffers that it is about."""
        return self.along | set(self.before) | set(self.behind)

    def follows(self, other: Stage) -> bool:
        """Tell whether this may do a place as soon as the other, which is ahead, has done it."""
        if self.size != other.size or self.needs is other:
            return False
        mine = self.along | set(self.before)
        if mine & set(other.behind) or {c.access.buffer for c in other.writes} & set(self.before):
            return False
        for one, two in ((other.writes, self.reads), (other.reads, self.writes),
                         (other.writes, self.writes)):  # fmt: skip
            for a in one:
                for b in two:
                    same = a.where == b.where and a.stride
                    if a.access.buffer is b.access.buffer and not same:
                        return False
        return True


def write_stages(w: Writer, stages: Sequence[Stage], drafts: Collection[Buffer] = ()) -> None:
    """Write stages in their order, as many as can be in one loop.

    What only one loop writes and reads of the `drafts` never gets into memory.
    """
    found = loops(stages)
    touched = Counter(b for loop in found for b in {b for stage in loop for b in stage.touches})
    w.drafts = {b for b in drafts if touched[b] == 1}
    for loop in found:
        _write(w, loop)
    w.drafts, w.held = set(), {}


def loops(stages: Sequence[Stage]) -> list[list[Stage]]:
    """Return stages as loops that one after the other go along the row."""
    found: list[list[Stage]] = []
    for stage in stages:
        if found and all(stage.follows(other) for other in found[-1]):
            found[-1].append(stage)
        else:
            found.append([stage])
    return found


@dataclass
class _Sums:
    """The sums of some stages so far, each in several parts."""

    stages: Sequence[Stage]
    count: int
    parts: dict[Stage, list[str]] = field(default_factory=dict)

    def each(self) -> Iterator[tuple[Stage, int]]:
        for stage in self.stages:
            if stage.lanes is not None:
                for k in range(self.count):
                    yield stage, k

    def values(self) -> list[str]:
        return [self.parts[stage][k] for stage, k in self.each()]

    def set(self, values: Sequence[str]) -> None:
        for (stage, k), value in zip(self.each(), values, strict=True):
            self.parts[stage][k] = value


def _write(w: Writer, stages: Sequence[Stage]) -> None:
    if not stages:
        return
    n = stages[0].size
    for stage in stages:
        stage.begin(w)
    turn = n if n <= WHOLE else next((u for u in TURNS if n % u == 0), TURNS[0])
    summing = [stage for stage in stages if stage.lanes is not None]
    count = max(1, min(turn, CHAINS // max(1, len(summing))))
    sums = _Sums(stages, count, {stage: [""] * count for stage in summing})

    def do(variable: str, number: int) -> None:
        for stage in stages:
            w.known.append({})  # what was loaded may be stored to by now
            parts = sums.parts.get(stage, [""])
            k = number % len(parts)
            parts[k] = stage.body(w, (variable, number), parts[k])
            w.known.pop()

    whole = n // turn * turn
    if turn == n:
        for number in range(n):
            do("", number)
    else:
        sums.set([_zero(w, stage) for stage, _ in sums.each()])
        first = [(w.target.type(bool(stage.lanes)), _zero(w, stage)) for stage, _ in sums.each()]
        loop = w.begin(whole, first, step=turn)
        sums.set(loop.values)
        for number in range(turn):
            do(loop.index, number)
        w.end(loop, sums.values())
        for number in range(whole, n):
            do("", number)
    for stage in stages:
        parts = sums.parts.get(stage, [""])
        stage.end(w, total(w, parts, bool(stage.lanes)))


def _zero(w: Writer, stage: Stage) -> str:
    return w.number(0, bool(stage.lanes))


def is_row(nest: Nest) -> bool:
    """Tell whether a nest goes along one row, without constants."""
    return len(nest.sizes) == 1 and all(a.buffer.array is None for a in nest.factors)


def nest_stage(nest: Nest, spots: Sequence[str], outers: Sequence[int]) -> Stage:
    """Return a nest along one row as a stage; `spots` and `outers` are of its operands."""
    cells = iter(zip(spots, outers, strict=True))
    out = Cells(nest.out, *next(cells))
    terms = [[Cells(a, *next(cells)) for a in term] for term in nest.terms]
    moving = [c for term in terms for c in term if c.stride]
    still = [c for term in terms for c in term if not c.stride]
    given: dict[int, str] = {}

    def begin(w: Writer) -> None:
        for c in still:
            given[id(c)] = w.let(w.loading(c.spot, c.lanes))

    def summed(w: Writer, place: Place, value: str) -> str:
        for term in terms:
            found = [(given.get(id(c)) or c.load(w, place), c.lanes) for c in term]
            vectors, numbers = ([v for v, own in found if own is lanes] for lanes in (True, False))
            value = accumulate(w, value, vectors, numbers, out.lanes)
        return value

    before = [c.access.buffer for c in still]
    (size,) = nest.sizes
    if nest.free:

        def store(w: Writer, place: Place, value: str) -> str:
            first = out.load(w, place) if nest.add else ""
            out.store(w, place, summed(w, place, first))
            return value

        reads = [*moving, out] if nest.add else moving
        return Stage(size, None, reads, [out], store, begin, before=before)

    def end(w: Writer, whole: str) -> None:
        if nest.add:
            whole = w.plus(w.let(w.loading(out.spot, out.lanes)), whole, out.lanes)
        w.store(whole, out.spot, out.lanes)

    behind = [out.access.buffer]
    return Stage(size, out.lanes, moving, [], summed, begin, end, before, behind)
