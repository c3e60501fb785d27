"""Which constructs occur in a program: what is never drawn is never tested."""

from __future__ import annotations

from collections.abc import Iterator

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    For,
    Gate,
    If,
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
)

CONSTRUCTS = (
    "gate", "gate in a gate", "gate on a function", "gate variable as a value",
    "gate variable as an index", "arithmetic on a gate variable as an index",
    "index of two gate variables", "gate variable says what is set", "gate variable in an if",
    "switch", "switch in a gate", "switch on a function", "switch of functions of the same values",
    "if", "if on a gate variable", "if that guards an index", "loop", "loop in a loop",
    "loop downwards or by steps", "loop with moving bounds", "table", "table of tables",
    "table without arguments", "table of three", "limits", "tight selector", "fixed choice",
    "observation", "observation in a loop", "one value only", "more than six values",
)  # fmt: skip


def constructs(program: Program) -> frozenset[str]:
    """Return those of `CONSTRUCTS` that occur in a program."""
    return frozenset((*_declared(program), *_Walk(program).body(program.body, (), {})))


def _declared(program: Program) -> Iterator[str]:
    sizes = {str(decl.type) for decl in program.decls}
    if "1" in sizes:
        yield "one value only"
    if any(int(size) > 6 for size in sizes):
        yield "more than six values"
    if any(decl.limits is not None for decl in program.decls):
        yield "limits"
    if program.fixed:
        yield "fixed choice"
    if program.tables:
        yield "table"
    if any(not table.sizes for table in program.tables):
        yield "table without arguments"
    if any(len(table.sizes) > 2 for table in program.tables):
        yield "table of three"


class _Walk:
    """Yields constructs; the outer statements are named, `kinds` tells loops and gates apart."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def body(self, body: Body, outer: tuple[str, ...], kinds: dict[str, str]) -> Iterator[str]:
        for statement in body:
            yield from self.statement(statement, outer, kinds)

    def statement(
        self, statement: Statement, outer: tuple[str, ...], kinds: dict[str, str]
    ) -> Iterator[str]:
        match statement:
            case Set(target=target, value=value):
                if _gates(target, kinds):
                    yield "gate variable says what is set"
                yield from self.value(value, kinds)
            case For(var=var, body=inner):
                yield from self.loop(statement, outer)
                yield from self.body(inner, (*outer, "loop"), {**kinds, var: "loop"})
            case Gate(var=var, value=value, body=inner):
                yield from self.branch(statement, "gate", outer)
                yield from self.value(value, kinds)
                yield from self.body(inner, (*outer, "gate"), {**kinds, var: "gate"})
            case Switch(value=value, cases=cases):
                yield from self.branch(statement, "switch", outer)
                yield from self.value(value, kinds)
                if _fused(cases):
                    yield "switch of functions of the same values"
                for case in cases:
                    yield from self.body(case.body, (*outer, "switch"), kinds)
            case If(condition=condition, then=then, orelse=orelse):
                yield "if"
                if _gates(condition, kinds):
                    yield "if on a gate variable"
                if _guards(statement):
                    yield "if that guards an index"
                yield from self.body((*then, *orelse), (*outer, "if"), kinds)
            case Observe(ref=ref):
                yield "observation in a loop" if "loop" in outer else "observation"
                yield from self.value(ref, kinds)

    def loop(self, loop: For, outer: tuple[str, ...]) -> Iterator[str]:
        yield "loop in a loop" if "loop" in outer else "loop"
        if loop.step != 1:
            yield "loop downwards or by steps"
        if symbols(loop.start) | symbols(loop.stop):
            yield "loop with moving bounds"

    def branch(self, branch: Gate | Switch, what: str, outer: tuple[str, ...]) -> Iterator[str]:
        yield what
        if "gate" in outer:
            yield f"{what} in a gate"
        if isinstance(branch.value, Call):
            yield f"{what} on a function"
        elif str(branch.size) != str(self.program.decl[branch.value.name].type):
            yield "tight selector"

    def value(self, value: Value, kinds: dict[str, str]) -> Iterator[str]:
        match value:
            case Ref(index=index):
                gates = [gate for i in index for gate in _gates(i, kinds)]
                if gates:
                    yield "gate variable as an index"
                if any(_gates(i, kinds) for i in index if isinstance(i, Op)):
                    yield "arithmetic on a gate variable as an index"
                if len(set(gates)) > 1:
                    yield "index of two gate variables"
                if any(_gates(i, kinds) and _tests(i) for i in index):
                    yield "gate variable in an if"
            case Call(args=args):
                if any(isinstance(arg, Call) for arg in args):
                    yield "table of tables"
                for arg in args:
                    yield from self.value(arg, kinds)
            case _ if _gates(value, kinds):
                yield "gate variable as a value"


def _gates(value: Value, kinds: dict[str, str]) -> list[str]:
    return [name for name in symbols(value) if kinds[name] == "gate"]


def _tests(value: Static) -> bool:
    return isinstance(value, Op) and (value.op == "ifelse" or any(map(_tests, value.args)))


def _guards(statement: If) -> bool:
    """Tell whether an arm subtracts what the condition compares: elsewhere it is negative."""
    match statement.condition:
        case Op(op="<" | ">=", args=(one, cut)):
            arms = repr((statement.then, statement.orelse))
            return any(repr(Op("-", pair)) in arms for pair in ((one, cut), (cut, one)))
    return False


def _fused(cases: tuple[Case, ...]) -> bool:
    """Tell whether two arms at least set the same element to functions of the same elements."""
    arms: list[tuple[Ref, frozenset[Value]]] = []
    for case in cases:
        for statement in case.body:
            if isinstance(statement, Set) and isinstance(statement.value, Call):
                arms.append((statement.target, frozenset(statement.value.args)))
    return any(
        arms.count(arm) > 1 and all(isinstance(arg, Ref | Sym) for arg in arm[1]) for arm in arms
    )
