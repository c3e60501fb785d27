"""The machine with subroutines (`machines/alm.py`) in its sizes, as the executions take it.

Everything here is made once for each size and kept. What a program is made of is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from neuralc import machines
from neuralc.backends.exact import Executor
from neuralc.files import read_text
from neuralc.ir.alm import Image
from neuralc.ir.nodes import Program
from neuralc.ir.turn import Turn, turn
from neuralc.lang.model import parse
from neuralc.source import Source

FETCHED = ("what", "first_register", "second_register", "target_register", "value", "goal")
"""What a line asks for, in the order of `ir.alm.FIELDS`: inputs of a turn."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a machine.

    Attributes:
        values: n; values are 0 … n - 1.
        cells: of the memory, at most n.
        lines: L, of the program.
        registers: R.
        depth: how many return lines the stack holds.

    """

    values: int
    cells: int
    lines: int
    registers: int
    depth: int

    def of_lines(self) -> tuple[int, ...]:
        """Return how many values each part of a line has, in the order of `ir.alm.FIELDS`."""
        registers = (self.registers,) * 3
        return (19, *registers, self.values, self.lines)


def tight(image: Image, values: int, cells: int, depth: int) -> Sizes:
    """Return the smallest machine for a program: what it does not use is not there."""
    return Sizes(
        values, cells if image.memory else 1, len(image.lines), image.registers,
        depth if image.depth is None else image.depth,
    )  # fmt: skip


def roomy(image: Image, values: int, cells: int, depth: int) -> Sizes:
    """Return a machine for a program whose sizes are round, so that others fit it, too."""
    least = tight(image, values, cells, depth)
    lines = max(64, 1 << (least.lines - 1).bit_length())
    registers = -(-max(least.registers, 16) // 8) * 8
    return Sizes(values, least.cells, lines, registers, max(least.depth, 8))


@cache
def program(sizes: Sizes, max_steps: int) -> Program:
    """Return the model of the machine."""
    hypers = {
        "num_values": sizes.values, "num_cells": sizes.cells, "num_lines": sizes.lines,
        "num_registers": sizes.registers, "depth": sizes.depth, "max_steps": max_steps,
    }  # fmt: skip
    return parse(Source("alm", read_text(machines.path("alm"))), hypers).program


@cache
def one_turn(sizes: Sizes) -> Turn:
    """Return one turn, in which the parts of the line are inputs; steps are not counted."""
    return turn(program(sizes, 1), given=FETCHED, without=("count",))


@cache
def executor(sizes: Sizes, max_steps: int, jit: bool) -> Executor:
    """Return the exact execution of runs of at most so many steps; `jit` compiles it."""
    return Executor(program(sizes, max_steps), jit=jit)
