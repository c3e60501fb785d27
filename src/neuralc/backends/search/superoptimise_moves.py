"""Random changes of a program of the register machine (`machines/ram.py`), in compiled code.

It knows how a program is laid out (lines of four fields, the registers at the start, the line
where a run begins), neither costs nor how programs are run. All choices of a program are one row
of numbers here, in the order of `PARAMS`.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013), section 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neuralc.errors import DataError
from neuralc.ir.assembly import ARITY, OPERATIONS
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]

PARAMS = ("instruction", "first", "second", "target", "initial_registers", "initial_line")
STOP, JEZ = OPERATIONS.index("STOP"), OPERATIONS.index("JEZ")
KINDS = {
    "field": 30, "line": 14, "insert": 10, "delete": 10, "swap": 6, "copy": 4, "stop": 3,
    "start value": 12, "first line": 2, "chances": 20,
}  # fmt: skip
"""What a proposal changes, and how often; "chances" only where there are some."""
ANYWHERE = 0.05  # of the proposals look at lines which no run seems to reach, too
LABELS = 0.7  # of the insertions and deletions move the targets of jumps along
WORTH_TRYING = 0.5  # of the start values are drawn from `Moves.values`


@dataclass(frozen=True, eq=False)
class Moves:
    """What the changes need to know, as arrays.

    Attributes:
        lines, registers: how many there are.
        kinds: float64 [kinds], the summed probabilities of `KINDS`.
        values: int64 [values], numbers worth trying as the start value of a register; some.
        ladder: float64 [choices, most], the summed probabilities of each choice's values, or
            [choices, 0].

    """

    lines: int
    registers: int
    kinds: Array
    values: Array
    ladder: Array

    @staticmethod
    def of(program: Program, values: Array, chances: Mapping[str, Array] | None) -> Moves:
        """Return the moves among the programs of a machine that `declines` finds no fault with.

        Args:
            program: the machine.
            values: int64 [values], see the attribute.
            chances: probabilities [*shape, size] by param; what is missing is drawn evenly.

        """
        lines, registers = sizes(program)
        weights = [0 if kind == "chances" and not chances else n for kind, n in KINDS.items()]
        kinds = np.cumsum(weights) / sum(weights)
        return Moves(lines, registers, kinds, values, _ladder(lines, registers, chances or {}))

    def parts(self, named: float) -> tuple[Any, ...]:
        """Return the last arguments of `compiled()`.

        Args:
            named: how many of the registers in proposals are drawn from those that lines name.

        """
        return self.lines, self.registers, self.kinds, self.values, self.ladder, named


def declines(program: Program) -> list[str]:
    """Return why a program is not a register machine whose choices are open; empty if it is."""
    params = [decl.name for decl in program.of("param")]
    reasons = [f"it has no param {name!r}" for name in PARAMS if name not in params]
    reasons += [f"its param {name!r} is none of those" for name in params if name not in PARAMS]
    if program.fixed:
        reasons.append("some of its choices are fixed")
    return reasons


def sizes(program: Program) -> tuple[int, int]:
    """Return the number of lines and of registers."""
    (lines,) = program.decl["instruction"].shape
    (registers,) = program.decl["initial_registers"].shape
    return lines, registers


def row(choices: Mapping[str, Array], program: Program) -> Array:
    """Return the choices of a program, each `[*shape]` or `[1, *shape]`, as one row int64.

    Raises:
        DataError: a choice is missing, or of another shape.

    """
    parts = []
    for name in PARAMS:
        shape = program.decl[name].shape
        if name not in choices or np.size(choices[name]) != math.prod(shape):
            found = np.shape(choices[name]) if name in choices else "nothing"
            raise DataError(f"the choice {name!r} of the program: found {found}, wanted {shape}")
        parts.append(np.asarray(choices[name], np.int64).ravel())
    return np.concatenate(parts)


def choices(row: Array, program: Program) -> dict[str, Array]:
    """Return a row [choices] as the choices by name, each int64 `[*shape]`."""
    lines, registers = sizes(program)
    ends = [lines, 2 * lines, 3 * lines, 4 * lines, 4 * lines + registers]
    parts = np.split(np.asarray(row, np.int64), ends)
    return {
        name: part.reshape(program.decl[name].shape)
        for name, part in zip(PARAMS, parts, strict=True)
    }


def _ladder(lines: int, registers: int, chances: Mapping[str, Array]) -> Array:
    """Return the summed probabilities [choices, most], 1 from the last value on."""
    count = 4 * lines + registers + 1
    if not chances:
        return np.zeros((count, 0))
    ladder = np.ones((count, max(lines, registers, len(OPERATIONS))))
    start = 0
    values = (len(OPERATIONS), *[registers] * 3, lines, lines)
    for name, rows, size in zip(PARAMS, (*[lines] * 4, registers, 1), values, strict=True):
        even = np.ones((rows, size))
        given = np.asarray(chances.get(name, even), np.float64)
        if given.size != even.size:
            raise DataError(f"chances of {name!r}: found {given.shape}, wanted {even.shape}")
        given = np.maximum(given.reshape(rows, size), 1e-12)
        sums = np.cumsum(given, axis=1) / given.sum(axis=1, keepdims=True)
        ladder[start : start + rows, : size - 1] = np.minimum(1.0, sums[:, :-1])
        start += rows
    return ladder


@cache
def reachable() -> Callable[..., int]:
    """Return the function that lists the lines which a run may reach.

    Its arguments: the row, lines, registers, where the list goes [lines]. It returns how many.
    Jumps are taken to go where the start values of their registers say, which is a guess.
    """
    import numba

    @numba.njit(nogil=True)
    def reach(row, lines, registers, live):  # type: ignore[no-untyped-def]
        seen = np.zeros(lines, np.bool_)
        heads = np.empty(lines + 1, np.int64)
        heads[0], waiting, count = row[4 * lines + registers], 1, 0
        while waiting:
            waiting -= 1
            at = heads[waiting]
            while not seen[at]:
                seen[at] = True
                live[count] = at
                count += 1
                if row[at] == STOP:
                    break
                if row[at] == JEZ:
                    to = row[4 * lines + row[2 * lines + at]]
                    if not seen[to]:
                        heads[waiting] = to
                        waiting += 1
                at = at + 1 if at + 1 < lines else 0
        return count

    return reach


@cache
def compiled() -> Callable[..., bool]:
    """Return the function that changes a row of choices at random, in place.

    Its arguments: a random generator; the row; the lines in question and how many; `Moves.parts`.
    It returns False where it sees that the program still does the same.
    """
    import numba

    single, fresh, drawn = _single(), _fresh(), _drawn()
    value, shift, exchange = _value(), _shift(), _exchange()

    @numba.njit(nogil=True)
    def change(  # type: ignore[no-untyped-def]
        rng, row, live, count, lines, registers, kinds, values, ladder, named
    ):
        draw, kind = rng.random(), 0
        while draw >= kinds[kind]:
            kind += 1
        at = live[int(rng.random() * count)]
        if rng.random() < ANYWHERE:
            at = int(rng.random() * lines)
        if kind == 0:
            return single(rng, row, at, live[:count], lines, registers, named)
        if kind == 1:
            fresh(rng, row, at, live[:count], lines, registers, named)
        elif kind == 2:
            shift(rng, row, at, 1, lines, registers)
            fresh(rng, row, at, live[:count], lines, registers, named)
        elif kind == 3:
            shift(rng, row, at, -1, lines, registers)
        elif kind == 4 or kind == 5:
            other = live[int(rng.random() * count)]
            exchange(row, at, other, lines, kind == 4)
            return at != other
        elif kind == 6:
            before = row[at]
            row[at] = STOP
            return before != STOP
        elif kind == 7:
            return value(rng, row, 4 * lines + int(rng.random() * registers), lines, values)
        elif kind == 8:
            return value(rng, row, 4 * lines + registers, lines, values[:0])
        else:
            return drawn(rng, row, at, lines, registers, ladder)
        return True

    return change


@cache
def _register() -> Callable[..., int]:
    import numba

    @numba.njit(nogil=True)
    def register(rng, row, live, lines, registers, named):  # type: ignore[no-untyped-def]
        """Draw a register."""
        if rng.random() < named:
            line = live[int(rng.random() * len(live))]
            return np.int64(row[int(1 + rng.random() * 3) * lines + line])
        return np.int64(rng.random() * registers)

    return register


@cache
def _single() -> Callable[..., bool]:
    import numba

    register = _register()
    looks = np.array([[n > 0, n > 1, name != "STOP"] for name, n in ARITY.items()])

    @numba.njit(nogil=True)
    def single(rng, row, at, live, lines, registers, named):  # type: ignore[no-untyped-def]
        """Change the instruction of a line, or another field that the instruction looks at."""
        field = int(rng.random() * 4)
        k = field * lines + at
        before = row[k]
        if field == 0:
            row[k] = int(rng.random() * len(looks))
        elif looks[row[at], field - 1]:
            row[k] = register(rng, row, live, lines, registers, named)
        return row[k] != before

    return single


@cache
def _fresh() -> Callable[..., None]:
    import numba

    register = _register()

    @numba.njit(nogil=True)
    def fresh(rng, row, at, live, lines, registers, named):  # type: ignore[no-untyped-def]
        """Put a random line there."""
        row[at] = int(rng.random() * len(OPERATIONS))
        for field in range(1, 4):
            row[field * lines + at] = register(rng, row, live, lines, registers, named)

    return fresh


@cache
def _exchange() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True)
    def exchange(row, at, other, lines, both):  # type: ignore[no-untyped-def]
        """Copy a line over another, or swap them."""
        for field in range(4):
            kept = row[field * lines + at]
            row[field * lines + at] = row[field * lines + other]
            if both:
                row[field * lines + other] = kept

    return exchange


@cache
def _shift() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True)
    def shift(rng, row, at, by, lines, registers):  # type: ignore[no-untyped-def]
        """Make room for a line (`by` 1; the last one is lost), or close the gap of one (-1)."""
        label = np.zeros(registers + 1, np.bool_)
        label[registers] = True  # the line where a run begins
        if rng.random() < LABELS:
            for k in range(lines):
                if row[k] == JEZ:
                    label[row[2 * lines + k]] = True
        for field in range(4):
            start = field * lines
            if by > 0:
                for k in range(lines - 1, at, -1):
                    row[start + k] = row[start + k - 1]
            else:
                for k in range(at, lines - 1):
                    row[start + k] = row[start + k + 1]
                row[start + lines - 1] = 0
        for r in range(registers + 1):
            here = row[4 * lines + r]
            if label[r] and here > at and here + by < lines:
                row[4 * lines + r] = here + by

    return shift


@cache
def _value() -> Callable[..., bool]:
    import numba

    @numba.njit(nogil=True)
    def value(rng, row, k, lines, values):  # type: ignore[no-untyped-def]
        """Change a start value."""
        fresh, before = int(rng.random() * lines), row[k]
        if len(values) and rng.random() < WORTH_TRYING:
            fresh = values[int(rng.random() * len(values))]
        row[k] = fresh
        return fresh != before

    return value


@cache
def _drawn() -> Callable[..., bool]:
    import numba

    @numba.njit(nogil=True)
    def drawn(rng, row, at, lines, registers, ladder):  # type: ignore[no-untyped-def]
        """Draw from the chances: a line, one field of it, or a start value."""
        which, changed = int(rng.random() * 6), False  # 0 to 3: a field; 4: all of them
        for j in range(5):
            k = j * lines + at
            if j == 4:
                k = 4 * lines + int(rng.random() * (registers + 1))
            if j == 4 and which == 5 or j < 4 and which in (j, 4):
                before = row[k]
                row[k] = np.searchsorted(ladder[k], rng.random(), side="right")
                changed = changed or row[k] != before
        return changed

    return drawn
