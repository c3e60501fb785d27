"""Which loops carry nothing from one turn to the next, and so can become an axis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neuralc.backends.soft.values import Known
from neuralc.ir import static
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    Num,
    Observe,
    Op,
    Ref,
    Set,
    Static,
    Switch,
    Sym,
    Value,
    symbols,
    walk,
)

Env = Mapping[str, int | Known]


def independent(loop: For, env: Env) -> bool:
    """Tell whether the turns of a loop can be run side by side.

    They can if every element is set at an index that contains the loop variable plainly, and
    whatever is read of a variable that the loop sets belongs to the same turn, or is certainly
    none of the elements that the loop sets.
    """
    if loop.step != 1 or any(_ties(statement, loop.var) for statement in walk(loop.body)):
        return False
    writes: dict[str, tuple[int, int, Ref]] = {}
    for target in _targets(loop.body):
        place = _place(target, loop.var)
        if place is None or writes.setdefault(target.name, (*place, target))[:2] != place:
            return False
    return all(
        _own_turn(read, loop.var, writes[read.name][:2])
        or all(
            _apart(read, target, env) for target in _targets(loop.body) if target.name == read.name
        )
        for read in reads(loop.body)
        if read.name in writes
    )


def reads(body: Body) -> Iterator[Ref]:
    """Yield everything that a body reads."""
    for statement in walk(body):
        match statement:
            case Set(value=value) | Gate(value=value) | Switch(value=value) | Observe(ref=value):
                yield from _refs(value)


def _ties(statement: object, var: str) -> bool:
    match statement:
        case Observe():
            return True
        case For(start=start, stop=stop):
            return var in symbols(start) | symbols(stop)
    return False


def _targets(body: Body) -> list[Ref]:
    return [statement.target for statement in walk(body) if isinstance(statement, Set)]


def _refs(value: Value) -> Iterator[Ref]:
    match value:
        case Ref():
            yield value
        case Call(args=args):
            for arg in args:
                yield from _refs(arg)


def _place(target: Ref, var: str) -> tuple[int, int] | None:
    """Return the one dimension whose index is `var + offset`, and the offset."""
    found = [k for k, index in enumerate(target.index) if var in symbols(index)]
    if len(found) != 1:
        return None
    offset = _offset(target.index[found[0]], var)
    return None if offset is None else (found[0], offset)


def _offset(index: Static, var: str) -> int | None:
    match index:
        case Sym(name=name) if name == var:
            return 0
        case Op(op="+", args=(Sym(name=name), Num(value=n)) | (Num(value=n), Sym(name=name))):
            return n if name == var else None
        case Op(op="-", args=(Sym(name=name), Num(value=n))):
            return -n if name == var else None
    return None


def _own_turn(read: Ref, var: str, place: tuple[int, int]) -> bool:
    return _offset(read.index[place[0]], var) == place[1]


def _apart(read: Ref, target: Ref, env: Env) -> bool:
    """Tell whether two elements certainly differ in some index known by now."""
    for a, b in zip(read.index, target.index, strict=True):
        if all(isinstance(env.get(name), int) for name in symbols(a) | symbols(b)):
            numbers = {name: n for name, n in env.items() if isinstance(n, int)}
            if static.value(a, numbers) != static.value(b, numbers):
                return True
    return False
