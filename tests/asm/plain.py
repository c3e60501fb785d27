"""A plain interpreter of assembly programs: slow, obvious, independent of every model.

What may be anything is register 0 and value 0, and what follows the last line is STOP, as in
`Assembly.choices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from neuralc.ir.assembly import Assembly


class Ended(NamedTuple):
    """How a run ended; `steps` count STOP, `halted` is False where it was cut off."""

    memory: list[int]
    registers: list[int]
    steps: int
    halted: bool


def run(assembly: Assembly, memory: Sequence[int], most: int = 10_000) -> Ended:
    """Run a program on a memory of `len(memory)` cells, for `most` steps at most."""
    size, cells = len(memory), list(memory)
    registers = [(value or 0) % size for value in assembly.registers]
    at = assembly.start
    for step in range(1, most + 1):
        if at >= len(assembly.lines) or assembly.lines[at].operation == "STOP":
            return Ended(cells, registers, step, True)
        line = assembly.lines[at]
        x, y = registers[line.first or 0], registers[line.second or 0]
        at = (at + 1) % size
        result = 0
        match line.operation:
            case "INC":
                result = x + 1
            case "ADD":
                result = x + y
            case "SUB":
                result = x - y
            case "DEC":
                result = x - 1
            case "MIN":
                result = min(x, y)
            case "MAX":
                result = max(x, y)
            case "READ":
                result = cells[x]
            case "WRITE":
                cells[x] = y
            case "JEZ":
                at = y if x == 0 else at
        registers[line.target or 0] = result % size
    return Ended(cells, registers, most, False)
