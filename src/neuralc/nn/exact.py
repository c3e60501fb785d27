"""Exact runs of one program, turn after turn: any number of steps, the end of each known.

The same model of a turn as in `turns.py`, in the exact execution. Searching among many programs
wants the whole run as one kernel instead (`backends/search`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.errors import DataError
from neuralc.ir.assembly import Assembly
from neuralc.ir.turn import Turn, turn
from neuralc.nn.turns import program as register_machine

Array = np.ndarray[Any, Any]
_STATE = ("memory", "registers", "line_number")


@dataclass(frozen=True, eq=False)
class Ended:
    """How runs on B memories ended.

    Attributes:
        memory: int64 `[B, M]`.
        registers: int64 `[B, R]`.
        line: where it stopped, or would have gone on, int64 `[B]`.
        steps: instructions executed, STOP included, int64 `[B]`; the paper counts one more.
        halted: False where the run was cut off, bool `[B]`.

    """

    memory: Array
    registers: Array
    line: Array
    steps: Array
    halted: Array


def run(program: Assembly, memory: Any, *, max_steps: int) -> Ended:
    """Run a program exactly; what may be anything in it is register 0, value 0.

    Args:
        program: has at most as many lines as the memory has cells.
        memory: integers `[B, M]`.
        max_steps: after so many instructions a run is cut off.

    Raises:
        DataError: the memories hold something else than numbers below M.

    """
    cells = np.array(memory)
    if cells.ndim != 2 or cells.dtype.kind not in "iu" or not cells.shape[1]:
        raise DataError(f"memories are integers [B, M], not {cells.dtype} of {cells.shape}")
    count, size = cells.shape
    one, executor = _turn(size, len(program.registers))
    choices = program.choices(size)
    params = {d.name: choices[d.name] for d in one.program.of("param")}
    state = {
        "memory": cells,
        "registers": np.repeat(choices["initial_registers"], count, 0),
        "line_number": np.repeat(choices["initial_line"], count, 0),
    }
    steps, halted = np.zeros(count, np.int64), np.zeros(count, bool)
    for _ in range(max_steps):
        rows = np.flatnonzero(~halted)
        if not len(rows):
            break
        found = executor.run(params, {name: state[name][rows] for name in _STATE})
        after = {name: found[one.following[name]][0] for name in (*_STATE, "halted")}
        steps[rows] += 1
        halted[rows] = after["halted"] == 1
        going = after["halted"] == 0
        for name in ("memory", "registers"):
            state[name][rows] = after[name]
        state["line_number"][rows[going]] = after["line_number"][going]
    return Ended(state["memory"], state["registers"], state["line_number"], steps, halted)


@cache
def _turn(memory: int, registers: int) -> tuple[Turn, Executor]:
    whole = register_machine(memory, registers, 1)
    one = turn(whole, known={"halted": 0}, without=("count",))
    return one, Executor(one.program, jit=False)
