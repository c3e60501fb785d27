"""Makes a failing case small: parts are left out, and values replaced, as long as it still fails.

Delta debugging of one change at a time. What the checker refuses is not tried, and a change only
counts if it fails in the same way: a mismatch may not become a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

from fuzz.case import Case
from fuzz.examine import Finding, failure
from fuzz.executions import Execution
from neuralc.ir.check import check
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
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
    walk,
)

SECONDS = 60.0


def shrink(
    case: Case, finding: Finding, execution: Execution, seconds: float = SECONDS
) -> tuple[Case, Finding]:
    """Return a small case on which an execution fails in the same way, and how it fails."""
    until = monotonic() + seconds
    again = True
    while again:
        again = False
        for smaller in _smaller(case):
            if monotonic() > until:
                return case, finding
            found = failure(smaller, execution) if _runs(smaller) else None
            if found is not None and found.kind == finding.kind:
                case, finding, again = smaller, found, True
                break
    return case, finding


def _runs(case: Case) -> bool:
    """Tell whether the plain interpreter can run a case."""
    try:
        return not check(case.program) and bool(case.truth)
    except Exception:  # noqa: BLE001 - a change that made no sense
        return False


def _smaller(case: Case) -> Iterator[Case]:
    """Yield cases with one change, large ones first."""
    if len(case.choices) > 1:
        for one in case.choices:
            yield replace(case, choices=(one,))
    if len(case.inputs) > 1:
        for one in case.inputs:
            yield replace(case, inputs=(one,))
    for program in _programs(case.program):
        kept = {decl.name for decl in program.decls}
        fixed = {(one.name, one.index): one.value for one in program.fixed}
        yield replace(
            case,
            program=program,
            choices=tuple(
                {k: fixed.get(k, v) for k, v in one.items() if k[0] in kept} for one in case.choices
            ),
            inputs=tuple({k: v for k, v in one.items() if k[0] in kept} for one in case.inputs),
        )
    yield from _zeros(case)


def _zeros(case: Case) -> Iterator[Case]:
    """Yield cases with one number less among choices and inputs."""
    fixed = {(one.name, one.index) for one in case.program.fixed}
    for p, one in enumerate(case.choices):
        for element in [k for k, v in one.items() if v and k not in fixed]:
            rows = (*case.choices[:p], {**one, element: 0}, *case.choices[p + 1 :])
            yield replace(case, choices=rows)
    for e, one in enumerate(case.inputs):
        for element in [k for k, v in one.items() if v]:
            rows = (*case.inputs[:e], {**one, element: 0}, *case.inputs[e + 1 :])
            yield replace(case, inputs=rows)


def _programs(program: Program) -> Iterator[Program]:
    text = repr((program.body, program.fixed))
    for decl in program.decls:
        body = _without(program.body, decl.name) if decl.kind in ("var", "output") else program.body
        rest = tuple(one for one in program.decls if one is not decl)
        fixed = tuple(one for one in program.fixed if one.name != decl.name)
        if decl.kind in ("var", "output") or f"'{decl.name}'" not in text:
            yield replace(program, decls=rest, body=body, fixed=fixed)
    unused = tuple(table for table in program.tables if f"'{table.name}'" in text)
    if len(unused) < len(program.tables):
        yield replace(program, tables=unused)
    for body in _bodies(program.body):
        yield replace(program, body=body)
    for one in program.fixed:
        yield replace(program, fixed=tuple(other for other in program.fixed if other is not one))
    for k, decl in enumerate(program.decls):
        if decl.limits is not None:
            plain = replace(decl, limits=None)
            yield replace(program, decls=(*program.decls[:k], plain, *program.decls[k + 1 :]))
    for k, decl in enumerate(program.decls):
        for axis, length in enumerate(decl.shape):
            if length > 1 and decl.kind in ("var", "output"):
                shape = (*decl.shape[:axis], length - 1, *decl.shape[axis + 1 :])
                decls = (*program.decls[:k], replace(decl, shape=shape), *program.decls[k + 1 :])
                yield replace(program, decls=decls)
                yield replace(program, decls=decls, body=_shorter(program.body, length))
    for k, table in enumerate(program.tables):
        if any(table.values):
            zero = replace(table, values=(0,) * len(table.values))
            yield replace(program, tables=(*program.tables[:k], zero, *program.tables[k + 1 :]))


def _without(body: Body, name: str) -> Body:
    """Return a body that does not set, nor observe, a variable."""
    found: list[Statement] = []
    for statement in body:
        match statement:
            case Set(target=Ref(name=same)) | Observe(ref=Ref(name=same)) if same == name:
                continue
            case For(body=inner) | Gate(body=inner):
                statement = replace(statement, body=_without(inner, name))
            case Switch(cases=cases):
                arms = tuple(replace(case, body=_without(case.body, name)) for case in cases)
                statement = replace(statement, cases=arms)
            case If(then=then, orelse=orelse):
                statement = replace(
                    statement, then=_without(then, name), orelse=_without(orelse, name)
                )
        found.append(statement)
    return tuple(s for s in found if any(isinstance(t, Set | Observe) for t in walk((s,))))


def _shorter(body: Body, length: int) -> Body:
    """Return a body whose loops to a length end one turn earlier."""
    found: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            inner = _shorter(statement.body, length)
            stop = Num(length - 1) if statement.stop == Num(length) else statement.stop
            start = Num(length - 2) if statement.start == Num(length - 1) else statement.start
            statement = replace(statement, start=start, stop=stop, body=inner)
        found.append(statement)
    return tuple(found)


def _bodies(body: Body) -> Iterator[Body]:
    for k, statement in enumerate(body):
        for instead in _statements(statement):
            yield (*body[:k], *instead, *body[k + 1 :])


def _statements(statement: Statement) -> Iterator[Body]:
    """Yield what a statement can be replaced by: parts of it first."""
    yield ()
    match statement:
        case Set(value=value):
            for less in _values(value):
                yield (replace(statement, value=less),)
        case Observe(ref=ref):
            for less in _values(ref):
                if isinstance(less, Ref):
                    yield (replace(statement, ref=less),)
        case For(var=var, start=start, body=body):
            yield _put(body, var, start)
            for inner in _bodies(body):
                yield (replace(statement, body=inner),)
        case Gate(var=var, size=size, value=value, body=body):
            yield from _hoisted(statement)
            for k in range(size):
                yield _put(body, var, Num(k))
            for inner in _bodies(body):
                yield (replace(statement, body=inner),)
            yield from ((replace(statement, value=less),) for less in _selectors(value))
        case Switch():
            yield from _switches(statement)
        case If(condition=condition, then=then, orelse=orelse):
            yield then
            yield orelse
            for inner in _bodies(then):
                yield (replace(statement, then=inner),)
            for inner in _bodies(orelse):
                yield (replace(statement, orelse=inner),)
            for less in _statics(condition):
                yield (replace(statement, condition=less),)


def _hoisted(branch: Gate | Switch) -> Iterator[Body]:
    """Yield the value of a branch itself, for what is set in it."""
    for inner in walk((branch,)):
        if isinstance(inner, Set):
            yield (replace(inner, value=branch.value),)


def _switches(switch: Switch) -> Iterator[Body]:
    yield from _hoisted(switch)
    for k, case in enumerate(switch.cases):
        yield case.body
        for inner in _bodies(case.body):
            arms = (*switch.cases[:k], replace(case, body=inner), *switch.cases[k + 1 :])
            yield (replace(switch, cases=arms),)
    yield from ((replace(switch, value=less),) for less in _selectors(switch.value))


def _selectors(value: Value) -> Iterator[Ref | Call]:
    yield from (less for less in _values(value) if isinstance(less, Ref | Call))


def _values(value: Value) -> Iterator[Value]:
    match value:
        case Ref(index=index):
            yield Num(0)
            for k, i in enumerate(index):
                for less in _statics(i):
                    yield replace(value, index=(*index[:k], less, *index[k + 1 :]))
        case Call(args=args):
            yield Num(0)
            yield from args
            for k, arg in enumerate(args):
                for one in _values(arg):
                    yield replace(value, args=(*args[:k], one, *args[k + 1 :]))
        case _:
            yield from _statics(value)


def _statics(value: Static) -> Iterator[Static]:
    if value != Num(0):
        yield Num(0)
    if isinstance(value, Op):
        yield from value.args
        for k, arg in enumerate(value.args):
            for less in _statics(arg):
                yield replace(value, args=(*value.args[:k], less, *value.args[k + 1 :]))


def _put(body: Body, var: str, value: Static) -> Body:
    """Return a body with a number in the place of a variable."""

    def new(old: Any) -> Any:
        match old:
            case Sym(name=name):
                return value if name == var else old
            case Ref(index=args):
                return replace(old, index=tuple(map(new, args)))
            case Op(args=args) | Call(args=args):
                return replace(old, args=tuple(map(new, args)))
        return old

    found: list[Statement] = []
    for statement in body:
        match statement:
            case Set(target=target, value=old):
                statement = replace(statement, target=new(target), value=new(old))
            case Observe(ref=ref):
                statement = replace(statement, ref=new(ref))
            case For(start=start, stop=stop, body=inner):
                inner = _put(inner, var, value)
                statement = replace(statement, start=new(start), stop=new(stop), body=inner)
            case Gate(value=old, body=inner):
                statement = replace(statement, value=new(old), body=_put(inner, var, value))
            case Switch(value=old, cases=cases):
                arms = tuple(replace(case, body=_put(case.body, var, value)) for case in cases)
                statement = replace(statement, value=new(old), cases=arms)
            case If(condition=condition, then=then, orelse=orelse):
                statement = If(new(condition), _put(then, var, value), _put(orelse, var, value))
        found.append(statement)
    return tuple(found)
