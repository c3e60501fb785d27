"""What a task of the register machine is: ways to draw memories, and what is right after a run.

It does not know the fourteen tasks themselves.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.errors import DataError
from neuralc.ir.memories import Samples

Array = np.ndarray[Any, Any]
Memory = list[int]
Answer = tuple[Memory, Iterable[int]]
"""The memory after the run, and the cells that are asked for."""

FLAT = -1
"""In a drawn memory: any value will do."""

_PORTION = 10_000  # memories that are lists of Python integers at the same time


@dataclass(frozen=True, eq=False)
class Inputs:
    """One way to draw the inputs of a task.

    Attributes:
        draw: gives so many memories, int64 [N, M], `FLAT` where any value will do.
        size: how many different memories it can give; None: nobody has counted.
        domain: gives each of them once, where they are few.
        everything: all cells are asked for, not only those that the answer names.
        where: for a proof: a condition on `initial_memory` that every input fulfils, in the subset
            of Python that `neuralc verify` reads; "" where nobody has written one.
        cells: with `where`, the cells that are asked for, always the same.

    """

    draw: Callable[[np.random.Generator, int], Array]
    size: int | None
    domain: Callable[[], Array] | None = None
    everything: bool = False
    where: str = ""
    cells: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class RamTask:
    """A function on the memory of the register machine.

    Attributes:
        name: such as "listk"; the generic program in `routines` has the same name.
        memory: M, cells, values and lines of the machine.
        registers: R of the generic program.
        max_steps: T, enough for the generic program on every input (but see `moves.COPY`).
        bias: the inputs that the paper adapts to; "general" where it does not adapt.
        answer: from a memory before the run to what is right after it.
        inputs: the ways to draw inputs by name; "general" is always among them.

    """

    name: str
    memory: int
    registers: int
    max_steps: int
    bias: str
    answer: Callable[[Memory], Answer]
    inputs: Mapping[str, Inputs]

    @property
    def routine(self) -> str:
        """The name of the generic program."""
        return self.name

    @property
    def biases(self) -> tuple[str, ...]:
        """The names of the ways to draw inputs, "general" first."""
        return tuple(self.inputs)

    def draw(self, bias: str, count: int, seed: int | np.random.Generator = 0) -> Samples:
        """Draw samples, each for itself: the same one may come twice.

        Args:
            bias: one of `biases`.
            count: how many, 1 or more.
            seed: the same seed gives the same samples; or a generator to draw from.

        Raises:
            DataError: the task has no such bias, or the count is below 1.

        """
        inputs = self._inputs(bias)
        if count < 1:
            raise DataError(f"{self.name}: cannot draw {count} samples\n  hint: draw 1 or more")
        return self._samples(inputs, inputs.draw(np.random.default_rng(seed), count))

    def domain(self, bias: str) -> Samples | None:
        """Return all inputs of a bias, each once; None where they are too many to hold.

        Raises:
            DataError: the task has no such bias.

        """
        inputs = self._inputs(bias)
        return None if inputs.domain is None else self._samples(inputs, inputs.domain())

    def size(self, bias: str) -> int | None:
        """Return how many different inputs a bias can give; None: nobody has counted.

        Raises:
            DataError: the task has no such bias.

        """
        return self._inputs(bias).size

    def _inputs(self, bias: str) -> Inputs:
        if bias in self.inputs:
            return self.inputs[bias]
        close = difflib.get_close_matches(bias, self.inputs, 1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise DataError(
            f"the task {self.name!r} has no bias {bias!r}\n"
            f"  hint: {meant}it has {', '.join(map(repr, self.inputs))}"
        )

    def _samples(self, inputs: Inputs, memories: Array) -> Samples:
        """Give each memory its answer."""
        flat = memories == FLAT
        given = np.where(flat, 0, memories)
        wanted = np.empty_like(given)
        asked = np.full(given.shape, inputs.everything)
        for start in range(0, len(given), _PORTION):
            for k, memory in enumerate(given[start : start + _PORTION].tolist(), start):
                wanted[k], cells = self.answer(memory)
                asked[k, list(cells)] = True
        return Samples(given, wanted, asked, flat if flat.any() else None)
