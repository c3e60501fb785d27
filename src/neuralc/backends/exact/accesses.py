"""Where a program sets and reads the elements of its arrays, and how far from a loop variable.

Serves the analyses that make a kernel smaller; knows neither what they do nor the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neuralc.backends.exact.expressions import fold
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
    Statement,
    Static,
    Switch,
    Sym,
    Value,
    walk,
)


@dataclass(frozen=True, slots=True)
class Access:
    """An element that statement `place` of the program's body sets or reads somewhere inside."""

    ref: Ref
    sets: bool
    place: int


def accesses(body: Body) -> dict[str, list[Access]]:
    """Return all accesses of a program, by array, in the order of the text."""
    found: dict[str, list[Access]] = {}
    for place, outer in enumerate(body):
        for statement in walk((outer,)):
            for ref in reads(statement):
                found.setdefault(ref.name, []).append(Access(ref, False, place))
            if isinstance(statement, Set):
                ref = statement.target
                found.setdefault(ref.name, []).append(Access(ref, True, place))
    return found


def reads(statement: Statement) -> Iterator[Ref]:
    """Yield the elements that a statement itself reads, not those read inside its bodies."""
    match statement:
        case Set(value=value) | Gate(value=value) | Switch(value=value):
            yield from _refs(value)
        case Observe(ref=ref):
            yield ref


def _refs(value: Value) -> Iterator[Ref]:
    match value:
        case Ref():
            yield value
        case Call(args=args):
            for arg in args:
                yield from _refs(arg)


def offset(expression: Static, var: str) -> int | None:
    """Return k where an expression is `var + k`; None: it is something else."""
    match fold(expression):
        case Sym(name=name) if name == var:
            return 0
        case Op(op="+", args=(left, Num(value=k))) | Op(op="+", args=(Num(value=k), left)):
            inner = offset(left, var)
            return None if inner is None else inner + k
        case Op(op="-", args=(left, Num(value=k))):
            inner = offset(left, var)
            return None if inner is None else inner - k
    return None


def number(expression: Static) -> int | None:
    """Return the value of a constant; None: it is none."""
    found = fold(expression)
    return found.value if isinstance(found, Num) else None


def turns(loop: For) -> range | None:
    """Return the numbers that the variable of a loop runs through, where they are constants."""
    start, stop = number(loop.start), number(loop.stop)
    if start is None or stop is None or loop.step == 0:
        return None
    return range(start, stop, loop.step)


def rename(expression: Static, names: Mapping[str, str]) -> Static:
    """Return an expression with other names for its variables."""
    match expression:
        case Sym(name=name):
            return Sym(names.get(name, name))
        case Op(op=op, args=args):
            return Op(op, tuple(rename(arg, names) for arg in args))
    return expression


def binds(body: Body, var: str) -> bool:
    """Tell whether a loop or a gate inside a body has a variable of this name."""
    return any(isinstance(s, For | Gate) and s.var == var for s in walk(body))


def without(index: tuple[Static, ...], axis: int) -> tuple[Static, ...]:
    """Return an index without one of its axes."""
    return (*index[:axis], *index[axis + 1 :])


def same(left: tuple[Static, ...], right: tuple[Static, ...]) -> bool:
    """Tell whether two indices are written alike."""
    return tuple(map(fold, left)) == tuple(map(fold, right))
