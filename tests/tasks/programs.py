"""A program for each of the twelve tasks, written by hand: the tasks can be solved."""

from __future__ import annotations

from typing import Any

from neuralc.tasks import TASKS
from tests.machines.solved import (
    ASSEMBLY_ACCESS,
    BLANK,
    BLOCK_ACCESS,
    INVERT,
    LEFT,
    PREPEND,
    STAY,
    turing,
)

AND, OR, XOR, COPY = 0, 1, 2, 4

# To the left of the first cell is the last one: the tape is a ring, so the end of the string is
# found from behind.
DECREMENT = turing(
    3,
    8,
    {
        (1, 0): (0, LEFT, 2), (1, 1): (1, LEFT, 2), (1, BLANK): (BLANK, STAY, 0),
        (2, 0): (1, LEFT, 2), (2, 1): (0, STAY, 0), (2, BLANK): (BLANK, LEFT, 2),
    },
)  # fmt: skip


def circuit(*gates: tuple[int, int, int, int]) -> dict[str, Any]:
    """Return choices from gates (type, first input, second input, output)."""
    names = ("gate", "in1", "in2", "out")
    return {
        name: list(column) for name, column in zip(names, zip(*gates, strict=True), strict=True)
    }


SHIFT = circuit((XOR, 1, 2, 3), (AND, 0, 3, 3), (XOR, 1, 3, 1), (XOR, 2, 3, 2))
FULL_ADDER = circuit(
    (XOR, 0, 1, 3), (AND, 0, 1, 0), (XOR, 3, 2, 1), (AND, 3, 2, 3), (OR, 0, 3, 0)
)  # fmt: skip
TWO_BIT_ADDER = circuit(
    (AND, 1, 3, 4), (XOR, 1, 3, 3), (XOR, 0, 2, 1), (AND, 0, 2, 0),
    (AND, 1, 4, 2), (OR, 0, 2, 0), (XOR, 1, 4, 1), (COPY, 3, 3, 2),
)  # fmt: skip

BLOCK_DECREMENT = {  # read; if > 0: subtract, write, next address
    "instructions": [0, 2, 5, 1, 4, 0],
    "arg1Reg": [0, 0, 1, 0, 0, 0],
    "arg2Reg": [0, 0, 0, 1, 0, 0],
    "outReg": [0, 1, 1, 0, 0, 0],
    "condReg": [0, 1, 0, 0, 0, 0],
    "thenBlock": [0, 2, 3, 4, 1, 0],
    "elseBlock": [0, 0, 3, 4, 1, 0],
}
BLOCK_LIST_K = {  # r0 = k, r1 = 1; while r0 > 0: r1 = memory[r1 + 1], r0 - 1; read, write
    "instructions": [0, 2, 4, 4, 2, 5, 2, 1, 0],
    "arg1Reg": [0, 0, 1, 1, 1, 0, 1, 0, 0],
    "arg2Reg": [0, 0, 0, 0, 0, 0, 0, 1, 0],
    "outReg": [0, 0, 1, 1, 1, 0, 1, 0, 0],
    "condReg": [0, 0, 0, 0, 0, 0, 0, 0, 0],
    "thenBlock": [0, 2, 3, 4, 5, 3, 7, 0, 0],
    "elseBlock": [0, 2, 6, 4, 5, 6, 7, 0, 0],
}
ASSEMBLY_DECREMENT = {
    "instructions": [0, 8, 3, 7, 2, 9, 1],
    "arg1Reg": [0, 1, 1, 0, 0, 0, 0],
    "arg2Reg": [0, 0, 0, 1, 0, 0, 0],
    "outReg": [1, 0, 1, 0, 0, 0, 0],
    "branchAddr": [0, 0, 0, 0, 0, 1, 0],
}
ASSEMBLY_LIST_K = {
    "instructions": [0, 2, 8, 2, 0, 3, 9, 0, 7, 8],
    "arg1Reg": [0, 1, 0, 1, 1, 0, 0, 1, 0, 0],
    "arg2Reg": [0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
    "outReg": [0, 1, 0, 1, 1, 0, 0, 1, 0, 0],
    "branchAddr": [0, 0, 8, 0, 0, 0, 4, 0, 0, 0],
}
CHOICES: dict[str, dict[str, Any]] = {
    "turing-invert": INVERT.choices,
    "turing-prepend": PREPEND.choices,
    "turing-decrement": DECREMENT.choices,
    "circuit-shift": SHIFT,
    "circuit-full-adder": FULL_ADDER,
    "circuit-two-bit-adder": TWO_BIT_ADDER,
    "block-access": BLOCK_ACCESS.choices,
    "block-decrement": BLOCK_DECREMENT,
    "block-list-k": BLOCK_LIST_K,
    "assembly-access": ASSEMBLY_ACCESS.choices,
    "assembly-decrement": ASSEMBLY_DECREMENT,
    "assembly-list-k": ASSEMBLY_LIST_K,
}
assert CHOICES.keys() == TASKS.keys()
