"""Routines of the machine with subroutines (`machines/alm.py`) as plain data.

A `Code` is one routine as it is written: names for registers, labels for lines. An `Image` is what
the linker makes of several: numbers everywhere, one address space. Neither knows its text form
(`lang/alm`), nor how it runs.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuralc.source import Source, Span

OPERATIONS = (
    "halt", "trap", "goto", "jump", "store", "ret", "write", "set", "copy", "inc", "dec", "add",
    "sub", "mul", "min", "max", "less", "equal", "read",
)  # fmt: skip
"""The operations of the machine, in the order of their numbers."""

_UNARY, _BINARY = ("first", "target"), ("first", "second", "target")
FORMS: Mapping[str, tuple[str, ...]] = {
    "halt": (), "trap": (), "goto": ("label",), "jump": ("first", "value", "label"),
    "store": ("label",), "ret": ("first",), "call": ("label",), "write": ("first", "second"),
    "set": ("target", "value"), "copy": _UNARY, "inc": _UNARY, "dec": _UNARY, "add": _BINARY,
    "sub": _BINARY, "mul": _BINARY, "min": _BINARY, "max": _BINARY, "less": _BINARY,
    "equal": _BINARY, "read": _UNARY,
}  # fmt: skip
"""What follows each operation in a text, in order. `call` is short for two lines."""

ENDS = frozenset(("halt", "trap", "goto", "ret"))
"""The operations behind which a run never goes on at the next line."""

RESULT = 0
"""The register that holds what a routine returns; operands are in the registers from 0 on."""

Register = str | int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a routine; what its operation does not look at is None.

    Attributes:
        operation: one of `FORMS`.
        first, second: the registers that it reads, by name or number.
        target: the register that it writes.
        value: its immediate value; negative counts from the largest value down.
        label: a line of the routine, or else the first line of another routine.

    """

    operation: str
    first: Register | None = None
    second: Register | None = None
    target: Register | None = None
    value: int | None = None
    label: str | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers that it names."""
        return tuple(r for r in (self.first, self.second, self.target) if r is not None)


@dataclass(frozen=True)
class Code:
    """A routine.

    Attributes:
        name: what calls it.
        operands: the names of the registers 0, 1, … at the entry.
        lines: at least one; the last is one of `ENDS`.
        labels: names of lines.
        source: the text that it was written as.

    """

    name: str
    operands: tuple[str, ...]
    lines: tuple[Line, ...]
    labels: Mapping[str, int] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False, repr=False)
    span: Span | None = field(default=None, compare=False, repr=False)

    def calls(self) -> Iterator[Line]:
        """Yield the lines whose label is another routine, or this one."""
        return (one for one in self.lines if one.label is not None and one.label not in self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of registers: operands, then the others in the order of the text."""
        used = (r for line in self.lines for r in line.registers if isinstance(r, str))
        return tuple(dict.fromkeys((*self.operands, *used)))


@dataclass(frozen=True)
class Image:
    """Routines in one address space: line 0 halts, and every return from an entry goes there.

    Attributes:
        lines: `[L, 6]` int64: operation, first, second, target, value, label, by numbers.
        places: for each routine its lines, the first of which is its entry.
        registers: how many registers it takes.
        depth: how many lines the stack of return lines must hold; None: as many as there are,
            because routines call each other in a circle.
        memory: whether any line reads or writes a cell.

    """

    lines: np.ndarray[Any, Any]
    places: Mapping[str, range]
    registers: int
    depth: int | None
    memory: bool

    def choices(self, lines: int) -> dict[str, np.ndarray[Any, Any]]:
        """Return the program as choices of `machines/alm.py`, each `[1, lines]`.

        Lines behind the last one are `trap`.
        """
        rows = np.zeros((lines, len(FIELDS)), np.int64)
        rows[:, 0] = OPERATIONS.index("trap")
        rows[: len(self.lines)] = self.lines
        return {name: rows[None, :, k].copy() for k, name in enumerate(FIELDS)}


def reads_memory(image: Image, name: str) -> bool:
    """Tell whether a routine reads cells that its caller has filled: before it writes any itself.

    Followed along all jumps, each of which may be made.

    Args:
        image: the routine with those that it calls.
        name: of the routine.

    """
    waiting, seen = [image.places[name].start], set()
    while waiting:
        line = waiting.pop()
        if line in seen or line >= len(image.lines):
            continue
        seen.add(line)
        kind = OPERATIONS[int(image.lines[line, 0])]
        if kind == "read":
            return True
        if kind == "write":
            continue
        if kind in ("goto", "jump", "store"):
            waiting.append(int(image.lines[line, FIELDS.index("label")]))
        if kind not in ENDS:
            waiting.append(line + 1)
    return False


FIELDS = ("operation", "first", "second", "target", "immediate", "label")
"""The parts of a line, as the model names its choices."""
