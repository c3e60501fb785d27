"""A task of a lifetime: a model and its examples."""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.ir.examples import Examples
from neuralc.learning.model import Model


@dataclass(frozen=True, eq=False)
class Task:
    """A task.

    Attributes:
        name: such as "ADD2X2:top"; no two tasks of a lifetime share it.
        model: the interpreter; its networks are shared, by name, with those of other tasks.
        train: the examples that are learned from.
        test: held-out examples, for measuring only.

    """

    name: str
    model: Model
    train: Examples
    test: Examples
