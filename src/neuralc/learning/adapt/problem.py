"""What is to be adapted: a program, where its inputs come from, and how candidates are run.

Samples come in streams that never meet: to learn from, to choose among candidates by, and fresh
ones for the final check. It knows no method of adaptation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.errors import DataError
from neuralc.ir.assembly import Assembly
from neuralc.ir.examples import Examples
from neuralc.ir.memories import Samples
from neuralc.ir.nodes import Program
from neuralc.lang import asm
from neuralc.nn.turns import program as register_machine
from neuralc.tasks.ram import RamTask

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
"""For each choice of `machines/ram.py` an integer array of its shape."""
Stream = Literal["train", "choose", "fresh"]
_STREAMS: tuple[Stream, ...] = ("train", "choose", "fresh")

FRESH = 10_000
"""Samples that the final check draws, where there are too many inputs to run all."""
_LIMIT = 5_000  # steps after which the original is given up
_FIRST = 300  # samples from which it is told how many steps it takes
_ROOM = 2  # steps that a candidate may take on an input, over the most that the original takes


@dataclass(frozen=True, eq=False)
class Trial:
    """What a program did on N samples: right on which, and in how many steps, [N] each."""

    right: Array
    steps: Array

    @property
    def solved(self) -> bool:
        """Whether it is right on all."""
        return bool(self.right.all())

    @property
    def mean(self) -> float:
        """The mean number of steps."""
        return float(self.steps.mean())


class Problem:
    """A program that is right on some inputs, to be made faster on them.

    Attributes:
        original: the program.
        memory: M.
        registers: R, at least as many as the program has.
        max_steps: T, after which a candidate is cut off.
        task, bias: where samples are drawn from; None and "": they are given.
        before: what the original does on the samples of the final check.

    """

    def __init__(
        self, original: Assembly, *, memory: int, registers: int | None = None,
        task: RamTask | None = None, bias: str = "", given: Samples | None = None,
    ) -> None:  # fmt: skip
        """Run the original.

        Args:
            original: the program.
            memory: M.
            registers: R; None: as many as the program has.
            task: draws samples; or
            given: the samples themselves.
            bias: of the task.

        Raises:
            DataError: the original is wrong on a sample, which is named; or there are no samples.
            ModelErrors: the program does not fit the memory.

        """
        self.original, self.memory, self.task, self.bias = original, memory, task, bias
        self.registers = max(registers or 0, len(original.registers))
        self.given = given
        if given is not None and given.memory != memory:
            raise DataError(f"the samples have {given.memory} cells, not {memory}")
        asm.fit(original, memory)
        self.max_steps = self._steps() * _ROOM + 2
        self.before = self.try_one(self.choices, self.fresh)
        self._complain()

    # ---- samples

    @cached_property
    def everything(self) -> Samples | None:
        """All inputs, where they are few or given; None where they are drawn."""
        if self.given is not None:
            return self.given
        assert self.task is not None
        return self.task.domain(self.bias)

    @cached_property
    def fresh(self) -> Samples:
        """The samples of the final check: those that are given, or `FRESH` drawn for it alone."""
        return self.draw(FRESH, "fresh", 0) if self.given is None else self.given

    def draw(self, count: int, stream: Stream, seed: int) -> Samples:
        """Draw samples; streams with another name or seed have nothing to do with each other."""
        rng = np.random.default_rng([_STREAMS.index(stream), seed])
        if self.given is not None:
            return self.given.take(rng.integers(0, self.given.count, count))
        assert self.task is not None
        return self.task.draw(self.bias, count, rng)

    # ---- running

    @property
    def program(self) -> Program:
        """The register machine as a model."""
        return register_machine(self.memory, self.registers, self.max_steps)

    @cached_property
    def choices(self) -> Choices:
        """The original as choices."""
        return self.as_choices(self.original)

    def as_choices(self, program: Assembly) -> Choices:
        """Return a program as choices of this machine."""
        found = {name: value[0] for name, value in program.choices(self.memory).items()}
        start = found["initial_registers"]
        found["initial_registers"] = np.pad(start, (0, self.registers - len(start)))
        return found

    def examples(self, samples: Samples) -> Examples:
        """Return samples as examples of the model: asked cells, and an end."""
        wanted = np.where(samples.asked, samples.wanted, -1)
        halted = np.ones(samples.count, np.int64)
        steps = np.full(samples.count, -1)
        outputs = {"final_memory": wanted, "final_halted": halted, "steps": steps}
        return Examples({"initial_memory": samples.given}, outputs, samples.count)

    def try_all(self, choices: Mapping[str, Array], samples: Samples) -> list[Trial]:
        """Run C programs, choices `[C, *shape]`, on samples."""
        found = self._executor.run(choices, {"initial_memory": samples.given})
        right = samples.right(found["final_memory"]) & (found["final_halted"] == 1)
        return [Trial(*pair) for pair in zip(right, found["steps"], strict=True)]

    def try_one(self, choices: Choices, samples: Samples) -> Trial:
        """Run one program on samples."""
        return self.try_all({name: value[None] for name, value in choices.items()}, samples)[0]

    @cached_property
    def _executor(self) -> Executor:
        return Executor(self.program)

    def final(self, choices: Choices) -> tuple[float, float]:
        """Return the share of right ones and the mean steps of the final check.

        The share is that of the fresh samples, or that of all inputs where they are few and it is
        smaller: 1 is right on everything that can be run. The steps are those of the samples.
        """
        trial = self.try_one(choices, self.fresh)
        right = float(trial.right.mean())
        if self.everything is not None and self.everything is not self.fresh:
            right = min(right, float(self.try_one(choices, self.everything).right.mean()))
        return right, trial.mean

    def _steps(self) -> int:
        """Return the most steps that the original takes on some samples."""
        plain = Executor(register_machine(self.memory, self.registers, _LIMIT), jit=False)
        samples = self.fresh.take(slice(0, _FIRST))
        batch = {name: value[None] for name, value in self.choices.items()}
        found = plain.run(batch, {"initial_memory": samples.given})
        stopped = found["final_halted"][0] == 1
        if not stopped.all():
            raise DataError(_endless(samples, int(np.flatnonzero(~stopped)[0])))
        return int(found["steps"].max())

    def _complain(self) -> None:
        """Refuse an original that is wrong on a sample."""
        if not self.before.solved:
            k = int(np.flatnonzero(~self.before.right)[0])
            sample = self.fresh.take([k])
            batch = {name: value[None] for name, value in self.choices.items()}
            found = self._executor.run(batch, {"initial_memory": sample.given})
            if found["final_halted"][0, 0] != 1:
                raise DataError(_endless(self.fresh, k))
            raise DataError(_wrong(self.fresh, k, found["final_memory"][0, 0]))


def _wrong(samples: Samples, k: int, final: Array) -> str:
    """Say on which sample the original is wrong."""
    cell = int(np.flatnonzero(samples.asked[k] & (final != samples.wanted[k]))[0])
    return (
        f"{_named(samples, k)}  cell {cell} is {final[cell]} after the run, "
        f"wanted: {samples.wanted[k, cell]}\n{_HINT}"
    )


def _endless(samples: Samples, k: int) -> str:
    return f"{_named(samples, k)}  it does not stop in time\n{_HINT}"


def _named(samples: Samples, k: int) -> str:
    memory = " ".join(map(str, samples.given[k]))
    return f"the program to be adapted is wrong on sample {k}, of memory {memory}\n"


_HINT = "  hint: only a program that is right can be made faster; see `neuralc run` for its runs"
