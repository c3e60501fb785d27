"""Random changes of a program of the register machine (`machines/ram.py`), in compiled code.

The only file of the superoptimisation that knows how a program is laid out: lines of four fields,
the registers at the start, the line where a run begins. It knows neither costs nor how programs
are run. All choices of a program are one row of numbers here, in the order of `PARAMS`.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013), section 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from neuralc.errors import Declined
from neuralc.ir.assembly import ARITY, OPERATIONS
from neuralc.ir.nodes import Int, Program

Array = np.ndarray[Any, Any]

PARAMS = ("instruction", "first", "second", "target", "initial_registers", "initial_line")
STOP, JEZ = OPERATIONS.index("STOP"), OPERATIONS.index("JEZ")
KINDS = {
    "field": 30, "line": 14, "insert": 10, "delete": 10, "swap": 6, "copy": 4, "stop": 3,
    "start value": 12, "first line": 2, "chances": 20,
}  # fmt: skip
"""What a proposal changes, and how often; "chances" only where there are some."""
ANYWHERE = 0.05  # proposals that look at lines which no run may reach, too
import os
NAMED = float(os.environ.get('NAMED','.5'))
SHIFT_LABELS = 0.7  # insertions and deletions that move the jumps' targets along


@dataclass(frozen=True, eq=False)
class Moves:
    """What the changes need to know, as arrays.

    Attributes:
        lines, registers: how many there are.
        kinds: float64 [kinds], the summed probabilities of `KINDS`.
        values: int64 [values], numbers worth trying as a start value of a register.
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
        """Measure a program; `declines` says which ones fit."""
        lines, registers = _sizes(program)
        weights = np.array([w for kind, w in KINDS.items() if chances or kind != "chances"], float)
        kinds = np.ones(len(KINDS))
        kinds[: len(weights)] = np.cumsum(weights) / weights.sum()
        return Moves(lines, registers, kinds, values, _ladder(lines, registers, chances))

    @property
    def parts(self) -> tuple[Any, ...]:
        """The arguments of `compiled()` behind the row."""
        return self.lines, self.registers, self.kinds, self.values, self.ladder


def declines(program: Program) -> list[str]:
    """Return why a program is not one of the register machine; empty if it is."""
    found = {decl.name: decl for decl in program.of("param")}
    reasons = [f"it has no param {name}" for name in PARAMS if name not in found]
    reasons += [f"it has a param {name}" for name in found if name not in PARAMS]
    reasons += [f"its output {n} is missing" for n in ("steps",) if n not in program.decl]
    if program.fixed:
        reasons.append("some of its choices are fixed")
    return reasons


def row(choices: Mapping[str, Array]) -> Array:
    """Return the choices `[*shape]` of a program as one row int64 [choices]."""
    return np.concatenate([np.asarray(choices[name], np.int64).ravel() for name in PARAMS])


def choices(flat: Array, program: Program) -> dict[str, Array]:
    """Return a row [choices] as the choices by name, each int64 `[*shape]`."""
    lines, registers = _sizes(program)
    ends = [lines, 2 * lines, 3 * lines, 4 * lines, 4 * lines + registers]
    parts = np.split(flat.astype(np.int64), ends)
    return {
        name: part.reshape(program.decl[name].shape)
        for name, part in zip(PARAMS, parts, strict=True)
    }


def _sizes(program: Program) -> tuple[int, int]:
    if reasons := declines(program):
        raise Declined("the superoptimisation", reasons)
    (lines,) = program.decl["instruction"].shape
    (registers,) = program.decl["initial_registers"].shape
    return lines, registers


def _ladder(lines: int, registers: int, chances: Mapping[str, Array] | None) -> Array:
    count = 4 * lines + registers + 1
    if not chances:
        return np.zeros((count, 0))
    ladder = np.ones((count, max(lines, registers, len(OPERATIONS))))
    start = 0
    sizes = (len(OPERATIONS), *[registers] * 3, lines, lines)
    for name, rows, size in zip(PARAMS, (*[lines] * 4, registers, 1), sizes, strict=True):
        given = np.asarray(chances.get(name, np.ones((rows, size))), np.float64)
        given = given.reshape(rows, size)
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
    def reach(flat, lines, registers, live):  # type: ignore[no-untyped-def]
        seen = np.zeros(lines, np.bool_)
        heads = np.empty(lines + 1, np.int64)
        heads[0], waiting, count = flat[4 * lines + registers], 1, 0
        while waiting:
            waiting -= 1
            at = heads[waiting]
            while not seen[at]:
                seen[at] = True
                live[count] = at
                count += 1
                if flat[at] == STOP:
                    break
                if flat[at] == JEZ:
                    to = flat[4 * lines + flat[2 * lines + at]]
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
    It returns whether anything has changed that matters where the line is run.
    """
    import numba

    single, fresh, drawn, value = _single(), _fresh(), _drawn(), _value()
    shift, exchange = _shift(), _exchange()

    @numba.njit(nogil=True)
    def change(  # type: ignore[no-untyped-def]
        rng, flat, live, count, lines, registers, kinds, values, ladder
    ):
        draw, kind = rng.random(), 0
        while draw >= kinds[kind]:
            kind += 1
        at = live[int(rng.random() * count)]
        if rng.random() < ANYWHERE:
            at = int(rng.random() * lines)
        if kind == 0:
            return single(rng, flat, at, live, count, lines, registers)
        if kind == 1:
            fresh(rng, flat, at, live, count, lines, registers)
        elif kind == 2:
            shift(rng, flat, at, 1, lines, registers)
            fresh(rng, flat, at, live, count, lines, registers)
        elif kind == 3:
            shift(rng, flat, at, -1, lines, registers)
        elif kind == 4 or kind == 5:
            other = live[int(rng.random() * count)]
            exchange(flat, at, other, lines, kind == 4)
            return at != other
        elif kind == 6:
            before = flat[at]
            flat[at] = STOP
            return before != STOP
        elif kind == 7:
            return value(rng, flat, 4 * lines + int(rng.random() * registers), lines, values)
        elif kind == 8:
            flat[4 * lines + registers] = int(rng.random() * lines)
        else:
            drawn(rng, flat, at, lines, registers, ladder)
        return True

    return change


@cache
def _single() -> Callable[..., bool]:
    import numba

    register = _register()
    looks = np.array([[f < ARITY[name] or f == 2 and name != "STOP" for f in range(3)]
                      for name in OPERATIONS])  # fmt: skip

    @numba.njit(nogil=True)
    def single(rng, flat, at, live, count, lines, registers):  # type: ignore[no-untyped-def]
        """Change the instruction of a line, or another field that the instruction looks at."""
        field = int(rng.random() * 4)
        k = field * lines + at
        before = flat[k]
        if field == 0:
            flat[k] = int(rng.random() * len(looks))
        elif looks[flat[at], field - 1]:
            flat[k] = register(rng, flat, live, count, lines, registers)
        return flat[k] != before

    return single


@cache
def _fresh() -> Callable[..., None]:
    import numba

    register = _register()

    @numba.njit(nogil=True)
    def fresh(rng, flat, at, live, count, lines, registers):  # type: ignore[no-untyped-def]
        """Put a random line there."""
        flat[at] = int(rng.random() * len(OPERATIONS))
        for field in range(1, 4):
            flat[field * lines + at] = register(rng, flat, live, count, lines, registers)

    return fresh


@cache
def _register() -> Callable[..., int]:
    import numba

    @numba.njit(nogil=True)
    def register(rng, flat, live, count, lines, registers):  # type: ignore[no-untyped-def]
        """Draw a register, often one that some line names."""
        if rng.random() < NAMED:
            line = live[int(rng.random() * count)]
            return np.int64(flat[int(1 + rng.random() * 3) * lines + line])
        return np.int64(rng.random() * registers)

    return register


@cache
def _exchange() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True)
    def exchange(flat, at, other, lines, both):  # type: ignore[no-untyped-def]
        """Copy a line over another, or swap them."""
        for field in range(4):
            kept = flat[field * lines + at]
            flat[field * lines + at] = flat[field * lines + other]
            if both:
                flat[field * lines + other] = kept

    return exchange


@cache
def _shift() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True)
    def shift(rng, flat, at, by, lines, registers):  # type: ignore[no-untyped-def]
        """Make room for a line (`by` 1; the last one is lost), or close the gap of one (-1)."""
        for field in range(4):
            start = field * lines
            if by > 0:
                for k in range(lines - 1, at, -1):
                    flat[start + k] = flat[start + k - 1]
            else:
                for k in range(at, lines - 1):
                    flat[start + k] = flat[start + k + 1]
                flat[start + lines - 1] = 0
        if rng.random() < SHIFT_LABELS:
            label = np.zeros(registers, np.bool_)
            for k in range(lines):
                if flat[k] == JEZ:
                    label[flat[2 * lines + k]] = True
            for r in range(registers):
                here = flat[4 * lines + r]
                if label[r] and here > at and 0 <= here + by < lines:
                    flat[4 * lines + r] = here + by
        here = flat[4 * lines + registers]
        if here > at and 0 <= here + by < lines:
            flat[4 * lines + registers] = here + by

    return shift


@cache
def _value() -> Callable[..., bool]:
    import numba

    @numba.njit(nogil=True)
    def value(rng, flat, k, lines, values):  # type: ignore[no-untyped-def]
        """Give a register another start value."""
        fresh = int(rng.random() * lines)
        if len(values) and rng.random() < 0.5:
            fresh = values[int(rng.random() * len(values))]
        before = flat[k]
        flat[k] = fresh
        return fresh != before

    return value


@cache
def _drawn() -> Callable[..., None]:
    import numba

    @numba.njit(nogil=True)
    def drawn(rng, flat, at, lines, registers, ladder):  # type: ignore[no-untyped-def]
        """Draw from the chances: a line, one field of it, or a start value."""
        which = int(rng.random() * 6)  # 0 to 3: a field; 4: all of them; 5: a start value
        for field in range(4):
            if which == field or which == 4:
                k = field * lines + at
                flat[k] = np.searchsorted(ladder[k], rng.random(), side="right")
        if which == 5:
            k = 4 * lines + int(rng.random() * (registers + 1))
            flat[k] = np.searchsorted(ladder[k], rng.random(), side="right")

    return drawn
