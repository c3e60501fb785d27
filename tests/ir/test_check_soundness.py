"""What the checker lets through can be run: tried on random programs, broken at random."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from neuralc.ir.algebras import Distributions, Integers
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import (
    Body,
    Case,
    For,
    Gate,
    If,
    Num,
    Op,
    Program,
    Ref,
    Set,
    Statement,
    Switch,
    Sym,
)
from tests.random_models import programs, random_assignment, random_distributions


def mutated(body: Body, data: st.DataObject) -> Body:
    """Return a body with one statement dropped, repeated, moved, or changed in a number."""
    if not body:
        return body
    at = data.draw(st.integers(0, len(body) - 1))
    before, statement, after = body[:at], body[at], body[at + 1 :]
    match data.draw(st.sampled_from(["inside", "inside", "number", "drop", "repeat", "move"])):
        case "drop":
            return before + after
        case "repeat":
            return (*before, statement, statement, *after)
        case "move":
            return (*after, statement, *before)
        case "number":
            return (*before, renumbered(statement, data), *after)
    match statement:
        case For(body=inner) | Gate(body=inner):
            statement = replace(statement, body=mutated(inner, data))
        case If(then=then):
            statement = replace(statement, then=mutated(then, data))
        case Switch(cases=(first, *rest)):
            first = Case(first.values, mutated(first.body, data))
            statement = replace(statement, cases=(first, *rest))
    return (*before, statement, *after)


def renumbered(statement: Statement, data: st.DataObject) -> Statement:
    by = Num(data.draw(st.sampled_from([1, -1])))
    match statement:
        case Set(target=Ref(index=(first, *rest))) if data.draw(st.booleans()):
            index = (Op("+", (first, by)), *rest)
            return replace(statement, target=replace(statement.target, index=index))
        case Set(value=Ref(index=(first, *rest)) as value):
            return replace(statement, value=replace(value, index=(Op("+", (first, by)), *rest)))
        case Set(value=Num() | Sym() | Op() as value):
            return replace(statement, value=Op("+", (value, by)))
        case For(stop=stop):
            return replace(statement, stop=Op("+", (stop, by)))
        case If(condition=Op() as condition):
            return replace(statement, condition=Op("not", (condition,)))
    return statement


@given(programs(), st.data())
def test_what_is_accepted_can_be_run(program: Program, data: st.DataObject) -> None:
    """Break programs at random: what the checker lets through runs and sets all outputs."""
    program = replace(program, body=mutated(program.body, data))
    if check(program):
        return
    exact = evaluate(program, random_assignment(program, 0), Integers())
    soft = evaluate(program, random_distributions(program, 0), Distributions())
    names = {decl.name for decl in program.of("output")}
    for found in (exact, soft):
        assert names <= {name for name, _ in found}
