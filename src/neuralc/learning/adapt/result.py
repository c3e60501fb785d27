"""What adaptation gives back: what every seed has found, and the best of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.errors import NeuralcError
from neuralc.ir.assembly import Assembly
from neuralc.learning.adapt.gradient import CONFIDENCE, Soft
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.learning.adapt.tidy import tidy
from neuralc.nn import folder as folder_of
from neuralc.nn.compile import compile
from neuralc.nn.machine import RegisterMachine

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Attempt:
    """What one seed has found.

    Attributes:
        seed: the seed.
        choices: the fastest program that is right on all samples that it was chosen by; None: no
            other than the original.
        right: of the samples of the final check, and of all inputs where they are few, the share on
            which it is right.
        steps: its mean number of steps on the samples.
        soft: where that has failed, what the soft program does on them.
        machine: the soft program.
        seconds: of the search.

    """

    seed: int
    choices: Choices | None
    right: float
    steps: float
    soft: Soft | None = None
    machine: RegisterMachine | None = None
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Adapted:
    """The outcome for all seeds.

    Attributes:
        problem: what was adapted.
        method: "gradient", "search" or "hybrid".
        attempts: one for each seed.
        curve: for each look of the gradients the update, and how many seeds were faster then.
        seconds: wall-clock time.

    """

    problem: Problem
    method: str
    attempts: tuple[Attempt, ...]
    curve: tuple[tuple[int, int], ...] = ()
    seconds: float = 0.0

    @property
    def before(self) -> float:
        """The mean number of steps of the original, on the samples of the final check."""
        return self.problem.before.mean

    def solved(self, attempt: Attempt) -> bool:
        """Tell whether a seed's program is right on everything and faster than the original."""
        return attempt.choices is not None and attempt.right == 1 and attempt.steps < self.before

    def softly(self, attempt: Attempt, confidence: float = CONFIDENCE) -> bool:
        """Tell whether a seed's soft program is right, confident and faster, as the paper asks."""
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
    def best_soft(self) -> Attempt | None:
        """The fastest of the seeds that have only a soft program."""
        found = [(a.soft.steps, a.seed, a) for a in self.attempts if a.soft and self.softly(a)]
        return min(found)[-1] if found else None

    @cached_property
    def program(self) -> Assembly:
        """The best program; the original where no seed has found a faster one."""
        if self.best is None or self.best.choices is None:
            return self.problem.original
        return tidy(self.best.choices, self.problem.original)

    def save(self, folder: str | Path) -> None:
        """Write the best program as a compiled one, see `nn.folder`; the soft one without it.

        Raises:
            FileError: it cannot be written.
            NeuralcError: no seed has found anything.

        """
        note = {"method": self.method, "before": self.before, "seeds": len(self.attempts)}
        if self.best is not None:
            program = self.program
            machine = compile(program, self.problem.memory, max_steps=self.problem.max_steps)
            folder_of.save(
                machine, folder, assembly=program, note={**note, "after": self.best.steps}
            )
        elif self.best_soft is not None and self.best_soft.machine is not None:
            assert self.best_soft.soft is not None
            note = {**note, "after": self.best_soft.soft.steps}
            folder_of.save(self.best_soft.machine, folder, note=note)
        else:
            raise NeuralcError("no faster program was found, so there is nothing to save")
