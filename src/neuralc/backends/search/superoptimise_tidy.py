"""Makes a program of the register machine that was found by chance readable, and no slower.

Lines that are never run go, the run begins at line 0, fields that do not matter get plain values,
registers start as in the original where they can. Every change is tried by exact execution and
kept only if the program is still right and takes no more steps; so nothing here has to be clever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from neuralc.backends.search.superoptimise_moves import JEZ, STOP
from neuralc.ir.assembly import ARITY, OPERATIONS, RESULT

Array = np.ndarray[Any, Any]
Judge = Callable[[Array], tuple[bool, int]]
"""Whether a row of choices is right on all examples, and the sum of its steps."""


def tidied(row: Array, original: Array, lines: int, registers: int, judge: Judge) -> Array:
    """Return a program that does the same on the examples and reads better.

    Args:
        row: int64 [choices], right on all examples; see `superoptimise_moves.PARAMS`.
        original: int64 [choices], what it should look like where that makes no difference.
        lines, registers: how many there are.
        judge: runs a program.

    """
    _, steps = judge(row)
    kept = row.copy()
    for proposals in (_stopped, _rotated, _shorter, _plain, _started):
        for change in proposals(lines, registers, original):
            trial = change(kept)
            if np.array_equal(trial, kept):
                continue
            right, found = judge(trial)
            if right and found <= steps:
                kept, steps = trial, found
    return kept


Change = Callable[[Array], Array]


def _stopped(lines: int, registers: int, original: Array) -> Iterator[Change]:
    """Replace single lines by STOP: the ones that are never run."""
    for k in range(lines):
        yield partial(_with, values={f * lines + k: 0 for f in range(4)})


def _rotated(lines: int, registers: int, original: Array) -> Iterator[Change]:
    """Move the line where a run begins to the front; lines and their numbers form a circle."""

    def rotate(row: Array) -> Array:
        start = int(row[-1])
        found = row.copy()
        found[: 4 * lines] = np.roll(row[: 4 * lines].reshape(4, lines), -start, axis=1).ravel()
        found[_labels(row, lines)] = (row[_labels(row, lines)] - start) % lines
        found[-1] = 0
        return found

    yield rotate


def _shorter(lines: int, registers: int, original: Array) -> Iterator[Change]:
    """Take out single lines that are STOP, and move the targets of jumps along."""

    def cut(row: Array, at: int) -> Array:
        if row[at] != STOP:
            return row
        found = row.copy()
        parts = np.delete(row[: 4 * lines].reshape(4, lines), at, axis=1)
        found[: 4 * lines] = np.append(parts, np.zeros((4, 1), np.int64), axis=1).ravel()
        moved = [k for k in (*_labels(row, lines), len(row) - 1) if row[k] > at]
        found[moved] -= 1
        return found

    for k in reversed(range(lines)):
        yield partial(cut, at=k)


def _plain(lines: int, registers: int, original: Array) -> Iterator[Change]:
    """Name register 0 where none is looked at, and the last one where the result is not meant."""

    def field(row: Array, at: int, which: int) -> Array:
        name = OPERATIONS[row[at]]
        if which < 2:
            return row if which < ARITY[name] else _with(row, {(which + 1) * lines + at: 0})
        junk = 0 if name == "STOP" else registers - 1
        return row if name in RESULT else _with(row, {3 * lines + at: junk})

    for k in range(lines):
        for which in range(3):
            yield partial(field, at=k, which=which)


def _started(lines: int, registers: int, original: Array) -> Iterator[Change]:
    """Let registers start as in the original."""
    for k in range(4 * lines, 4 * lines + registers):
        yield partial(_with, values={k: int(original[k])})


def _with(row: Array, values: dict[int, int]) -> Array:
    found = row.copy()
    for k, value in values.items():
        found[k] = value
    return found


def _labels(row: Array, lines: int) -> list[int]:
    """Return where the start values stand of the registers that jumps go by."""
    jumps = np.flatnonzero(row[:lines] == JEZ)
    return [4 * lines + int(r) for r in np.unique(row[2 * lines + jumps])]
