"""A learner that remembers examples, badly at random: small, quick, and with a state to lose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.ir.examples import Examples, bind
from neuralc.learning.lifelong.task import Task
from neuralc.learning.model import Model
from neuralc.source import Source

SIZE = 12
TEXT = f"""
x = Input({SIZE})
z = Output({SIZE})
shift = Param({SIZE})

@Runtime([{SIZE}, {SIZE}], {SIZE})
def ADD(a, b): return (a + b) % {SIZE}

z.set_to(ADD(x, shift))
"""
Array = np.ndarray[Any, Any]


def make_task(name: str, shift: int = 1) -> Task:
    """Return a task: add a number, modulo SIZE."""
    model = Model.load(Source("shift.py", TEXT))
    x = np.arange(SIZE)
    data = bind(model.program, {"x": x, "z": (x + shift) % SIZE})
    return Task(name, model, data, data)


class FakeLearner:
    """Remembers what it is shown, and forgets something of another task at each step."""

    name = "fake"

    def __init__(self, tasks: Sequence[Task], seed: int = 0) -> None:
        self.tasks = {task.name: task for task in tasks}
        self.generator = torch.Generator().manual_seed(seed)
        self.known = {task.name: torch.zeros(SIZE, dtype=torch.int64) for task in tasks}
        self.seen: list[tuple[str, list[int]]] = []
        self.measured: list[tuple[str, int]] = []
        self.at_step: Callable[[int], object] = lambda number: None

    def step(self, task: str, rows: Array) -> float:
        self.seen.append((task, rows.tolist()))
        train = self.tasks[task].train
        wrong = (
            self.known[task][train.inputs["x"][rows]] != torch.from_numpy(train.outputs["z"])[rows]
        )
        for row in rows:
            self.known[task][train.inputs["x"][row]] = int(train.outputs["z"][row])
        for name in self.known:
            if name != task:
                self.known[name][int(torch.randint(SIZE, (1,), generator=self.generator))] = 0
        self.at_step(len(self.seen))
        return float(wrong.float().mean())

    def predict(self, task: str, examples: Examples) -> dict[str, Array]:
        self.measured.append((task, examples.count))
        return {"z": self.known[task][examples.inputs["x"]].numpy()}

    def programs(self) -> dict[str, str]:
        return {name: f"program of {name}" for name, _ in self.seen}

    def weights(self) -> dict[str, dict[str, Tensor]]:
        return {}

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {f"known.{k}": value.clone() for k, value in enumerate(self.known.values())}
        return {"generator": self.generator.get_state(), **tensors}, {"seen": list(self.seen)}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        self.generator.set_state(tensors["generator"])
        for k, name in enumerate(self.known):
            self.known[name] = tensors[f"known.{k}"].clone()
        self.seen = [(name, list(rows)) for name, rows in numbers["seen"]]
