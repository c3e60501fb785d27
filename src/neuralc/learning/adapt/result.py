"""What adaptation gives back: what every seed has found, and the best of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.learning.adapt.gradient import Soft
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.nn.machine import RegisterMachine

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Attempt:
    """What one seed has found.

    Attributes:
        seed: the seed.
        choices: the fastest program that is right on all samples that it was chosen by; None: no
            other than the original.
        right: of the samples of the final check, the share on which it is right.
        steps: its mean number of steps on them.
        soft: what the soft program does on them, where gradients were used.
        seconds: of work for this seed alone; with gradients its share of the batch.

    """

    seed: int
    choices: Choices | None
    right: float
    steps: float
    soft: Soft | None = None
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Adapted:
    """The outcome for all seeds.

    Attributes:
        problem: what was adapted.
        method: "gradient", "search" or "hybrid".
        attempts: one for each seed.
        machine: the soft machine of the gradients, a program for each seed; None without any.
        curve: for each look of the gradients the update, and how many seeds were faster then.
        seconds: wall-clock time.

    """

    problem: Problem
    method: str
    attempts: tuple[Attempt, ...]
    machine: RegisterMachine | None = None
    curve: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def before(self) -> float:
        """The mean number of steps of the original, on the samples of the final check."""
        return self.problem.before.mean

    def solved(self, attempt: Attempt) -> bool:
        """Tell whether a seed's program is right on everything and faster than the original."""
        return attempt.choices is not None and attempt.right == 1 and attempt.steps < self.before

    def softly(self, attempt: Attempt, confidence: float = 0.9) -> bool:
        """Tell whether a seed's soft program is right, confident and faster: the paper's reading."""
        soft = attempt.soft
        return (
            soft is not None and soft.right
            and soft.confidence >= confidence and soft.steps < self.before
        )  # fmt: skip

    @cached_property
    def best(self) -> Attempt | None:
        """The fastest of the seeds that solved it; of several the first."""
        solved = [attempt for attempt in self.attempts if self.solved(attempt)]
        return min(solved, key=lambda attempt: attempt.steps, default=None)

    @cached_property
    def program(self) -> Assembly:
        """The best program; the original where no seed has found a faster one."""
        if self.best is None or self.best.choices is None:
            return self.problem.original
        return tidy(self.best.choices, self.problem.original)


def tidy(choices: Choices, original: Assembly) -> Assembly:
    """Return choices as a program; lines that can never be reached are left out at the end.

    Args:
        choices: of a register machine, each `[*shape]`.
        original: the program that it comes from; names of registers are taken over.

    """
    lines = [
        Line(OPERATIONS[operation], int(first), int(second), int(target))
        for operation, first, second, target in zip(
            *(choices[name].tolist() for name in ("instruction", "first", "second", "target")),
            strict=True,
        )
    ]
    last = max((k for k, line in enumerate(lines) if line.operation != "STOP"), default=-1)
    start = int(choices["initial_line"])
    kept = lines[: max(last + 2, start + 1)]
    registers = tuple(int(value) for value in choices["initial_registers"])
    return Assembly(tuple(kept), registers, start, original.names)
