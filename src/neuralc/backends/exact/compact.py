"""Lines that keep one slice of what a time loop carries: copies vanish, one cell is set directly.

What is known to need one slice only comes from `slices.py`, where a loop may end from `ends.py`.
A carried number is a local variable; a turn reads the one that it began with into another first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from neuralc.backends.exact.accesses import number, reads, turns
from neuralc.backends.exact.emit import Emitter, some, test
from neuralc.backends.exact.ends import End, end
from neuralc.backends.exact.expressions import flat_index, fold, text, truth
from neuralc.backends.exact.layout import Layout
from neuralc.backends.exact.slices import bound, single_turn
from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
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
    Value,
    children,
    symbols,
    walk,
)


def once_read(program: Program) -> frozenset[str]:
    """Return the variables of a program that are set and read at one place each in the text."""
    sets: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for statement in walk(program.body):
        seen.update(ref.name for ref in reads(statement))
        if isinstance(statement, Set):
            sets[statement.target.name] += 1
    names = (decl.name for decl in program.of("var"))
    return frozenset(name for name in names if sets[name] == seen[name] == 1)


class _Hit(NamedTuple):
    """The one turn of a loop that does something: where its variable is `at`."""

    at: Value
    body: Body


class Compact(Emitter):
    """Writes the lines of a body; `private` are variables that are read at one place only."""

    def __init__(
        self, program: Program, layout: Layout, unread: Iterable[str], private: frozenset[str]
    ) -> None:
        """Start with no lines."""
        super().__init__(program, layout, unread)
        self.private, self.slices = private, layout.slices
        self.gates: dict[str, Ref] = {}  # what gate variables are the values of
        self.spans: dict[str, range] = {}  # the values that variables may have
        self.before: dict[str, str] = {}  # carried numbers as the turn began with them
        self.end: End | None = None  # of the time loop that is being written
        self.opening: Body | None = None  # its body, before the first line of it

    # ---- statements

    def body(self, body: Body, env: Mapping[str, str]) -> None:
        """Write the statements of a body that do something, in order."""
        if body is self.opening:
            self.opening = None
            self.open_turn(body)
        for statement in body:
            if not self.nothing(statement, self.gates):
                super().body((statement,), env)

    def set(self, statement: Set, env: Mapping[str, str]) -> None:
        """Write an assignment; one to a slice, without its time."""
        name = statement.target.name
        own = self.slices.get(name)
        if own is None:
            super().set(statement, env)
            return
        ident = self.layout.arrays[name].ident
        atom = self.bind(ident, self.value(statement.value, env))
        self.known[name, self.index(statement.target, env)] = atom
        if name not in self.unread:
            self.line(f"{self.stored(statement.target, env)} = {atom}")

    def gate(self, statement: Gate, env: Mapping[str, str]) -> None:
        """Write the body of a gate, knowing what its variable is."""
        gates, spans = self.gates, self.spans
        self.gates = bound(gates, statement.var, statement.value)
        self.spans = {**spans, statement.var: range(statement.size)}
        super().gate(statement, env)
        self.gates, self.spans = gates, spans

    def loop(self, statement: For, env: Mapping[str, str]) -> None:
        """Write a loop; where only one turn does something, that turn."""
        gates, spans = self.gates, self.spans
        self.gates = bound(gates, statement.var)
        self.spans = {name: span for name, span in spans.items() if name != statement.var}
        hit = self.hit(statement)
        if hit is not None:
            self.gates, self.spans = gates, spans  # those around the loop: `at` is outside
            self.once(statement, hit, env)
        else:
            span = turns(statement)
            if span is not None:
                self.spans[statement.var] = span
            self.turns(statement, env)
        self.gates, self.spans = gates, spans

    def turns(self, statement: For, env: Mapping[str, str]) -> None:
        """Write a loop that does something in every turn."""
        if not any(statement is outer for outer in self.program.body):
            super().loop(statement, env)
            return
        carried = {n: s for n, s in self.slices.items() if self.program.body[s.place] is statement}
        self.end, self.opening = end(statement, carried), statement.body
        super().loop(statement, env)
        self.end, self.before = None, {}

    def open_turn(self, body: Body) -> None:
        """Read the carried numbers that a turn may look at after it has set them."""
        for name, own in self.slices.items():
            loop = self.program.body[own.place]
            if isinstance(loop, For) and loop.body is body and own.single and self.reads_old(name):
                self.read.add(name)
                self.before[name] = self.copy(self.layout.arrays[name].ident)

    def reads_old(self, name: str) -> bool:
        """Tell whether a turn reads the number that it began with, other than to copy it."""
        own = self.slices[name]
        loop = self.program.body[own.place]
        return any(
            ref.name == name and own.is_old(ref)
            for statement in walk((loop,))
            if not (isinstance(statement, Set) and own.copies(statement, {}))
            for ref in reads(statement)
        )

    def static_choice(
        self, condition: Static, then: Body, orelse: Body, env: Mapping[str, str]
    ) -> None:
        """Write a choice that depends on loop and gate variables; nothing for an idle branch."""
        if self.end is not None and isinstance(self.end.statement, If):
            found = self.end.statement
            if found.condition is condition and found.then is then and found.orelse is orelse:
                first = self.end.arm == 0
                self.line(f"if {truth(condition if first else _negated(condition), env)}:")
                self.line("    break  # nothing changes from here on")
                self.body(orelse if first else then, env)
                return
        if not orelse or not self.idle(then):
            super().static_choice(condition, then, () if self.idle(orelse) else orelse, env)
        else:
            super().static_choice(_negated(condition), orelse, (), env)

    def switch(self, statement: Switch, env: Mapping[str, str]) -> None:
        """Write a choice by a value; idle branches are left out, the largest needs no test."""
        selector = self.bind("chosen", self.value(statement.value, env))
        cases = [case for case in statement.cases if case.values]
        if self.end is not None and self.end.statement is statement:
            last = statement.cases[self.end.arm]
            self.line(f"if {test(selector, last.values)}:")
            self.line("    break  # nothing changes from here on")
            cases = [case for case in cases if case is not last]
        self.branches(selector, cases, statement.size, env)

    def branches(self, selector: str, cases: list[Case], size: int, env: Mapping[str, str]) -> None:
        """Write the branches of a choice that do something."""
        busy = sorted((case for case in cases if not self.idle(case.body)), key=_many)
        if len(busy) == len(cases) == 1:
            self.body(busy[0].body, env)
            return
        for k, case in enumerate(busy):
            if k and k == len(cases) - 1:
                self.line(f"else:  # {selector}: {some(case.values)}")
            else:
                self.line(f"{'elif' if k else 'if'} {_fits(selector, case.values, size)}:")
            self.block(case.body, env)

    # ---- what does nothing

    def idle(self, body: Body) -> bool:
        """Tell whether a body writes nothing at all."""
        return all(self.nothing(statement, self.gates) for statement in body)

    def nothing(self, statement: Statement, gates: Mapping[str, Ref]) -> bool:
        """Tell whether a statement only copies elements onto themselves."""
        match statement:
            case Set(target=target):
                own = self.slices.get(target.name)
                return own is not None and own.copies(statement, gates)
            case For(var=var, body=body):
                return all(self.nothing(s, bound(gates, var)) for s in body)
            case Gate(var=var, value=value, body=body):
                return all(self.nothing(s, bound(gates, var, value)) for s in body)
            case If() | Switch():
                return all(self.nothing(s, gates) for body in children(statement) for s in body)
        return False

    # ---- loops of which one turn does something

    def hit(self, statement: For) -> _Hit | None:
        """Return the only turn of a loop that does something, if it is known which one."""
        var, body = statement.var, statement.body
        if statement.step != 1:
            return None
        match body:
            case (If(condition=condition, then=then, orelse=orelse),):
                found = self.hit_if(var, condition, then, orelse)
            case (Set() as marks, Switch() as choice):
                found = self.hit_switch(var, marks, choice)
            case _:
                found = None
        return found

    def hit_if(self, var: str, condition: Static, then: Body, orelse: Body) -> _Hit | None:
        """Look for `if var == at: … else: nothing`."""
        found = single_turn(var, condition)
        if found is None:
            return None
        busy, rest = (then, orelse) if found[1] else (orelse, then)
        return _Hit(found[0], busy) if self.idle(rest) else None

    def hit_switch(self, var: str, marks: Set, choice: Switch) -> _Hit | None:
        """Look for `mark = (var == at)`, read only by a switch on it that does nothing if not."""
        call = marks.value
        if marks.target != choice.value or marks.target.name not in self.private:
            return None
        if not isinstance(call, Call) or call.function not in self.program.table:
            return None
        found = self.tables.structure(self.program.table[call.function])
        if found.kind != "eq":
            return None
        left, right = (call.args[k] for k in found.args)
        at = right if left == Sym(var) else left if right == Sym(var) else None
        if not isinstance(at, Ref | Sym | Num) or var in symbols(at):
            return None
        arms = {value: case for case in choice.cases for value in case.values}
        no, yes = (arms.get(value) for value in found.values)
        if no is None or yes is None or no is yes or not self.idle(no.body):
            return None
        return _Hit(at, yes.body)

    def once(self, statement: For, hit: _Hit, env: Mapping[str, str]) -> None:
        """Write the one turn of a loop, after a test whether the loop comes there at all."""
        atom = self.bind(statement.var, self.value(hit.at, env))
        start, stop = number(statement.start), number(statement.stop)
        span = self.span(hit.at)
        tests = []
        if start is None or span is None or span.start < start:
            tests.append(f"{text(statement.start, env)} <= ")
        if stop is None or span is None or span.stop > stop:
            tests.append(f" < {text(statement.stop, env)}")
        gates, spans = self.gates, self.spans
        self.gates = bound(gates, statement.var)
        self.spans = {name: s for name, s in spans.items() if name != statement.var}
        if start is not None and stop is not None:
            self.spans[statement.var] = range(start, stop)
        inner = {**env, statement.var: atom}
        if tests:
            before = tests[0] if tests[0].endswith("<= ") else ""
            after = tests[-1] if tests[-1].startswith(" <") else ""
            self.line(f"if {before}{atom}{after}:")
            self.block(hit.body, inner)
        else:
            self.body(hit.body, inner)
        self.gates, self.spans = gates, spans

    def span(self, value: Value) -> range | None:
        """Return a range that holds a value, with a step of 1."""
        match value:
            case Num(value=known):
                return range(known, known + 1)
            case Sym(name=name):
                found = self.spans.get(name)
                return None if found is None or found.step != 1 else found
            case Ref(name=name):
                kind = self.program.decl[name].type
                return range(kind.size) if isinstance(kind, Int) else None
        return None

    # ---- values

    def load(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return an element: from where it is known, or else from the slice."""
        own = self.slices.get(ref.name)
        if own is None:
            return super().load(ref, env)
        if ref.name in self.before and own.is_old(ref):
            return self.before[ref.name]
        key = ref.name, self.index(ref, env)
        if key not in self.known:
            self.read.add(ref.name)
            stored = self.stored(ref, env)
            # a variable that changes later must not be known by its name
            self.known[key] = self.copy(stored) if own.single else self.bind(
                self.layout.arrays[ref.name].ident, f"i64({stored})"
            )  # fmt: skip
        return self.known[key]

    def stored(self, ref: Ref, env: Mapping[str, str]) -> str:
        """Return where in its slice an element is stored."""
        own, ident = self.slices[ref.name], self.layout.arrays[ref.name].ident
        if own.single:
            return ident
        return self.item(ident, text(flat_index(own.cell(ref), own.shape), env))

    def item(self, ident: str, index: str) -> str:
        """Return the text of an element; an unsigned index is not tested for being negative."""
        return f"{ident}[{index}]" if index.isdigit() else f"{ident}[u64({index})]"

    def copy(self, ident: str) -> str:
        """Read a variable into another one."""
        fresh = self.layout.names.fresh(ident)
        self.line(f"{fresh} = {ident}")
        return fresh


def _many(case: Case) -> tuple[int, int]:
    return len(case.values), min(case.values)


def _fits(selector: str, values: tuple[int, ...], size: int) -> str:
    """Return the shorter test: for the values, or against the only other one."""
    others = set(range(size)) - set(values)
    return (
        f"{selector} != {others.pop()}"
        if len(others) == 1 < len(values)
        else test(selector, values)
    )


def _negated(condition: Static) -> Static:
    found = fold(condition)
    match found:
        case Op(op="==", args=args):
            return Op("!=", args)
        case Op(op="!=", args=args):
            return Op("==", args)
    return Op("not", (found,))
