"""Programs over a shared library of networks: how neuralc lives through a sequence of tasks.

For each task many programs are tried side by side, all reading with the same networks. A program's
word in the training of the networks counts for as much as the program explains. Once a program is
right often enough, by exact execution, it is settled: the others are dropped, and the networks
learn on through it. Networks that an earlier task has settled are never frozen, but they learn
from a task only when its program is settled: half-found programs cannot spoil the library.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries (Neural
TerpreT, 2017), section 4.1, where one program at a time is tried and all networks learn at a
hundredth of its rate.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.soft.networks import build_network
from neuralc.errors import NeuralcError
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Network
from neuralc.learning.lifelong.task import Task
from neuralc.learning.lifelong.trial import Trial
from neuralc.learning.perception import NetworkTraining, Recipe
from neuralc.learning.settings import Settings
from neuralc.learning.train import below

Array = np.ndarray[Any, Any]
LIFELONG = Settings(
    restarts=16, shared=True, accept=0.5, check_every=50, patience=500, input_noise=0.4,
    average=0.995,
)  # fmt: skip
CONVOLUTIONAL = dataclasses.replace(LIFELONG, input_noise=0.0, augment=True, network_rate=2e-3)
"""What suits convolutional networks: noise that helps others keeps them from beginning at all."""
LEAK = 1e-14  # choices that are made have a chance of 1 - exp(-40)


class ProgramLearner:
    """Programs and networks that are learned together; see `Learner`."""

    name = "programs"

    def __init__(
        self, tasks: Sequence[Task], *, seed: int, settings: Settings = LIFELONG,
        networks: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:  # fmt: skip
        """Draw networks and programs.

        Args:
            tasks: all tasks of the lifetime; networks of one name are one network.
            seed: of every random choice.
            settings: how to learn. `check_every` steps of a task its programs are run exactly, from
                the share `accept` on the best one is settled, and after `patience` steps without
                it all are drawn anew.
            networks: parameters of networks that are known already, as `weights` gives them.

        Raises:
            NeuralcError: two tasks have the same name, networks of one name differ, or known ones
                are of another shape.

        """
        self.settings = settings
        self.signatures = _signatures(tasks)
        self.generator = torch.Generator().manual_seed(seed)
        self.networks = {name: self._drawn(name) for name in self.signatures}
        self.known = set(self.networks) & set(networks or {})  # and what a settled program uses
        for name in self.known:
            _take(name, self.networks[name], (networks or {})[name])
        self.perception = NetworkTraining(self.networks, Recipe.of(settings))
        self.trials = {
            task.name: Trial(task, settings, self.networks, self.perception, self._seed())
            for task in tasks
        }

    def _seed(self) -> int:
        return int(torch.randint(2**31, (1,), generator=self.generator))

    def _drawn(self, name: str) -> nn.Module:
        """Return a new network."""
        with torch.random.fork_rng():
            torch.manual_seed(self._seed())
            return build_network(self.signatures[name], 1)

    # ---- what a lifetime asks

    def step(self, task: str, rows: Array) -> float:
        """Learn from some training examples; see `Learner`."""
        trial = self.trials[task]
        loss = trial.step(torch.as_tensor(rows))
        free = [n for n in trial.bodies if trial.settled or n not in self.known]
        self.perception.step([name for name in free if _reached(self.networks[name])])
        if trial.due():
            with self.perception.averaged():
                trial.judge()
            if trial.settled:
                self.known |= set(trial.bodies)
        if trial.hopeless():
            trial.renew()
            for name in set(trial.bodies) - self.known:
                self.networks[name].load_state_dict(self._drawn(name).state_dict())
                self.perception.begin(name)
        return loss

    def predict(self, task: str, examples: Examples) -> dict[str, Array]:
        """Run the best program of a task exactly; see `Learner`."""
        with self.perception.averaged():
            return self.trials[task].run(examples)

    def programs(self) -> dict[str, str]:
        """Return the source of the best program of each task that was met."""
        return {name: trial.source() for name, trial in self.trials.items() if trial.steps}

    def choices(self) -> dict[str, dict[str, Array]]:
        """Return the choices of the best program of each task that was met."""
        return {name: trial.choices() for name, trial in self.trials.items() if trial.steps}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters of all networks; see `Learner`."""
        with self.perception.averaged():
            return {
                name: {k: v.detach().clone() for k, v in body.named_parameters()}
                for name, body in self.networks.items()
            }

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes; see `Learner`."""
        tensors = {"generator": self.generator.get_state()}
        for name, body in self.networks.items():
            tensors |= {f"network.{name}.{k}": v for k, v in body.state_dict().items()}
        trained, numbers = self.perception.state()
        tensors |= {f"perception.{name}": value for name, value in trained.items()}
        trials = []
        for number, trial in enumerate(self.trials.values()):
            own, facts = trial.state()
            trials.append(facts)
            tensors |= {f"trial.{number}.{k}": v for k, v in own.items()}
        kept = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return kept, {"known": sorted(self.known), "perception": numbers, "trials": trials}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; see `Learner`."""
        self.generator.set_state(tensors["generator"])
        self.known = set(numbers["known"])
        for name, body in self.networks.items():
            body.load_state_dict(below(tensors, f"network.{name}."))
        self.perception.restore(below(tensors, "perception."), numbers["perception"])
        for number, trial in enumerate(self.trials.values()):
            trial.restore(below(tensors, f"trial.{number}."), numbers["trials"][number])


def _take(name: str, body: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put known weights into a network."""
    own = {k: tuple(v.shape) for k, v in body.named_parameters()}
    given = {k: tuple(v.shape) for k, v in weights.items()}
    if own != given:
        raise NeuralcError(
            f"networks: {name} has parameters of shapes {given}, {own} are needed\n"
            "  hint: take the weights of a network with the same inputs and hidden layers"
        )
    body.load_state_dict(dict(weights))


def _reached(body: nn.Module) -> bool:
    """Tell whether a network has a gradient that is more than what a made choice lets through.

    Where it has none, Adam would still go on as it went before, far enough to spoil it.
    """
    return any(float(p.grad.abs().max()) > LEAK for p in body.parameters() if p.grad is not None)


def _signatures(tasks: Sequence[Task]) -> dict[str, Network]:
    """Return the networks of all tasks by name."""
    found: dict[str, Network] = {}
    names = [task.name for task in tasks]
    for task in tasks:
        if names.count(task.name) > 1:
            raise NeuralcError(f"two tasks are named {task.name!r}\n  hint: rename one of them")
        for network in task.model.program.networks:
            if found.setdefault(network.name, network) != network:
                raise NeuralcError(
                    f"the network {network.name} of the task {task.name!r} differs from that of an "
                    "earlier task\n  hint: give one of them another name"
                )
    return found
