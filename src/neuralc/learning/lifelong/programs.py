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
from neuralc.learning.lifelong.trial import Plan, Trial

Array = np.ndarray[Any, Any]


class ProgramLearner:
    """Programs and networks that are learned together; see `Learner`."""

    name = "programs"

    def __init__(self, tasks: Sequence[Task], *, seed: int, plan: Plan | None = None) -> None:
        """Draw networks and programs.

        Args:
            tasks: all tasks of the lifetime; networks of one name are one network.
            seed: of every random choice.
            plan: how to learn.

        Raises:
            NeuralcError: two tasks have the same name, or networks of one name differ.

        """
        self.plan = plan or Plan()
        self.generator = torch.Generator().manual_seed(seed)
        self.signatures = _signatures(tasks)
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        for name in self.signatures:
            self._draw_network(name)
        self.known: set[str] = set()  # networks that a settled program reads with
        self.trials = {
            task.name: Trial(task, self.plan, self.networks, self.generator) for task in tasks
        }

    def _draw_network(self, name: str) -> None:
        """Begin a network anew, in place if it is there already."""
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self.generator)))
            fresh = build_network(self.signatures[name], 1)
        body = self.networks.setdefault(name, fresh)
        body.load_state_dict(fresh.state_dict())
        self.optimizers[name] = torch.optim.Adam(body.parameters(), lr=self.plan.network_rate)

    # ---- what a lifetime asks

    def step(self, task: str, rows: Array) -> float:
        """Learn from some training examples; see `Learner`."""
        trial = self.trials[task]
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss = trial.step(torch.as_tensor(rows))
        for name in trial.networks:
            if trial.settled or name not in self.known:
                self.optimizers[name].step()
        if trial.due():
            trial.judge()
            if trial.settled:
                self.known |= set(trial.networks)
        if trial.hopeless():
            trial.draw(torch.arange(self.plan.restarts))
            for name in set(trial.networks) - self.known:
                self._draw_network(name)
        return loss

    def predict(self, task: str, examples: Examples) -> dict[str, Array]:
        """Run the best program of a task exactly; see `Learner`."""
        return self.trials[task].run(examples)

    def programs(self) -> dict[str, str]:
        """Return the source of the best program of each task that was met."""
        return {name: trial.source() for name, trial in self.trials.items() if trial.steps}

    def choices(self) -> dict[str, dict[str, Array]]:
        """Return the choices of the best program of each task that was met."""
        return {name: trial.choices() for name, trial in self.trials.items() if trial.steps}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters of all networks; see `Learner`."""
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
            for k, entry in self.optimizers[name].state_dict()["state"].items():
                tensors |= {f"adam.{name}.{k}.{part}": v for part, v in entry.items()}
        trials = {}
        for number, (name, trial) in enumerate(self.trials.items()):
            own, trials[name] = trial.state()
            tensors |= {f"trial.{number}.{k}": v for k, v in own.items()}
        kept = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return kept, {"known": sorted(self.known), "trials": trials}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; see `Learner`."""
        self.generator.set_state(tensors["generator"])
        self.known = set(numbers["known"])
        for name, body in self.networks.items():
            body.load_state_dict(_below(tensors, f"network.{name}."))
            entries: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(tensors, f"adam.{name}.").items():
                k, part = key.split(".")
                entries.setdefault(int(k), {})[part] = value.clone()
            groups = self.optimizers[name].state_dict()["param_groups"]
            self.optimizers[name].load_state_dict({"state": entries, "param_groups": groups})
        for number, (name, trial) in enumerate(self.trials.items()):
            trial.restore(_below(tensors, f"trial.{number}."), numbers["trials"][name])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


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
