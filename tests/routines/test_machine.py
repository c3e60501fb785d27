"""The machine with subroutines: all its executions are the plain interpreter, traps included."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from neuralc.ir.alm import FIELDS
from neuralc.nn.library import exact
from neuralc.nn.library.exact import CUT_OFF, HALTED, TRAPPED
from neuralc.nn.library.machine import executor
from neuralc.nn.library.soft import SoftLibrary
from tests.routines.programs import (
    SIZES,
    interpreted,
    interpreted_softly,
    random_image,
    start,
)

STEPS = 14


def draws(seed: int, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1000 + seed)
    registers = rng.integers(SIZES.values, size=(count, SIZES.registers))
    return registers, rng.integers(SIZES.values, size=(count, SIZES.cells))


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_in_all_executions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, with the run cut into windows, and softly on certain values."""
    monkeypatch.setattr(exact, "WINDOW", STEPS // 2)
    image, (registers, memory) = random_image(seed), draws(seed)
    ended = exact.run(image, SIZES, 1, registers, max_steps=STEPS, memory=memory)
    machine = SoftLibrary(image, SIZES).double().requires_grad_(requires_grad=False)
    hot = [torch.eye(SIZES.values, dtype=torch.float64)[torch.from_numpy(x)]
           for x in (registers, memory)]  # fmt: skip
    soft = machine("main", list(hot[0].unbind(1)), hot[1], max_steps=STEPS)
    for k in range(len(registers)):
        inputs = start(SIZES, registers[k], memory[k])
        wanted = interpreted(image, SIZES, inputs, STEPS)
        assert ended.memory is not None
        assert ended.values[k] == wanted["final_registers"][0]
        assert (ended.memory[k] == wanted["final_memory"]).all()
        assert (ended.steps[k], ended.ended[k]) == (wanted["steps"], wanted["final_ended"])
        for found, name in ((soft.registers[k], "final_registers"),
                            (soft.memory[k], "final_memory"),
                            (soft.ended[k], "final_ended")):  # fmt: skip
            hot_wanted = np.eye(found.shape[-1])[wanted[name]]
            np.testing.assert_allclose(found.numpy(), hot_wanted, atol=1e-12)


def test_the_random_programs_end_in_every_way() -> None:
    ends: Counter[int] = Counter()
    for seed in range(30):
        registers, memory = draws(seed)
        found = exact.run(random_image(seed), SIZES, 1, registers, max_steps=STEPS, memory=memory)
        ends.update(found.ended.tolist())
    assert min(ends[end] for end in (CUT_OFF, HALTED, TRAPPED)) >= 3


@pytest.mark.parametrize("seed", range(4))
def test_soft_is_the_definition(seed: int) -> None:
    """On distributions of everything: lines, operands, and memory."""
    torch.manual_seed(seed)
    machine = SoftLibrary(random_image(seed), SIZES, sharpness=2.0).double()
    shapes = ((1, SIZES.registers, SIZES.values), (1, SIZES.cells, SIZES.values))
    registers, memory = (torch.rand(s, dtype=torch.float64).softmax(-1) for s in shapes)
    with torch.no_grad():
        found = machine("main", list(registers.unbind(1)), memory, max_steps=4)
        parts = machine.lines().split(list(SIZES.of_lines()), -1)
    inputs = start(SIZES, registers[0].numpy(), memory[0].numpy())
    sizes = {"initial_line": SIZES.lines, "initial_stack": SIZES.lines,
             "initial_height": SIZES.depth + 1}  # fmt: skip
    inputs |= {name: np.eye(size)[inputs[name]] for name, size in sizes.items()}
    lines = {name: part.numpy() for name, part in zip(FIELDS, parts, strict=True)}
    wanted = interpreted_softly(SIZES, lines, inputs, 4)
    np.testing.assert_allclose(found.registers[0].numpy(), wanted["final_registers"], atol=1e-12)
    np.testing.assert_allclose(found.memory[0].numpy(), wanted["final_memory"], atol=1e-12)
    np.testing.assert_allclose(found.ended[0].numpy(), wanted["final_ended"], atol=1e-12)


def test_the_compiled_kernel_is_the_plain_one() -> None:
    """Many programs at once, on random states of the whole machine."""
    rng = np.random.default_rng(0)
    images = [random_image(seed) for seed in range(40)]
    params = {
        name: np.concatenate([image.choices(SIZES.lines)[name] for image in images])
        for name in FIELDS
    }
    shapes = {
        "initial_line": ((), SIZES.lines), "initial_height": ((), SIZES.depth + 1),
        "initial_registers": ((SIZES.registers,), SIZES.values),
        "initial_memory": ((SIZES.cells,), SIZES.values),
        "initial_stack": ((SIZES.depth,), SIZES.lines),
    }  # fmt: skip
    inputs = {name: rng.integers(size, size=(20, *shape)) for name, (shape, size) in shapes.items()}
    fast, slow = (executor(SIZES, 50, jit).run(params, inputs) for jit in (True, False))
    for name, found in fast.items():
        assert (found == slow[name]).all(), name
