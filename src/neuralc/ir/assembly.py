"""A program of the register machine (`machines/ram.py`) as plain data.

Lines, registers with their values at the start, and names for both. It knows neither a text form
(`lang/asm`), nor weights (`nn`), nor how a run goes.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuralc.source import Source, Span

OPERATIONS = ("STOP", "ZERO", "INC", "ADD", "SUB", "DEC", "MIN", "MAX", "READ", "WRITE", "JEZ")
"""The instructions, in the order of their numbers."""

ARITY = dict(zip(OPERATIONS, (0, 0, 1, 2, 2, 1, 2, 2, 1, 2, 2), strict=True))
"""How many arguments each instruction looks at."""

RESULT = frozenset(("ZERO", "INC", "ADD", "SUB", "DEC", "MIN", "MAX", "READ"))
"""The instructions whose target register is meant; the others write 0 there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction; the arguments and the target are numbers of registers.

    None: any register will do (an argument that is not looked at). Softly that is the uniform
    distribution, exactly it is register 0.
    """

    operation: str
    first: int | None = None
    second: int | None = None
    target: int | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Assembly:
    """A program: `lines` run from line `start`, register r holds `registers[r]` at the start.

    Attributes:
        lines: the instructions; line k has the address k.
        registers: the values at the start, taken modulo the memory size; None: any value.
        start: the line where a run begins.
        names: of the registers, one each; for listings only.
        labels: names of lines; for listings only.
        source: the text that it was written as.

    """

    lines: tuple[Line, ...]
    registers: tuple[int | None, ...]
    start: int = 0
    names: tuple[str, ...] = field(default=(), compare=False)
    labels: Mapping[int, str] = field(default_factory=dict, compare=False)
    source: Source | None = field(default=None, compare=False, repr=False)

    def choices(self, memory: int) -> dict[str, np.ndarray[Any, Any]]:
        """Return the program as the choices of `machines/ram.py`, each `[1, *shape]`.

        What may be anything is 0: register 0, value 0. Lines behind the last are STOP.

        Args:
            memory: M, cells, values and lines of the machine; at least as many as lines here.

        """
        lines = np.zeros((4, memory), dtype=np.int64)
        for k, line in enumerate(self.lines):
            lines[0, k] = OPERATIONS.index(line.operation)
            lines[1:, k] = [line.first or 0, line.second or 0, line.target or 0]
        return {
            "instruction": lines[0][None],
            "first": lines[1][None],
            "second": lines[2][None],
            "target": lines[3][None],
            "initial_registers": np.array([[(r or 0) % memory for r in self.registers]]),
            "initial_line": np.array([self.start]),
        }
