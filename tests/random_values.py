"""Random values for `random_generator.py`: declarations, static expressions, tables, references.

Every value is in range whatever the variables around it are. Knows no statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Protocol, TypeVar

import numpy as np

from neuralc.ir.nodes import Call, Decl, Int, Kind, Num, Op, Ref, Static, Sym, Table, Value

T = TypeVar("T")
SHAPES: list[tuple[int, ...]] = [(), (2,), (3,), (2, 2), (3, 2)]


class Draw(Protocol):
    """Where choices come from."""

    def integers(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""

    def choice(self, items: Sequence[T]) -> T:
        """Return one of the items; hypothesis shrinks towards the first."""


@dataclass(frozen=True)
class Features:
    """What may occur in a program; `statements` is about how many there are."""

    statements: int = 12
    ragged: bool = True  # params whose elements have several numbers of values
    observe: bool = True
    fixed: bool = True
    tight: bool = False  # a test on one element of these has only that element's branches
    gate_targets: bool = True  # temporaries indexed by a gate variable
    sizes: tuple[int, ...] = (2, 3, 4)  # how many values a variable may have


@dataclass(frozen=True)
class Readable:
    """Elements that are set: `name[*prefix, ...]` with any further indices below `lengths`."""

    name: str
    size: int
    prefix: tuple[Static, ...] = ()
    lengths: tuple[int, ...] = ()


ONE = ("inc", "copy", "permuted")
TWO = ("add", "sub", "bus", "min", "max", "eq", "less", "more", "first", "shift")
GROUPS = ("inc", "permuted", "add", "sub", "bus", "min", "max", "shift")


def table_values(kind: str, sizes: Sequence[int], size: int, draw: Draw) -> tuple[int, ...]:
    """Return the values of a table of some kind, brought into range where need be."""
    offset = draw.choice([0, 0, 1, draw.integers(0, size - 1)])
    no, yes = draw.choice(
        [(0, 1), (1, 0), (draw.integers(0, size - 1), draw.integers(0, size - 1))]
    )
    shift = [draw.integers(0, size - 1) for _ in range(max(sizes, default=0))]
    functions: dict[str, Callable[..., int]] = {
        "add": lambda a, b: a + b + offset,
        "sub": lambda a, b: a - b + offset,
        "bus": lambda a, b: b - a + offset,
        "min": min,
        "max": max,
        "eq": lambda a, b: yes if a == b else no,
        "less": lambda a, b: yes if a < b else no,
        "more": lambda a, b: yes if a > b else no,
        "first": lambda a, b: a,
        "shift": lambda a, b: a + shift[b],
        "inc": lambda a: a + 1 + offset,
        "copy": lambda a: a,
        "permuted": lambda a: a * (size - 1) + offset,
        "random": lambda *args: draw.integers(0, size - 1),
    }
    return tuple(functions[kind](*args) % size for args in product(*map(range, sizes)))


def limit_of(decl: Decl, index: Sequence[int]) -> int:
    """Return the number of values of one element."""
    assert isinstance(decl.type, Int)
    if decl.limits is None:
        return decl.type.size
    return decl.limits[int(np.ravel_multi_index(tuple(index), decl.shape))]


class Values:
    """The part of a generator that makes values."""

    def __init__(self, draw: Draw, features: Features) -> None:
        self.draw, self.features = draw, features
        self.decls: list[Decl] = []
        self.tables: list[Table] = []
        self.readable: list[Readable] = []
        self.scope: list[tuple[Static, int]] = []  # numbers from 0 with (a bound of) their values
        self.loops: list[tuple[str, int]] = []  # the variables of the loops around
        self.count = 0

    # ---- declarations

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def chance(self, percent: int) -> bool:
        return self.draw.integers(0, 99) >= 100 - percent

    def declare(self, kind: Kind, size: int, shape: tuple[int, ...] = ()) -> str:
        limits = None
        if kind == "param" and shape and self.features.ragged and self.chance(25):
            limits = tuple(self.draw.integers(1, size) for _ in range(prod(shape)))
        name = self.fresh(kind[0])
        self.decls.append(Decl(name, kind, Int(size), shape, limits))
        return name

    def size(self) -> int:
        return self.draw.choice(self.features.sizes)

    def given(self, kind: Kind) -> None:
        size, shape = self.size(), self.draw.choice(SHAPES)
        name = self.declare(kind, size, shape)
        self.readable.append(Readable(name, size, (), shape))

    @contextmanager
    def inside(self, *variables: tuple[str, int], loop: bool = False) -> Iterator[None]:
        """Enter a body: what is set in it cannot be read after it."""
        before = self.readable, self.scope, self.loops
        self.readable = [*self.readable]
        self.scope = [*self.scope, *((Sym(name), bound) for name, bound in variables)]
        self.loops = [*self.loops, *variables] if loop else self.loops
        yield
        self.readable, self.scope, self.loops = before

    # ---- static expressions

    def variable(self) -> tuple[Static, int]:
        """Return a number in scope with its bound; inner ones more often."""
        return self.draw.choice(self.scope[-2:] if self.chance(50) else self.scope)

    def static(self, size: int) -> Static:
        """Return a static expression with values below `size`."""
        if not self.scope or self.chance(20):
            return Num(self.draw.integers(0, size - 1))
        one, bound = self.variable()
        other, more = self.variable()
        if bound <= size and self.chance(30):
            return one
        by, last = Num(self.draw.integers(1, 3)), Num(size - 1)
        forms: list[Static] = [
            Op("%", (Op("+", (one, by)), Num(size))),
            Op("min", (one, last)),
            Op("%", (Op("+", (one, other)), Num(size))),
            Op("ifelse", (self.condition(), last, Num(0))),
            Op("%", (Op("-", (one, by)), Num(size))),
            Op("max", (Op("-", (last, one)), Num(0))),
            Op("%", (Op("*", (one, other, by)), Num(size))),
            Op("%", (Op("//", (Op("-", (one, by)), Num(2))), Num(size))),
            Op("%", (Op("**", (Num(2), one)), Num(size))),
            Op("ifelse", (one, Op("%", (Op("//", (Num(4), one)), Num(size))), Num(0))),
            Op("min", (Op("//", (Op("+", (one, other)), by)), last)),
        ]
        if bound <= size:
            forms = [one, Op("-", (last, one)), *forms]
        if 2 * (bound - 1) < size:
            forms.append(Op("*", (Num(2), one)))
        if bound * more <= size:
            forms = [Op("+", (Op("*", (one, Num(more))), other)), *forms]
        return self.draw.choice(forms)

    def condition(self) -> Static:
        one, bound = self.variable()
        op = self.draw.choice(["==", "<", ">=", "!=", "<=", ">"])
        test = Op(op, (one, Num(self.draw.integers(0, bound - 1))))
        if len(self.scope) > 1 and self.chance(30):
            other = Op(self.draw.choice(["==", "<"]), (one, self.variable()[0]))
            return Op(self.draw.choice(["and", "or"]), (test, other))
        if self.chance(10):
            return Op("%", (one, Num(2)))
        return Op("not", (test,)) if self.chance(10) else test

    # ---- values

    def ref(self, readable: Readable) -> Ref:
        lengths = readable.lengths
        index = tuple(self.static(length) for length in lengths)
        narrow = [one for one, bound in self.scope if bound <= min(lengths, default=0)]
        if len(lengths) == 2 and narrow and self.chance(30):  # a diagonal
            index = (self.draw.choice(narrow),) * 2
        return Ref(readable.name, readable.prefix + index)

    def value(self, size: int, depth: int = 2) -> Value:
        """Return a value that fits a domain with `size` values."""
        kind = self.draw.integers(0, 9)
        fitting = [r for r in self.readable if r.size <= size]
        if fitting and kind < 5:
            # Later ones are nearer: the state of a loop rather than the inputs.
            return self.ref(self.draw.choice(fitting[-3:] if self.chance(60) else fitting))
        if depth and kind < 9:
            return self.call(size, depth - 1)
        return self.static(size)

    def call(self, size: int, depth: int) -> Call:
        table = self.table(size)
        return Call(table.name, tuple(self.value(n, depth) for n in table.sizes))

    def table(self, size: int) -> Table:
        """Return a function with results below `size`, an old or a new one."""
        old = [table for table in self.tables if table.size <= size]
        if old and self.chance(50):
            return self.draw.choice(old)
        kind = self.draw.choice([*ONE, *TWO, "random", "random", "random"])
        count = 1 if kind in ONE else 2 if kind in TWO else self.draw.choice([1, 2, 0, 3])
        sizes = tuple(self.size() if count < 3 else min(self.size(), 4) for _ in range(count))
        if kind in GROUPS and self.chance(70):
            sizes = (size,) * count  # so that it is the whole group, not a part
        return self.tabled(kind, sizes, size)

    def tabled(self, kind: str, sizes: tuple[int, ...], size: int) -> Table:
        """Return a new function."""
        values = table_values(kind, sizes, size, self.draw)
        table = Table(self.fresh(f"{kind}_"), sizes, size, values)
        self.tables.append(table)
        return table

    def selector(self) -> tuple[Ref | Call, int, int]:
        """Return something to branch on, its number of values, and how many are possible."""
        if self.chance(15):
            call = self.call(self.size(), 1)
            size = next(table.size for table in self.tables if table.name == call.function)
            return call, size, size
        readable = self.draw.choice(self.readable)
        tight = self.features.tight and self.chance(50)
        ragged = {decl.name for decl in self.decls if tight and decl.limits is not None}
        limited = [one for one in self.readable if one.name in ragged]
        if limited:
            readable = self.draw.choice(limited)
        ref = self.ref(readable)
        decl = next(decl for decl in self.decls if decl.name == readable.name)
        possible = readable.size
        if decl.limits is not None:
            possible = max(decl.limits)
            if all(isinstance(index, Num) for index in ref.index):
                place = [index.value for index in ref.index if isinstance(index, Num)]
                possible = limit_of(decl, place)
        return ref, possible if tight else readable.size, possible
