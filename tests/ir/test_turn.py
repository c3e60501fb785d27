"""A turn of a time loop, run again and again, does what the loop does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc import machines
from neuralc.errors import Declined
from neuralc.ir.algebras import Integers
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Int, Program
from neuralc.ir.turn import turn
from neuralc.lang.model import parse
from neuralc.source import Source

STEPS = 9
HYPERS: dict[str, dict[str, int]] = {
    "ram": {"memory_size": 5, "num_registers": 3, "max_steps": STEPS},
    "turing": {"numTapeSymbols": 3, "numHeadStates": 3, "tapeLength": 4,
               "numTimesteps": STEPS + 1},
    "assembly": {"const_maxInt": 4, "const_numRegisters": 2, "const_numTimesteps": STEPS,
                 "const_numBlocks": 4},
}  # fmt: skip


def load(name: str) -> Program:
    text = machines.path(name).read_text(encoding="utf-8")
    return parse(Source(name, text), HYPERS[name]).program


def drawn(program: Program, rng: np.random.Generator) -> dict[Any, int]:
    """Return random values for all choices and inputs."""
    found: dict[Any, int] = {}
    for decl in (*program.of("param"), *program.of("input")):
        assert isinstance(decl.type, Int)
        for index in np.ndindex(decl.shape):
            found[decl.name, index] = int(rng.integers(decl.type.size))
    return found


def unseen(*_: Any) -> int:
    raise AssertionError("there is no network here")


@pytest.mark.parametrize("name", list(HYPERS))
def test_turns_one_after_the_other_are_the_loop(name: str) -> None:
    program, rng = load(name), np.random.default_rng(3)
    one = turn(program)
    assert not check(one.program)
    sizes = {d.name: d.shape for d in one.program.decls}
    for _ in range(30):
        given = drawn(program, rng)
        whole = evaluate(program, given, Integers(unseen))
        choices = {key: value for key, value in given.items() if key[0] in one.program.decl}
        state = {
            (n, i): whole[n, (0, *i)] for n in one.following for i in np.ndindex(sizes[n])
        }  # fmt: skip
        for t in range(STEPS):
            after = evaluate(one.program, {**choices, **state}, Integers(unseen))
            state = {
                (n, i): after[following, i]
                for n, following in one.following.items() for i in np.ndindex(sizes[n])
            }  # fmt: skip
            assert state == {(n, i): whole[n, (t + 1, *i)] for n, i in state}


def test_a_known_state_is_put_in() -> None:
    program = load("ram")
    one = turn(program, known={"halted": 0}, without=("count",))
    names = {decl.name for decl in one.program.decls}
    assert "next_halted" in names
    assert not names & {"halted", "count", "next_count", "initial_memory", "initial_line"}
    assert "Count" not in {table.name for table in one.program.tables}


def test_what_is_given_is_not_computed() -> None:
    given = ("operation", "first_register", "second_register", "target_register")
    one = turn(load("ram"), known={"halted": 0}, given=given, without=("count",))
    assert not one.program.of("param")
    assert {decl.name for decl in one.program.of("input")} == {
        *given, "memory", "registers", "line_number",
    }  # fmt: skip


def test_loops_that_are_no_time_loops_are_declined() -> None:
    with pytest.raises(Declined, match="0 loops"):
        turn(parse(Source("m", "x = Input(3)\ny = Output(3)\ny.set_to(x)\n"), {}).program)


@pytest.mark.parametrize("value", ["a[0]", "t", "b[t]"])
def test_a_turn_must_not_depend_on_its_number(value: str) -> None:
    text = f"""
x = Input(4)
b = Input(4)[3]
y = Output(4)
a = Var(4)[4]
a[0].set_to(x)
for t in range(3):
    if t == 1:
        a[t + 1].set_to({value})
    else:
        a[t + 1].set_to(a[t])
y.set_to(a[3])
"""
    for model in (text, text.replace("t == 1", "1 == 1")):
        with pytest.raises(Declined):
            turn(parse(Source("m", model), {}).program)
