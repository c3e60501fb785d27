"""A routine: a function of whole numbers that can be run exactly, tabulated, and run softly.

Where it comes from is known to its two kinds: text of the machine with subroutines
(`assembly.py`), and a model with its choices (`models.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from neuralc.errors import DataError, NeuralcError

Array = np.ndarray[Any, Any]
MOST_VALUES = 4_000_000
"""The most entries that a table of a routine may have."""
SHOWN = 5  # arguments in a message
SOFT_STEPS = 1000
"""Where a soft run is cut off, unless it is told otherwise."""


class Routine(ABC):
    """A function of `operands` numbers 0 … n - 1 with one such number as its value.

    Attributes:
        name: what it is called by.
        operands: how many numbers it takes.
        n: how many values each operand and the result has.
        max_steps: after so many steps an exact run is given up.

    """

    name: str
    operands: int
    n: int
    max_steps: int

    @property
    @abstractmethod
    def text(self) -> str:
        """Readable source."""

    @abstractmethod
    def run(self, arguments: Any) -> tuple[Array, Array, Array]:
        """Run exactly.

        Args:
            arguments: integers `[E, operands]`.

        Returns:
            Values int64 `[E]`, steps int64 `[E]`, and bool `[E]`: which of them came to an end.

        Raises:
            DataError: arguments of another shape, or out of range.

        """

    @abstractmethod
    def soft(self, arguments: Sequence[Tensor], *, max_steps: int = SOFT_STEPS) -> Tensor:
        """Run softly, step by step, all variables taken as independent of each other.

        Args:
            arguments: a distribution `(B, n)` for each operand.
            max_steps: a run that has not ended then is cut off.

        Returns:
            The distribution of the result, `(B, n)`.

        """

    @property
    def over_memory(self) -> bool:
        """Whether it works on a memory beside its operands; such a routine is no function."""
        return False

    def values(self) -> Array:
        """Return the values for all arguments, int32 `[n] * operands`; made once, not a copy.

        Raises:
            NeuralcError: there are too many, or it does not come to an end on some.

        """
        return self._values

    @cached_property
    def _values(self) -> Array:
        count = self.n**self.operands
        if count > MOST_VALUES:
            raise NeuralcError(
                f"{self.name} has {count:,} values, more than {MOST_VALUES:,}\n"
                f"  hint: it takes {self.operands} operands with {self.n} values; use fewer values"
            )
        grid = np.indices((self.n,) * self.operands, np.int16)
        arguments = grid.reshape(self.operands, count).T
        values, _, halted = self.run(arguments)
        if not halted.all():
            raise self._unfinished(arguments[~halted])
        return values.astype(np.int32).reshape((self.n,) * self.operands)

    def _unfinished(self, arguments: Array) -> NeuralcError:
        shown = ", ".join(f"{self.name}({', '.join(map(str, row))})" for row in arguments[:SHOWN])
        more = ", …" if len(arguments) > SHOWN else ""
        return NeuralcError(
            f"{self.name} does not halt within {self.max_steps:,} steps, or is trapped, on "
            f"{len(arguments):,} of {self.n**self.operands:,} arguments: {shown}{more}\n"
            "  hint: correct the routine, or allow more steps (max_steps)"
        )

    def checked(self, arguments: Any) -> Array:
        """Return arguments as an array `[E, operands]`; raises DataError where they do not fit."""
        given = np.asarray(arguments)
        if given.ndim != 2 or given.shape[1] != self.operands or given.dtype.kind not in "iu":
            raise DataError(
                f"{self.name} takes integers [E, {self.operands}], not {given.dtype} of shape "
                f"{given.shape}"
            )
        if given.size and not 0 <= int(given.min()) <= int(given.max()) < self.n:
            row = given[((given < 0) | (given >= self.n)).any(1)][0]
            raise DataError(
                f"{self.name}: the arguments {row.tolist()} are out of range\n"
                f"  hint: they are 0 … {self.n - 1}"
            )
        return given

    def check_soft(self, arguments: Sequence[Tensor]) -> None:
        """Raise DataError where there is not one distribution `(B, n)` for each operand."""
        shapes = [tuple(one.shape) for one in arguments]
        batch = shapes[0][0] if shapes and len(shapes[0]) == 2 else 1
        if shapes != [(batch, self.n)] * self.operands:
            raise DataError(
                f"{self.name} takes {self.operands} distributions (B, {self.n}), not {shapes}"
            )

    def __repr__(self) -> str:
        """Return the name, the number of operands and of values."""
        return f"<routine {self.name}: {self.operands} operands, {self.n} values>"
