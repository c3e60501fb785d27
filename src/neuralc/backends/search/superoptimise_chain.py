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

STOP_EVERY = 256  # proposals between two looks at the stop flag


def compiled(
    kernel: Callable[..., None], change: Callable[..., bool], reach: Callable[..., int]
) -> Callable[..., tuple[int, int]]:
    """Return the chain for the kernel of a program (see `Executor.single`).

    Args:
        kernel: of the program.
        change: makes a proposal, see `superoptimise_moves.compiled`.
        reach: finds the lines that it may change, see `superoptimise_moves.reachable`.

    Returns:
        A function that returns the number of the proposal that it has come to, and an example that
        a promising program fails. It comes back when there is one, when there is a better program
        (-1), and at the end (-1); then it can be called again with that number. Its arguments: a
        random generator; the number of the first and of the last proposal; the temperatures at the
        first and at the last; the cost of a step; a stop flag [1]; all choices as one row, and
        `Moves.parts`; how many of the examples to look at; the best row, and the sums of its steps
        on all and on those examples [2], replaced by better ones; `Scored.parts`; the arrays of
        the kernel.

    """
    import numba

    price, trial, check = _price(kernel)

    @numba.njit(nogil=True)
    def chain(  # type: ignore[no-untyped-def]
        rng, begin, end, hot, cold, per_step, stop, flat, moves, active, best, sums, scored, arrays,
    ):  # fmt: skip
        lines, registers = moves[0], moves[1]
        live, kept = np.empty(lines, np.int64), flat.copy()
        count = reach(flat, lines, registers, live)
        missed, steps = trial(math.inf, active, per_step, scored, arrays)
        now = missed + per_step * steps
        for step in range(begin, end):
            if step % STOP_EVERY == 0 and stop[0]:
                return step, -1
            if not change(rng, flat, live, count, *moves):
                continue
            heat = hot * (cold / hot) ** (step / end)
            limit = now - active * heat * math.log(1.0 - rng.random())
            missed, steps = trial(limit, active, per_step, scored, arrays)
            if missed + per_step * steps > limit:
                flat[:] = kept
                continue
            now = missed + per_step * steps
            kept[:] = flat
            count = reach(flat, lines, registers, live)
            if missed == 0 and steps < sums[1]:
                example, total = check(scored, arrays)
                if example < 0 and total < sums[0]:
                    best[:] = flat
                    sums[0], sums[1] = total, steps
                    return step + 1, -1
                if example >= 0:
                    return step + 1, example
        return end, -1

    return chain


def _price(kernel: Callable[..., None]) -> tuple[Callable[..., Any], ...]:
    """Return what runs a program on some examples, on the ones looked at, and on all."""
    import numba

    @numba.njit(nogil=True)
    def price(e, scored, arrays):  # type: ignore[no-untyped-def]
        """Return the cost of what has come out wrong on an example, and its steps."""
        columns, strides, wanted, weights, clock, found = scored
        wrong = 0.0
        for k in range(len(columns)):
            if wanted[e, k] >= 0 and found[columns[k] + e * strides[k]] != wanted[e, k]:
                wrong += weights[e, k]
        return wrong, found[clock + e]

    @numba.njit(nogil=True)
    def trial(limit, active, per_step, scored, arrays):  # type: ignore[no-untyped-def]
        """Run examples, one, one, two, four and so on, until the cost is above the limit."""
        missed, steps, at, size = 0.0, 0, 0, 1
        while at < active and missed + per_step * steps <= limit:
            until = min(active, at + size)
            kernel(at, until, len(scored[2]), False, *arrays)
            for e in range(at, until):
                wrong, n = price(e, scored, arrays)
                missed += wrong
                steps += n
            at, size = until, max(1, until)
        return missed, steps

    @numba.njit(nogil=True)
    def check(scored, arrays):  # type: ignore[no-untyped-def]
        """Run all examples; return the first that comes out wrong or -1, and the steps."""
        total = 0
        kernel(0, len(scored[2]), len(scored[2]), False, *arrays)
        for e in range(len(scored[2])):
            wrong, n = price(e, scored, arrays)
            total += n
            if wrong > 0:
                return e, total
        return -1, total

    return price, trial, check
