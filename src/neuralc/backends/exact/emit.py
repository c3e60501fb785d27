"""From the statements of a program to the lines of a kernel: one program on one example.

Relies on what the checker guarantees: an element is set once on every path, and before it is
read. So a value, once set or read, is kept in a local variable for the rest of its block, and an
array that is then never read from memory is not stored at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neuralc.backends.exact.arithmetic import Tables
from neuralc.backends.exact.expressions import flat_index, fold, text, truth
from neuralc.backends.exact.layout import Layout
from neuralc.backends.exact.sites import site_of
from neuralc.ir.nodes import (
    Body,
    Call,
    Decl,
    For,
    Gate,
    If,
    Int,
    Num,
    Observe,
    Program,
    Real,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    Sym,
    Value,
)


class Emitter:
    """Writes the lines of a body; `unread` names the arrays whose stores are left out."""

    def __init__(self, program: Program, layout: Layout, unread: Iterable[str] = ()) -> None:
        """Start with no lines."""
        self.program, self.layout, self.unread = program, layout, frozenset(unread)
        self.tables = Tables(program, layout.names, self.item)
        self.lines: list[str] = []
        self.read: set[str] = set()
        self.depth = 2
        self.known: dict[tuple[str, str], str] = {}
        self.loops: dict[str, bool] = {}  # identifiers of loop variables: in use now?
        self.place = ""

    # ---- statements

    def body(self, body: Body, env: Mapping[str, str]) -> None:
        """Write the statements of a body, in order."""
        for statement in body:
            self.comment(statement)
            match statement:
                case Set():
                    self.set(statement, env)
                case For():
                    self.loop(statement, env)
                case If(condition=condition, then=then, orelse=orelse):
                    self.static_choice(condition, then, orelse, env)
                case Gate():
                    self.gate(statement, env)
                case Switch():
                    self.switch(statement, env)
                case Observe(ref=ref, value=number):
                    self.line(f"wrong += {self.value(ref, env)} != {number}")

    def set(self, statement: Set, env: Mapping[str, str]) -> None:
        """Write an assignment and remember the value."""
        name, value = statement.target.name, self.value(statement.value, env)
        ident = self.layout.arrays[name].ident
        if self.layout.is_local(self.program.decl[name]):
            self.line(f"{ident} = {value}")
            return
        index = self.index(statement.target, env)
        atom = self.bind(ident, value)
        self.known[name, index] = atom
        if name not in self.unread:
            self.line(f"{self.item(ident, index)} = {atom}")

    def gate(self, statement: Gate, env: Mapping[str, str]) -> None:
        """Write the body of a gate for the value that it has."""
        ident = self.layout.names.fresh(statement.var)
        self.line(f"{ident} = {self.value(statement.value, env)}")
        self.body(statement.body, {**env, statement.var: ident})

    def loop(self, statement: For, env: Mapping[str, str]) -> None:
        """Write a loop."""
        ident = self.loop_variable(statement.var)
        start, stop = text(statement.start, env), text(statement.stop, env)
        step = "" if statement.step == 1 else f", {statement.step}"
        bounds = stop if (start, step) == ("0", "") else f"{start}, {stop}{step}"
        self.line(f"for {ident} in range({bounds}):")
        self.block(statement.body, {**env, statement.var: ident})
        self.loops[ident] = False

    def loop_variable(self, wish: str) -> str:
        """Return an identifier; that of a loop of this name, if it has ended, may serve again."""
        if self.loops.get(wish) is not False:
            wish = self.layout.names.fresh(wish)
        self.loops[wish] = True
        return wish

    def static_choice(
        self, condition: Static, then: Body, orelse: Body, env: Mapping[str, str]
    ) -> None:
        """Write a choice that depends on loop and gate variables."""
        known = fold(condition)
        if isinstance(known, Num):
            self.body(then if known.value else orelse, env)
            return
        self.line(f"if {truth(known, env)}:")
        self.block(then, env)
        if orelse:
            self.line("else:")
            self.block(orelse, env)

    def switch(self, statement: Switch, env: Mapping[str, str]) -> None:
        """Write a choice by a value; the last case needs no test."""
        selector = self.bind("chosen", self.value(statement.value, env))
        cases = [case for case in statement.cases if case.values]
        for k, case in enumerate(cases):
            if len(cases) == 1:
                self.body(case.body, env)
            elif k == len(cases) - 1:
                self.line(f"else:  # {selector}: {some(case.values)}")
                self.block(case.body, env)
            else:
                word = "elif" if k else "if"
                self.line(f"{word} {test(selector, case.values)}:")
                self.block(case.body, env)

    def block(self, body: Body, env: Mapping[str, str]) -> None:
        """Write an indented body; what it has learnt is forgotten after it."""
        known, self.known = self.known, dict(self.known)
        self.depth += 1
        before = len(self.lines)
        self.body(body, env)
        if all(line.lstrip().startswith("#") for line in self.lines[before:]):
            self.line("pass")
        self.depth -= 1
        self.known = known

    # ---- values

    def value(self, value: Value, env: Mapping[str, str]) -> str:
        """Write what computes a value; return an expression for it."""
        match value:
            case Ref():
                return self.load(value, env)
            case Call(function=name, args=args) if name in self.program.table:
                atoms = [self.bind(f"{name}_of", self.value(arg, env)) for arg in args]
                return self.tables.apply(self.program.table[name], atoms, self.bind)
            case Call():
                return self.look_up(value, env)
            case _:
                return text(value, env)

    def load(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return an element: from where it is known, or else from memory."""
        decl, stored = self.program.decl[ref.name], self.layout.arrays[ref.name]
        if self.layout.is_local(decl):
            return stored.ident
        index = self.index(ref, env)
        if (ref.name, index) not in self.known:
            self.read.add(ref.name)
            self.known[ref.name, index] = self.bind(
                stored.ident, f"i64({self.item(stored.ident, index)})"
            )
        return self.known[ref.name, index]

    def look_up(self, call: Call, env: Mapping[str, str]) -> str:
        """Return the class that a network gives, from the table of its site."""
        site = site_of(self.program, call)
        stored, base = self.layout.sites[site], self.layout.site_bases[site]
        inputs = self.program.network[call.function].inputs
        index: list[Static] = []
        numbers: list[Static] = []
        names = dict(env)
        for arg, kind in zip(call.args, inputs, strict=True):
            if isinstance(kind, Real):
                assert isinstance(arg, Ref)
                index += arg.index
            else:
                numbers.append(self.symbol(self.value(arg, env), names))
        flat = text(flat_index((*index, *numbers), stored.shape), names)
        where = base if flat == "0" else f"{base} + {flat}"
        return self.bind(stored.ident, f"i64({self.item(stored.ident, where)})")

    def symbol(self, value: str, names: dict[str, str]) -> Static:
        """Return a computed value as a static expression, entering it into `names`."""
        if value.isdigit():
            return Num(int(value))
        atom = self.bind("at", value)
        names[f"={atom}"] = atom  # no variable of a model has such a name
        return Sym(f"={atom}")

    def index(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return the position of an element in its flat array."""
        flat = text(flat_index(ref.index, self.program.decl[ref.name].shape), env)
        base = self.layout.bases.get(ref.name)
        if base is None:
            return flat
        return base if flat == "0" else f"{base} + {flat}"

    def item(self, ident: str, index: str) -> str:
        """Return the text of an element of a flat array."""
        return f"{ident}[{index}]"

    # ---- lines

    def bind(self, wish: str, value: str) -> str:
        """Give a value a name, unless it is a name or a number already."""
        if value.isidentifier() or value.isdigit():
            return value
        ident = self.layout.names.fresh(wish)
        self.line(f"{ident} = {value}")
        return ident

    def line(self, line: str) -> None:
        """Write one line."""
        self.lines.append("    " * self.depth + line)

    def comment(self, statement: Statement) -> None:
        """Name the source line that a statement comes from, when it is a new one."""
        if statement.span is None:
            return
        number = statement.span.line
        words = " ".join(statement.span.shown().split("\n")[2].split()[2:])
        place = f"# line {number}: {words}"
        if place != self.place:
            self.line("".join(c if c.isprintable() else "?" for c in place))
            self.place = place


def single_inputs(program: Program) -> Sequence[Decl]:
    """Return the given declarations that are single numbers: they are read at once."""
    return [
        decl
        for decl in program.decls
        if decl.kind in ("param", "input") and not decl.shape and isinstance(decl.type, Int)
    ]


def test(selector: str, values: Sequence[int]) -> str:
    """Return the text of `selector in values`."""
    low, high = min(values), max(values)
    if len(values) > 2 and high - low == len(values) - 1:
        return f"{low} <= {selector} <= {high}"
    return " or ".join(f"{selector} == {value}" for value in values)


def some(values: Sequence[int]) -> str:
    """Return the first few values, as text."""
    shown = ", ".join(map(str, values[:8]))
    return shown if len(values) <= 8 else f"{shown}, …"
