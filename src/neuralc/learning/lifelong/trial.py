"""Many programs tried side by side for one task, all reading with the same networks.

Knows one task; the networks, and who trains them, come from outside.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.exact import Executor
from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import Examples
from neuralc.learning.lifelong.task import Task
from neuralc.learning.networks import share
from neuralc.learning.perception import NetworkTraining
from neuralc.learning.score import class_tables
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

Array = np.ndarray[Any, Any]
JUDGED = 500  # training examples that programs are run on


class Trial:
    """The programs of one task.

    Attributes:
        settled: whether one program was right often enough, twice in a row; then it is the only
            one.

    """

    def __init__(
        self, task: Task, settings: Settings, networks: Mapping[str, nn.Module],
        perception: NetworkTraining, seed: int,
    ) -> None:  # fmt: skip
        """Compile the model with the networks, and draw the programs.

        Args:
            task: the task.
            settings: how to learn.
            networks: by name; all that the model reads with.
            perception: who trains them.
            seed: of every random choice.

        """
        self.task, self.settings, self.perception = task, settings, perception
        self.seed = seed
        self.bodies = {n.name: share(networks[n.name]) for n in task.model.program.networks}
        self.executor = Executor(task.model.program, jit=True)
        self.passed, self.best, self.settled = 0, 0, False
        self.before = 0  # steps made until it was settled
        self.trainer = self._trainer(settings.restarts)

    def _trainer(self, restarts: int) -> Trainer:
        module = self.single if restarts == 1 else self._compiled(restarts)
        settings = dataclasses.replace(self.settings, restarts=restarts, seed=self.seed)
        return Trainer(module, self.task.train, settings, perception=self.perception)

    def _compiled(self, restarts: int) -> SoftModule:
        return self.task.model.compile(
            restarts=restarts, bodies=self.bodies, engine=self.settings.engine_used
        )

    @cached_property
    def single(self) -> SoftModule:
        """The model for one program; it reads with the networks as they are."""
        return self._compiled(1)

    @property
    def steps(self) -> int:
        """Steps made so far."""
        return self.before + self.trainer.step_number

    # ---- learning

    def step(self, rows: Tensor) -> float:
        """Make one step of the programs and leave gradients with the networks.

        Args:
            rows: numbers of training examples, int64 [B].

        Returns:
            The loss of the best program, in nats.

        """
        trainer = self.trainer
        trainer.learn(*({n: x[rows] for n, x in part.items()}
                        for part in (trainer.inputs, trainer.targets)))  # fmt: skip
        return float(trainer.loss.min())

    def due(self) -> bool:
        """Tell whether the programs are to be run exactly now."""
        return not self.settled and self.steps % self.settings.check_every == 0

    def judge(self) -> None:
        """Run all programs exactly on training examples; settle the best if it is good enough."""
        module, sample = self.trainer.module, self.task.train.take(slice(0, JUDGED))
        choices = module.choices.best(module.logits)
        shares = self.executor.score(choices, sample, class_tables(module, sample.inputs)).mean(1)
        losses = self.trainer.mean_loss
        self.best = max(range(len(shares)), key=lambda p: (shares[p], -float(losses[p])))
        self.passed = self.passed + 1 if shares[self.best] >= self.settings.accept else 0
        if self.passed == 2:
            self.settle({name: value[self.best] for name, value in choices.items()})

    def settle(self, choices: Mapping[str, Array]) -> None:
        """Go on with one program, whose choices are made."""
        self.before, self.best, self.settled = self.steps, 0, True
        self.trainer = self._trainer(1)
        self.trainer.fix(choices)

    def hopeless(self) -> bool:
        """Tell whether the programs have had their time and none of them has passed."""
        late = self.steps > 0 and self.steps % self.settings.patience == 0
        return late and not self.settled and not self.passed

    def renew(self) -> None:
        """Draw all programs anew."""
        count = self.settings.restarts
        self.trainer.replace(torch.arange(count), self.trainer.fresh(count))

    # ---- what was found

    def choices(self) -> dict[str, Array]:
        """Return the choices of the best program."""
        module = self.trainer.module
        return {
            name: value[self.best] for name, value in module.choices.best(module.logits).items()
        }

    def source(self) -> str:
        """Return the best program as readable source."""
        return self.task.model.show(self.choices())

    def run(self, examples: Examples) -> dict[str, Array]:
        """Run the best program exactly: int64 [E, *shape] for each output."""
        tables = class_tables(self.single, examples.inputs)
        batch = {name: value[None] for name, value in self.choices().items()}
        found = self.executor.run(batch, examples.inputs, tables)
        return {name: value[0] for name, value in found.items()}

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what changes, but for the networks: tensors, and what JSON can hold."""
        tensors, numbers = self.trainer.own_state()
        own = {"passed": self.passed, "settled": self.settled, "best": self.best,
               "before": self.before}  # fmt: skip
        return tensors, {**numbers, **own}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError, ValueError or RuntimeError where it does not fit."""
        self.settled, self.passed = bool(numbers["settled"]), int(numbers["passed"])
        self.best, self.before = int(numbers["best"]), int(numbers["before"])
        self.trainer = self._trainer(1 if self.settled else self.settings.restarts)
        self.trainer.restore_own(tensors, numbers)
        self.trainer.module.logits.requires_grad_(not self.settled)
        if not 0 <= self.best < self.trainer.module.restarts:
            raise ValueError(f"the best program of {self.task.name} is none of them")
        if not math.isfinite(float(self.trainer.module.logits.detach().sum())):
            raise ValueError(f"the programs of {self.task.name} are no numbers")
