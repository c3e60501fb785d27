"""Known solutions of the machines: hyper-parameters and choices, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neuralc import machines
from neuralc.lang.model import Parsed, parse
from neuralc.source import Source


@dataclass(frozen=True)
class Solved:
    """A machine with choices that solve a task."""

    machine: str
    hypers: dict[str, int]
    choices: dict[str, Any]


def turing(states: int, steps: int, rules: dict[tuple[int, int], tuple[int, int, int]]) -> Solved:
    """Make a table from rules (state, symbol) -> (write, direction, new state)."""
    write, move, new = (np.zeros((states, 3), int) for _ in range(3))
    write[0] = 0, 1, 2
    for (state, symbol), (written, direction, following) in rules.items():
        write[state, symbol], move[state, symbol], new[state, symbol] = (
            written,
            direction,
            following,
        )
    hypers = {
        "numTapeSymbols": 3,
        "numHeadStates": states,
        "tapeLength": 5,
        "numTimesteps": steps + 1,
    }
    return Solved("turing", hypers, {"write": write, "dir": move, "newState": new})


STAY, RIGHT, LEFT = 0, 1, 2
BLANK = 2

INVERT = turing(2, 5, {(1, 0): (1, RIGHT, 1), (1, 1): (0, RIGHT, 1), (1, BLANK): (BLANK, STAY, 0)})
PREPEND = turing(
    3,
    5,
    {
        (1, 0): (0, RIGHT, 1), (1, 1): (0, RIGHT, 2), (1, BLANK): (0, STAY, 0),
        (2, 0): (1, RIGHT, 1), (2, 1): (1, RIGHT, 2), (2, BLANK): (1, STAY, 0),
    },
)  # fmt: skip
DECREMENT = turing(
    3,
    8,
    {
        (1, 0): (0, RIGHT, 1), (1, 1): (1, RIGHT, 1), (1, BLANK): (BLANK, LEFT, 2),
        (2, 0): (1, LEFT, 2), (2, 1): (0, STAY, 0), (2, BLANK): (BLANK, STAY, 0),
    },
)  # fmt: skip
SWAP = Solved(
    "circuit",
    {"numGates": 3, "numWires": 3, "numOutputs": 2},
    {"gate": [2, 2, 2], "in1": [0, 0, 0], "in2": [1, 1, 1], "out": [0, 1, 0]},
)
BLOCK_ACCESS = Solved(
    "basic_block",
    {"maxInt": 5, "numBlocks": 4, "numRegisters": 2, "numTimesteps": 5},
    {
        "instructions": [0, 2, 4, 2, 1],
        "arg1Reg": [0, 0, 1, 1, 0],
        "arg2Reg": [0, 0, 0, 0, 1],
        "outReg": [0, 1, 1, 1, 0],
        "condReg": [0, 0, 1, 0, 0],
        "thenBlock": [0, 2, 3, 4, 0],
        "elseBlock": [0, 2, 0, 4, 0],
    },
)
ASSEMBLY_ACCESS = Solved(
    "assembly",
    {"const_maxInt": 5, "const_numRegisters": 2, "const_numTimesteps": 5, "const_numBlocks": 5},
    {
        "instructions": [0, 2, 0, 7, 8],
        "arg1Reg": [0, 1, 1, 0, 0],
        "arg2Reg": [0, 0, 0, 1, 0],
        "outReg": [1, 1, 1, 0, 0],
        "branchAddr": [0, 0, 0, 0, 0],
    },
)
ADD_TOP = Solved(
    "grid2x2_add",
    {"image_size": 8, "num_lines": 4},
    {"instr": [2, 5, 0, 0], "arg1": [0, 0, 0, 0], "arg2": [0, 1, 0, 0], "ret": 2},
)
APPLY_RIGHT = Solved(  # (d1 op(upper right) d2) op(lower right) d3
    "grid2x2_apply",
    {"image_size": 8, "num_lines": 4},
    {
        "net_choice": [0, 1, 0, 1, 0],
        "instr": [2, 5, 3, 5],
        "arg1": [0, 0, 0, 5],
        "arg2": [0, 1, 0, 2],
        "arg_op": [0, 4, 0, 6],
        "ret": 7,
    },
)
MAZE = Solved(
    "maze",
    {"W": 5, "H": 3, "T": 24, "image_size": 32, "max_int": 15},
    {"instr": [3, 2, 0], "goto": [1, 2, 0]},
)
ALM_DOUBLE = Solved(  # call a routine that doubles, with a return line on the stack, and halt
    "alm",
    {
        "num_values": 4, "num_cells": 2, "num_lines": 5, "num_registers": 2, "depth": 1,
        "max_steps": 5,
    },
    {
        "operation": [0, 4, 2, 11, 5],
        "first": [0, 0, 0, 0, 0],
        "second": [0, 0, 0, 0, 0],
        "target": [0, 0, 0, 0, 0],
        "immediate": [0, 0, 0, 0, 0],
        "label": [0, 0, 3, 0, 0],
    },
)  # fmt: skip
ALL = {
    "invert": INVERT, "prepend": PREPEND, "decrement": DECREMENT, "swap": SWAP,
    "block_access": BLOCK_ACCESS, "assembly_access": ASSEMBLY_ACCESS,
    "add_top": ADD_TOP, "apply_right": APPLY_RIGHT, "maze": MAZE, "alm_double": ALM_DOUBLE,
}  # fmt: skip


@cache
def _parsed(name: str, hypers: tuple[tuple[str, int], ...]) -> Parsed:
    path = machines.path(name)
    return parse(Source(path.name, path.read_text(encoding="utf-8")), dict(hypers))


def machine(name: str, hypers: dict[str, int]) -> Parsed:
    """Return a machine with its hyper-parameters put in."""
    return _parsed(name, tuple(hypers.items()))
