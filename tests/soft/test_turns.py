"""One turn of the register machine, compiled and repeated: mass, losses, gradients in float32."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.runtime import centred_softmax
from neuralc.ir.turn import turn
from neuralc.learning.model import Model

SIZES = {"instruction": 11, "first": 0, "second": 0, "target": 0}  # 0: the number of registers
FETCHED = ("operation", "first_register", "second_register", "target_register")
STOP, INC, ADD = 0, 2, 3
NEGLIGIBLE = 1e-2  # times exp(-sharpness): the size of a gradient that is of second order
Parts = dict[str, Tensor]


class Machine:
    """The register machine of some size, by restarts."""

    def __init__(self, memory: int, registers: int, restarts: int) -> None:
        hypers = {"memory_size": memory, "num_registers": registers, "max_steps": 1}
        whole = Model.load("ram", hypers).program
        one = turn(whole, known={"halted": 0}, given=FETCHED, without=("count",))
        inputs = [decl.name for decl in one.program.of("input")]
        self.step = SoftModule(one.program, restarts=restarts, carried=inputs)
        sizes = {name: size or registers for name, size in SIZES.items()}
        self.shapes = {name: (restarts, memory, size) for name, size in sizes.items()}
        self.shapes["initial_registers"] = (restarts, registers, memory)
        self.shapes["initial_line"] = (restarts, memory)
        self.widths = list(sizes.values())

    def run(self, logits: Parts, memory: Tensor, turns: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return memory, registers and line after so many turns."""
        self.step.to(memory.dtype)
        chances = {name: centred_softmax(part) for name, part in logits.items()}
        rows = torch.cat([chances[name] for name in SIZES], -1)
        batch = memory.shape[0]
        line = chances["initial_line"].unsqueeze(1).expand(-1, batch, -1)
        registers = chances["initial_registers"].unsqueeze(1).expand(-1, batch, -1, -1)
        memory = memory.expand(len(line), *memory.shape)
        for _ in range(turns):
            fetched = (line @ rows).split(self.widths, -1)
            state = {"line_number": line, "registers": registers, "memory": memory}
            after, _ = self.step.run(dict(zip(FETCHED, fetched, strict=True)) | state)
            line, registers = after["next_line_number"], after["next_registers"]
            memory = after["next_memory"]
        return memory, registers, line

    def sharp(self, best: Parts, sharpness: float, seed: int = 0) -> Parts:
        """Return nearly discrete logits, float64 but of few digits, so that float32 holds them."""
        generator = torch.Generator().manual_seed(seed)
        logits = {}
        for name, shape in self.shapes.items():
            hot = torch.nn.functional.one_hot(best[name], shape[-1]).double()
            noise = torch.randn(shape, generator=generator, dtype=torch.float64)
            logits[name] = (sharpness * hot + 0.1 * noise).float().double()
        return logits


def leaves(logits: Parts, dtype: torch.dtype) -> Parts:
    """Return logits that gradients are wanted of."""
    return {name: part.to(dtype).requires_grad_() for name, part in logits.items()}


def gradient(logits: Parts) -> Tensor:
    """Return all gradients, a row for each restart, in float64."""
    parts = [torch.zeros_like(x) if x.grad is None else x.grad for x in logits.values()]
    return torch.cat([part.double().flatten(1) for part in parts], 1)


@pytest.mark.parametrize("sharpness", [1.0, 8.0, 20.0])
def test_a_thousand_times_r0_plus_r0(sharpness: float) -> None:
    """`ADD r0 r0 r0` on every line squares whatever error the mass of r0 has."""
    machine = Machine(20, 2, 1)
    best = {name: torch.zeros(shape[:-1], dtype=torch.long)
            for name, shape in machine.shapes.items()}  # fmt: skip
    best["instruction"] += ADD
    best["initial_registers"] += 5
    memory = torch.eye(20).unsqueeze(0).double()
    losses, gradients = [], []
    for dtype in (torch.float64, torch.float32):
        logits = leaves(machine.sharp(best, sharpness), dtype)
        _, registers, line = machine.run(logits, memory.to(dtype), 1000)
        assert (registers.sum(-1) - 1).abs().max() < 3e-4
        assert (line.sum(-1) - 1).abs().max() < 3e-4
        loss = -(registers[..., 0] + 1e-15).log().sum()
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(gradient(logits))
    assert abs(losses[0] - losses[1]) <= 1e-5
    assert gradients[1].isfinite().all()
    assert (gradients[0] - gradients[1]).norm() <= 1e-3


@pytest.mark.parametrize("sharpness", [0, 5, 10, 15, 20, 30, 50])
@pytest.mark.parametrize("right", [True, False])
def test_gradients_of_nearly_discrete_programs(sharpness: int, right: bool) -> None:
    """Random programs, their own memories or those of another one as targets, 40 turns."""
    size, restarts = 20, 4
    machine = Machine(size, 7, restarts)
    generator = torch.Generator().manual_seed(1)
    best = {name: torch.randint(0, shape[-1], shape[:-1], generator=generator)
            for name, shape in machine.shapes.items()}  # fmt: skip
    best["instruction"][best["instruction"] == STOP] = INC
    cells = torch.randint(0, size, (2, size), generator=generator)
    memory = torch.nn.functional.one_hot(cells, size).double()
    with torch.no_grad():
        made = machine.run(machine.sharp(best, 60.0), memory, 40)[0].argmax(-1, keepdim=True)
    target = made if right else made.roll(1, 0)
    found = []
    for dtype in (torch.float64, torch.float32):
        logits = leaves(machine.sharp(best, sharpness), dtype)
        after, _, _ = machine.run(logits, memory.to(dtype), 40)
        loss = -(after.gather(-1, target) + 1e-15).log().sum()
        loss.backward()
        found.append(gradient(logits))
    wanted, rounded = found
    counts = wanted.norm(dim=1) > NEGLIGIBLE * math.exp(-sharpness)
    assert counts.any()
    errors = (rounded - wanted).norm(dim=1) / wanted.norm(dim=1)
    # Which way float32 rounds depends on the processor; one program in four may show it more.
    assert errors[counts].median() <= 2e-3, errors
    assert errors[counts].max() <= 2e-2, errors


@pytest.mark.parametrize("size", [5, 8, 13])
def test_differences_of_the_carried_state(size: int) -> None:
    """The generated backward of a turn against differences, all inputs by restart."""
    machine = Machine(size, 3, 2)
    module = machine.step.double()
    decls = module.program.of("input")
    generator = torch.Generator().manual_seed(0)
    given = [
        torch.rand(2, 2, *decl.shape, decl.type.size, generator=generator).double()  # type: ignore[union-attr]
        for decl in decls
    ]

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        inputs = {
            decl.name: x / x.sum(-1, keepdim=True) for decl, x in zip(decls, given, strict=True)
        }
        return tuple(module.run(inputs)[0].values())

    assert torch.autograd.gradcheck(
        run, [x.requires_grad_() for x in given], fast_mode=True, atol=1e-6
    )
