"""Time loops every turn of which is the same, moved by one: what holds for some holds for all.

Looks at the statements only. Whether it is worth anything is for whoever asks to see.
"""

from __future__ import annotations

from collections.abc import Iterator

from neuralc.ir.nodes import (
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
    Static,
    Switch,
    Sym,
    Value,
    symbols,
    walk,
)


def moved_arrays(loop: For, program: Program) -> frozenset[str] | None:
    """Return the arrays that a loop sets, each at its turn's number or the one after it.

    None: its turns are not the same. They are if the loop variable stands only in first indices, as
    itself or plus one; if whatever is set has it there; and if variables that have it there are set
    by this loop.
    """
    if loop.step != 1:
        return None
    written, read = set(), set()
    for statement in walk(loop.body):
        if any(loop.var in symbols(part) for part in _others(statement)):
            return None
        if isinstance(statement, Set):
            if not _has_time(statement.target, loop.var):
                return None
            written.add(statement.target.name)
        for ref in _refs(statement):
            if not any(loop.var in symbols(part) for part in ref.index):
                continue
            if not _has_time(ref, loop.var):
                return None
            read.add(ref.name)
    given = {d.name for d in program.decls if d.kind in ("param", "input")}
    return frozenset(written) if read - given <= written and written else None


def _has_time(ref: Ref, var: str) -> bool:
    """Tell whether the loop variable is in the first index, as itself or plus one, only."""
    if not ref.index or any(var in symbols(part) for part in ref.index[1:]):
        return False
    match ref.index[0]:
        case Sym(name=name):
            return name == var
        case Op(op="+", args=(Sym(name=name), Num(value=1)) | (Num(value=1), Sym(name=name))):
            return name == var
    return False


def _others(statement: object) -> tuple[Static, ...]:
    """Return the static expressions of a statement that are no indices."""
    match statement:
        case For(start=start, stop=stop):
            return (start, stop)
        case If(condition=condition):
            return (condition,)
        case Set(value=value) | Gate(value=value) | Switch(value=value):
            return tuple(_statics(value))
    return ()


def _statics(value: Value) -> Iterator[Static]:
    match value:
        case Ref():
            return
        case Call(args=args):
            for arg in args:
                yield from _statics(arg)
        case _:
            yield value


def _refs(statement: object) -> Iterator[Ref]:
    match statement:
        case Set(target=target, value=value):
            yield target
            yield from _inside(value)
        case Gate(value=value) | Switch(value=value):
            yield from _inside(value)
        case Observe(ref=ref):
            yield ref


def _inside(value: Value) -> Iterator[Ref]:
    match value:
        case Ref():
            yield value
        case Call(args=args):
            for arg in args:
                yield from _inside(arg)
