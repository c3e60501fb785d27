"""What came of a lifetime, and the verdicts on it: what rose, what was forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuralc.errors import NeuralcError
from neuralc.learning.lifelong.schedule import Schedule

LEARNED = 0.5  # of its best accuracy: from there on a task counts as learned


@dataclass(frozen=True)
class Final:
    """How many of all held-out examples of a task come out right at the end."""

    right: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share."""
        return self.right / self.count


@dataclass(frozen=True)
class Life:
    """What came of a lifetime.

    Attributes:
        name: of the learner; seed: of the run; steps: that were made.
        history: for each examination {"step": steps made before it, "accuracy": {task: share of
            held-out examples right}, "loss": {task: mean loss in training since the last one}}.
            Tasks that were not met yet are missing.
        final: for each task that was met, on all its held-out examples after the last step.
        programs: source of the program of each task; empty where the learner has none.
        shown: how many training examples of each task were shown, repeated ones included.
        seconds: that the run took, examinations included.

    """

    name: str
    seed: int
    steps: int
    history: list[dict[str, Any]]
    final: dict[str, Final]
    programs: dict[str, str]
    shown: dict[str, int]
    seconds: float

    @property
    def accuracy(self) -> dict[str, float]:
        """The final accuracy of each task."""
        return {name: final.accuracy for name, final in self.final.items()}

    def curve(self, task: str) -> list[tuple[int, float]]:
        """Return the accuracy of a task over time: steps made, and the share right."""
        return [(entry["step"], entry["accuracy"][task])
                for entry in self.history if task in entry["accuracy"]]  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**vars(self), "final": {name: [f.right, f.count] for name, f in self.final.items()}}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Life:
        """Return it from JSON; KeyError, TypeError or ValueError where it is none."""
        final = {}
        for name, (good, count) in content["final"].items():
            if not 0 <= good <= count or not count:
                raise ValueError(f"{good} of {count} of {name} cannot be right")
            final[name] = Final(good, count)
        return Life(**{**content, "final": final})


def rise(life: Life, task: str, schedule: Schedule) -> float:
    """Return how much a task gained after its last example, while only others were learned.

    It is the accuracy at the last examination minus that at the first examination which comes
    after the last step at which the schedule gives the task any weight. Both are on the same
    held-out examples. It is 0 for a task that is shown until the end.

    Raises:
        NeuralcError: the task was not met.

    """
    curve = life.curve(task)
    if not curve:
        raise NeuralcError(f"the task {task!r} was not met\n  hint: {', '.join(life.final)} were")
    last = min(schedule.last(task), life.steps - 1)
    after = [share for step, share in curve if step > last]
    return curve[-1][1] - after[0]


def drops(life: Life) -> dict[str, float]:
    """Return the largest fall of each task after it was learned.

    A task counts as learned from the first examination at which its accuracy is at least half of
    the best that it ever reaches. The fall is the largest difference between the accuracy at one
    examination from there on and that at any later one; 0 if it never falls. All examinations of a
    task are on the same held-out examples, so the order of tasks is all that moves it.
    """
    found = {}
    for task in life.final:
        shares = [share for _, share in life.curve(task)]
        best = max(shares)
        start = next(k for k, share in enumerate(shares) if share >= LEARNED * best)
        fall, high = 0.0, shares[start]
        for share in shares[start:]:
            high = max(high, share)
            fall = max(fall, high - share)
        found[task] = fall
    return found
