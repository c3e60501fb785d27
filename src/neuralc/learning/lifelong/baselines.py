"""Learners without programs: a network for each task, with or without ties to those of others.

Tensor inputs of a model are its images, integer inputs are given one-hot; one integer output is
the answer. A network is drawn when its task is first seen. What the networks are made of is in
`zoo`; each learner has its own rates, found on one task alone (`TUNING`).

Source: the baselines of Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural
TerpreT, 2017), section 4.1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Program
from neuralc.learning.lifelong.task import Task
from neuralc.zoo.columns import HIDDEN, Column, Shape
from neuralc.zoo.multitask import Head, embedding
from neuralc.zoo.progressive import ProgressiveColumn

Array = np.ndarray[Any, Any]
AT_ONCE = 1000  # examples in memory at once in a prediction


@dataclass(frozen=True)
class Tuning:
    """How a baseline learns.

    Attributes:
        rate: of Adam, for what belongs to one task.
        shared: of Adam, for embeddings that tasks share.
        dropout: behind the layers over all images together.
        decay: of the weights, in each step times the rate (AdamW).
        noise: the standard deviation of noise on each pixel in training.

    """

    rate: float = 1e-3
    shared: float = 1e-3
    dropout: float = 0.0
    decay: float = 0.0
    noise: float = 0.0


class Baseline:
    """What all of them have in common; see `Learner`.

    Attributes:
        parts: the networks by name, in the order in which they were drawn.
        met: the tasks that were seen, in the order of their first step.

    """

    name = "baseline"

    def __init__(self, tasks: Sequence[Task], *, seed: int, tuning: Tuning | None = None) -> None:
        """Prepare for all tasks; no example is looked at before `step`.

        Args:
            tasks: all tasks of the lifetime.
            seed: of every random choice.
            tuning: how to learn; None: as in `TUNING`.

        Raises:
            NeuralcError: two tasks have the same name, or a model's inputs or outputs are of a kind
                that these networks do not have.

        """
        names = [task.name for task in tasks]
        for name in names:
            if names.count(name) > 1:
                raise NeuralcError(f"two tasks are named {name!r}\n  hint: rename one of them")
        self.tasks = {task.name: task for task in tasks}
        self.shapes = {task.name: shape_of(task.model.program) for task in tasks}
        self.seed = seed
        self.tuning = tuning or TUNING.get(self.name, Tuning())
        self.generator = torch.Generator().manual_seed(seed)
        self.parts: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.met: list[str] = []
        self.data: dict[str, tuple[Tensor, Tensor, Tensor]] = {}

    # ---- what each of them is

    def build(self, task: str) -> nn.Module:
        """Draw the network of a task."""
        raise NotImplementedError

    def logits(self, task: str, images: Tensor, numbers: Tensor) -> Tensor:
        """Return the logits of the answers, [B, answers]."""
        raise NotImplementedError

    def used(self, task: str) -> list[str]:
        """Return the names of the networks that learn from a task."""
        return [task]

    # ---- what a lifetime asks

    def step(self, task: str, rows: Array) -> float:
        """Learn from some training examples; see `Learner`."""
        if task not in self.met:
            self._meet(task)
        if task not in self.data:
            self.data[task] = tensors_of(self.tasks[task].model.program, self.tasks[task].train)
        chosen = torch.as_tensor(rows)
        images, numbers, targets = (part[chosen] for part in self.data[task])
        names = self.used(task)
        for name in names:
            self.parts[name].train()
            self.optimizers[name].zero_grad(set_to_none=True)
        with self._drawing():
            if self.tuning.noise:
                images = images + self.tuning.noise * torch.randn_like(images)
            logits = self.logits(task, images, numbers)
        loss = _loss(logits, targets)
        loss.backward()
        for name in names:
            self.optimizers[name].step()
            self.parts[name].eval()
        return float(loss.detach())

    @torch.no_grad()
    def predict(self, task: str, examples: Examples) -> dict[str, Array]:
        """Return the likeliest answers; see `Learner`.

        Raises:
            NeuralcError: the task was never learned from.

        """
        if task not in self.met:
            raise NeuralcError(f"{self.name} has learned nothing of the task {task!r} yet")
        program = self.tasks[task].model.program
        found = [np.empty(0, np.int64)]
        for start in range(0, examples.count, AT_ONCE):
            some = examples.take(slice(start, min(start + AT_ONCE, examples.count)))
            images, numbers, _ = tensors_of(program, some)
            found.append(self.logits(task, images, numbers).argmax(1).numpy())
        (output,) = program.of("output")
        return {output.name: np.concatenate(found)}

    def programs(self) -> dict[str, str]:
        """Return nothing: there are no programs."""
        return {}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters of what tasks share: nothing, or embeddings."""
        return {}

    # ---- drawing

    def _meet(self, task: str) -> None:
        """Draw the network of a task, from a seed that does not depend on what came before."""
        number = list(self.tasks).index(task)
        self.add(task, number + 1, self.tuning.rate)
        self.met.append(task)

    def add(self, name: str, number: int, rate: float) -> None:
        """Draw a part and begin to learn it; `number` makes its seed differ from others."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0]))
            part = self.build(name)
        self.parts[name] = part.eval()
        self.optimizers[name] = torch.optim.AdamW(
            part.parameters(), lr=rate, weight_decay=self.tuning.decay
        )

    @contextlib.contextmanager
    def _drawing(self) -> Iterator[None]:
        """Let dropout and noise draw from the generator of this learner."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, (1,), generator=self.generator)))
            yield

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes; see `Learner`."""
        tensors = {"generator": self.generator.get_state()}
        for k, (name, part) in enumerate(self.parts.items()):
            tensors |= {f"part.{k}.{key}": value for key, value in part.state_dict().items()}
            for i, entry in self.optimizers[name].state_dict()["state"].items():
                tensors |= {f"adam.{k}.{i}.{key}": value for key, value in entry.items()}
        kept = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return kept, {"met": list(self.met)}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; see `Learner`."""
        for name in self.met:
            del self.parts[name], self.optimizers[name]
        self.met = []
        for name in numbers["met"]:
            self._meet(name)
        self.generator.set_state(tensors["generator"])
        for k, (name, part) in enumerate(self.parts.items()):
            part.load_state_dict(_below(tensors, f"part.{k}."))
            entries: dict[int, dict[str, Tensor]] = {}
            for key, value in _below(tensors, f"adam.{k}.").items():
                i, what = key.split(".")
                entries.setdefault(int(i), {})[what] = value.clone()
            groups = self.optimizers[name].state_dict()["param_groups"]
            self.optimizers[name].load_state_dict({"state": entries, "param_groups": groups})


class Indep(Baseline):
    """A column for each task; nothing is shared."""

    name = "indep"

    def build(self, task: str) -> nn.Module:
        """Draw a column."""
        return Column(self.shapes[task], dropout=self.tuning.dropout)

    def logits(self, task: str, images: Tensor, numbers: Tensor) -> Tensor:
        """Return what its column says."""
        logits: Tensor = self.parts[task](images, numbers)
        return logits


class Progressive(Baseline):
    """A progressive network: a column for each task that listens to all that were drawn earlier.

    A column learns from its own task only. It goes on learning where tasks overlap in time, which
    the frozen columns of Rusu et al. could not; without, a task would lose all examples that come
    after the first of the next.
    """

    name = "pnn"

    def build(self, task: str) -> nn.Module:
        """Draw a column beside those that are there."""
        columns = [part for part in self.parts.values() if isinstance(part, ProgressiveColumn)]
        return ProgressiveColumn(self.shapes[task], columns, dropout=self.tuning.dropout)

    def logits(self, task: str, images: Tensor, numbers: Tensor) -> Tensor:
        """Return what its column says, having heard the earlier ones."""
        before = list(self.parts.values())[: self.met.index(task)]
        logits: Tensor = self.parts[task](before, images, numbers)
        return logits


class Multitask(Baseline):
    """Embeddings that all tasks share, and a head for each task, of three layers.

    A task reads with the embeddings that its model has networks for: ADD2X2 with net_0, APPLY2X2
    with net_0 and net_1. So a lifetime that begins with ADD2X2 tells them apart, as for programs.
    """

    name = "mtnn-1"
    short = False  # heads of tasks without numbers have one layer instead of three

    def __init__(self, tasks: Sequence[Task], *, seed: int, tuning: Tuning | None = None) -> None:
        """Draw the embeddings; see `Baseline`."""
        super().__init__(tasks, seed=seed, tuning=tuning)
        self.sizes = {task.name: _embeddings(task) for task in tasks}
        names = sorted({name for sizes in self.sizes.values() for name in sizes})
        if both := sorted(set(names) & set(self.tasks)):
            raise NeuralcError(f"{both[0]!r} is a task and a network\n  hint: rename the task")
        for number, name in enumerate(names, start=len(tasks) + 1):
            self.add(name, number, self.tuning.shared)
        self.shared = {name: self.parts[name] for name in names}

    def build(self, task: str) -> nn.Module:
        """Draw an embedding or a head."""
        if task not in self.shapes:
            users = [name for name, sizes in self.sizes.items() if task in sizes]
            found = {(self.shapes[name].pixels, self.sizes[name][task]) for name in users}
            if len(found) > 1:
                raise NeuralcError(
                    f"the network {task!r} reads other images, or answers otherwise, in some task\n"
                    "  hint: give one of them another name"
                )
            return embedding(*found.pop())
        shape = self.shapes[task]
        hidden = HIDDEN[:1] if self.short and not shape.numbers else HIDDEN
        return Head(shape, self.sizes[task], hidden=hidden, dropout=self.tuning.dropout)

    def used(self, task: str) -> list[str]:
        """Return the head and the embeddings."""
        return [task, *self.sizes[task]]

    def logits(self, task: str, images: Tensor, numbers: Tensor) -> Tensor:
        """Return what its head makes of the embeddings."""
        logits: Tensor = self.parts[task](self.shared, images, numbers)
        return logits

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the parameters of the embeddings."""
        return {name: {key: value.detach().clone() for key, value in part.named_parameters()}
                for name, part in self.shared.items()}  # fmt: skip


class ShortHeads(Multitask):
    """The same, but a task that is given images only has a head of one layer."""

    name = "mtnn-2"
    short = True


BASELINES: Mapping[str, type[Baseline]] = MappingProxyType(
    {kind.name: kind for kind in (Indep, Progressive, Multitask, ShortHeads)}
)
TUNING: Mapping[str, Tuning] = MappingProxyType(
    {name: Tuning(rate=3e-3, shared=3e-3, noise=0.3) for name in BASELINES}
)
"""Tried on ADD2X2:left alone, 1,000 steps of 64, seed 0, held-out grids right in %. With 4,000 and
1,000 training grids: indep and pnn 85.0 and 58.0, mtnn-1 83.3 and 59.0, mtnn-2 84.6 and 43.8.
Without noise 83.9 and 46.5, 80.1 and 58.2, 83.6 and 32.0; a rate of 0.001 without noise 74.6 for
indep, with noise 82.3; dropout of 0.3 beside both 76.7 and 66.6; embeddings at 0.001 beside heads
at 0.003, without noise, 82.4 and 52.2 for mtnn-1, 77.6 and 25.6 for mtnn-2. In a lifetime, slower
embeddings (a tenth of the rate of the heads) forget as much. On 1,000 grids of APPLY2X2:right
alone indep reaches 21.0; with a rate of 0.001, dropout of 0.3 or 0.5 and decay 13.6 to 17.2."""


# ---- models and examples as shapes and tensors


def shape_of(program: Program) -> Shape:
    """Return what a model's inputs and output are to a network.

    Raises:
        NeuralcError: there is no image, images differ in size, or the output is not one integer.

    """
    outputs = program.of("output")
    if len(outputs) != 1 or not isinstance(outputs[0].type, Int) or outputs[0].shape:
        names = ", ".join(decl.name for decl in outputs)
        raise NeuralcError(
            f"{program.name}: a baseline gives one integer, the outputs are {names}\n"
            "  hint: learn this model with programs"
        )
    images = [decl for decl in program.of("input") if not isinstance(decl.type, Int)]
    pixels = {prod(decl.type.shape) for decl in images if not isinstance(decl.type, Int)}
    if len(pixels) != 1:
        raise NeuralcError(
            f"{program.name}: a baseline reads images of one size, found {len(pixels)} sizes"
        )
    numbers = sum(
        prod(decl.shape) * decl.type.size
        for decl in program.of("input") if isinstance(decl.type, Int)
    )  # fmt: skip
    count = sum(prod(decl.shape) for decl in images)
    return Shape(count, pixels.pop(), numbers, outputs[0].type.size)


def tensors_of(program: Program, examples: Examples) -> tuple[Tensor, Tensor, Tensor]:
    """Return examples as images [E, images, pixels], one-hot numbers [E, n] and answers [E]."""
    images, numbers = [], [torch.zeros(examples.count, 0)]
    for decl in program.of("input"):
        array = torch.from_numpy(np.ascontiguousarray(examples.inputs[decl.name]))
        if isinstance(decl.type, Int):
            one_hot = nn.functional.one_hot(array, decl.type.size)
            numbers.append(one_hot.float().flatten(1))
        else:
            images.append(array.reshape(examples.count, prod(decl.shape), prod(decl.type.shape)))
    (output,) = program.of("output")
    answers = torch.from_numpy(np.ascontiguousarray(examples.outputs[output.name]))
    return torch.cat(images, 1), torch.cat(numbers, 1), answers


def _embeddings(task: Task) -> dict[str, int]:
    """Return the embeddings that a task reads with: how many numbers each gives."""
    found = {n.name: n.output for n in task.model.program.networks}
    return {
        name: kind.size if isinstance(kind, Int) else prod(kind.shape)
        for name, kind in found.items()
    }


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean loss over the examples whose answer is observed."""
    total = nn.functional.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")
    return total / max(1, int((targets >= 0).sum()))


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
