"""The lazy run gives what the exact execution gives, and looks at no choice that it need not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuralc.backends.base.problem import Problem
from neuralc.backends.exact import Executor
from neuralc.backends.search import emit
from neuralc.backends.search.emit import DONE, FAIL, NEED
from neuralc.backends.search.machine import Machine, cells
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Program
from neuralc.learning.model import Model
from neuralc.source import Source
from tests.search import cases

MACHINES: dict[str, dict[str, int]] = {
    "turing": {"numTapeSymbols": 3, "numHeadStates": 3, "tapeLength": 4, "numTimesteps": 5},
    "circuit": {"numGates": 4, "numWires": 4, "numOutputs": 2},
    "basic_block": {"numBlocks": 4, "numRegisters": 2, "numTimesteps": 5, "maxInt": 4},
    "assembly": {"const_maxInt": 4, "const_numRegisters": 2, "const_numTimesteps": 5,
                 "const_numBlocks": 4},
}  # fmt: skip

# Each of these sets something in one turn or branch and reads it in another.
TRAPS = {
    "set in the first turn only": """
p = Param(3)
x = Input(3)
y = Output(3)[3]
kept = Var(3)
for t in range(3):
    if t == 0:
        kept.set_to(p)
    if t == 1:
        y[t].set_to(kept)
    else:
        y[t].set_to(x)
""",
    "read a turn later": """
p = Param(3)[3]
x = Input(3)
y = Output(3)[3]
kept = Var(3)[3]
for t in range(3):
    if x == 0:
        kept[t].set_to(p[t])
    else:
        kept[t].set_to(x)
    if t == 0:
        y[t].set_to(x)
    else:
        y[t].set_to(kept[t - 1])
""",
    "its own past": """
p = Param(3)[3]
x = Input(3)
y = Output(3)[3]
sum = Var(3)[3]
seen = Var(3)[3]
@Runtime([3, 3], 3)
def ADD(a, b): return (a + b) % 3
for t in range(3):
    if x == 0:
        if t == 0:
            sum[t].set_to(p[t])
        else:
            sum[t].set_to(ADD(sum[t - 1], p[t]))
        seen[t].set_to(sum[t])
    else:
        sum[t].set_to(p[t])
        seen[t].set_to(x)
    if t < 2:
        y[t].set_to(x)
    else:
        y[t].set_to(seen[t])
""",
    "read in several branches and after them": """
p = Param(3)[2]
x = Input(3)
y = Output(3)[2, 2]
kept = Var(3)[2]
for t in range(2):
    kept[t].set_to(p[t])
    if x == 0:
        y[t, 0].set_to(kept[t])
    elif x == 1:
        y[t, 0].set_to(x)
    else:
        y[t, 0].set_to(kept[t])
    y[t, 1].set_to(kept[t])
""",
    "the loop variable again": """
p = Param(3)[2]
x = Input(3)
y = Output(3)[2, 2]
kept = Var(3)[2, 2]
for t in range(2):
    for r in range(2):
        kept[t, r].set_to(p[r])
    for r in range(2):
        y[t, r].set_to(kept[t, 1 - r])
""",
}


def drawn(program: Program, rng: np.random.Generator) -> Problem:
    """Return a program with random inputs and some of the outputs of a random program."""
    inputs = {
        d.name: rng.integers(0, d.type.size, (5, *d.shape))
        for d in program.of("input")
        if isinstance(d.type, Int)
    }
    machine = Machine(Problem(program, Examples(inputs, {}, 5)), jit=False)
    outputs = Executor(program, jit=False).run(machine.space.params(rows(machine, 1, rng)), inputs)
    targets = {
        name: np.where(rng.random(array[0].shape) < 0.5, -1, array[0])
        for name, array in outputs.items()
    }
    return Problem(program, Examples(inputs, targets, 5))


def rows(machine: Machine, count: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return random programs, [count, choices]."""
    found = np.tile(machine.space.start, (count, 1))
    sizes = machine.space.sizes[machine.space.open]
    found[:, machine.space.open] = rng.integers(0, sizes, (count, len(sizes)))
    return found


def check(problem: Problem, seed: int, count: int = 4) -> tuple[int, int]:
    """Compare all verdicts; return how many are right and wrong."""
    machine, verdicts = Machine(problem, jit=False), []
    some = rows(machine, count, np.random.default_rng(seed))
    executor = Executor(problem.program, jit=False)
    wanted = executor.score(machine.space.params(some), problem.examples)
    for row, expected in zip(some, wanted, strict=True):
        for example, verdict in enumerate(expected):
            verdicts.append(bool(verdict))
            assert run(machine, row.copy(), example) == (DONE if verdict else FAIL)
            assert by_need(machine, row, example) == (DONE if verdict else FAIL)
    return verdicts.count(True), verdicts.count(False)


def run(machine: Machine, choices: np.ndarray[Any, Any], example: int) -> int:
    """Run one example from the first step, on cells that hold rubbish."""
    room, need = cells(machine, 1), np.zeros(2, np.int64)
    room[:] = 1
    arrays = machine.given, machine.wanted, machine.tables
    return int(machine.run(0, 10**6, 0, example, choices, need, room, *arrays))


def by_need(machine: Machine, row: np.ndarray[Any, Any], example: int) -> int:
    """Run one example with choices that are told when they are asked for, from that step on."""
    room, need = cells(machine, 1), np.zeros(2, np.int64)
    choices, at, code = machine.space.start.copy(), 0, NEED
    arrays = machine.given, machine.wanted, machine.tables
    while code == NEED:
        code = machine.run(at, 10**6, 0, example, choices, need, room, *arrays)
        if code == NEED:
            assert choices[need[0]] < 0
            choices[need[0]], at = row[need[0]], int(need[1])
    return code


@given(st.integers(0, 10**6))
@settings(max_examples=60)
def test_random_programs(seed: int) -> None:
    problem = cases.random_problem(seed, most=10**9)
    assert problem is not None
    check(problem, seed)


@pytest.mark.parametrize("name", MACHINES)
def test_machines(name: str) -> None:
    rng = np.random.default_rng(0)
    program = Model.load(name, MACHINES[name]).program
    counts = [check(drawn(program, rng), seed, 20) for seed in range(6)]
    assert all(sum(column) > 20 for column in zip(*counts, strict=True))


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("lines", [0, 4000])
def test_what_is_read_elsewhere_is_set(
    name: str, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emit, "_LONG", lines)  # 0: nothing may wait
    program = Model.load(Source(name, TRAPS[name])).program
    counts = [check(drawn(program, np.random.default_rng(k)), k, 12) for k in range(8)]
    assert all(sum(column) > 20 for column in zip(*counts, strict=True))


def test_an_instruction_does_not_look_at_operands_it_does_not_use() -> None:
    problem = cases.shift()
    machine = Machine(problem, jit=False)
    for gate, operands in enumerate([2, 2, 2, 1, 1]):
        choices, looked, at = machine.space.start.copy(), 0, 0
        room, need = cells(machine, 1), np.zeros(2, np.int64)
        arrays = machine.given, machine.wanted, machine.tables
        until = machine.stages[0].until
        while machine.run(at, until, 0, 0, choices, need, room, *arrays) == NEED:
            choices[need[0]], at = gate if need[0] == 0 else 0, int(need[1])
            looked += 1
        assert looked == operands + 2, gate  # its type and its output
