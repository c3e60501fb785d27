"""Choices that cannot influence an output are found on examples."""

from __future__ import annotations

import numpy as np

from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Case, Decl, Fixed, Gate, Int, Num, Program, Ref, Set, Switch, Sym
from neuralc.learning.dead import dead_choices

# `out` is one of two cells, or 0.
PROGRAM = Program(
    name="small",
    decls=(
        Decl("op", "param", Int(2)),
        Decl("at", "param", Int(2)),
        Decl("kept", "param", Int(2), (2,)),
        Decl("cells", "input", Int(2), (2,)),
        Decl("out", "output", Int(2)),
        Decl("unused", "var", Int(2)),
    ),
    tables=(),
    networks=(),
    fixed=(Fixed("kept", (0,), 1),),
    body=(
        Switch(
            Ref("op"),
            2,
            (
                Case((0,), (Set(Ref("out"), Num(0)),)),
                Case(
                    (1,), (Gate("i", 2, Ref("at"), (Set(Ref("out"), Ref("cells", (Sym("i"),))),)),)
                ),
            ),
        ),
        Set(Ref("unused"), Ref("kept", (Num(1),))),
    ),
)
EXAMPLES = Examples({"cells": np.array([[0, 1], [1, 0]])}, {}, 2)


def dead(op: int, examples: Examples = EXAMPLES) -> set[tuple[str, tuple[int, ...]]]:
    choices = {"op": np.array(op), "at": np.array(1), "kept": np.array([1, 1])}
    return dead_choices(PROGRAM, choices, examples)


def test_a_choice_is_dead_where_no_output_depends_on_it() -> None:
    assert dead(op=1) == {("kept", (1,))}
    assert dead(op=0) == {("kept", (1,)), ("at", ())}


def test_nothing_is_known_without_examples() -> None:
    assert dead(op=0, examples=EXAMPLES.take([])) == set()
