"""From a program to the lines of a run that stops where it looks at a choice that is open.

Statements that may wait (`delay.py`) are written where their result is first read, so a choice
that makes no difference is never looked at. A run can be taken up again at any step: elements are
set once, so what earlier steps have set is still there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuralc.backends.exact.emit import Emitter
from neuralc.backends.exact.expressions import flat_index, fold, text
from neuralc.backends.exact.layout import Layout
from neuralc.backends.search.delay import delayable
from neuralc.backends.search.space import Space
from neuralc.backends.search.stages import Array, Cells, integers, outermost, turns, working
from neuralc.ir.nodes import Body, For, Num, Observe, Op, Program, Ref, Set, Statement

DONE, FAIL, NEED = 0, 1, 2
"""How a run ends: all steps made; an observation is wrong; a choice is open."""
_DEEP = 40  # blocks within one another beyond which nothing waits any more
_LONG = 4000  # lines

HEAD = '''\
def run(_at, _until, _row, _example, _choices, _need, _cells, _given, _wanted, _tables):
    """Make the steps _at to _until - 1 of one example; 0: done, 1: wrong, 2: see _need.

    Arrays are flat. The cells of this run are row _row, its inputs and targets row _example.
    """
'''


class TooLong(Exception):
    """What waits is written once for each branch that reads it, and that was too often."""


def emitted(program: Program, space: Space) -> tuple[str, Array]:
    """Return the text of the run of a program, and its tables."""
    try:
        emitter = Lazy(program, space)
        return emitter.run(), emitter.table()
    except TooLong:
        emitter = Lazy(program, space, wait=False)
        return emitter.run(), emitter.table()


class Lazy(Emitter):
    """Writes the lines of a body; names of its own begin with an underscore, others do not."""

    def __init__(self, program: Program, space: Space, *, wait: bool = True) -> None:
        """Start with no lines; without `wait` every statement is written where it stands."""
        super().__init__(program, Layout(program))
        self.space, self.cells = space, working(program)
        self.given = Cells(integers(program, "input"))
        self.wanted = Cells(integers(program, "output"))
        self.may_wait = delayable(program) if wait else {}
        self.waiting: dict[str, tuple[Statement, Mapping[str, str]]] = {}
        self.at = {
            name: self.layout.names.fresh(f"{name}_at")
            for name in (*self.cells.offsets, *self.given.offsets)
        }

    # ---- statements

    def body(self, body: Body, env: Mapping[str, str]) -> None:
        """Write the statements of a body, in order; those that may wait when they are needed."""
        for statement in body:
            names = self.may_wait.get(id(statement), ()) if self.depth < _DEEP else ()
            if names:
                self.waiting.update(dict.fromkeys(names, (statement, env)))
            elif isinstance(statement, Observe):
                self.line(f"if {self.value(statement.ref, env)} != {statement.value}:")
                self.line(f"    return {FAIL}")
            else:
                super().body((statement,), env)

    def set(self, statement: Set, env: Mapping[str, str]) -> None:
        """Write an assignment; one to an output is compared with what is wanted."""
        name, value = statement.target.name, self.value(statement.value, env)
        index = self.index(statement.target, env)
        atom = self.bind(name, value)
        self.known[name, index] = atom
        self.line(f"_cells[{index}] = {atom}")
        if name in self.wanted.offsets:
            flat = flat_index(statement.target.index, self.program.decl[name].shape)
            place = text(fold(Op("+", (Num(self.wanted.offsets[name]), flat))), env)
            wanted = self.bind("wanted", f"i64(_wanted[_example * {self.wanted.width} + {place}])")
            self.line(f"if {wanted} >= 0 and {wanted} != {atom}:")
            self.line(f"    return {FAIL}")

    def block(self, body: Body, env: Mapping[str, str]) -> None:
        """Write an indented body; what was written in it may have to be written again after it."""
        waiting, self.waiting = self.waiting, dict(self.waiting)
        super().block(body, env)
        self.waiting = waiting

    # ---- values

    def load(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return an element; what waits to set it is written now."""
        if ref.name in self.waiting:
            if len(self.lines) > _LONG:
                raise TooLong
            statement, around = self.waiting[ref.name]
            for name in self.may_wait[id(statement)]:
                del self.waiting[name]
            super().body((statement,), around)
        index = self.index(ref, env)
        if (ref.name, index) not in self.known:
            kind = self.program.decl[ref.name].kind
            array = {"param": "_choices", "input": "_given"}.get(kind, "_cells")
            atom = self.bind(ref.name, f"i64({array}[{index}])")
            self.known[ref.name, index] = atom
            if kind == "param":
                self.line(f"if {atom} < 0:")
                self.line(f"    _need[0] = {index}")
                self.line("    _need[1] = _step")
                self.line(f"    return {NEED}")
        return self.known[ref.name, index]

    def index(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return the position of an element in the flat array it is in."""
        flat = flat_index(ref.index, self.program.decl[ref.name].shape)
        if ref.name in self.space.offsets:
            return text(fold(Op("+", (Num(self.space.offsets[ref.name]), flat))), env)
        base, more = self.at[ref.name], text(flat, env)
        return base if more == "0" else f"{base} + {more}"

    # ---- the whole run

    def run(self) -> str:
        """Write everything and return the text."""
        self.depth, first = 1, 0
        for statement in outermost(self.program.body):
            values = turns(statement)
            self.known, self.waiting = {}, {}
            if isinstance(statement, For):
                self.turns(statement, values, first)
            else:
                self.line(f"if _at <= {first} < _until:")
                self.depth += 1
                self.line(f"_step = {first}")
                self.body((statement,), {})
                self.depth -= 1
            first += len(values)
        self.line(f"return {DONE}")
        return HEAD + "\n".join([*self.starts(), *self.lines]) + "\n"

    def turns(self, statement: For, values: range, first: int) -> None:
        """Write an outermost loop: those of its turns that are asked for."""
        self.line(f"for _step in range(max(_at, {first}), min(_until, {first + len(values)})):")
        self.depth += 1
        ident = self.loop_variable(statement.var)
        self.line(f"{ident} = {values.start} + (_step - {first}) * {values.step}")
        self.body(statement.body, {statement.var: ident})
        self.loops[ident] = False
        self.depth -= 1

    def starts(self) -> list[str]:
        """Return the lines that say where arrays begin in this run."""
        lines = []
        for cells, which in ((self.cells, "_row"), (self.given, "_example")):
            for name, offset in cells.offsets.items():
                lines.append(f"    {self.at[name]} = {which} * {cells.width} + {offset}")
        at = 0
        for ident, array in self.tables.arrays.items():
            lines.append(f"    {ident} = _tables[{at}:{at + len(array)}]")
            at += len(array)
        return lines

    def table(self) -> Array:
        """Return the values of all tables that are looked up, int32."""
        arrays = [array.astype(np.int32) for array in self.tables.arrays.values()]
        return np.concatenate([np.zeros(0, np.int32), *arrays])
