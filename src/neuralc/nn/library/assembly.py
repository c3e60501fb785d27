"""A routine that is text of the machine with subroutines, with all the routines that it calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from neuralc.errors import DataError
from neuralc.ir.alm import Code, Image, reads_memory
from neuralc.lang import alm
from neuralc.nn.library import exact
from neuralc.nn.library.exact import Ended
from neuralc.nn.library.machine import Sizes, roomy, tight
from neuralc.nn.library.routine import SOFT_STEPS, Array, Routine
from neuralc.nn.library.soft import SoftLibrary


class AssemblyRoutine(Routine):
    """A routine of the machine with subroutines.

    Attributes:
        code: its lines.
        codes: the routines that it may call, by name, itself included.
        cells, depth: of the memory and of the stack of return lines of its machine.

    """

    def __init__(
        self, name: str, codes: Mapping[str, Code], *, n: int, cells: int, depth: int,
        max_steps: int,
    ) -> None:  # fmt: skip
        """Link a routine with what it calls.

        Raises:
            ModelErrors: a label that is nowhere, or a value that does not fit.

        """
        self.code = codes[name]
        self.name, self.operands, self.n = name, len(self.code.operands), n
        self.cells, self.depth, self.max_steps = cells, depth, max_steps
        self.image: Image = alm.link(codes, [name], n)
        self.codes = {one: codes[one] for one in self.image.places}
        self._soft: dict[tuple[Any, Any], SoftLibrary] = {}

    @property
    def text(self) -> str:
        """The assembly of the routine, and of those that it calls."""
        return alm.text(self.codes.values())

    @cached_property
    def sizes(self) -> Sizes:
        """The machine of its exact runs; routines of one library have the same."""
        return roomy(self.image, self.n, self.cells, self.depth)

    @property
    def over_memory(self) -> bool:
        """Whether it works on cells that its caller has filled, see `reads_memory`."""
        return reads_memory(self.image, self.name)

    def run(self, arguments: Any) -> tuple[Array, Array, Array]:
        """Run exactly, see `Routine.run`."""
        ended = self.execute(arguments)
        return ended.values, ended.steps, ended.halted

    def execute(self, arguments: Any, memory: Any = None) -> Ended:
        """Run exactly, also on memory.

        Args:
            arguments: integers `[E, operands]`.
            memory: what the first cells hold, integers `[E, up to cells]`; the others hold 0.

        Raises:
            DataError: arguments or memory of another shape, or out of range.

        """
        given = self.checked(arguments)
        cells = None if memory is None else self._cells(memory, len(given))
        entry = self.image.places[self.name].start
        return exact.run(
            self.image, self.sizes, entry, given, max_steps=self.max_steps, memory=cells
        )

    def _cells(self, memory: Any, count: int) -> Array:
        given = np.asarray(memory)
        fits = given.ndim == 2 and len(given) == count and given.shape[1] <= self.cells
        if not fits or given.dtype.kind not in "iu":
            raise DataError(
                f"{self.name} takes a memory of integers [{count}, up to {self.cells}], not "
                f"{given.dtype} of shape {given.shape}"
            )
        if given.size and not 0 <= int(given.min()) <= int(given.max()) < self.n:
            raise DataError(f"{self.name}: cells hold numbers from 0 to {self.n - 1}")
        cells = np.zeros((count, self.cells), np.int64)
        cells[:, : given.shape[1]] = given
        return cells

    def soft(self, arguments: Sequence[Tensor], *, max_steps: int = SOFT_STEPS) -> Tensor:
        """Run softly, see `Routine.soft`."""
        self.check_soft(arguments)
        machine = self.machine(arguments[0]) if arguments else self.machine()
        result: Tensor = machine(self.name, arguments, max_steps=max_steps).result
        return result

    def machine(self, like: Tensor | None = None) -> SoftLibrary:
        """Return the soft machine with this routine, all of it frozen; made once for each type.

        Args:
            like: a tensor of the type and on the device wanted; None: float32 on the CPU.

        """
        key = (None, None) if like is None else (like.dtype, like.device)
        if key not in self._soft:
            machine = SoftLibrary(self.image, tight(self.image, self.n, self.cells, self.depth))
            if like is not None:
                machine.to(like)
            self._soft[key] = machine.freeze().requires_grad_(requires_grad=False)
        return self._soft[key]
