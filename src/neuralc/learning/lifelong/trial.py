"""Many programs tried side by side for one task, all reading with the same networks.

Knows one task; the networks come from outside, and whoever calls trains them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.exact import Executor
from neuralc.ir.examples import Examples
from neuralc.learning.lifelong.task import Task
from neuralc.learning.score import class_tables
from neuralc.learning.shared import share
from neuralc.learning.train import negative_log_likelihood

Array = np.ndarray[Any, Any]
JUDGED = 500  # training examples that programs are run on
MEMORY = 0.9  # of the running mean of the loss
CONCENTRATION = 1.5  # of the Dirichlet distribution that choices start from
CHANCE = 1e-12  # a smaller share in the training of the networks counts as this when divided by


@dataclass(frozen=True)
class Plan:
    """How a lifetime is learned.

    Attributes:
        restarts: programs that are tried side by side for each task.
        rate: of RMSProp on the programs.
        network_rate: of Adam on the networks; the paper's hundredth of the programs' rate.
        sharpness: how fast a program's share in training the networks falls with its loss, per nat.
        judge_every: steps of a task between exact runs of its programs.
        accept: share of the training examples that a program must get right, at two exact runs in
            a row, to be settled.
        patience: steps of a task after which programs that are not settled are drawn anew.

    """

    restarts: int = 16
    rate: float = 0.1
    network_rate: float = 1e-3
    sharpness: float = 5.0
    judge_every: int = 50
    accept: float = 0.5
    patience: int = 500


class Trial:
    """The programs of one task.

    Attributes:
        steps: made so far.
        settled: whether one program was right often enough; then it is the only one.

    """

    def __init__(
        self, task: Task, plan: Plan, bodies: Mapping[str, nn.Module], generator: torch.Generator
    ) -> None:
        """Compile the model with the networks `bodies`, and draw the programs."""
        self.task, self.plan, self.generator = task, plan, generator
        program = task.model.program
        self.networks = [network.name for network in program.networks]
        self.bodies = {name: share(bodies[name]) for name in self.networks}
        self.executor = Executor(program, jit=True)
        self.steps, self.passed, self.settled = 0, 0, False
        self.best = 0
        self._compile(plan.restarts)
        self.draw(torch.arange(plan.restarts))
        self.inputs = self.module.prepare(task.train.inputs)
        self.targets = {k: torch.as_tensor(v) for k, v in task.train.outputs.items()}

    def _compile(self, restarts: int) -> None:
        self.module = self.task.model.compile(restarts=restarts, bodies=self.bodies)
        self.mean_square = torch.zeros_like(self.module.logits)
        self.loss = torch.zeros(restarts)  # the running mean

    @torch.no_grad()
    def draw(self, rows: Tensor) -> None:
        """Begin anew in some rows."""
        seed = int(torch.randint(2**31, (1,), generator=self.generator))
        shape = (len(rows), self.module.choices.total)
        gamma = np.random.default_rng(seed).standard_gamma(CONCENTRATION, shape)
        logits = torch.from_numpy(gamma).clamp_min(1e-12).log()
        self.module.logits[rows] = logits.to(self.module.logits)
        self.mean_square[rows] = 0.0
        self.loss[rows] = math.inf

    # ---- learning

    def step(self, rows: Tensor) -> float:
        """Make one step of the programs and leave gradients with the networks.

        Args:
            rows: numbers of training examples, int64 [B].

        Returns:
            The loss of the best program, in nats.

        """
        module = self.module
        module.logits.grad = None
        batch = ({n: x[rows] for n, x in part.items()} for part in (self.inputs, self.targets))
        loss = negative_log_likelihood(module, *batch)
        new = loss.detach()
        self.loss = torch.where(self.loss.isinf(), new, MEMORY * self.loss + (1 - MEMORY) * new)
        weight = (-self.plan.sharpness * (self.loss - self.loss.min())).softmax(0)
        (loss * weight).sum().backward()
        if not self.settled:
            self._descend(weight)
        self.steps += 1
        return float(new.min())

    @torch.no_grad()
    def _descend(self, weight: Tensor) -> None:
        """Update the choices by RMSProp, as if every program had been trained alone."""
        logits = self.module.logits
        if logits.grad is None:
            return
        gradient = (logits.grad / weight.clamp_min(CHANCE).unsqueeze(1)).nan_to_num_(0.0, 0.0, 0.0)
        norm = gradient.norm(dim=1, keepdim=True)
        gradient *= (1.0 / (norm + 1e-30)).clamp_max(1.0)
        self.mean_square.mul_(0.9).addcmul_(gradient, gradient, value=0.1)
        logits.addcdiv_(gradient, self.mean_square.sqrt().add_(1e-10), value=-self.plan.rate)

    def due(self) -> bool:
        """Tell whether the programs are to be run exactly now."""
        return not self.settled and self.steps % self.plan.judge_every == 0

    def judge(self) -> None:
        """Run all programs exactly on training examples; settle the best if it is good enough."""
        sample = self.task.train.take(slice(0, JUDGED))
        choices = self.module.choices.best(self.module.logits)
        tables = class_tables(self.module, sample.inputs)
        shares = self.executor.score(choices, sample, tables).mean(1)
        order = sorted(range(len(shares)), key=lambda p: (-shares[p], float(self.loss[p])))
        self.best = order[0]
        self.passed = self.passed + 1 if shares[self.best] >= self.plan.accept else 0
        if self.passed == 2:
            self.settle({name: value[self.best] for name, value in choices.items()})

    def settle(self, choices: Mapping[str, Array]) -> None:
        """Go on with one program, whose choices are made."""
        loss = self.loss[self.best : self.best + 1]
        self._compile(1)
        self.module.logits.data = self.module.choices.certain(choices).to(self.module.logits)
        self.module.logits.requires_grad_(False)
        self.loss, self.best, self.settled = loss, 0, True

    def hopeless(self) -> bool:
        """Tell whether the programs had their time and none of them has passed."""
        late = self.steps > 0 and self.steps % self.plan.patience == 0
        return late and not self.settled and not self.passed

    # ---- what was found

    def choices(self) -> dict[str, Array]:
        """Return the choices of the best program."""
        found = self.module.choices.best(self.module.logits)
        return {name: value[self.best] for name, value in found.items()}

    def source(self) -> str:
        """Return the best program as readable source."""
        return self.task.model.show(self.choices())

    def run(self, examples: Examples) -> dict[str, Array]:
        """Run the best program exactly, with the networks as they are."""
        single = self.module if self.settled else self.task.model.compile(bodies=self.bodies)
        tables = class_tables(single, examples.inputs)
        batch = {name: value[None] for name, value in self.choices().items()}
        found = self.executor.run(batch, examples.inputs, tables)
        return {name: value[0] for name, value in found.items()}

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what changes, but for the networks: tensors, and what JSON can hold."""
        tensors = {
            "logits": self.module.logits.detach().clone(), "mean_square": self.mean_square.clone(),
            "loss": self.loss.clone(),
        }  # fmt: skip
        numbers = {"steps": self.steps, "passed": self.passed, "settled": self.settled,
                   "best": self.best}  # fmt: skip
        return tensors, numbers

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError, ValueError or RuntimeError where it does not fit."""
        settled = bool(numbers["settled"])
        self._compile(1 if settled else self.plan.restarts)
        shapes = {"logits": self.module.logits, "mean_square": self.mean_square, "loss": self.loss}
        for name, wanted in shapes.items():
            if tensors[name].shape != wanted.shape:
                raise ValueError(f"{name} of {self.task.name} has another shape")
        self.module.logits.data = tensors["logits"].to(self.module.logits)
        self.module.logits.requires_grad_(not settled)
        self.mean_square, self.loss = tensors["mean_square"].clone(), tensors["loss"].clone()
        self.steps, self.passed = int(numbers["steps"]), int(numbers["passed"])
        self.settled, self.best = settled, int(numbers["best"])
