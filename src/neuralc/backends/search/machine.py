"""A program made ready for search: the lazy run of one example, compiled, with its arrays.

Knows how examples are laid out for the run; knows nothing of the order of a search.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from neuralc.backends.base.problem import Problem
from neuralc.backends.search.emit import emitted
from neuralc.backends.search.space import Array, Space
from neuralc.backends.search.stages import Cells, Stage, integers, stages, working
from neuralc.ir.nodes import Decl

Function = Callable[..., Any]


def signature() -> Any:
    """Return the type of every run, see `emit.HEAD`, for numba."""
    from numba import types  # half a second, and only needed here

    number, small, wide = types.int64, types.int32[::1], types.int64[::1]
    return number(number, number, number, number, small, wide, small, small, small, small)


class Machine:
    """What a search runs.

    Attributes:
        given, wanted: inputs and targets, int32 [E * width]; targets of -1 are not observed.
        tables: known functions, int32.
        width: the number of cells of one run.
        slice: about how many runs to make between two looks at the clock.

    """

    def __init__(self, problem: Problem, *, jit: bool = True) -> None:
        """Write the run of a program; it is compiled when it is first asked for.

        Args:
            problem: one that is not declined.
            jit: False: plain Python, for tests and for very small spaces.

        """
        self.problem, self.jit = problem, jit
        self.slice = 1 << 17 if jit else 1 << 8
        program, examples = problem.program, problem.examples
        self.space = Space(program)
        self.text, self.tables = emitted(program, self.space)
        self.width = working(program).width
        self.given = _flat(integers(program, "input"), examples.inputs, examples.count)
        self.wanted = _flat(integers(program, "output"), examples.outputs, examples.count)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The parts of a run that share no open choice."""
        return stages(self.problem.program, self.space)

    @cached_property
    def run(self) -> Function:
        """The function that `text` defines."""
        space: dict[str, Any] = {"i64": np.int64 if self.jit else int}
        exec(compile(self.text, "<lazy run>", "exec"), space)  # noqa: S102 - our own text
        function: Function = space["run"]
        if not self.jit:
            return function
        import numba

        fast: Function = numba.njit(signature(), nogil=True, error_model="numpy")(function)
        return fast


def cells(machine: Machine, rows: int) -> Array:
    """Return room for what runs set: int32 [rows * width]."""
    return np.zeros(rows * machine.width, np.int32)


def _flat(decls: list[Decl], arrays: Any, count: int) -> Array:
    """Return the elements of all declarations, example by example."""
    width = Cells(decls).width
    found = np.full((count, width), -1, np.int32)
    at = 0
    for decl in decls:
        if decl.name in arrays:
            column = np.asarray(arrays[decl.name]).reshape(count, -1)
            found[:, at : at + column.shape[1]] = column
            at += column.shape[1]
        else:  # an output without targets
            at += Cells([decl]).width
    return found.reshape(-1)
