"""Several choices by the same value, one after the other, become one choice.

What lies between them goes into every branch. An element never changes, so it is the same value
each time; a kernel then jumps once for it, and in each branch knows which values are set there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuralc.ir.nodes import Body, Case, For, Gate, If, Program, Ref, Statement, Switch, walk

MOST = 400
"""Statements in the branches together, beyond which choices stay apart."""


def gathered(program: Program) -> Program:
    """Return a program that means the same, with choices by the same element as one."""
    body = _body(program.body)
    if len(walk(body)) > MOST + 4 * len(walk(program.body)):
        return program  # choices within choices: the branches have become too many
    return replace(program, body=body)


def _body(body: Body) -> Body:
    found: list[Statement] = []
    k = 0
    while k < len(body):
        statement = body[k]
        last = _last(body, k)
        if isinstance(statement, Switch) and last > k:
            one = _one(body[k : last + 1], statement)
            if sum(len(walk(case.body)) for case in one.cases) <= MOST:
                statement, k = one, last
        found.append(_inside(statement))
        k += 1
    return tuple(found)


def _last(body: Body, first: int) -> int:
    """Return where the last choice by the same element is."""
    head = body[first]
    if not isinstance(head, Switch) or not isinstance(head.value, Ref):
        return first
    same = [
        k
        for k, other in enumerate(body)
        if isinstance(other, Switch) and (other.value, other.size) == (head.value, head.size)
    ]
    return max(same)


def _one(part: Body, head: Switch) -> Switch:
    """Return one choice for statements of which the first and the last choose by one element."""
    choices = [s for s in part if isinstance(s, Switch) and s.value == head.value]
    arms: dict[tuple[int, ...], list[int]] = {}
    for value in range(head.size):
        arms.setdefault(tuple(_arm(s.cases, value) for s in choices), []).append(value)
    cases = []
    for arm, values in arms.items():
        numbers = iter(arm)
        body: list[Statement] = []
        for statement in part:
            if isinstance(statement, Switch) and statement.value == head.value:
                body += statement.cases[next(numbers)].body
            else:
                body.append(statement)
        cases.append(Case(tuple(values), tuple(body)))
    return replace(head, cases=tuple(cases))


def _arm(cases: Sequence[Case], value: int) -> int:
    return next(k for k, case in enumerate(cases) if value in case.values)


def _inside(statement: Statement) -> Statement:
    """Return a statement with the choices in its bodies gathered."""
    match statement:
        case For(body=body) | Gate(body=body):
            return replace(statement, body=_body(body))
        case If(then=then, orelse=orelse):
            return replace(statement, then=_body(then), orelse=_body(orelse))
        case Switch(cases=cases):
            inner = tuple(replace(case, body=_body(case.body)) for case in cases)
            return replace(statement, cases=inner)
    return statement
