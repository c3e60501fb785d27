"""The conditions that proofs use hold for every input that is drawn, and name the asked cells."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.lang.pyfn import Concrete, read_expression
from neuralc.tasks.ram import TASKS

CASES = [
    (name, bias) for name, task in TASKS.items() for bias in task.biases if task.inputs[bias].where
]


def test_the_adapted_tasks_that_are_too_large_to_run_have_conditions() -> None:
    assert {("access", "third"), ("swap", "first-third"), ("listk", "ordered")} <= set(CASES)


@pytest.mark.parametrize(("name", "bias"), CASES)
def test_every_drawn_memory_fulfils_the_condition(name: str, bias: str) -> None:
    task = TASKS[name]
    inputs, samples = task.inputs[bias], task.draw(bias, 500, 1)
    holds = Concrete(read_expression(inputs.where, "where"))
    for memory in samples.given.tolist():
        assert holds({"initial_memory": memory})
    cells = np.zeros(task.memory, bool)
    cells[list(inputs.cells)] = True
    assert (samples.asked == cells).all()


@pytest.mark.parametrize(("name", "bias"), CASES)
def test_memories_of_another_kind_do_not(name: str, bias: str) -> None:
    holds = Concrete(read_expression(TASKS[name].inputs[bias].where, "where"))
    rng = np.random.default_rng(0)
    memories = rng.integers(0, TASKS[name].memory, (200, TASKS[name].memory)).tolist()
    assert not all(holds({"initial_memory": memory}) for memory in memories)
