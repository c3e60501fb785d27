"""Which task the next batch comes from: a mixture over tasks that changes with time.

Source: the lifelong experiments of Gaunt et al., "Differentiable Programs with Neural Libraries"
(Neural TerpreT, 2017), section 4.1: batches are drawn from a time-varying mixture over tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.errors import NeuralcError


@dataclass(frozen=True)
class Schedule:
    """The weight of each task at each step.

    Attributes:
        points: for each task pairs of a step and a weight, in ascending order of steps. Between
            two points the weight changes linearly; before the first and after the last it is 0.

    """

    points: Mapping[str, Sequence[tuple[int, float]]]

    def __post_init__(self) -> None:
        """Refuse points that cannot mean anything."""
        for name, points in self.points.items():
            check_points(points, f"the schedule of {name!r}")

    def weights(self, step: int) -> dict[str, float]:
        """Return the share of each task at a step; they sum to 1, or are all 0."""
        raw = {name: _at(points, step) for name, points in self.points.items()}
        total = sum(raw.values())
        return {name: weight / total if total else 0.0 for name, weight in raw.items()}

    def draw(self, step: int, rng: np.random.Generator) -> str | None:
        """Return the task of a step, or None where no task has any weight."""
        weights = self.weights(step)
        if not any(weights.values()):
            return None
        return list(weights)[int(rng.choice(len(weights), p=list(weights.values())))]

    def first(self, task: str) -> int:
        """Return the first step at which a task has any weight, -1 if it never has."""
        before = None
        for step, weight in self.points[task]:
            if weight > 0:
                return step if before is None else before + 1
            before = step
        return -1

    def last(self, task: str) -> int:
        """Return the last step at which a task has any weight, -1 if it never has."""
        after = None
        for step, weight in reversed(self.points[task]):
            if weight > 0:
                return step if after is None else after - 1
            after = step
        return -1

    def shares(self, steps: int) -> dict[str, np.ndarray[Any, Any]]:
        """Return the share of each task at steps 0 .. steps - 1, float64 [steps]."""
        raw = {name: _over(points, np.arange(steps)) for name, points in self.points.items()}
        total = np.sum([np.zeros(steps), *raw.values()], axis=0)
        return {name: weight / np.where(total > 0, total, 1.0) for name, weight in raw.items()}

    def gap(self, steps: int) -> int | None:
        """Return the first step below `steps` at which no task has any weight, or None."""
        idle = np.sum([np.zeros(steps), *self.shares(steps).values()], axis=0) == 0
        return int(np.argmax(idle)) if idle.any() else None


def check_points(points: Any, place: str) -> None:
    """Refuse points of a schedule that cannot mean anything.

    Raises:
        NeuralcError: no pairs of a step and a weight, a negative one, or steps out of order.

    """
    hint = "\n  hint: write pairs of a step and a weight, such as [[0, 1.0], [1000, 0.0]]"
    if not isinstance(points, list | tuple):
        raise NeuralcError(f"{place}: found {points!r}, wanted a list of points{hint}")
    before = -1
    for number, point in enumerate(points):
        here = f"{place}: point {number}"
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise NeuralcError(f"{here}: found {point!r}, wanted a step and a weight{hint}")
        step, weight = point
        if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0:
            raise NeuralcError(f"{here}: found the step {step!r}, wanted a whole number from 0")
        number_like = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not number_like or not math.isfinite(weight) or weight < 0:
            raise NeuralcError(f"{here}: found the weight {weight!r}, wanted a number from 0")
        if step <= before:
            raise NeuralcError(
                f"{here}: step {step} comes after step {before}\n"
                "  hint: steps ascend, and no step stands twice"
            )
        before = int(step)


def _at(points: Sequence[tuple[int, float]], step: int) -> float:
    if not points or not points[0][0] <= step <= points[-1][0]:
        return 0.0
    return float(np.interp(step, [s for s, _ in points], [w for _, w in points]))


def _over(points: Sequence[tuple[int, float]], steps: Any) -> np.ndarray[Any, Any]:
    if not points:
        return np.zeros(len(steps))
    found = np.interp(steps, [s for s, _ in points], [w for _, w in points], left=0.0, right=0.0)
    return np.asarray(found)
