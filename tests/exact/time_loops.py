"""Random time loops: arrays that are copied, written at one cell, rotated, swapped, and halted.

Made to hit what makes one slice of an array unsafe: reads of the old slice after writes of the
new one, in loops, gates and branches. Every program is well formed.
"""

from __future__ import annotations

from random import Random

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    For,
    Gate,
    If,
    Int,
    Num,
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
from tests.exact.turing import loop, put, ref, table

CELLS, N = 3, 3
ARRAYS, NUMBERS = ("a", "b"), ("x", "y")
T, R = Sym("t"), Sym("r")


class Turns:
    """One program in the making."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.steps = self.random.randint(1, 5)
        self.later: Static = Op("+", (T, Num(1)))
        self.done: set[str] = set()  # what this turn has set on every path

    def value(self, cell: Static | None = None) -> Value:
        """Return a value from what the turn began with, or has set."""
        rng = self.random
        name = rng.choice([*ARRAYS, *NUMBERS, "i", "p"])
        when = self.later if name in self.done and rng.random() < 0.5 else T
        if name in ARRAYS:
            where = cell if cell is not None and rng.random() < 0.6 else Num(rng.randrange(CELLS))
            found: Value = Ref(name, (when, where))
        elif name in NUMBERS:
            found = Ref(name, (when,))
        else:
            found = Ref(name, (Num(rng.randrange(CELLS)),))
        if rng.random() < 0.4:
            found = Call("INC", (found,))
        return found

    def array(self, name: str, depth: int = 2) -> Body:
        """Return statements that set all cells of an array for the next turn."""
        rng = self.random
        kept = put(ref(name, self.later, R), ref(name, T, R))
        kinds = ["copy", "write", "write", "each", "rotate", "cells", "mark"]
        match rng.choice([*kinds, "switch", "switch"] if depth else kinds):
            case "copy":
                return (loop("r", CELLS, kept),)
            case "write":
                there = put(ref(name, self.later, R), self.value(R))
                test, arms = Op("==", (R, Sym("g"))), ((there,), (kept,))
                if rng.random() < 0.3:
                    test, arms = Op("!=", (Sym("g"), R)), arms[::-1]
                turns = loop("r", CELLS, If(test, *arms))
                place = self.value()
                while isinstance(place, Num | Sym | Op):
                    place = self.value()
                return (Gate("g", N, place, (turns,)),)
            case "each":
                return (loop("r", CELLS, put(ref(name, self.later, R), self.value(R))),)
            case "rotate":
                from_ = Op("%", (Op("+", (R, Num(rng.randint(1, 2)))), Num(CELLS)))
                return (loop("r", CELLS, put(ref(name, self.later, R), ref(name, T, from_))),)
            case "mark":
                return self.marked(name, kept)
            case "switch":
                cases = tuple(Case((k,), self.array(name, depth - 1)) for k in range(N))
                return (Switch(Ref("x", (T,)), N, cases),)
        order = rng.sample(range(CELLS), CELLS)
        return tuple(put(ref(name, self.later, k), self.value(Num(k))) for k in order)

    def marked(self, name: str, kept: Set) -> Body:
        """Write one cell in the manner of the Turing machine."""
        there = put(ref(name, self.later, R), self.value(R))
        choice = Switch(ref("mark_" + name, T, R), 2, (Case((0,), (kept,)), Case((1,), (there,))))
        same = Call("SAME", (R, Ref("y", (T,))))
        return (loop("r", CELLS, put(ref("mark_" + name, T, R), same), choice),)

    def turn(self) -> Body:
        """Return a turn that sets everything once."""
        self.done = set()
        body: list[Statement] = []
        for name in self.random.sample([*ARRAYS, *NUMBERS, "h"], 5):
            if name in ARRAYS:
                body += self.array(name)
            else:
                value: Value = Call("HALT", (self.value(),)) if name == "h" else self.value()
                body.append(put(ref(name, self.later), value))
            self.done.add(name)
        return tuple(body)

    def halted(self) -> Body:
        """Return a turn that changes nothing, or, seldom, something."""
        copies: list[Statement] = [
            loop("r", CELLS, put(ref(name, self.later, R), ref(name, T, R))) for name in ARRAYS
        ]
        copies += [put(ref(name, self.later), ref(name, T)) for name in NUMBERS]
        if self.random.random() < 0.2:
            copies[-1] = put(ref("y", self.later), Call("INC", (ref("y", T),)))
        over = self.random.choice([Num(1), Num(1), ref("h", T), Num(0)])
        return (*copies, put(ref("h", self.later), over))

    def program(self) -> Program:
        """Return the program."""
        rng, shape = self.random, (self.steps + 1,)
        size = Int(N)
        decls = [
            Decl("i", "input", size, (CELLS,)), Decl("p", "param", size, (CELLS,)),
            *(Decl(name, "var", size, (*shape, CELLS)) for name in ARRAYS),
            *(Decl(f"mark_{name}", "var", Int(2), (*shape, CELLS)) for name in ARRAYS),
            *(Decl(name, "var", size, shape) for name in NUMBERS), Decl("h", "var", Int(2), shape),
            *(Decl(f"final_{name}", "output", size, (CELLS,)) for name in ARRAYS),
            *(Decl(f"final_{name}", "output", size) for name in (*NUMBERS, "h")),
        ]  # fmt: skip
        cells = [
            loop("r", CELLS, put(ref(n, 0, R), ref(s, R))) for n, s in (("a", "i"), ("b", "p"))
        ]
        body: list[Statement] = [*cells, put(ref("h", 0), Num(0))]
        body += [put(ref("x", 0), ref("i", 0)), put(ref("y", 0), ref("p", 1))]
        if rng.random() < 0.6:
            arms = (Case((0,), self.turn()), Case((1,), self.halted()))
            turn: Body = (Switch(ref("h", T), 2, arms),)
        elif rng.random() < 0.5:
            choice = If(Op("==", (Sym("s"), Num(1))), self.halted(), self.turn())
            turn = (Gate("s", 2, Ref("h", (T,)), (choice,)),)
        else:
            turn = self.turn()
        body.append(For("t", Num(0), Num(self.steps), 1, turn))
        at = rng.randint(0, self.steps) if rng.random() < 0.2 else self.steps  # an earlier turn?
        body += [loop("r", CELLS, put(ref(f"final_{n}", R), ref(n, at, R))) for n in ARRAYS]
        body += [put(ref(f"final_{n}"), ref(n, self.steps)) for n in (*NUMBERS, "h")]
        return Program("turns", tuple(decls), _tables(), (), (), tuple(body))


def _tables() -> tuple[Table, ...]:
    return (
        table("INC", (N,), N, lambda a: (a + 1) % N),
        table("HALT", (N,), 2, lambda a: int(a == 2)),
        table("SAME", (CELLS, N), 2, lambda a, b: int(a == b)),
    )


def time_loop(seed: int) -> Program:
    """Return a random program with a time loop; the same for the same seed."""
    return Turns(seed).program()
