"""A run of an assembly program, one instruction after the other, as the machine is described."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuralc.ir.assembly import Assembly

Memory = list[int]

RESULTS: dict[str, Callable[[Memory, int, int], int]] = {
    "INC": lambda m, x, y: x + 1,
    "ADD": lambda m, x, y: x + y,
    "SUB": lambda m, x, y: x - y,
    "DEC": lambda m, x, y: x - 1,
    "MIN": lambda m, x, y: min(x, y),
    "MAX": lambda m, x, y: max(x, y),
    "READ": lambda m, x, y: m[x],
}


def run(program: Assembly, given: Memory, most: int) -> tuple[Memory, int, bool]:
    """Return the memory after a run, how many instructions it took, and whether it stopped."""
    memory, size = list(given), len(given)
    registers = [(value or 0) % size for value in program.registers]
    at = program.start
    lines = [(s.operation, s.first or 0, s.second or 0, s.target or 0) for s in program.lines]
    for step in range(1, most + 1):
        operation, first, second, target = lines[at] if at < len(lines) else ("STOP", 0, 0, 0)
        x, y = registers[first], registers[second]
        result = RESULTS.get(operation, lambda m, x, y: 0)(memory, x, y)
        if operation == "WRITE":
            memory[x] = y
        registers[target] = result % size
        at = y if operation == "JEZ" and x == 0 else (at + 1) % size
        if operation == "STOP":
            return memory, step, True
    return memory, most, False


def run_all(program: Assembly, given: np.ndarray, most: int) -> tuple[np.ndarray, ...]:
    """Return the memories [N, M], the numbers of instructions [N], and who stopped [N]."""
    return tuple(map(np.array, zip(*(run(program, m, most) for m in given.tolist()), strict=True)))
