"""Which task the next batch comes from: a mixture over tasks that changes with time.

Source: the lifelong experiments of Gaunt et al., "Differentiable Programs with Neural Libraries"
(Neural TerpreT, 2017), section 4.1: batches are drawn from a time-varying mixture over tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """The weight of each task at each step.

    Attributes:
        points: for each task pairs of a step and a weight, in ascending order of steps. Between
            two points the weight changes linearly; before the first and after the last it is 0.

    """

    points: Mapping[str, Sequence[tuple[int, float]]]

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

    def last(self, task: str) -> int:
        """Return the last step at which a task has any weight, -1 if it never has."""
        ends = [step for step, _ in self.points[task]]
        seen = [s for s in range(min(ends, default=0), max(ends, default=-1) + 1)
                if _at(self.points[task], s) > 0]  # fmt: skip
        return seen[-1] if seen else -1


def _at(points: Sequence[tuple[int, float]], step: int) -> float:
    if not points or not points[0][0] <= step <= points[-1][0]:
        return 0.0
    return float(np.interp(step, [s for s, _ in points], [w for _, w in points]))
