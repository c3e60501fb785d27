"""Loop nests: sums of products over the elements of views, as one instruction each.

`out[free] = sum over terms and the other indices of a product`, or `+=`. Nearly everything that a
soft program does, and all of its gradient, has this form. Knows no code (`llvm_nest.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np

from neuralc.backends.native.running import Chain, chained
from neuralc.backends.native.views import Buffer, View

Label = int | str
Operand = tuple[View, tuple[Label, ...]]  # a view and what its dimensions are called
Entries = tuple[tuple[int, tuple[tuple[float, tuple[int, ...]], ...]], ...]
DENSE = 4096  # products up to which a nest with a constant is written out, zeros left out
UNROLLED = 32  # products up to which any nest is written out: more code is slower to read


@dataclass(frozen=True)
class Access:
    """An element of a buffer for each value of the indices of a nest."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]

    def at(self, index: Sequence[int]) -> int:
        """Return the place of an element from the offset on."""
        return sum(i * s for i, s in zip(index, self.strides, strict=True))

    def constants(self, sizes: Sequence[int]) -> np.ndarray[Any, Any] | None:
        """Return the numbers of a constant for all indices, None for what is no constant."""
        if self.buffer.array is None:
            return None
        flat = self.buffer.array.reshape(-1)
        grid = np.zeros(tuple(sizes), dtype=np.int64) + self.offset
        for k, (n, stride) in enumerate(zip(sizes, self.strides, strict=True)):
            grid += (np.arange(n) * stride).reshape([-1 if j == k else 1 for j in range(grid.ndim)])
        return np.asarray(flat[grid])


class Sums:
    """An instruction that writes sums of products, or adds to them."""

    out: Access
    add: bool

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read, what is added to included."""
        assert isinstance(self, Nest | Table)
        found = [access.buffer for access in self.factors]
        return (*found, self.out.buffer) if self.add else tuple(found)

    @property
    def writes(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return (self.out.buffer,)


@dataclass(frozen=True)
class Nest(Sums):
    """`out[i] (+)= sum_j product of accesses [i, j]`, the first `free` indices being `i`."""

    sizes: tuple[int, ...]
    free: int
    out: Access
    add: bool
    terms: tuple[tuple[Access, ...], ...]

    @property
    def factors(self) -> tuple[Access, ...]:
        """The factors of all products."""
        return tuple(access for term in self.terms for access in term)

    @property
    def work(self) -> int:
        """How many products are added up."""
        return prod(self.sizes) * len(self.terms)


@dataclass(frozen=True)
class Table(Sums):
    """`out[i, o] (+)= sum of c * product of accesses [i, a]` for listed `(o, c, a...)`.

    `entries` are grouped by `o`, each place of the result once; an empty group is 0. Where there
    are `chains`, these are the sums, and all groups are empty.
    """

    sizes: tuple[int, ...]
    out: Access
    add: bool
    factors: tuple[Access, ...]
    entries: Entries
    chains: tuple[Chain, ...] = ()

    @property
    def work(self) -> int:
        """How many products are added up."""
        own = sum(len(group) for _, group in self.entries)
        return prod(self.sizes) * (own + sum(chain.work for chain in self.chains))


def apart(out: Operand, terms: Sequence[Sequence[Operand]]) -> list[Sequence[Sequence[Operand]]]:
    """Return a sum in parts: terms with a constant that is mostly zeros each by itself, last."""
    known = [term for term in terms if any(view.buffer.array is not None for view, _ in term)]
    if len(terms) == 1 or not known or nested(out, terms, add=True).work <= UNROLLED:
        return [terms]
    sparse = [term for term in known if _sparse(nested(out, [term], add=True))]
    dense = [term for term in terms if term not in sparse]
    return [dense, *([term] for term in sparse)] if dense else [terms]


def _sparse(nest: Nest) -> bool:
    """Tell whether a constant leaves little of the only term of a nest."""
    known = [numbers for a in nest.factors if (numbers := a.constants(nest.sizes)) is not None]
    return any(np.count_nonzero(numbers) <= numbers.size // 4 for numbers in known)


def statement(out: Operand, terms: Sequence[Sequence[Operand]], *, add: bool) -> Nest | Table:
    """Return the instruction for a sum of products: a table, if a constant is mostly zeros."""
    nest = nested(out, terms, add=add)
    return tabled(nest) or nest


def nested(out: Operand, terms: Sequence[Sequence[Operand]], *, add: bool) -> Nest:
    """Return a sum of products as a nest with as few indices as there can be."""
    sizes: dict[Label, int] = {}
    for view, labels in (out, *(operand for term in terms for operand in term)):
        for (n, _), label in zip(view.axes, labels, strict=True):
            if isinstance(n, int):
                sizes[label] = n
    own = [label for label in dict.fromkeys(out[1]) if sizes.get(label, 1) > 1]
    rest = [label for label in sizes if label not in own and sizes[label] > 1]
    assert not [label for label in rest if label in out[1]]
    labels = (*own, *rest)
    nest = Nest(
        tuple(sizes[label] for label in labels), len(own), _access(out, labels), add,
        tuple(tuple(_access(operand, labels) for operand in term) for term in terms),
    )  # fmt: skip
    return _merged(nest)


def _access(operand: Operand, labels: Sequence[Label]) -> Access:
    view, own = operand
    strides = dict.fromkeys(labels, 0)
    for (n, stride), label in zip(view.axes, own, strict=True):
        if isinstance(n, int) and n > 1:
            strides[label] += stride
    return Access(view.buffer, view.offset, tuple(strides[label] for label in labels))


def _merged(nest: Nest) -> Nest:
    """Make one index of two that run through memory as one would."""
    accesses = [nest.out, *nest.factors]
    for k in range(len(nest.sizes) - 1):
        n = nest.sizes[k + 1]
        if k + 1 == nest.free or any(a.strides[k] != n * a.strides[k + 1] for a in accesses):
            continue

        def less(a: Access, k: int = k) -> Access:
            return Access(a.buffer, a.offset, a.strides[:k] + a.strides[k + 1 :])

        sizes = (*nest.sizes[:k], nest.sizes[k] * n, *nest.sizes[k + 2 :])
        terms = tuple(tuple(less(a) for a in term) for term in nest.terms)
        free = nest.free - (k < nest.free)
        return _merged(Nest(sizes, free, less(nest.out), nest.add, terms))
    return nest


def tabled(nest: Nest) -> Table | None:
    """Return a nest of one term with a constant as a table, where that is less to do."""
    if len(nest.terms) != 1 or nest.work <= UNROLLED:
        return None
    (term,) = nest.terms
    known = [access for access in term if access.buffer.array is not None]
    soft = tuple(access for access in term if access.buffer.array is None)
    if not known or not soft:
        return None
    varying = [k for k in range(len(nest.sizes)) if any(a.strides[k] for a in known)]
    outer = [k for k in range(nest.free) if k not in varying]
    listed = [k for k in range(len(nest.sizes)) if k not in outer]
    sizes = tuple(nest.sizes[k] for k in listed)
    values = np.ones(sizes)
    for access in known:
        numbers = _less(access, listed).constants(sizes)
        assert numbers is not None
        values = values * numbers
    ones = bool(np.isin(values, (0, 1)).all())
    places = tuple(tuple(a.strides[k] for k in listed) for a in (nest.out, *soft))
    found: tuple[Entries, tuple[Chain, ...]] | None = None
    if ones and len(soft) == 1:
        found = _running(values.astype(bool).tobytes(), sizes, places)
    if not found:
        if np.count_nonzero(values) > min(DENSE, values.size // (1 if ones else 2)):
            return None
        found = _entries(values.tobytes(), sizes, places, empty=not nest.add), ()
    return Table(
        tuple(nest.sizes[k] for k in outer), _less(nest.out, outer), nest.add,
        tuple(_less(access, outer) for access in soft), *found,
    )  # fmt: skip


@lru_cache(maxsize=64)
def _running(
    ones: bytes, sizes: tuple[int, ...], strides: tuple[tuple[int, ...], ...]
) -> tuple[Entries, tuple[Chain, ...]] | None:
    """Return all results, and the running sums that they are; None, if that does not save much."""
    values = np.frombuffer(ones, dtype=bool).reshape(sizes)
    grids = [sum(g * s for g, s in zip(np.indices(sizes), own, strict=True)) for own in strides]
    to, place = (np.broadcast_to(grid, sizes) for grid in grids)
    results = np.unique(to)
    chains = chained(to[values], place[values], len(results))
    return (tuple((int(o), ()) for o in results), chains) if chains else None


@lru_cache(maxsize=512)
def _entries(
    numbers: bytes, sizes: tuple[int, ...], strides: tuple[tuple[int, ...], ...], *, empty: bool
) -> Entries:
    """Return the entries of a table of constants; `empty`: also results that nothing goes to."""
    values = np.frombuffer(numbers).reshape(sizes)
    groups: dict[int, list[tuple[float, tuple[int, ...]]]] = {}
    for index in product(*map(range, sizes)):
        to, *places = (sum(i * s for i, s in zip(index, own, strict=True)) for own in strides)
        group = groups.setdefault(to, [])
        if values[index]:
            group.append((float(values[index]), tuple(places)))
    return tuple((to, tuple(group)) for to, group in groups.items() if group or empty)


def _less(access: Access, kept: Sequence[int]) -> Access:
    return Access(access.buffer, access.offset, tuple(access.strides[k] for k in kept))


def shape_of(instruction: Nest | Table) -> Hashable:
    """Return what two instructions share that differ only in where their operands are."""
    if isinstance(instruction, Table):
        parts = (instruction.out, *instruction.factors)
        shape = tuple((a.strides, a.buffer.lanes) for a in parts)
        entries = instruction.entries, instruction.chains
        return ("table", instruction.sizes, instruction.add, shape, entries)
    literal = instruction.work <= UNROLLED
    terms = tuple(
        tuple(
            (a.strides, a.buffer.lanes, _numbers(a, instruction) if literal else None) for a in term
        )
        for term in instruction.terms
    )
    own = (instruction.out.strides, instruction.out.buffer.lanes)
    return ("nest", instruction.sizes, instruction.free, instruction.add, own, terms)


def _numbers(access: Access, nest: Nest) -> bytes | None:
    found = access.constants(nest.sizes)
    return None if found is None else found.tobytes()
