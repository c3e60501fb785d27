"""The register machine in a few lines, as a plain loop: what compiled programs are held to."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.ir.assembly import Assembly


class Endless(Exception):
    """A run that took too many steps."""


def run(
    assembly: Assembly, memory: Sequence[int], limit: int = 100_000, junk: int = 0
) -> tuple[list[int], int, int]:
    """Return the memory after a run, the number of steps (STOP included) and the last line.

    Args:
        assembly: the program.
        memory: the cells, M of them.
        limit: after so many steps `Endless` is raised.
        junk: what registers without a value hold at the start.

    """
    size = len(memory)
    cells = list(memory)
    registers = [(junk if value is None else value) % size for value in assembly.registers]
    place = assembly.start
    for steps in range(1, limit + 1):
        line = assembly.lines[place]
        x, y = registers[line.first or 0], registers[line.second or 0]
        result, following = 0, (place + 1) % size
        match line.operation:
            case "STOP":
                return cells, steps, place
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
                following = y if x == 0 else following
        registers[line.target or 0] = result % size
        place = following
    raise Endless
