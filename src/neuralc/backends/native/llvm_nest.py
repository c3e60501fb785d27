"""Loop nests as code: which indices are written out, and the loops around.

The results of a tile stay in registers while their sums are added up. A tile is chosen so that
what is loaded is used as often as can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.nests import UNROLLED, Access, Nest

TILE = 10  # results at once: with what is loaded meanwhile they fill 16 registers
CHAINS = 8  # sums that grow at the same time, where there are fewer results
STEPS = (5, 4)  # steps of a sum written out where a number that is loaded serves several of them
Place = Mapping[int, tuple[str, int]]  # an index: the variable of a loop, if any, and a number


def pointers(nest: Nest) -> list[Access]:
    """Return the operands whose addresses a nest is called with, the result first."""
    literal = nest.work <= UNROLLED
    found = [a for t in nest.terms for a in t if not (literal and a.buffer.array is not None)]
    return [nest.out, *found]


def write_nest(w: Writer, nest: Nest, spots: Sequence[str]) -> None:
    """Write a nest; `spots` are the addresses of its operands, in the order of `pointers`."""
    names = iter(spots[1:])
    literal = nest.work <= UNROLLED
    bases = [
        ["" if literal and a.buffer.array is not None else next(names) for a in term]
        for term in nest.terms
    ]
    body = _Body(w, nest, spots[0], bases)
    if literal:
        places = list(product(*map(range, nest.sizes[: nest.free])))
        for start in range(0, len(places), TILE):
            body.tile([dict(enumerate(("", i) for i in p)) for p in places[start : start + TILE]])
        return
    tile = _tile(nest)
    body.loops(0, {}, tile)


def _tile(nest: Nest) -> dict[int, int]:
    """Return how many steps of which free indices are written out."""
    free = [k for k in range(nest.free) if nest.sizes[k] > 1]
    best: tuple[float, int, dict[int, int]] = (float("inf"), 0, {})
    for count in (0, 1, 2):
        for chosen in combinations(free, count):
            for tile in _steps(nest, chosen):
                best = min(best, (_loads(nest, tile), -prod(tile.values()), tile),
                           key=lambda found: found[:2])  # fmt: skip
    return best[2]


def _loads(nest: Nest, tile: Mapping[int, int]) -> float:
    """Return how much is loaded for one product, what is left at the end of a row included."""
    whole = prod(nest.sizes[k] for k in tile)
    total = 0
    for parts in product(*([(u, n // u), (n % u, 1)] for u, n in
                           ((u, nest.sizes[k]) for k, u in tile.items()))):  # fmt: skip
        steps = dict(zip(tile, (step for step, _ in parts), strict=True))
        times = prod(count for _, count in parts)
        loads = [prod(step for k, step in steps.items() if a.strides[k]) for a in nest.factors]
        total += times * sum(loads) * (prod(steps.values()) > 0)
    return total / whole


def _steps(nest: Nest, chosen: Sequence[int]) -> list[dict[int, int]]:
    """Return tiles over some indices, at most one of which leaves something over."""
    options = [range(2, min(nest.sizes[k], TILE) + 1) for k in chosen]
    tiles = [dict(zip(chosen, steps, strict=True)) for steps in product(*options)]
    ragged = [sum(nest.sizes[k] % u > 0 for k, u in tile.items()) for tile in tiles]
    return [t for t, r in zip(tiles, ragged, strict=True) if prod(t.values()) <= TILE and r <= 1]


def _number(access: Access, place: Place) -> int:
    """Return where an element stands, as far as indices are numbers."""
    return access.at([place[k][1] if k in place else 0 for k in range(len(access.strides))])


def _sliding(nest: Nest, places: Sequence[Place], last: int) -> Access | None:
    """Return a factor that has the same numbers at several places, one step of a sum apart."""
    for access in nest.factors if len(nest.terms) == 1 else ():
        spots = {_number(access, place) for place in places}
        moved = {spot + access.strides[last] for spot in spots}
        if access.strides[last] and len(spots) > 1 and len(spots & moved) > len(spots) // 2:
            return access
    return None


@dataclass
class _Body:
    w: Writer
    nest: Nest
    out: str
    bases: list[list[str]]

    def loops(self, k: int, place: Place, tile: Mapping[int, int]) -> None:
        """Write the loops over the free indices from the k-th on."""
        nest, w = self.nest, self.w
        if k == nest.free:
            steps = dict(tile)
            combos = [
                {
                    **place,
                    **{i: (place[i][0], place[i][1] + c) for i, c in zip(steps, at, strict=True)},
                }
                for at in product(*map(range, steps.values()))
            ]
            self.tile(combos)
            return
        n, u = nest.sizes[k], tile.get(k, 1)
        whole = n // u * u
        if whole == u:
            self.loops(k + 1, {**place, k: ("", 0)}, tile)
        else:
            loop = w.begin(whole, step=u)
            self.loops(k + 1, {**place, k: (loop.index, 0)}, tile)
            w.end(loop)
        if whole < n:
            self.loops(k + 1, {**place, k: ("", whole)}, {**tile, k: n - whole})

    def tile(self, places: Sequence[Place]) -> None:
        """Write the sums of some results."""
        w, nest = self.w, self.nest
        lanes = nest.out.buffer.lanes
        spots = [self.address(self.out, nest.out, place) for place in places]
        if nest.add:
            sums = [w.let(w.loading(spot, lanes)) for spot in spots]
        else:
            sums = [""] * len(spots)
        if nest.work <= UNROLLED:
            sums = self.unrolled(sums, places)
        else:
            sums = self.looped(sums, places)
        for value, spot in zip(sums, spots, strict=True):
            w.store(value or w.number(0, lanes), spot, lanes)

    def looped(self, sums: Sequence[str], places: Sequence[Place]) -> list[str]:
        """Return all sums as loops, the innermost taking several steps where sums are few."""
        w, nest = self.w, self.nest
        lanes = nest.out.buffer.lanes
        kind = w.target.type(lanes)
        inner = list(range(nest.free, len(nest.sizes)))
        if not inner:
            return self.added(sums, places)
        values = [s or w.number(0, lanes) for s in sums]
        loops, where = [], {}
        for k in inner[:-1]:
            loops.append(w.begin(nest.sizes[k], [(kind, s) for s in values]))
            values, where[k] = loops[-1].values, (loops[-1].index, 0)
        last, n = inner[-1], nest.sizes[inner[-1]]
        sliding = _sliding(nest, places, last)
        several = next((u for u in STEPS if n % u == 0), STEPS[-1])
        count = max(1, min(n, several if sliding else CHAINS // len(places)))
        whole = n // count * count
        each = 1 if sliding else count
        parts = [values, *([w.number(0, lanes)] * len(values) for _ in range(each - 1))]

        def turns(variable: str, first: int, steps: int) -> None:
            spots = [[{**place, **where, last: (variable, first + step)} for place in places]
                     for step in range(steps)]  # fmt: skip
            if sliding:
                parts[0] = self.slid(parts[0], spots, sliding)
                return
            for step, own in enumerate(spots):
                parts[step] = self.added(parts[step], own)

        if whole == count:
            turns("", 0, count)
        else:
            loop = w.begin(whole, [(kind, s) for part in parts for s in part], step=count)
            size = len(values)
            parts[:] = [loop.values[k * size : (k + 1) * size] for k in range(each)]
            turns(loop.index, 0, count)
            w.end(loop, [s for part in parts for s in part])
        turns("", whole, n - whole)
        values = [total(w, [part[k] for part in parts], lanes) for k in range(len(places))]
        for outer in reversed(loops):
            w.end(outer, values)
        return values

    def unrolled(self, sums: Sequence[str], places: Sequence[Place]) -> list[str]:
        """Return all sums written out, in several parts where there are few of them.

        An addition takes some cycles until the next one to the same sum can begin.
        """
        w, nest = self.w, self.nest
        rest = range(nest.free, len(nest.sizes))
        turns = list(product(*(range(nest.sizes[k]) for k in rest)))
        count = max(1, min(CHAINS // len(places), len(turns) // 3))
        parts = [list(sums), *([""] * len(places) for _ in range(count - 1))]
        for turn, at in enumerate(turns):
            where = {k: ("", i) for k, i in zip(rest, at, strict=True)}
            part = turn % count
            parts[part] = self.added(parts[part], [{**place, **where} for place in places])
        lanes = nest.out.buffer.lanes
        return [total(w, [part[k] for part in parts], lanes) for k in range(len(places))]

    def slid(
        self, sums: Sequence[str], steps: Sequence[Sequence[Place]], sliding: Access
    ) -> list[str]:
        """Return the sums with some more products each, those with the same number together."""
        result = list(sums)
        ((term,), (bases,)) = self.nest.terms, self.bases
        todo = [(k, place) for places in steps for k, place in enumerate(places)]
        for k, place in sorted(todo, key=lambda one: _number(sliding, one[1])):
            result[k] = self.product(result[k], term, bases, place)
        return result

    def added(self, sums: Sequence[str], places: Sequence[Place]) -> list[str]:
        """Return the sums with one more product each."""
        result = list(sums)
        for term, bases in zip(self.nest.terms, self.bases, strict=True):
            for k, place in enumerate(places):
                result[k] = self.product(result[k], term, bases, place)
        return result

    def product(
        self, total: str, term: Sequence[Access], bases: Sequence[str], place: Place
    ) -> str:
        """Return a sum with one more product; an empty one is 0."""
        w, lanes = self.w, self.nest.out.buffer.lanes
        vectors: list[str] = []
        numbers: list[str] = []
        for access, base in zip(term, bases, strict=True):
            if not base:
                at = access.offset + access.at([place[k][1] for k in range(len(access.strides))])
                assert access.buffer.array is not None
                value = float(access.buffer.array.reshape(-1)[at])
                if value == 0:
                    return total
                if value != 1:
                    numbers.append(w.target.literal(value))
                continue
            value_ = w.load(self.address(base, access, place), access.buffer.lanes)
            (vectors if access.buffer.lanes else numbers).append(value_)
        return accumulate(w, total, vectors, numbers, lanes)

    def address(self, base: str, access: Access, place: Place) -> str:
        """Return a pointer to an element."""
        const, parts = 0, []
        for k, stride in enumerate(access.strides):
            if not stride:
                continue
            variable, number = place[k]
            const += number * stride
            if variable:
                parts.append((variable, stride))
        return self.w.address(base, access.buffer.lanes, const, parts)


def total(w: Writer, parts: Sequence[str], lanes: bool) -> str:
    """Return the sum of values, by halves; empty ones are 0."""
    there = [part for part in parts if part]
    while len(there) > 1:
        pairs = zip(there[::2], there[1::2], strict=False)
        there = [w.plus(a, b, lanes) for a, b in pairs] + there[len(there) // 2 * 2 :]
    return there[0] if there else ""


def accumulate(
    w: Writer, total: str, vectors: Sequence[str], numbers: Sequence[str], lanes: bool
) -> str:
    """Return `total` plus the product of vectors and numbers; a total that is empty is 0."""
    factors = list(vectors)
    if numbers:
        scalar = numbers[0]
        for number in numbers[1:]:
            scalar = w.times(scalar, number, False)
        factors.append(w.splat(scalar) if lanes else scalar)
    if not factors:
        factors = [w.number(1, lanes)]
    value = factors[0]
    for factor in factors[1:]:
        value = w.times(value, factor, lanes)
    return value if not total else w.plus(total, value, lanes)
