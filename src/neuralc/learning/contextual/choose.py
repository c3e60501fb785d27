"""Which of a controller's inputs does what examples ask for: found by gradients through the run.

A seed has one logit for each integer z. Soft choices among the z are drawn from them, the machine
runs the program that the controller emits for each, and the gradient of its loss leads through run
and controller back to the logits. The controller stays as it is. Between programs it may emit
anything; that is why choices are drawn nearly hard instead of walking in between.

Source: soft draws of Jang, Gu & Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017),
arXiv:1611.01144.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from neuralc.errors import DataError
from neuralc.ir.assembly import Assembly
from neuralc.ir.memories import Samples
from neuralc.nn import exact
from neuralc.nn.contextual import ContextualMachine
from neuralc.nn.loss import Wanted, Weights, loss


@dataclass(frozen=True)
class Settings:
    """How a z is looked for.

    Attributes:
        updates: of the logits.
        batch: B, samples of an update.
        draws: soft choices that a seed draws for an update.
        temperature: of the draws; towards 0 they are hard.
        rate: of Adam.
        weights: of the terms of the loss.

    """

    updates: int = 60
    batch: int = 8
    draws: int = 8
    temperature: float = 0.5
    rate: float = 0.1
    weights: Weights = field(default_factory=lambda: Weights(halting=1.0))


@dataclass(frozen=True)
class Chosen:
    """What a seed has found.

    Attributes:
        seed: the seed.
        z: the most probable z in the end.
        chance: its probability.
        program: the program that the controller emits for it.
        right: whether that is right on all samples, by exact execution.

    """

    seed: int
    z: int
    chance: float
    program: Assembly
    right: bool


def choose(
    machine: ContextualMachine, samples: Samples, *, seeds: Sequence[int] = (0,),
    settings: Settings | None = None,
) -> list[Chosen]:  # fmt: skip
    """Find the z whose program does what samples ask for; one answer for each seed.

    Args:
        machine: its controller takes integers; it is cut off after `machine.max_steps` turns, in
            the exact runs too.
        samples: the memories before and after.
        seeds: of the draws and of the samples of the updates.
        settings: how; None: the usual.

    Raises:
        DataError: the samples have another number of cells.

    """
    if samples.memory != machine.controller.memory:
        raise DataError(f"the samples have {samples.memory} cells, not {machine.controller.memory}")
    search = _Search(machine, samples, seeds, settings or Settings())
    for _ in range(search.settings.updates):
        search.update()
    return search.found()


class _Search:
    """The seeds side by side: the logits of z, `(S, d)`."""

    def __init__(
        self, machine: ContextualMachine, samples: Samples, seeds: Sequence[int], settings: Settings
    ) -> None:
        """Begin with all z alike."""
        self.machine, self.samples, self.seeds, self.settings = machine, samples, seeds, settings
        like = machine.controller.places
        self.logits = torch.zeros(len(seeds), machine.controller.inputs).to(like)
        self.logits.requires_grad_()
        self.optimiser = torch.optim.Adam([self.logits], settings.rate)
        self.noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.picks = [np.random.default_rng([7, seed]) for seed in seeds]

    def update(self) -> None:
        """Make one update of all seeds; the controller gets no gradient."""
        given, wanted, asked = self._batch()
        machine = self.machine.machine(self._drawn().flatten(0, 1))
        target = Wanted(wanted, asked, machine.initial_line, machine.restarts)
        weights = self.settings.weights
        terms = loss(machine, given, target, confidence=weights.confidence != 0)
        total = terms.total(weights).mean(1).sum() / self.settings.draws
        (self.logits.grad,) = torch.autograd.grad(total, [self.logits])
        self.optimiser.step()

    def found(self) -> list[Chosen]:
        """Run the program of the most probable z of every seed exactly."""
        chances, best = self.logits.detach().softmax(-1).max(-1)
        programs = {z: self.machine.controller.program(z) for z in set(best.tolist())}
        right = {z: self._right(program) for z, program in programs.items()}
        rows = zip(self.seeds, best.tolist(), chances.tolist(), strict=True)
        return [Chosen(seed, z, chance, programs[z], right[z]) for seed, z, chance in rows]

    def _right(self, program: Assembly) -> bool:
        ended = exact.run(program, self.samples.given, max_steps=self.machine.max_steps)
        return bool((self.samples.right(ended.memory) & ended.halted).all())

    def _drawn(self) -> Tensor:
        """Draw soft choices, `(S, draws, d)`."""
        shape = (self.settings.draws, self.logits.shape[1])
        drawn = [torch.empty(shape).exponential_(generator=noise) for noise in self.noise]
        gumbel = -torch.stack(drawn).log().to(self.logits)
        return ((self.logits.unsqueeze(1) + gumbel) / self.settings.temperature).softmax(-1)

    def _batch(self) -> list[Tensor]:
        """Pick the samples of an update, the same for all draws of a seed: `(S * draws, B, M)`."""
        size = self.settings.batch
        picked = np.stack([rng.integers(0, self.samples.count, size) for rng in self.picks])
        parts = (self.samples.given, self.samples.wanted, self.samples.asked)
        return [
            torch.from_numpy(part[picked]).repeat_interleave(self.settings.draws, 0)
            for part in parts
        ]
