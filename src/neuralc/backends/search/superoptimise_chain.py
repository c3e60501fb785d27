"""Annealing of one program towards fewer steps, in compiled code.

A chain proposes a change, runs the program exactly, some examples at a time, and gives up as soon
as the change is known to be too bad. It looks at a few examples only; what is right on those and
faster than all before is run on all. It knows the kernel of a program and what its outputs cost,
not what a program looks like.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013), sections 4.1 to 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def compiled(
    kernel: Callable[..., None], change: Callable[..., bool], reach: Callable[..., int]
) -> Callable[..., tuple[int, int]]:
    """Return the chain for the kernel of a program (see `Executor.single`).

    It comes back when a program is better than all before, when one that seemed so fails an
    example, and at the end; with the number of the proposal it has come to, to be called again
    with, and that example (-1: none). Its arguments: a random generator; the numbers of the first
    and of the last proposal; the temperature and the price of a step, both in wrong examples; all
    choices as one row, and `Moves.parts`; how many examples to look at, the first ones; the best
    row, and the sums [2] of its steps on all examples and on those looked at, both replaced; what
    is scored, see `Annealer`; the arrays of the kernel.

    `change` makes a proposal, `reach` finds the lines that it may change: `superoptimise_moves`.
    """
    import numba

    trial, check = _trial(kernel)

    @numba.njit(nogil=True)
    def chain(  # type: ignore[no-untyped-def]
        rng, begin, end, heat, price, row, moves, active, best, sums, scored, arrays
    ):
        lines, registers = moves[0], moves[1]
        live, kept = np.empty(lines, np.int64), row.copy()
        count = reach(row, lines, registers, live)
        missed, steps = trial(math.inf, active, price, scored, arrays)
        now = missed + price * steps
        for step in range(begin, end):
            if not change(rng, row, live, count, *moves):
                continue
            limit = now - active * heat * math.log(1.0 - rng.random())
            missed, steps = trial(limit, active, price, scored, arrays)
            if missed + price * steps > limit:
                row[:] = kept
                continue
            kept[:] = row
            now = missed + price * steps
            count = reach(row, lines, registers, live)
            if missed == 0 and steps < sums[1]:
                example, total = check(scored, arrays)
                if example < 0 and total < sums[0]:
                    best[:] = row
                    sums[0], sums[1] = total, steps
                if example >= 0 or sums[0] == total:
                    return step + 1, example
        return end, -1

    return chain


def _trial(kernel: Callable[..., None]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return what runs a program on the examples looked at, and what runs it on all."""
    import numba

    @numba.njit(nogil=True)
    def outcome(e, scored):  # type: ignore[no-untyped-def]
        """Return the weight of what has come out wrong on an example, and its steps."""
        columns, strides, wanted, weights, clock, found = scored
        wrong = 0.0
        for k in range(len(columns)):
            if wanted[e, k] >= 0 and found[columns[k] + e * strides[k]] != wanted[e, k]:
                wrong += weights[e, k]
        return wrong, found[clock + e]

    @numba.njit(nogil=True)
    def trial(limit, active, price, scored, arrays):  # type: ignore[no-untyped-def]
        """Run examples, one, one, two, four and so on, until the cost is above the limit."""
        missed, steps, at, size = 0.0, 0, 0, 1
        while at < active and missed + price * steps <= limit:
            until = min(active, at + size)
            kernel(at, until, len(scored[2]), False, *arrays)
            for e in range(at, until):
                wrong, n = outcome(e, scored)
                missed += wrong
                steps += n
            at, size = until, until
        return missed, steps

    @numba.njit(nogil=True)
    def check(scored, arrays):  # type: ignore[no-untyped-def]
        """Run all examples; return the first that comes out wrong or -1, and the steps of all."""
        total = 0
        kernel(0, len(scored[2]), len(scored[2]), False, *arrays)
        for e in range(len(scored[2])):
            wrong, n = outcome(e, scored)
            total += n
            if wrong > 0:
                return e, total
        return -1, total

    return trial, check
