"""Where a time loop may be left early: in a turn after which no turn changes anything.

Such a turn finds a number that the loop carries, `halted[t] == 1` say, and then only copies what
the loop carries, that number included. The next turn finds the same, and so on to the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from neuralc.backends.exact.accesses import number, same
from neuralc.backends.exact.slices import Gates, Slice, bound, single_turn
from neuralc.ir.nodes import (
    Body,
    For,
    Gate,
    If,
    Num,
    Ref,
    Set,
    Statement,
    Switch,
    children,
    walk,
)

Slices = Mapping[str, Slice]


class End(NamedTuple):
    """The branch that ends the loop: number `arm` of a `Switch`, or of an `If` (0: then)."""

    statement: Switch | If
    arm: int


class _Found(NamedTuple):
    """An element that decides, and its value in the branch."""

    ref: Ref
    value: int | None


def end(loop: For, carried: Slices) -> End | None:
    """Return the branch in which nothing changes any more; None: none is sure to be one.

    Args:
        loop: a time loop.
        carried: the arrays of which this loop needs one slice only.

    """
    found = _search(loop.body, carried, {})
    if found is None or sum(s is found.statement for s in walk(loop.body)) != 1:
        return None
    return found


def idle(body: Body, carried: Slices, gates: Gates, found: _Found | None = None) -> bool:
    """Tell whether a body changes nothing that outlives the turn, where `found` holds."""
    return all(_idle(statement, carried, gates, found) for statement in body)


def _idle(statement: Statement, carried: Slices, gates: Gates, found: _Found | None) -> bool:
    match statement:
        case Set(target=target, value=value):
            own = carried.get(target.name)
            if own is None:
                return False
            if not own.kept or own.copies(statement, gates):
                return True
            return (
                found is not None
                and target.name == found.ref.name
                and same(own.cell(target), own.cell(found.ref))
                and isinstance(value, Num)
                and value.value == found.value
            )
        case For(var=var, body=body):
            return idle(body, carried, bound(gates, var), found)
        case Gate(var=var, value=value, body=body):
            return idle(body, carried, bound(gates, var, value), found)
        case If() | Switch():
            return all(idle(body, carried, gates, found) for body in children(statement))
    return False


def _search(body: Body, carried: Slices, gates: Gates) -> End | None:
    """Look for the branch in a body that every turn runs; all else there must be idle."""
    for k, statement in enumerate(body):
        if not idle((*body[:k], *body[k + 1 :]), carried, gates):
            continue
        match statement:
            case Gate(var=var, value=value, body=inner):
                found = _search(inner, carried, bound(gates, var, value))
                if found is not None:
                    return found
            case Switch(value=value, cases=cases):
                for arm, case in enumerate(cases):
                    only = case.values[0] if len(case.values) == 1 else None
                    if case.values and _lasts(value, only, case.body, carried, gates):
                        return End(statement, arm)
            case If(condition=condition, then=then, orelse=orelse):
                for var, value in gates.items():
                    test = single_turn(var, condition)
                    only = None if test is None else number(test[0])
                    if test is None or only is None:
                        continue
                    arm = 0 if test[1] else 1
                    if _lasts(value, only, (then, orelse)[arm], carried, gates):
                        return End(statement, arm)
    return None


def _lasts(value: object, only: int | None, body: Body, carried: Slices, gates: Gates) -> bool:
    """Tell whether a branch, once taken because of a value, is taken in all later turns."""
    if not isinstance(value, Ref) or value.name not in carried:
        return False
    own = carried[value.name]
    if not own.is_old(value) or any(number(part) is None for part in own.cell(value)):
        return False
    return idle(body, carried, gates, _Found(value, only))
