"""One turn of the time loop of a program, as a program of its own.

What the loop carries from one turn to the next becomes inputs and outputs, so that whoever runs the
turns can look at the state between them and stop when he likes. Nothing else changes: the turns
one after the other do what the loop does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from neuralc.errors import Declined
from neuralc.ir.nodes import (
    Body,
    Call,
    Decl,
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
    symbols,
    walk,
)


@dataclass(frozen=True)
class Turn:
    """A turn: `program` maps each input `name` to the output `following[name]`."""

    program: Program
    following: Mapping[str, str]


def turn(
    program: Program, *, known: Mapping[str, int] | None = None, given: Collection[str] = (),
    without: Collection[str] = (),
) -> Turn:  # fmt: skip
    """Return one turn of the only time loop of a program.

    Args:
        program: a checked program.
        known: carried single variables that have one value wherever a turn is run; they are put
            in before the turn, and come out of it like the others.
        given: variables of the turn that are inputs instead of being computed.
        without: carried arrays that are left out; nothing else may depend on them.

    Raises:
        Declined: there is not exactly one time loop, or it does more than carry a state.

    """
    loop = _time_loop(program)
    return _Turn(program, loop, dict(known or {}), frozenset(given), frozenset(without)).run()


def _time_loop(program: Program) -> For:
    loops = [s for s in program.body if isinstance(s, For) and _carried(s)]
    if len(loops) != 1:
        raise Declined("a single turn", [f"{len(loops)} loops carry something to the next turn"])
    return loops[0]


def _carried(loop: For) -> frozenset[str]:
    """Return the arrays that a loop sets for its next turn: those set at `var + 1`."""
    targets = [s.target for s in walk(loop.body) if isinstance(s, Set)]
    return frozenset(t.name for t in targets if t.index and _is_next(t.index[0], loop.var))


def _is_next(index: Static, var: str) -> bool:
    match index:
        case Op(op="+", args=(Sym(name=name), Num(value=1)) | (Num(value=1), Sym(name=name))):
            return name == var
    return False


@dataclass
class _Turn:
    program: Program
    loop: For
    known: Mapping[str, int]
    given: frozenset[str]
    without: frozenset[str]

    def run(self) -> Turn:
        self.carried = _carried(self.loop) - self.without
        self.next = {name: self._fresh(f"next_{name}") for name in sorted(self.carried)}
        body = self.body(self.loop.body)
        read = _read(body)
        before = [name for name in self.next if name in read and name not in self.known]
        decls = [self._decl(d, read) for d in self.program.decls]
        afters = [self._shrunk(self.program.decl[n], "output", self.next[n]) for n in self.next]
        kept = tuple(d for d in (*decls, *afters) if d is not None)
        tables = tuple(t for t in self.program.tables if t.name in read)
        networks = tuple(n for n in self.program.networks if n.name in read)
        names = {d.name for d in kept}
        fixed = tuple(f for f in self.program.fixed if f.name in names)
        one = replace(
            self.program, decls=kept, tables=tables, networks=networks, fixed=fixed, body=body
        )
        return Turn(one, {name: self.next[name] for name in [*before, *self.known]})

    def _fresh(self, wish: str) -> str:
        while wish in self.program.decl:
            wish += "_"
        return wish

    # ---- declarations

    def _decl(self, decl: Decl, read: frozenset[str]) -> Decl | None:
        if decl.name in self.carried:
            there = decl.name in read and decl.name not in self.known
            return self._shrunk(decl, "input", decl.name) if there else None
        if decl.kind == "output" or decl.name in self.without:
            return None
        if decl.kind == "var":
            kind: Kind = "input" if decl.name in self.given else "var"
            there = decl.name in read or decl.name in self.written
            return self._shrunk(decl, kind, decl.name) if there else None
        return decl if decl.name in read else None

    def _shrunk(self, decl: Decl, kind: Kind, name: str) -> Decl:
        return replace(decl, name=name, kind=kind, shape=decl.shape[1:])

    # ---- statements

    def body(self, body: Body) -> Body:
        self.written: set[str] = set()
        return self._body(body)

    def _body(self, body: Body) -> Body:
        found: list[Statement] = []
        for statement in body:
            found += self._statement(statement)
        return tuple(found)

    def _statement(self, statement: Statement) -> Body:
        match statement:
            case Set(target=target, value=value):
                if target.name in self.given or target.name in self.without:
                    return ()
                place = self._target(target)
                self.written.add(place.name)
                return (replace(statement, target=place, value=self._value(value)),)
            case Switch(value=Ref(name=name) as value) if name in self.known:
                self._source(value)
                chosen = [c for c in statement.cases if self.known[name] in c.values]
                return self._body(chosen[0].body)
            case Switch(value=value, cases=cases):
                arms = tuple(replace(case, body=self._body(case.body)) for case in cases)
                if not any(arm.body for arm in arms):
                    return ()
                return (replace(statement, value=self._selector(value), cases=arms),)
            case Gate(value=value, body=body):
                inner = self._body(body)
                selector = self._selector(value)
                return (replace(statement, value=selector, body=inner),) if inner else ()
            case For(start=start, stop=stop, body=body):
                self._same_in_all_turns(start, stop)
                inner = self._body(body)
                return (replace(statement, body=inner),) if inner else ()
            case If(condition=condition, then=then, orelse=orelse):
                self._same_in_all_turns(condition)
                arms2 = self._body(then), self._body(orelse)
                return (replace(statement, then=arms2[0], orelse=arms2[1]),) if any(arms2) else ()
            case Observe(ref=ref):
                return (replace(statement, ref=self._source(ref)),)

    # ---- references

    def _target(self, ref: Ref) -> Ref:
        if ref.name in self.carried and _is_next(ref.index[0], self.loop.var):
            return self._at_turn(replace(ref, name=self.next[ref.name]))
        return self._source(ref)

    def _source(self, ref: Ref) -> Ref:
        """Return a reference to this turn's element."""
        kind = self.program.decl[ref.name].kind
        if kind in ("param", "input"):
            return self._timeless(ref, ref.index)
        if not ref.index or ref.index[0] != Sym(self.loop.var):
            raise Declined(
                "a single turn", [f"{ref.name} is used at another time than {self.loop.var}"]
            )
        return self._at_turn(ref)

    def _at_turn(self, ref: Ref) -> Ref:
        return self._timeless(replace(ref, index=ref.index[1:]), ref.index[1:])

    def _timeless(self, ref: Ref, index: tuple[Static, ...]) -> Ref:
        self._same_in_all_turns(*index)
        return ref

    def _same_in_all_turns(self, *parts: Value) -> None:
        if any(self.loop.var in symbols(part) for part in parts):
            raise Declined("a single turn", [f"it computes with {self.loop.var}"])

    def _selector(self, value: Ref | Call) -> Ref | Call:
        found = self._value(value)
        assert isinstance(found, Ref | Call)
        return found

    def _value(self, value: Value) -> Value:
        match value:
            case Ref(name=name) if name in self.known:
                self._source(value)
                return Num(self.known[name])
            case Ref():
                return self._source(value)
            case Call(args=args):
                return replace(value, args=tuple(self._value(arg) for arg in args))
            case _:
                self._same_in_all_turns(value)
                return value


def _read(body: Body) -> frozenset[str]:
    """Return the names of everything that a body reads or calls."""
    found: set[str] = set()

    def note(value: Value) -> None:
        match value:
            case Ref(name=name):
                found.add(name)
            case Call(function=name, args=args):
                found.add(name)
                for arg in args:
                    note(arg)

    for statement in walk(body):
        match statement:
            case Set(value=value) | Gate(value=value) | Switch(value=value) | Observe(ref=value):
                note(value)
    return frozenset(found)
