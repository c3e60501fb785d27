"""Programs of the register machine are made faster, stay right, and come out readable."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise import Found, Superoptimiser, superoptimise
from neuralc.backends.search.superoptimise_tidy import tidied
from neuralc.errors import DataError, Declined
from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program
from neuralc.learning.model import Model

Array = np.ndarray[Any, Any]
MEMORY, REGISTERS = 10, 6
SIZES = (len(OPERATIONS), REGISTERS, REGISTERS, REGISTERS, MEMORY, MEMORY)

COUNT = Assembly(  # a and b are read, then b times a + 1 and b - 1
    lines=(
        Line("READ", 4, None, 4),
        Line("READ", 3, None, 3),
        Line("JEZ", 3, 0, 5),
        Line("DEC", 3, None, 3),
        Line("INC", 4, None, 4),
        Line("JEZ", 2, 1, 5),
        Line("WRITE", 2, 4, 5),
        Line("STOP"),
    ),
    registers=(6, 2, 0, 1, 0, 0),
)
ADD = Assembly(
    lines=(
        Line("READ", 4, None, 4),
        Line("READ", 3, None, 3),
        Line("ADD", 3, 4, 4),
        Line("WRITE", 2, 4, 5),
        Line("STOP"),
    ),
    registers=(6, 2, 0, 1, 0, 0),
)


def machine(steps: int = 80) -> Program:
    hypers = {"memory_size": MEMORY, "num_registers": REGISTERS, "max_steps": steps}
    return Model.load("ram", hypers).program


def sums(count: int = 60) -> Examples:
    """Return examples where cell 0 shall be the sum of the cells 0 and 1."""
    rng = np.random.default_rng(5)
    cells = np.zeros((count, MEMORY), np.int64)
    cells[:, :2] = rng.integers(0, 5, (count, 2))
    wanted = np.full_like(cells, -1)
    wanted[:, 0] = cells.sum(axis=1)
    free = np.full(count, -1)
    outputs = {"final_memory": wanted, "final_halted": free, "steps": free}
    return Examples({"initial_memory": cells}, outputs, count)


@pytest.fixture(scope="module")
def task() -> Superoptimiser:
    return Superoptimiser(machine(), sums())


@pytest.fixture(scope="module")
def found(task: Superoptimiser) -> Found:
    return task.run(COUNT.choices(MEMORY), seed=1, proposals=300_000)


def test_counting_becomes_adding(task: Superoptimiser, found: Found) -> None:
    before = task.judge(moving.row(COUNT.choices(MEMORY), task.program))[1].mean()
    right, steps = task.judge(moving.row(found.choices, task.program))
    assert before > 12
    assert right.all()
    assert found.right_on == 60
    assert found.mean_steps == steps.mean() == 5
    operations = [OPERATIONS[k] for k in found.choices["instruction"][:5]]
    assert operations == ["READ", "READ", "ADD", "WRITE", "STOP"]
    assert not found.choices["instruction"][5:].any(), "the other lines are STOP"
    assert found.choices["initial_line"] == 0


def test_right_on_all_sums_not_only_the_given_ones(task: Superoptimiser, found: Found) -> None:
    cells = np.zeros((25, MEMORY), np.int64)
    cells[:, :2] = np.indices((5, 5)).reshape(2, 25).T
    params = {name: value[None] for name, value in found.choices.items()}
    outputs = task.annealer.executor.run(params, {"initial_memory": cells})
    memory = outputs["final_memory"][0]
    assert (memory[:, 0] == cells.sum(axis=1)).all()


def test_history_falls_and_ends_at_the_result(found: Found) -> None:
    tried, means = zip(*found.history, strict=True)
    assert list(tried) == sorted(tried)
    assert tried[-1] <= found.tried == 300_000
    assert sorted(set(means), reverse=True) == list(means)
    assert means[-1] == found.mean_steps


def test_same_seed_same_result(task: Superoptimiser, found: Found) -> None:
    told: list[tuple[int, float]] = []
    again = task.run(
        COUNT.choices(MEMORY),
        seed=1,
        proposals=300_000,
        tell=lambda n, mean: told.append((n, mean)),
    )
    assert tuple(told) == again.history == found.history
    for name, value in found.choices.items():
        np.testing.assert_array_equal(again.choices[name], value)
    other = task.run(COUNT.choices(MEMORY), seed=2, proposals=300_000)
    assert other.history != found.history
    assert other.mean_steps == 5


def test_two_threads_repeat_themselves(task: Superoptimiser) -> None:
    runs = [task.run(COUNT.choices(MEMORY), seed=3, proposals=150_000, threads=2) for _ in "12"]
    assert runs[0].history == runs[1].history
    assert runs[0].tried == 150_000
    assert runs[0].mean_steps < 12


def test_no_budget_gives_the_original_back(task: Superoptimiser) -> None:
    original = COUNT.choices(MEMORY)
    for found in (
        task.run(original, seed=0, proposals=0),
        task.run(original, seed=0, seconds=0),
    ):
        assert (found.history, found.tried) == ((), 0)
        for name, value in found.choices.items():
            np.testing.assert_array_equal(value, original[name][0])


def test_examples_that_were_not_looked_at_count_too() -> None:
    """Nearly all examples are 1 + 2: a program that writes 3 is right on those, and fast."""
    many = sums(400)
    cells = many.inputs["initial_memory"]
    cells[:390, 0], cells[:390, 1], cells[:390, 2] = 1, 2, np.arange(390) % MEMORY
    many.outputs["final_memory"][:, 0] = cells[:, :2].sum(axis=1)
    found = superoptimise(machine(), COUNT.choices(MEMORY), many, seed=0, proposals=100_000)
    assert found.right_on == 400
    assert len({tuple(row) for row in cells[:, :2].tolist()}) > 2


def test_wrong_original_is_refused_with_the_example(task: Superoptimiser) -> None:
    wrong = replace(ADD, lines=(*ADD.lines[:2], Line("SUB", 3, 4, 4), *ADD.lines[3:]))
    with pytest.raises(DataError, match=r"wrong on example \d+ .*final_memory\[0\] is \d+, wanted"):
        task.run(wrong.choices(MEMORY), seed=0)
    with pytest.raises(DataError, match="does not stop within 80 steps"):
        task.run(replace(ADD, lines=ADD.lines[:4] * 2 + ADD.lines[:2]).choices(MEMORY), seed=0)
    with pytest.raises(DataError, match="'first' of the program: found nothing"):
        task.run({"instruction": np.zeros(MEMORY)}, seed=0)


def test_nothing_observed_is_refused() -> None:
    blank = sums(3)
    blank.outputs["final_memory"][:] = -1
    with pytest.raises(DataError, match="no cell is observed in 3 examples"):
        Superoptimiser(machine(), blank)


def test_other_machines_are_declined() -> None:
    turing = {"numTapeSymbols": 3, "numHeadStates": 2, "tapeLength": 4, "numTimesteps": 3}
    with pytest.raises(Declined, match=re.escape("it has no param 'instruction'")):
        Superoptimiser(Model.load("turing", turing).program, sums())


def changes(moves: moving.Moves, count: int) -> tuple[Array, Array]:
    """Change a program at random; return all the rows [count, choices], and what was returned."""
    row = moving.row(COUNT.choices(MEMORY), machine()).astype(np.uint8)
    change, rng = moving.compiled(), np.random.default_rng(0)
    live, parts = np.arange(MEMORY), moves.parts(0.3)
    rows, changed = [], []
    for _ in range(count):
        changed.append(change(rng, row, live, MEMORY, *parts))
        rows.append(row.copy())
    return np.array(rows), np.array(changed)


def test_changes_stay_in_range_and_reach_every_choice() -> None:
    program = machine()
    chances = {"initial_line": np.eye(MEMORY)[0]}  # the others: all the same
    rows, changed = changes(moving.Moves.of(program, np.array([3]), chances), 20_000)
    counts = [MEMORY] * 4 + [REGISTERS, 1]
    assert (rows < np.repeat(SIZES, counts)).all()
    moved = rows[1:] != rows[:-1]
    assert moved.any(axis=0).all()
    assert not moved[~changed[1:]].any(), "what is said to be unchanged is"


def test_chances_decide_what_is_drawn() -> None:
    program = machine()
    wanted = moving.row(ADD.choices(MEMORY), program)
    chances = {
        name: np.eye(size)[value]
        for (name, value), size in zip(moving.choices(wanted, program).items(), SIZES, strict=True)
    }
    moves = moving.Moves.of(program, np.array([3]), chances)
    only = np.array([kind == "chances" for kind in moving.KINDS]).cumsum()
    rows, _ = changes(replace(moves, kinds=only.astype(float)), 2_000)
    np.testing.assert_array_equal(rows[-1], wanted)
    with pytest.raises(DataError, match="chances of 'first'"):
        moving.Moves.of(program, np.array([3]), {"first": np.ones((MEMORY, 2))})


def test_lines_that_a_run_may_reach() -> None:
    row = moving.row(COUNT.choices(MEMORY), machine())
    row[:MEMORY] = [OPERATIONS.index(n) for n in ("INC", "JEZ", "STOP", *["ADD"] * 4)] + [0] * 3
    row[2 * MEMORY + 1] = 0  # the jump goes by register 0, which starts with 6
    live = np.empty(MEMORY, np.int64)
    count = moving.reachable()(row, MEMORY, REGISTERS, live)
    assert sorted(live[:count]) == [0, 1, 2, 6, 7]


def test_tidied_programs_are_readable(task: Superoptimiser) -> None:
    """ADD, begun in the middle, with a line in between that does nothing, and dead lines."""
    row = moving.row(COUNT.choices(MEMORY), task.program)
    lines = ADD.choices(MEMORY)
    for number, name in enumerate(moving.PARAMS[:4]):
        part = lines[name][0].copy()
        part[5:] = 1  # ZERO r1 r1, behind STOP
        row[number * MEMORY : (number + 1) * MEMORY] = np.roll(part, 3)
    row[-1] = 3
    row[[MEMORY * 2 + 3, MEMORY * 3 + 7]] = 4  # READ does not look there, nor does STOP
    row[4 * MEMORY] = 9  # nothing looks at register 0

    def judge(row: Array) -> tuple[bool, int]:
        right, steps = task.judge(row)
        return bool(right.all()), int(steps.sum())

    original = moving.row(COUNT.choices(MEMORY), task.program)
    assert judge(row) == (True, 300)
    found = tidied(row, original, MEMORY, REGISTERS, judge)
    np.testing.assert_array_equal(found, moving.row(lines, task.program))
