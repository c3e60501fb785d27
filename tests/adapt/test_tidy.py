"""Programs that are shown do what the choices do, in as many steps."""

from __future__ import annotations

import numpy as np

from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.learning.adapt.problem import Problem
from neuralc.learning.adapt.tidy import tidy
from neuralc.nn.compile import assembly_of
from neuralc.tasks.ram import TASKS

TASK = TASKS["access"]
MEMORY, REGISTERS = TASK.memory, 3


def drawn(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "instruction": rng.integers(0, len(OPERATIONS), MEMORY),
        **{name: rng.integers(0, REGISTERS, MEMORY) for name in ("first", "second", "target")},
        "initial_registers": rng.integers(0, MEMORY, REGISTERS),
        "initial_line": rng.integers(0, MEMORY, ()),
    }


def test_random_programs_stay_what_they_are() -> None:
    rng = np.random.default_rng(5)
    problem = Problem(assembly_of("access", MEMORY), memory=MEMORY, task=TASK, bias="general")
    samples = problem.draw(20, "train", 0)
    jumps = straight = 0
    for _ in range(300):
        choices = drawn(rng)
        shown = tidy(choices, problem.original)
        jumps += any(line.operation == "JEZ" for line in shown.lines)
        straight += len(shown.lines) < MEMORY
        batch = {name: value[None] for name, value in choices.items()}
        inputs = {"initial_memory": samples.given}
        before = problem._executor.run(batch, inputs)
        after = problem._executor.run(
            {name: value[None] for name, value in problem.as_choices(shown).items()}, inputs
        )
        for name in before:
            assert (before[name] == after[name]).all(), (choices, shown)
    assert jumps > 50
    assert straight > 50


def test_lines_that_no_run_comes_to_are_left_out() -> None:
    rng = np.random.default_rng(1)
    choices = drawn(rng)
    operations = [OPERATIONS.index(name) for name in ("READ", "WRITE", "STOP")]
    choices["instruction"][4:7] = operations
    choices["initial_line"] = np.array(4)
    shown = tidy(choices, Assembly((Line("STOP"),), (0, 0, 0), names=("p", "x", "junk")))
    assert [line.operation for line in shown.lines] == ["READ", "WRITE", "STOP"]
    assert shown.lines[2] == Line("STOP")
    assert shown.lines[0].second is None
    assert (shown.start, shown.names) == (0, ("p", "x", "junk"))
