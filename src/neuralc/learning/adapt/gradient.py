"""Adaptation by gradients: many seeds side by side, each from a softened copy of the original.

Every few updates the most probable program of each seed is run exactly on samples kept for
choosing; the fastest one that is right on all of them is what a seed has found.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from neuralc.ir.memories import Samples
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.nn.loss import Wanted, Weights, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import Halting, Mixing
from neuralc.nn.weights import Spare, write

Array = np.ndarray[Any, Any]
Tell = Callable[[int, int, str], None]
"""Told the work done, all the work, and a remark."""

POOL = 1024  # training samples that a seed draws; each update picks some of them
CHOOSE = 64  # samples by which candidates are chosen


@dataclass(frozen=True)
class Settings:
    """How gradients are followed.

    Attributes:
        updates: of the weights.
        batch: B, samples of an update; their gradients are added up.
        optimiser: "sgd" or "adam".
        rate: the learning rate.
        weights: of the four terms of the loss.
        sharpness: the logit that the original begins with, in nats.
        max_steps: turns after which a run is cut off; None: those of the problem.
        mixing, halting: see `nn.turns.Turns`.
        spare: lines behind the program, see `nn.weights.write`.
        look_every: updates between two looks at the discrete programs.

    """

    updates: int = 1000
    batch: int = 8
    optimiser: Literal["sgd", "adam"] = "adam"
    rate: float = 0.1
    weights: Weights = field(default_factory=Weights)
    sharpness: float = 3.0
    max_steps: int | None = None
    mixing: Mixing = "rows"
    halting: Halting = "exact"
    spare: Spare = "random"
    look_every: int = 10


@dataclass(frozen=True, eq=False)
class Soft:
    """What the soft program of a seed does on samples: the machine with its weights as they are.

    Attributes:
        right: whether the most probable values are as wanted on all.
        confidence: the least probability of a wanted value.
        steps: the mean number of turns.

    """

    right: bool
    confidence: float
    steps: float


class Descent:
    """Gradient descent of several seeds.

    Attributes:
        machine: the weights as they are now; program k belongs to `seeds[k]`.
        best: for each seed the fastest right program so far, None without one.
        steps: its mean number of steps on the samples for choosing; infinite without one.
        curve: for each look the update, and how many seeds have a faster program.

    """

    def __init__(self, problem: Problem, settings: Settings, seeds: Sequence[int]) -> None:
        """Soften the original for every seed, and draw the samples."""
        self.problem, self.settings, self.seeds = problem, settings, tuple(seeds)
        self.machine = RegisterMachine(
            problem.memory, problem.registers, restarts=len(seeds),
            max_steps=settings.max_steps or problem.max_steps,
            mixing=settings.mixing, halting=settings.halting,
        )  # fmt: skip
        write(self.machine, problem.original, sharpness=settings.sharpness,
              spare=settings.spare, seeds=self.seeds)  # fmt: skip
        pools = [problem.draw(POOL, "train", seed) for seed in self.seeds]
        self.pool = {
            name: torch.from_numpy(np.stack([getattr(pool, name) for pool in pools]))
            for name in ("given", "wanted", "asked")
        }
        self.picks = [np.random.default_rng([7, seed]) for seed in self.seeds]
        self.chosen_by = problem.draw(CHOOSE, "choose", 0)
        self.optimiser = self._optimiser()
        self.best: list[Choices | None] = [None] * len(seeds)
        self.steps = np.full(len(seeds), np.inf)
        self.curve: list[tuple[int, int]] = []

    def run(self, tell: Tell | None = None) -> None:
        """Make all updates."""
        for update in range(self.settings.updates):
            if update % self.settings.look_every == 0:
                self.look(update, tell)
            self.update()
        self.look(self.settings.updates, tell)

    def update(self) -> Tensor:
        """Make one update; return the loss of every seed, `(P,)`."""
        given, wanted, asked = self._batch()
        target = Wanted(wanted, asked, self.machine.initial_line, self.machine.restarts)
        weights = self.settings.weights
        terms = loss(self.machine, given, target, confidence=weights.confidence != 0)
        total = terms.total(weights).sum(1)
        self.optimiser.zero_grad()
        total.sum().backward()
        self.optimiser.step()
        return total.detach()

    def look(self, update: int, tell: Tell | None = None) -> None:
        """Run the most probable program of every seed exactly, and keep what is better."""
        choices = self.discrete()
        for k, trial in enumerate(self.problem.try_all(choices, self.chosen_by)):
            if trial.solved and trial.mean < self.steps[k]:
                self.steps[k] = trial.mean
                self.best[k] = {name: value[k] for name, value in choices.items()}
        faster = int((self.steps < self.problem.before.mean).sum())
        self.curve.append((update, faster))
        if tell is not None:
            tell(update, self.settings.updates, f"{faster} of {len(self.seeds)} faster")

    def discrete(self) -> dict[str, Array]:
        """Return the most probable choices of all seeds, `[P, *shape]`."""
        weights = self.machine.weights()
        return {name: w.detach().argmax(-1).cpu().numpy() for name, w in weights.items()}

    def chances(self, k: int) -> dict[str, Array]:
        """Return the probabilities of all choices of one seed, `[*shape, size]`."""
        with torch.no_grad():
            found = self.machine.probabilities()
        return {name: p[k].double().cpu().numpy() for name, p in found.items()}

    def softly(self, samples: Samples) -> list[Soft]:
        """Return what the soft programs do on samples."""
        with torch.no_grad():
            run = self.machine(samples.given)
        asked = torch.from_numpy(samples.asked)
        wanted = torch.from_numpy(samples.wanted)
        right = ((run.values() == wanted) | ~asked).all(-1).all(-1)
        index = wanted.expand(self.machine.restarts, -1, -1).unsqueeze(-1)
        chance = run.memory.gather(-1, index).squeeze(-1).masked_fill(~asked, 1.0)
        least, steps = chance.amin((1, 2)), run.steps.double().mean(1)
        return [
            Soft(bool(r), float(c), float(s)) for r, c, s in zip(right, least, steps, strict=True)
        ]

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Pick the samples of an update, each seed its own, `(P, B, M)`."""
        size = self.pool["given"].shape[1]
        picked = np.stack([rng.integers(0, size, self.settings.batch) for rng in self.picks])
        rows, columns = torch.arange(len(picked))[:, None], torch.from_numpy(picked)
        given, wanted, asked = (self.pool[n][rows, columns] for n in ("given", "wanted", "asked"))
        return given, wanted, asked

    def _optimiser(self) -> torch.optim.Optimizer:
        weights = list(self.machine.weights().values())
        if self.settings.optimiser == "sgd":
            return torch.optim.SGD(weights, self.settings.rate)
        return torch.optim.Adam(weights, self.settings.rate)
