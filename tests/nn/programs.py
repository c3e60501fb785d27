"""Random programs and memories for the tests of the register machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.weights import SHARP, write

Array = np.ndarray[Any, Any]


def random_program(
    rng: np.random.Generator, memory: int, registers: int, *, lines: int | None = None,
    any_value: float = 0.0,
) -> Assembly:  # fmt: skip
    """Draw a program of `lines` lines (None: as many as there are cells).

    Args:
        rng: the source of chance.
        memory, registers: M and R.
        lines: how many lines.
        any_value: the chance that a field or a start value may be anything.

    """

    def draw(size: int) -> int | None:
        return None if rng.random() < any_value else int(rng.integers(size))

    body = tuple(
        Line(OPERATIONS[rng.integers(11)], draw(registers), draw(registers), draw(registers))
        for _ in range(lines or memory)
    )
    return Assembly(
        body, tuple(draw(memory) for _ in range(registers)), int(rng.integers(len(body)))
    )


def machine_of(programs: list[Assembly], memory: int, **options: Any) -> RegisterMachine:
    """Return a machine that runs programs with as many registers side by side, exactly."""
    registers = len(programs[0].registers)
    machine = RegisterMachine(memory, registers, restarts=len(programs), **options)
    single = RegisterMachine(memory, registers)
    with torch.no_grad():
        for k, program in enumerate(programs):
            write(single, program, sharpness=SHARP)
            for name, weight in machine.weights().items():
                weight[k] = single.weights()[name][0]
    return machine


def randomise(machine: RegisterMachine, seed: int, scale: float = 1.0) -> RegisterMachine:
    """Draw all weights."""
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in machine.weights().values():
            weight.copy_(scale * torch.randn(weight.shape, generator=noise, dtype=torch.float64))
    return machine


def soft_memory(seed: int, *shape: int) -> torch.Tensor:
    """Draw distributions of the cells, `shape` ends with M, M."""
    noise = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, generator=noise, dtype=torch.float64).softmax(-1)
