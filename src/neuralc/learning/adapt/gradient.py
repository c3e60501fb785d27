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

from neuralc.engines import Engine
from neuralc.ir.memories import Samples
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.learning.engine import worthwhile
from neuralc.nn.loss import Wanted, Weights, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import FIELDS, Halting, Mixing
from neuralc.nn.weights import Spare, write

Array = np.ndarray[Any, Any]
Tell = Callable[[int, int, str], None]
"""Told the work done, all the work, and a remark."""

POOL = 1024  # training samples that a seed draws; each update picks some of them
CHOOSE, MORE = 64, 1000  # samples by which candidates are chosen: the first ones, then all
SOFTLY = 16  # of them, on which the soft programs are run now and then
_HEAT, _NOISES, _EARLY = (0.35, 0.95), (0.0, 0.2, 0.5, 1.0), 0.7  # of hops
CONFIDENCE = 0.9  # of a soft program that counts as right


@dataclass(frozen=True)
class Settings:
    """How gradients are followed.

    Attributes:
        updates: of the weights, in one attempt.
        attempts: how often a seed begins again, with other noise; what it has found it keeps.
        hops: later attempts begin at the best soft program so far, softened by a random factor,
            and are often cut off before that would end; else all begin at the original.
        batch: B, samples of an update; their gradients are added up.
        optimiser: "sgd" or "adam".
        rate: the learning rate of the lines.
        registers_rate: that of the registers and the first line, as a factor on `rate`.
        weights: of the four terms of the loss.
        sharpness: the logit that the original begins with, in nats.
        registers_sharpness: that of the registers and the first line, as a factor.
        noise: standard deviation of what is added to all logits at the start.
        gradient_noise: that of what is added to the gradients, as a share of their root mean
            square; it falls to 0.
        scale: what the logits are multiplied by at the end; it rises from 1.
        max_steps: turns after which a run is cut off; None: those of the problem. Fewer than the
            original takes is what makes gradients look for a faster program.
        mixing, halting: see `nn.turns.Turns`.
        spare: lines behind the program, see `nn.weights.write`.
        look_every: updates between two looks at the discrete programs.
        softly_every: updates between two looks at the soft programs.

    """

    updates: int = 1000
    attempts: int = 1
    hops: bool = False
    batch: int = 4
    optimiser: Literal["sgd", "adam"] = "adam"
    rate: float = 0.05
    registers_rate: float = 1.0
    weights: Weights = field(default_factory=Weights)
    sharpness: float = 4.0
    registers_sharpness: float = 1.0
    noise: float = 0.0
    gradient_noise: float = 0.0
    scale: float = 1.0
    max_steps: int | None = None
    mixing: Mixing = "rows"
    halting: Halting = "exact"
    spare: Spare = "random"
    look_every: int = 10
    softly_every: int = 50


@dataclass(frozen=True, eq=False)
class Soft:
    """What the soft program of a seed does on samples.

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
        soft: for each seed the weights of the fastest soft program that was right and confident.
        soft_steps: its mean number of steps; infinite without one.
        curve: for each look the update, and how many seeds have a faster program.

    """

    def __init__(
        self, problem: Problem, settings: Settings, seeds: Sequence[int], engine: Engine = "auto"
    ) -> None:
        """Soften the original for every seed, and draw the samples.

        Args:
            problem: the program and its inputs.
            settings: how gradients are followed.
            seeds: of the attempts.
            engine: what runs the soft programs, see `Turns`; "auto" is torch where there are so
                few updates that a kernel is not worth compiling.

        """
        self.problem, self.settings, self.seeds = problem, settings, tuple(seeds)
        engine = worthwhile(engine, settings.updates * settings.attempts)
        self.machine = machine_of(problem, settings, len(seeds), engine)
        self.noise = [torch.Generator().manual_seed(seed) for seed in self.seeds]
        self.luck = [np.random.default_rng([11, seed]) for seed in self.seeds]
        pools = [problem.draw(POOL, "train", seed) for seed in self.seeds]
        self.pool = {
            name: torch.from_numpy(np.stack([getattr(pool, name) for pool in pools]))
            for name in ("given", "wanted", "asked")
        }
        self.picks = [np.random.default_rng([7, seed]) for seed in self.seeds]
        self.chosen_by = problem.draw(MORE, "choose", 0)
        self.best: list[Choices | None] = [None] * len(seeds)
        self.steps = np.full(len(seeds), np.inf)
        self.soft: list[dict[str, Tensor] | None] = [None] * len(seeds)
        self.soft_steps = np.full(len(seeds), np.inf)
        self.curve: list[tuple[int, int]] = []
        self.begin(0)

    def run(self, tell: Tell | None = None) -> None:
        """Make all updates of all attempts."""
        updates = self.settings.updates
        for attempt in range(self.settings.attempts):
            if attempt:
                self.begin(attempt)
            for update in range(updates + 1):
                if update % self.settings.look_every == 0 or update == updates:
                    self.look(attempt * updates + update, tell)
                if update % self.settings.softly_every == 0 or update == updates:
                    self.look_softly()
                if update < updates:
                    self.update(update / updates)
        self.machine.limits = None

    def begin(self, attempt: int) -> None:
        """Begin an attempt: soften the original anew, or what was found."""
        settings = self.settings
        seeds = [1000 * seed + attempt for seed in self.seeds]
        write(self.machine, self.problem.original, sharpness=settings.sharpness,
              spare=settings.spare, seeds=seeds)  # fmt: skip
        with torch.no_grad():
            for name in ("initial_line", "initial_registers"):
                self.machine.weights()[name].mul_(settings.registers_sharpness)
            if settings.noise:
                for weight in self.machine.weights().values():
                    weight.add_(settings.noise * self._normal(weight))
        if settings.hops and attempt:
            self._hop()
        self.optimiser = self._optimiser()

    def update(self, done: float) -> None:
        """Make one update; `done` is the share of the updates made before."""
        given, wanted, asked = self._batch()
        target = Wanted(wanted, asked, self.machine.initial_line, self.machine.restarts)
        weights = self.settings.weights
        self.machine.scale = 1 + (self.settings.scale - 1) * done
        terms = loss(self.machine, given, target, confidence=weights.confidence != 0)
        self.optimiser.zero_grad()
        terms.total(weights).sum().backward()
        self.machine.scale = 1.0
        if self.settings.gradient_noise:
            self._disturb(self.settings.gradient_noise * (1 - done))
        self.optimiser.step()

    def look(self, update: int, tell: Tell | None = None) -> None:
        """Run the most probable program of every seed exactly, and keep what is better."""
        choices = self.discrete()
        first = self.chosen_by.take(slice(0, CHOOSE))
        for k, trial in enumerate(self.problem.try_all(choices, first)):
            if not trial.solved or trial.mean >= self.steps[k] + 0.5:
                continue
            one = {name: value[k] for name, value in choices.items()}
            trial = self.problem.try_one(one, self.chosen_by)
            if trial.solved and trial.mean < self.steps[k]:
                self.steps[k], self.best[k] = trial.mean, one
        faster = int((self.steps < self.problem.before.mean).sum())
        self.curve.append((update, faster))
        if tell is not None:
            tell(
                update,
                self.settings.updates * self.settings.attempts,
                f"{faster} of {len(self.seeds)} faster",
            )

    def look_softly(self) -> None:
        """Run the soft programs, and keep the weights of those that are better."""
        found = softly(self.machine, self.chosen_by.take(slice(0, SOFTLY)))
        for k, soft in enumerate(found):
            if soft.right and soft.confidence >= CONFIDENCE and soft.steps < self.soft_steps[k]:
                weights = self.machine.weights().items()
                self.soft[k] = {name: w[k].detach().clone() for name, w in weights}
                self.soft_steps[k] = soft.steps

    def discrete(self) -> dict[str, Array]:
        """Return the most probable choices of all seeds, `[P, *shape]`."""
        weights = self.machine.weights()
        return {name: w.detach().argmax(-1).cpu().numpy() for name, w in weights.items()}

    def chances(self, k: int) -> dict[str, Array]:
        """Return the probabilities of all choices of one seed, `[*shape, size]`."""
        with torch.no_grad():
            found = self.machine.probabilities()
        return {name: p[k].double().cpu().numpy() for name, p in found.items()}

    # ---- inside

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Pick the samples of an update, each seed its own, `(P, B, M)`."""
        size = self.pool["given"].shape[1]
        picked = np.stack([rng.integers(0, size, self.settings.batch) for rng in self.picks])
        rows, columns = torch.arange(len(picked))[:, None], torch.from_numpy(picked)
        given, wanted, asked = (self.pool[n][rows, columns] for n in ("given", "wanted", "asked"))
        return given, wanted, asked

    def _hop(self) -> None:
        """Put the best soft programs back, softened, and cut them off early."""
        limits = self.machine.cut_off()
        for k, (weights, rng) in enumerate(zip(self.soft, self.luck, strict=True)):
            if weights is None:
                continue
            heat, noise = rng.uniform(*_HEAT), rng.choice(_NOISES)
            with torch.no_grad():
                for name, parameter in self.machine.weights().items():
                    drawn = torch.randn(parameter.shape[1:], generator=self.noise[k])
                    parameter[k] = weights[name] * heat + noise * drawn
            if rng.random() < _EARLY:
                limits[k] = max(4, int(self.soft_steps[k]) - int(rng.integers(0, 4)))
        self.machine.limits = limits

    def _disturb(self, share: float) -> None:
        """Add noise to the gradients, as a share of each seed's root mean square."""
        weights = self.machine.weights().values()
        grads = [w.grad for w in weights if w.grad is not None]
        size = torch.cat([grad.flatten(1) for grad in grads], 1).square().mean(1).sqrt()
        for grad in grads:
            grad.add_(share * size.view(-1, *[1] * (grad.dim() - 1)) * self._normal(grad))

    def _normal(self, like: Tensor) -> Tensor:
        rows = [torch.randn(like.shape[1:], generator=noise) for noise in self.noise]
        return torch.stack(rows).to(like)

    def _optimiser(self) -> torch.optim.Optimizer:
        settings = self.settings
        weights = self.machine.weights()
        lines = [weights[name] for name in FIELDS]
        others = [weights["initial_line"], weights["initial_registers"]]
        groups: list[dict[str, Any]] = [
            {"params": lines},
            {"params": others, "lr": settings.rate * settings.registers_rate},
        ]
        if settings.optimiser == "sgd":
            return torch.optim.SGD(groups, settings.rate)
        return torch.optim.Adam(groups, settings.rate)


def machine_of(
    problem: Problem, settings: Settings, restarts: int, engine: Engine = "torch"
) -> RegisterMachine:
    """Return the machine that some settings ask for, its weights all 0."""
    return RegisterMachine(
        problem.memory, problem.registers, restarts=restarts,
        max_steps=settings.max_steps or problem.max_steps,
        mixing=settings.mixing, halting=settings.halting, engine=engine,
    )  # fmt: skip


def softly(machine: RegisterMachine, samples: Samples) -> list[Soft]:
    """Return what the soft programs of a machine do on samples."""
    with torch.no_grad():
        run = machine(samples.given)
    asked, wanted = torch.from_numpy(samples.asked), torch.from_numpy(samples.wanted)
    right = ((run.values() == wanted) | ~asked).all(-1).all(-1)
    right &= (run.stopped > machine.turns.threshold).all(-1)
    index = wanted.expand(machine.restarts, -1, -1).unsqueeze(-1)
    chance = run.memory.gather(-1, index).squeeze(-1).masked_fill(~asked, 1.0)
    least, steps = chance.amin((1, 2)), run.steps.double().mean(1)
    found = zip(right.tolist(), least.tolist(), steps.tolist(), strict=True)
    return [Soft(*values) for values in found]
