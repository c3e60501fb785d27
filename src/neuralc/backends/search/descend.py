"""Depth-first search through the choices that runs look at, in the order they look at them.

A run stops where it looks at an open choice; each of its values is then tried, and the run goes on
from the step it stopped in. A choice that no run looks at is never tried (needed narrowing; Antoy,
Echahed, Hanus 1994). Knows nothing of what the runs are for: `strict` searches end at the first
example that fails, others go on and note it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from neuralc.backends.search.emit import DONE, NEED
from neuralc.backends.search.machine import Function, Machine, cells, signature
from neuralc.backends.search.space import OPEN, Array

EXHAUSTED, LEAF, PAUSED = 0, 1, 2
_ROW, _AT, _TOP, _BACK, _RUNS, _BEST, _CUT = range(7)  # what `cursor` holds


def descend(
    run: Any, budget: int, begin: int, until: int, strict: int, limit: int, cursor: Array,
    stack: Array, best: Array, choices: Array, values: Array, starts: Array, need: Array,
    examples: Array, passed: Array, cells: Array, given: Array, wanted: Array, tables: Array,
) -> int:  # fmt: skip
    """Go on with a search for at most `budget` runs; also compiled by numba.

    The arguments are what `Descent` and `Machine` hold under these names; `values` and `starts`
    are `orders`. Returns EXHAUSTED, LEAF (all rows were run, see `passed`) or PAUSED.
    """
    row, at, top, back = cursor[0], cursor[1], cursor[2], cursor[3]
    for _ in range(budget):
        if back == 0:
            cursor[4] += 1
            code = run(at, until, row, examples[row], choices, need, cells, given, wanted, tables)
            if code == 2 and top < limit:
                which, at = need[0], need[1]
                stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = which, 0, row, at
                choices[which] = values[starts[which]]
                top += 1
                continue
            if code == 2:
                cursor[6] = 1
            passed[row] = code == 0
            if code == 0 or strict == 0:
                row, at = row + 1, begin
                if row > cursor[5]:
                    cursor[5] = row
                    best[:] = choices
                if row < len(examples):
                    continue
                cursor[0], cursor[1], cursor[2], cursor[3] = row, at, top, 1
                return 1
        back = 1
        while top > 0:
            which = stack[top - 1, 0]
            rank = stack[top - 1, 1] + 1
            if starts[which] + rank < starts[which + 1]:
                stack[top - 1, 1] = rank
                choices[which] = values[starts[which] + rank]
                row, at, back = stack[top - 1, 2], stack[top - 1, 3], 0
                break
            choices[which] = -1
            top -= 1
        if back == 1:
            cursor[0], cursor[1], cursor[2], cursor[3] = row, at, top, 1
            return 0
    cursor[0], cursor[1], cursor[2], cursor[3] = row, at, top, back
    return 2


assert (DONE, NEED, OPEN) == (0, 2, -1), "`descend` has the numbers of all names written out"


@cache
def compiled() -> Function:
    """Return `descend`, compiled once for the runs of all programs."""
    import numba
    from numba import types

    number, small, wide = types.int64, types.int32[::1], types.int64[::1]
    own = number(
        types.FunctionType(signature()), number, number, number, number, number,
        wide, types.int64[:, ::1], small, small, small, wide, wide, wide, types.boolean[::1],
        small, small, small, small,
    )  # fmt: skip
    fast: Function = numba.njit(own, nogil=True)(descend)
    return fast


class Descent:
    """One search; it can be stopped after any number of runs and taken up again.

    Attributes:
        begin, until: the steps to make.
        strict: 1: go back as soon as a run fails.
        limit: the number of choices that are made at most; the rest is cut off.
        examples: int64 [rows], the example of every row; a row is a run with cells of its own.
        choices: int32 [choices], OPEN where none is made; at a LEAF those that led there.
        best: the choices with which most rows were passed, one after another.
        passed: bool [rows], whether each row was run to the end.
        cells: int32 [rows * width], what the runs have set.
        cursor: where the search is and what it has done: `_ROW` and so on.
        stack: int64 [depth, 4], the choices made: which, the rank of its value, row and step.
        orders: the values of all choices in the order to try, see `Space.orders`.
        need: int64 [2], what a run asks for: a choice, and the step to go on from.

    """

    def __init__(
        self, machine: Machine, begin: int, until: int, examples: Array, *, strict: bool = True,
        prefix: Mapping[int, int] | None = None, limit: int | None = None,
    ) -> None:  # fmt: skip
        """Start at the first row.

        Args:
            machine: the program.
            begin: the first step.
            until: the step after the last one.
            examples: the example of every row, int64 [rows].
            strict: go back as soon as a run fails.
            prefix: choices that are made beforehand.
            limit: the number of choices that are made at most, the prefix included; then `cut`
                tells whether a run has asked for more. Needs `strict`.

        """
        assert strict or limit is None, "what is cut off cannot be told from what fails"
        self.machine, self.begin, self.until, self.strict = machine, begin, until, int(strict)
        space = machine.space
        self.examples = np.ascontiguousarray(examples, np.int64)
        self.choices = space.start.copy()
        for choice, value in (prefix or {}).items():
            self.choices[choice] = value
        self.limit = space.count if limit is None else limit - len(prefix or {})
        self.best = self.choices.copy()
        self.orders = space.orders(machine.problem.chances)
        self.cursor = np.zeros(7, np.int64)
        self.cursor[_AT] = begin
        self.stack = np.zeros((space.count + 1, 4), np.int64)
        self.need = np.zeros(2, np.int64)
        self.passed = np.zeros(len(self.examples), np.bool_)
        self.cells = cells(machine, len(self.examples))

    @property
    def runs(self) -> int:
        """How many runs were made."""
        return int(self.cursor[_RUNS])

    @property
    def reached(self) -> int:
        """How many rows `best` passes, one after another."""
        return int(self.cursor[_BEST])

    @property
    def cut(self) -> bool:
        """Whether a run was given up because of the limit."""
        return bool(self.cursor[_CUT])

    def advance(self, budget: int) -> int:
        """Go on for at most so many runs; return EXHAUSTED, LEAF or PAUSED."""
        machine = self.machine
        function = compiled() if machine.jit else descend
        return int(function(
            machine.run, budget, self.begin, self.until, self.strict, self.limit,
            self.cursor, self.stack, self.best, self.choices, *self.orders, self.need,
            self.examples, self.passed, self.cells, machine.given, machine.wanted, machine.tables,
        ))  # fmt: skip
