"""Compilation by memorisation: a controller is overfitted until it emits the programs wanted.

Nothing is claimed of any other z. What a program leaves open is left out of the loss: start values
`?`, arguments that an instruction does not look at, the target of STOP, and of the lines behind
the last all but that they stop. Therefore what was learned is judged by exact runs, too.

Source: "compilation by memorisation" of Saldyt & Kambhampati, "Algorithmic Language Models with
Neurally Compiled Libraries" (2024), arXiv:2407.04899; where they match a whole matrix, we match the
choices that are not open.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.ir.assembly import ARITY, Assembly
from neuralc.lang.pyasm.function import Program
from neuralc.nn import exact
from neuralc.nn.compile import assembly_of
from neuralc.nn.contextual import Controller

Array = np.ndarray[Any, Any]
Key = int | tuple[float, ...]
LOOK_EVERY = 10  # updates between two looks at how certain the programs are


@dataclass(frozen=True)
class Memorised:
    """How a controller learned its programs.

    Attributes:
        programs: those that were wanted, by z.
        emitted: those that it emits now, by z, as `Controller.program` reads them.
        exact: by z, whether every choice that is not open is the wanted one.
        same: by z, on how many of the random memories both programs ended alike: the same memory
            after the same number of instructions, or both cut off with the same memory.
        tried: how many random memories that were.
        confidence: the least probability of a wanted choice, at scale 1.
        asked: the confidence that was asked for.
        steps: updates made.
        seconds: of wall clock, without the exact runs.

    """

    programs: Mapping[Key, Assembly]
    emitted: Mapping[Key, Assembly]
    exact: Mapping[Key, bool]
    same: Mapping[Key, int]
    tried: int
    confidence: float
    asked: float
    steps: int
    seconds: float

    @property
    def done(self) -> bool:
        """Whether every program is emitted, surely enough, and behaves alike on all memories."""
        alike = all(count == self.tried for count in self.same.values())
        return all(self.exact.values()) and alike and self.confidence >= self.asked


def memorise(
    controller: Controller, programs: Mapping[Key, Assembly | Program | str], *,
    confidence: float = 0.99, rate: float = 3e-3, most_steps: int = 5000, memories: int = 100,
    max_steps: int = 200, seed: int = 0,
) -> Memorised:  # fmt: skip
    """Overfit a controller until it emits a program for each z; it is changed in place.

    Args:
        controller: the controller.
        programs: by z, an integer or a tuple of real numbers, what `nn.compile` takes: a routine's
            name, assembly, or a function decorated with `neuralc.program`.
        confidence: the probability that every wanted choice must have, above 0.5 and below 1.
        rate: of Adam, on all programs at once.
        most_steps: updates after which it is given up; `done` says whether it was needed.
        memories: random ones, on which each emitted program is run exactly against the wanted one.
        max_steps: instructions after which such a run is cut off.
        seed: of the random memories.

    Raises:
        ModelErrors: a program is wrong, or does not fit the memory.
        NeuralcError: there are no programs, one has too many registers, the z are of two kinds or
            do not fit, or the confidence is out of range.

    """
    if not 0.5 < confidence < 1:
        raise NeuralcError(f"the confidence lies between 0.5 and 1, found {confidence:g}")
    wanted = {key: assembly_of(program, controller.memory) for key, program in programs.items()}
    z = _inputs(list(wanted)).to(controller.places.device)
    target = _Target(list(wanted.values()), controller)
    optimiser = torch.optim.Adam(controller.parameters(), rate)
    begun = time.perf_counter()
    steps, sure = _overfit(controller, z, target, optimiser, confidence, most_steps)
    seconds = time.perf_counter() - begun
    with torch.no_grad():
        right = target.right(controller(z))
    emitted = {key: controller.program(z[k]) for k, key in enumerate(wanted)}
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, controller.memory, (memories, controller.memory))
    same = {key: alike(wanted[key], emitted[key], cells, max_steps=max_steps) for key in wanted}
    flags = dict(zip(wanted, right, strict=True))
    return Memorised(wanted, emitted, flags, same, memories, sure, confidence, steps, seconds)


def alike(one: Assembly, other: Assembly, cells: Array, *, max_steps: int) -> int:
    """Return on how many memories, integers `[B, M]`, two programs end alike; see `Memorised`."""
    first, second = (exact.run(program, cells, max_steps=max_steps) for program in (one, other))
    equal = (first.memory == second.memory).all(1)
    equal &= (first.steps == second.steps) & (first.halted == second.halted)
    return int(equal.sum())


def _overfit(
    controller: Controller, z: Tensor, target: _Target, optimiser: torch.optim.Optimizer,
    confidence: float, most: int,
) -> tuple[int, float]:  # fmt: skip
    """Descend until all choices are certain enough; return the updates, and the least certain."""
    for step in range(most + 1):
        logits = controller(z)
        if step % LOOK_EVERY == 0 or step == most:
            sure = target.confidence(logits)
            if sure >= confidence or step == most:
                break
        optimiser.zero_grad()
        target.loss(logits).backward()
        optimiser.step()
    optimiser.zero_grad()
    return step, sure


def _inputs(keys: list[Key]) -> Tensor:
    """Return the z of some programs as a controller takes them."""
    if not keys:
        raise NeuralcError("there are no programs to memorise")
    if all(isinstance(key, int) for key in keys):
        return torch.tensor(keys)
    rows = [key for key in keys if isinstance(key, tuple)]
    if len(rows) < len(keys) or len({len(row) for row in rows}) > 1:
        raise NeuralcError(
            "the z of the programs are of different kinds\n"
            "  hint: give integers, or tuples of real numbers that are all as long"
        )
    return torch.tensor(rows, dtype=torch.float64)


class _Target:
    """The choices of N programs that are not open: which they are, and what they should be."""

    def __init__(self, programs: list[Assembly], controller: Controller) -> None:
        """Collect them; a program may have fewer registers than the controller."""
        rows = [_choices(program, controller) for program in programs]
        device = controller.places.device
        self.count = len(rows)
        self.where, self.values = {}, {}
        for name in rows[0]:
            stacked = torch.from_numpy(np.stack([row[name] for row in rows])).to(device)
            self.where[name] = (stacked != OPEN).nonzero(as_tuple=True)
            self.values[name] = stacked[self.where[name]]
        self.total = sum(len(values) for values in self.values.values())

    def loss(self, logits: Mapping[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy of all choices, a number."""
        parts = [
            nn.functional.cross_entropy(logits[name][self.where[name]], values, reduction="sum")
            for name, values in self.values.items()
        ]
        return torch.stack(parts).sum() / self.total

    def confidence(self, logits: Mapping[str, Tensor]) -> float:
        """Return the least probability of a wanted choice."""
        least = [
            logits[name].detach()[self.where[name]].softmax(-1).gather(1, values[:, None]).min()
            for name, values in self.values.items()
            if len(values)
        ]
        return float(torch.stack(least).min())

    def right(self, logits: Mapping[str, Tensor]) -> list[bool]:
        """Return for each program whether the most probable choices are the wanted ones."""
        wrong = torch.zeros(self.count, dtype=torch.bool)
        for name, values in self.values.items():
            missed = logits[name][self.where[name]].argmax(-1) != values
            wrong[self.where[name][0][missed].cpu()] = True
        return (~wrong).tolist()


OPEN = -1
"""A choice that may be anything."""


def _choices(program: Assembly, controller: Controller) -> dict[str, Array]:
    """Return the choices of a program, `OPEN` where they may be anything."""
    size = controller.memory
    found = {name: value[0] for name, value in program.choices(size).items()}
    spare = controller.registers - len(program.registers)
    if spare < 0:
        raise NeuralcError(
            f"a program with {len(program.registers)} registers needs a controller with as many, "
            f"not {controller.registers}"
        )
    starts = [OPEN if r is None else r % size for r in program.registers]
    found["initial_registers"] = np.array([*starts, *[OPEN] * spare])
    for name in ("first", "second", "target"):
        found[name][len(program.lines) :] = OPEN
    for k, line in enumerate(program.lines):
        if line.first is None and ARITY[line.operation] < 1:
            found["first"][k] = OPEN
        if line.second is None and ARITY[line.operation] < 2:
            found["second"][k] = OPEN
        if line.target is None and line.operation == "STOP":
            found["target"][k] = OPEN
    return found
