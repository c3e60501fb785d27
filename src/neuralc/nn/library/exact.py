"""Exact runs of a linked program on many operands at once, to their end.

A run is made in windows of a fixed number of steps, each one call of a generated kernel, and goes
on with those that have not ended; so one kernel does for every bound on the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.ir.alm import Image
from neuralc.nn.library.machine import Sizes, executor

Array = np.ndarray[Any, Any]
WINDOW = 1024
"""Steps of one call."""
FEW = 128  # windows that are run without compiling a kernel, which takes seconds
AT_ONCE = 1 << 23  # numbers of the state that are in memory together
CUT_OFF, HALTED, TRAPPED = 0, 1, 2
_STATE = ("line", "registers", "memory", "stack", "height")


@dataclass(frozen=True, eq=False)
class Ended:
    """How E runs ended.

    Attributes:
        values: register 0, int64 `[E]`.
        memory: the cells, int64 `[E, C]`; None where they were not asked for.
        steps: lines executed, int64 `[E]`.
        ended: `HALTED`, `TRAPPED`, or `CUT_OFF` after too many steps, int8 `[E]`.

    """

    values: Array
    memory: Array | None
    steps: Array
    ended: Array

    @property
    def halted(self) -> Array:
        """Which runs came to their end, bool `[E]`."""
        return np.asarray(self.ended == HALTED)


def run(
    image: Image, sizes: Sizes, entry: int, operands: Array, *, max_steps: int,
    memory: Array | None = None,
) -> Ended:  # fmt: skip
    """Run a program from a line on.

    Args:
        image: the program.
        sizes: of a machine that it fits.
        entry: the line.
        operands: values `[E, k]` of the registers 0, 1, …; the others are 0.
        max_steps: after so many lines a run is cut off.
        memory: what the cells hold, `[E, C]`, at least as many as the machine has; None: 0, and
            they are not given back.

    """
    count = len(operands)
    choices = image.choices(sizes.lines)
    values, steps = np.zeros(count, np.int64), np.zeros(count, np.int64)
    ended = np.zeros(count, np.int8)
    cells = None if memory is None else memory.astype(np.int64)  # a copy
    rows = max(1, AT_ONCE // (sizes.cells + sizes.registers + sizes.depth + 8))
    for start in range(0, count, rows):
        part = slice(start, start + rows)
        given = memory[part] if memory is not None else None
        state = _begin(sizes, entry, operands[part], given)
        steps[part], ended[part] = _to_the_end(choices, sizes, state, max_steps)
        values[part] = state["registers"][:, 0]
        if cells is not None:
            cells[part, : sizes.cells] = state["memory"]
    return Ended(values, cells, steps, ended)


def _begin(sizes: Sizes, entry: int, operands: Array, memory: Array | None) -> dict[str, Array]:
    """Return the state at the start: line 0 is where the entry returns to."""
    count, width = operands.shape
    small = np.int16
    registers = np.zeros((count, sizes.registers), small)
    registers[:, :width] = operands
    cells = np.zeros((count, sizes.cells), small)
    if memory is not None:
        cells[:] = memory[:, : sizes.cells]
    return {
        "line": np.full(count, entry, small),
        "registers": registers,
        "memory": cells,
        "stack": np.zeros((count, sizes.depth), small),
        "height": np.ones(count, small),
    }


def _to_the_end(
    choices: dict[str, Array], sizes: Sizes, state: dict[str, Array], max_steps: int
) -> tuple[Array, Array]:
    """Run until all have ended or are cut off; the state is changed. Return steps and ends."""
    count = len(state["line"])
    steps, ended = np.zeros(count, np.int64), np.zeros(count, np.int8)
    rows = np.arange(count)
    for window in range(-(-max_steps // WINDOW)):
        kernel = executor(sizes, WINDOW, jit=(window + 1) * len(rows) > FEW)
        found = kernel.run(choices, {f"initial_{name}": state[name][rows] for name in _STATE})
        for name in _STATE:
            state[name][rows] = found[f"final_{name}"][0]
        steps[rows] += found["steps"][0]
        ended[rows] = found["final_ended"][0]
        rows = rows[ended[rows] == CUT_OFF]
        if not len(rows):
            break
    ended[steps > max_steps] = CUT_OFF
    return steps, ended
