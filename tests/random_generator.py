"""The generator behind `random_models.py`: a well-formed program from a source of choices.

It is correct by construction: it only reads what is set, and sets every element once on every
path; temporaries may be set in one branch only. It knows neither hypothesis nor seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Fixed,
    For,
    Gate,
    If,
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
    Value,
)
from tests.random_values import ONE, TWO, Draw, Features, Readable, Values, limit_of

__all__ = ["Draw", "Features", "Generator", "limit_of"]

Target = tuple[Ref, int]


class Generator(Values):
    """One program in the making."""

    def __init__(self, draw: Draw, features: Features) -> None:
        super().__init__(draw, features)
        self.budget = features.statements

    # ---- statements that set each of some targets once

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
        kinds = ["direct", "gate", "switch", "if", "temporary", "split", "fused", "guard", "gates"]
        kind = self.draw.choice(kinds)
        self.budget -= 1
        if kind == "gate":
            body: Body = (self.gate(targets, depth),)
        elif kind == "gates":
            body = (self.gate(targets, depth, nested=1),)
        elif kind == "switch":
            body = (self.switch(targets, depth),)
        elif kind == "fused":
            body = (self.fused(targets),)
        elif kind == "if" and self.scope:
            body = (self.choice(targets, depth),)
        elif kind == "guard" and any(bound > 1 for _, bound in self.scope):
            body = (self.guard(targets, depth),)
        elif kind == "temporary":
            return (*self.temporary(depth), *self.sets(targets, depth - 1))
        elif kind == "split" and len(targets) > 1:
            return (*self.sets(targets[:1], depth - 1), *self.sets(targets[1:], depth - 1))
        else:
            return self.direct(targets)
        self.readable += [Readable(ref.name, size, ref.index) for ref, size in targets]
        return body

    def gate(self, targets: Sequence[Target], depth: int, nested: int = 0) -> Gate:
        value, size, possible = self.selector()
        var = self.fresh("g")
        with self.inside((var, possible)):
            first: Body = ()
            if self.features.gate_targets and self.chance(20):
                first = self.temporary(0, (var, size))
            inner = (self.gate(targets, depth),) if nested else self.sets(targets, depth - 1)
        return Gate(var, size, value, (*first, *inner))

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

    def fused(self, targets: Sequence[Target]) -> Switch:
        """Return a switch whose arms are functions of the same one or two values."""
        value, size, _ = self.selector()
        readable = [self.draw.choice(self.readable) for _ in range(self.draw.integers(1, 2))]
        args = [(self.ref(r), r.size) for r in readable]
        cases = tuple(
            Case((k,), tuple(Set(ref, self.arm(args, n)) for ref, n in targets))
            for k in range(size)
        )
        return Switch(value, size, cases)

    def arm(self, args: Sequence[tuple[Value, int]], size: int) -> Value:
        """Return a function of some values, one of them, or, seldom, something else."""
        copies = [value for value, n in args if n <= size]
        kind = self.draw.choice(["call", "call", "call", "copy", "constant", "any"])
        if kind == "copy" and copies:
            return self.draw.choice(copies)
        if kind == "constant":
            return Num(self.draw.integers(0, size - 1))
        if kind == "any":
            return self.value(size, 1)
        used = args[::-1] if self.chance(20) else args
        sizes = tuple(n for _, n in used)
        kinds = TWO if len(used) == 2 else ONE
        table = self.tabled(self.draw.choice(["random", "random", *kinds]), sizes, size)
        return Call(table.name, tuple(value for value, _ in used))

    def choice(self, targets: Sequence[Target], depth: int) -> If:
        condition = self.condition()
        with self.inside():
            then = self.sets(targets, depth - 1)
        with self.inside():
            orelse = self.sets(targets, depth - 1)
        return If(condition, then, orelse)

    def guard(self, targets: Sequence[Target], depth: int) -> If:
        """Return a test whose arms make sense only where it holds, or does not."""
        one, bound = self.draw.choice([pair for pair in self.scope if pair[1] > 1])
        others = [pair for pair in self.scope if pair[0] != one]
        least = most = self.draw.integers(1, bound - 1)  # of what it is compared with
        cut: Static = Num(least)
        if (wide := [pair for pair in others if pair[1] > 1]) and self.chance(40):
            cut, top = self.draw.choice(wide)
            least, most = 0, top - 1
        above = Op("-", (cut, one))  # at least 1
        with self.inside():
            inner = [(one, min(bound, most)), (above, most + 1), (Op("//", (Num(4), above)), 5)]
            self.scope = [*others, *inner, (Op("-", (above, Num(1))), most)]
            then = self.sets(targets, depth - 1)
        with self.inside():
            self.scope = [*others, (one, bound), (Op("-", (one, cut)), bound - least)]
            orelse = self.sets(targets, depth - 1)
        if self.chance(30):  # an arm that never runs
            then = (If(Op(">=", (one, cut)), self.draw.choice([(), orelse]), then),)
        if self.chance(30):
            return If(Op(">=", (one, cut)), orelse, then)
        return If(Op("<", (one, cut)), then, orelse)

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
        if not lengths:
            outer = tuple(Sym(name) for name, _ in self.loops)
            return self.sets([(Ref(name, outer), n) for name, n in targets], depth)
        first, rest = lengths[0], lengths[1:]
        pieces: list[tuple[Static, Static, int]] = [(Num(0), Num(first), 1)]
        if self.chance(15):
            pieces = [(Num(first - 1), Num(-1), -1)]
        elif self.chance(15):
            pieces = [(Num(0), Num(first), 2), (Num(1), Num(first), 2)]
        elif self.chance(40 if self.loops else 10):  # at a place that an outer loop moves
            middle: Static = Num(self.draw.integers(0, first))
            if self.loops:
                middle = Op("min", (Sym(self.loops[-1][0]), Num(first)))
            pieces = [(Num(0), middle, 1), (middle, Num(first), 1)]
        body: list[Statement] = []
        for start, stop, step in pieces:
            var = self.fresh("i")
            with self.inside((var, first), loop=True):
                body.append(For(var, start, stop, step, self.over(rest, targets, depth)))
        return tuple(body)

    def independent(self, kind: Kind = "var") -> Body:
        lengths = self.draw.choice([(2,), (3,), (2, 2)])
        targets = [(self.declare(kind, size, lengths), size) for size in [self.size()]]
        body = self.over(lengths, targets, 2)
        self.readable += [Readable(name, size, (), lengths) for name, size in targets]
        return body

    def state(self) -> Body:
        """Return a time loop: `x[t + 1]` from `x[t]`, or the other way round."""
        steps, back = self.draw.integers(1, 3), self.chance(25)
        steps += 4 * self.chance(20)  # long enough for rounding to be divided out
        rows = self.draw.choice([(), (), (2,)])
        sizes = [self.size() for _ in range(self.draw.integers(1, 2))]
        names = [self.declare("var", size, (steps + 1, *rows)) for size in sizes]
        variables = list(zip(names, sizes, strict=True))
        first = Num(steps if back else 0)
        cells = [tuple(map(Num, cell)) for cell in product(*map(range, rows))]
        body: list[Statement] = [
            Set(Ref(name, (first, *cell)), self.value(size, 1))
            for name, size in variables
            for cell in cells
        ]
        var = self.fresh("t")
        with self.inside((var, steps + back), loop=True):
            old: Static = Sym(var)
            new: Static = Op("-" if back else "+", (old, Num(1)))
            self.readable += [Readable(name, size, (old,), rows) for name, size in variables]
            writes = [v for v in variables if rows and self.chance(50)]
            inner: Body = ()
            for name, size in writes:
                inner += (self.write(name, size, rows[0], old, new),)
            rest = [v for v in variables if v not in writes]
            inner += self.sets([(Ref(n, (new, *cell)), s) for n, s in rest for cell in cells], 3)
        ends = (Num(steps), Num(0), -1) if back else (Num(0), Num(steps), 1)
        body.append(For(var, *ends, inner))
        self.readable += [Readable(name, size, (), (steps + 1, *rows)) for name, size in variables]
        return tuple(body)

    def write(self, name: str, size: int, length: int, old: Static, new: Static) -> Gate:
        """Set one cell of a row, at a place that a value decides, and copy the others."""
        value, places, possible = self.selector()
        gate, cell = self.fresh("g"), self.fresh("i")
        with self.inside((gate, possible), (cell, length)):
            there = Set(Ref(name, (new, Sym(cell))), self.value(size, 1))
        kept = Set(Ref(name, (new, Sym(cell))), Ref(name, (old, Sym(cell))))
        turn = If(Op("==", (Sym(cell), Sym(gate))), (there,), (kept,))
        return Gate(gate, places, value, (For(cell, Num(0), Num(length), 1, (turn,)),))

    def outputs(self) -> Body:
        if self.chance(40):
            return self.independent("output")
        size = self.size()
        return self.sets([(Ref(self.declare("output", size)), size)], 2)

    def observation(self) -> Body:
        """Observe an element, sometimes in a loop or where a test of its variable holds."""
        readable = self.draw.choice(self.readable)
        value = self.draw.integers(0, readable.size - 1)
        if self.chance(60):
            return (Observe(self.ref(readable), value),)
        var, turns = self.fresh("i"), self.draw.integers(1, 2)
        with self.inside((var, turns), loop=True):
            seen: Statement = Observe(self.ref(readable), value)
            if self.chance(40):
                seen = If(self.condition(), (seen,), ())
        return (For(var, Num(0), Num(turns), 1, (seen,)),)

    def fixed(self) -> Iterator[Fixed]:
        for decl in self.decls:
            if decl.kind == "param" and self.features.fixed and self.chance(25):
                indices = list(product(*map(range, decl.shape)))
                for index in indices if self.chance(20) else [self.draw.choice(indices)]:
                    value = self.draw.integers(0, limit_of(decl, index) - 1)
                    yield Fixed(decl.name, index, value)

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
