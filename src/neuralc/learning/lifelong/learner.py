"""What a lifetime asks of a learner, whatever it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from neuralc.ir.examples import Examples
from neuralc.learning.lifelong.task import Task

Array = np.ndarray[Any, Any]


class Learner(Protocol):
    """Something that lives through a sequence of tasks.

    It is made for all tasks at once, so that a checkpoint can be restored at any time, but may not
    look at the examples of a task before `step` is called for it. Random choices come from the seed
    that it was made with.
    """

    name: str

    def step(self, task: str, rows: Array) -> float:
        """Learn from some training examples of a task; `rows` are their numbers, int64 [B].

        Returns:
            The loss in nats, the mean over the batch.

        """
        ...

    def predict(self, task: str, examples: Examples) -> dict[str, Array]:
        """Return what the learner makes of inputs now: int64 [E, *shape] for each output."""
        ...

    def programs(self) -> dict[str, str]:
        """Return the source of the program of each task that was met, where there are programs."""
        ...

    def weights(self) -> dict[str, dict[str, Tensor]]:
        """Return the networks that tasks share: name of the network -> its parameters by name."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes: tensors by name, and what JSON can hold."""
        ...

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError, ValueError or RuntimeError where it does not fit."""
        ...


def right(task: Task, found: Mapping[str, Array]) -> Array:
    """Return which held-out examples come out right in all observed outputs, bool [E]."""
    ok = np.ones(task.test.count, bool)
    for name, target in task.test.outputs.items():
        same = (found[name] == target) | (target < 0)
        ok &= same.reshape(len(same), -1).all(1)
    return ok


__all__: Sequence[str] = ["Learner", "right"]
