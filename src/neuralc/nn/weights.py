"""From a program to the weights of the register machine, and back to the most probable program.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import FIELDS

SHARP = 1000.0
"""Sharpness at which a compiled program is exact: all else has probability 0, in float64 too.

With anything above 0 long runs go wrong: an error may double with every other instruction.
"""
FLAT = 1e-6  # probabilities that differ by less are all the same
Spare = Literal["flat", "random"]


def write(
    machine: RegisterMachine, program: Assembly, *, sharpness: float = SHARP,
    spare: Spare = "flat", seeds: Sequence[int] = (),
) -> RegisterMachine:  # fmt: skip
    """Put a program into all restarts of a machine, and return it.

    Args:
        machine: its memory must have room for the program, its registers must be as many or more.
        program: the program; what may be anything in it becomes uniform.
        sharpness: the logit of what is chosen, in nats; the others are 0. A softer start (2 to 6)
            is what lets gradients find other programs.
        spare: what lines behind the program hold: "flat" zeros, or "random" logits, uniform
            between -1/sqrt(M) and 1/sqrt(M).
        seeds: of the random ones, one for each restart.

    Raises:
        NeuralcError: the program does not fit the machine.

    """
    _fit(machine, program)
    size = machine.memory
    weights = {name: torch.zeros_like(w) for name, w in machine.weights().items()}
    if spare == "random":
        for restart, seed in enumerate(seeds):
            noise = torch.Generator().manual_seed(seed)
            for name in FIELDS:
                drawn = torch.rand(weights[name].shape[1:], generator=noise, dtype=torch.float64)
                weights[name][restart] = ((2 * drawn - 1) / math.sqrt(size)).to(weights[name])
    for k, line in enumerate(program.lines):
        numbers = (OPERATIONS.index(line.operation), line.first, line.second, line.target)
        for name, number in zip(FIELDS, numbers, strict=True):
            weights[name][:, k] = _row(weights[name][0, k], number, sharpness)
    spares = (None,) * (machine.registers - len(program.registers))
    for r, value in enumerate((*program.registers, *spares)):
        number = None if value is None else value % size
        row = weights["initial_registers"]
        row[:, r] = _row(row[0, r], number, sharpness)
    sure = any(value is not None for value in program.registers)
    top = sharpness if sure else sharpness / size
    weights["initial_line"][:, program.start] = top
    return restore(machine, weights)


def restore(machine: RegisterMachine, weights: Mapping[str, Tensor]) -> RegisterMachine:
    """Put logits by name, `[*shape]` for all restarts or `(P, *shape)`, in; return the machine."""
    with torch.no_grad():
        for name, parameter in machine.weights().items():
            parameter.copy_(weights[name].expand_as(parameter))
    return machine


def _row(like: Tensor, number: int | None, sharpness: float) -> Tensor:
    if number is None:
        return torch.full_like(like, sharpness / len(like))
    return sharpness * nn.functional.one_hot(torch.tensor(number), len(like)).to(like)


def _fit(machine: RegisterMachine, program: Assembly) -> None:
    if len(program.lines) > machine.memory:
        raise NeuralcError(
            f"a program of {len(program.lines)} lines needs a memory of as many cells, "
            f"not {machine.memory}"
        )
    if len(program.registers) > machine.registers:
        raise NeuralcError(
            f"a program with {len(program.registers)} registers needs a machine with as many, "
            f"not {machine.registers}"
        )


def read(machine: RegisterMachine, restart: int = 0) -> Assembly:
    """Return the most probable program; where all values are as probable it says so (None).

    Lines behind the last one that is not all flat are left out.

    Args:
        machine: the machine.
        restart: which of its programs.

    """
    parts = {name: p[restart].detach() for name, p in machine.probabilities().items()}
    return assembly(parts)


def assembly(probabilities: Mapping[str, Tensor]) -> Assembly:
    """Return the most probable program of the probabilities `[*shape, size]` of all choices."""
    best = {name: _best(p) for name, p in probabilities.items()}
    rows = list(zip(*(best[name] for name in FIELDS), strict=True))
    used = [k for k, row in enumerate(rows) if any(part is not None for part in row)]
    lines = [
        Line(OPERATIONS[operation or 0], first, second, target)
        for operation, first, second, target in rows[: max(used, default=0) + 1]
    ]
    start = int(probabilities["initial_line"].argmax())
    return Assembly(tuple(lines), tuple(best["initial_registers"]), start)


def _best(p: Tensor) -> list[int | None]:
    """Return the most probable value of every row, None where all are the same."""
    rows = p.reshape(-1, p.shape[-1])
    flat = rows.amax(-1) - rows.amin(-1) < FLAT
    return [None if f else int(k) for f, k in zip(flat, rows.argmax(-1), strict=True)]
