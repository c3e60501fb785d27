"""The generator behind `random_models.py`: a well-formed program from a source of choices.

It is correct by construction: it only reads what is set, and sets every element once on every
path; temporaries may be set in one branch only. It knows neither hypothesis nor seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Protocol, TypeVar

import numpy as np

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    Fixed,
    For,
    Gate,
    If,
    Int,
    Kind,
    Num,
    Observe,
    Op,
    Program,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Sym,
    Table,
    Value,
)

T = TypeVar("T")


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


@dataclass(frozen=True)
class Readable:
    """Elements that are set: `name[*prefix, ...]` with any further indices below `lengths`."""

    name: str
    size: int
    prefix: tuple[Static, ...] = ()
    lengths: tuple[int, ...] = ()


Target = tuple[Ref, int]


def table_values(kind: str, sizes: Sequence[int], size: int, draw: Draw) -> tuple[int, ...]:
    """Return the values of a table of some kind, brought into range where need be."""
    functions: dict[str, Callable[..., int]] = {
        "add": lambda a, b: (a + b) % size,
        "sub": lambda a, b: (a - b) % size,
        "min": lambda a, b: min(a, b) % size,
        "max": lambda a, b: max(a, b) % size,
        "eq": lambda a, b: int(a == b),
        "less": lambda a, b: int(a < b),
        "inc": lambda a: (a + 1) % size,
        "copy": lambda a: a % size,
        "random": lambda *args: draw.integers(0, size - 1),
    }
    return tuple(functions[kind](*args) for args in product(*map(range, sizes)))


class Generator:
    """One program in the making."""

    def __init__(self, draw: Draw, features: Features) -> None:
        self.draw, self.features = draw, features
        self.decls: list[Decl] = []
        self.tables: list[Table] = []
        self.readable: list[Readable] = []
        self.scope: list[tuple[str, int]] = []  # variables with (a bound of) their values
        self.loops: list[tuple[str, int]] = []  # those of `scope` that are loops
        self.budget = features.statements
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
        return self.draw.integers(2, 4)

    def given(self, kind: Kind) -> None:
        size, shape = self.size(), self.draw.choice([(), (2,), (3,), (2, 2), (3, 2)])
        name = self.declare(kind, size, shape)
        self.readable.append(Readable(name, size, (), shape))

    # ---- static expressions

    def static(self, size: int) -> Static:
        """Return a static expression with values below `size`."""
        if not self.scope or self.chance(25):
            return Num(self.draw.integers(0, size - 1))
        name, bound = self.draw.choice(self.scope)
        sym = Sym(name)
        forms: list[Static] = [
            Op("%", (Op("+", (sym, Num(self.draw.integers(1, 3)))), Num(size))),
            Op("min", (sym, Num(size - 1))),
            Op("%", (Op("+", (sym, Sym(self.draw.choice(self.scope)[0]))), Num(size))),
            Op("ifelse", (self.condition(), Num(size - 1), Num(0))),
        ]
        if bound <= size:
            forms = [sym, sym, sym, Op("-", (Num(size - 1), sym)), *forms]
        if 2 * (bound - 1) < size:
            forms.append(Op("*", (Num(2), sym)))
        return self.draw.choice(forms)

    def condition(self) -> Static:
        name, bound = self.draw.choice(self.scope)
        op = self.draw.choice(["==", "<", ">=", "!="])
        test = Op(op, (Sym(name), Num(self.draw.integers(0, bound - 1))))
        if len(self.scope) > 1 and self.chance(30):
            other = Op("==", (Sym(name), Sym(self.draw.choice(self.scope)[0])))
            return Op(self.draw.choice(["and", "or"]), (test, other))
        return Op("not", (test,)) if self.chance(10) else test

    # ---- values

    def ref(self, readable: Readable) -> Ref:
        lengths = readable.lengths
        index = tuple(self.static(length) for length in lengths)
        narrow = [name for name, bound in self.scope if bound <= min(lengths, default=0)]
        if len(lengths) == 2 and narrow and self.chance(30):  # a diagonal
            index = (Sym(self.draw.choice(narrow)),) * 2
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
        kinds = ["add", "sub", "min", "max", "eq", "less", "inc", "copy", "random"]
        kind = self.draw.choice(kinds)
        one, two = kind in ("inc", "copy"), kind in ("add", "sub", "min", "max", "eq", "less")
        count = 1 if one else 2 if two else self.draw.choice([1, 2, 2, 0])
        sizes = tuple(self.size() for _ in range(count))
        if kind in ("add", "sub", "inc", "min", "max") and self.chance(70):
            sizes = (size,) * count  # so that it is the whole group, not a part
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
        ref = self.ref(readable)
        decl = next(decl for decl in self.decls if decl.name == readable.name)
        possible = readable.size
        if decl.limits is not None:
            possible = max(decl.limits)
            if all(isinstance(index, Num) for index in ref.index):
                place = [index.value for index in ref.index if isinstance(index, Num)]
                possible = limit_of(decl, place)
        tight = self.features.tight and self.chance(50)
        return ref, possible if tight else readable.size, possible

    # ---- statements that set each of some targets once

    @contextmanager
    def inside(self, *variables: tuple[str, int], loop: bool = False) -> Iterator[None]:
        """Enter a body: what is set in it cannot be read after it."""
        before = self.readable, self.scope, self.loops
        self.readable, self.scope = [*self.readable], [*self.scope, *variables]
        self.loops = [*self.loops, *variables] if loop else self.loops
        yield
        self.readable, self.scope, self.loops = before

    def direct(self, targets: Sequence[Target]) -> Body:
        body: list[Statement] = []
        for ref, size in targets:
            self.budget -= 1
            body.append(Set(ref, self.value(size)))
            self.readable.append(Readable(ref.name, size, ref.index))
        return tuple(body)

    def sets(self, targets: Sequence[Target], depth: int) -> Body:
        """Return statements that set all targets; afterwards they can be read."""
        if self.budget <= 0 or depth == 0:
            return self.direct(targets)
        kind = self.draw.choice(["direct", "gate", "switch", "if", "temporary", "split"])
        self.budget -= 1
        if kind == "gate":
            body: Body = (self.gate(targets, depth),)
        elif kind == "switch":
            body = (self.switch(targets, depth),)
        elif kind == "if" and self.scope:
            body = (self.choice(targets, depth),)
        elif kind == "temporary":
            return (*self.temporary(depth), *self.sets(targets, depth - 1))
        elif kind == "split" and len(targets) > 1:
            return (*self.sets(targets[:1], depth - 1), *self.sets(targets[1:], depth - 1))
        else:
            return self.direct(targets)
        self.readable += [Readable(ref.name, size, ref.index) for ref, size in targets]
        return body

    def gate(self, targets: Sequence[Target], depth: int) -> Gate:
        value, size, possible = self.selector()
        var = self.fresh("g")
        with self.inside((var, possible)):
            first: Body = ()
            if self.features.gate_targets and self.chance(10):
                first = self.temporary(0, (var, size))
            body = (*first, *self.sets(targets, depth - 1))
        return Gate(var, size, value, body)

    def switch(self, targets: Sequence[Target], depth: int) -> Switch:
        value, size, _ = self.selector()
        arms: list[list[int]] = [[] for _ in range(self.draw.integers(1, size))]
        for k in range(size):
            arms[self.draw.integers(0, len(arms) - 1)].append(k)
        cases: list[Case] = []
        for arm in filter(None, arms):
            with self.inside():
                cases.append(Case(tuple(arm), self.sets(targets, depth - 1)))
        return Switch(value, size, tuple(cases))

    def choice(self, targets: Sequence[Target], depth: int) -> If:
        condition = self.condition()
        with self.inside():
            then = self.sets(targets, depth - 1)
        with self.inside():
            orelse = self.sets(targets, depth - 1)
        return If(condition, then, orelse)

    def temporary(self, depth: int, *more: tuple[str, int]) -> Body:
        """Set a new variable, with an element for each turn of the loops around."""
        size, axes = self.size(), (*self.loops, *more)
        name = self.declare("var", size, tuple(bound for _, bound in axes))
        ref = Ref(name, tuple(Sym(axis) for axis, _ in axes))
        return self.sets([(ref, size)], max(depth - 1, 0))

    # ---- parts of a program

    def single(self) -> Body:
        return self.temporary(3)

    def over(self, lengths: Sequence[int], targets: Sequence[tuple[str, int]], depth: int) -> Body:
        """Return nested loops that set `name[i, j, ...]`, each element by itself."""
        variables = [(self.fresh("i"), length) for length in lengths]
        outer = tuple(Sym(name) for name, _ in self.loops) if self.loops else ()
        with self.inside(*variables, loop=True):
            index = tuple(Sym(name) for name, _ in variables)
            body = self.sets([(Ref(name, (*outer, *index)), n) for name, n in targets], depth)
        for var, length in reversed(variables):
            body = (For(var, Num(0), Num(length), 1, body),)
        return body

    def independent(self, kind: Kind = "var") -> Body:
        lengths = self.draw.choice([(2,), (3,), (2, 2)])
        targets = [(self.declare(kind, size, lengths), size) for size in [self.size()]]
        body = self.over(lengths, targets, 2)
        self.readable += [Readable(name, size, (), lengths) for name, size in targets]
        return body

    def state(self) -> Body:
        """Return a time loop: `x[t + 1]` from `x[t]`, or the other way round."""
        steps, back = self.draw.integers(1, 3), self.chance(25)
        rows = self.draw.choice([(), (), (2,)])
        sizes = [self.size() for _ in range(self.draw.integers(1, 2))]
        names = [self.declare("var", size, (steps + 1, *rows)) for size in sizes]
        first = Num(steps if back else 0)
        body: list[Statement] = []
        cells = list(product(*map(range, rows)))
        for name, size in zip(names, sizes, strict=True):
            for cell in cells:
                index = (first, *map(Num, cell))
                body.append(Set(Ref(name, index), self.value(size, 1)))
        var = self.fresh("t")
        with self.inside((var, steps + back), loop=True):
            old: Static = Sym(var)
            new: Static = Op("-" if back else "+", (old, Num(1)))
            for name, size in zip(names, sizes, strict=True):
                self.readable.append(Readable(name, size, (old,), rows))
            targets = [
                (Ref(name, (new, *map(Num, cell))), size)
                for name, size in zip(names, sizes, strict=True)
                for cell in cells
            ]
            inner = self.sets(targets, 3)
        ends = (Num(steps), Num(0), -1) if back else (Num(0), Num(steps), 1)
        body.append(For(var, *ends, inner))
        for name, size in zip(names, sizes, strict=True):
            self.readable.append(Readable(name, size, (), (steps + 1, *rows)))
        return tuple(body)

    def outputs(self) -> Body:
        if self.chance(40):
            return self.independent("output")
        size = self.size()
        return self.sets([(Ref(self.declare("output", size)), size)], 2)

    def observation(self) -> Body:
        readable = self.draw.choice(self.readable)
        value = self.draw.integers(0, readable.size - 1)
        return (Observe(self.ref(readable), value),)

    def fixed(self) -> Iterator[Fixed]:
        for decl in self.decls:
            if decl.kind == "param" and self.features.fixed and self.chance(25):
                index = tuple(self.draw.integers(0, length - 1) for length in decl.shape)
                limit = limit_of(decl, index)
                yield Fixed(decl.name, index, self.draw.integers(0, limit - 1))

    def program(self) -> Program:
        """Return the program."""
        for kind in ("input", "param"):
            for _ in range(self.draw.integers(1, 3)):
                self.given(kind)
        body: list[Statement] = []
        for _ in range(self.draw.integers(1, 3)):
            part = self.draw.choice([self.single, self.state, self.independent])
            body += part()
            if self.features.observe and self.chance(20):
                body += self.observation()
        for _ in range(self.draw.integers(1, 2)):
            body += self.outputs()
        return Program(
            "random", tuple(self.decls), tuple(self.tables), (), tuple(self.fixed()), tuple(body)
        )


def limit_of(decl: Decl, index: Sequence[int]) -> int:
    """Return the number of values of one element."""
    assert isinstance(decl.type, Int)
    if decl.limits is None:
        return decl.type.size
    return decl.limits[int(np.ravel_multi_index(tuple(index), decl.shape))]
