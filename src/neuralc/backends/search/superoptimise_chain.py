"""Annealing of one program towards fewer steps, in compiled code.

A chain proposes a change, runs the program exactly, example after example, and gives up as soon as
the change is known to be too bad. It looks at few examples; what is right on those and faster than
all before is run on all, and an example that comes out wrong joins the few. It knows the kernel of
a program and what its outputs cost, not what a program looks like.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013), sections 4.1 to 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

STOP_EVERY = 256  # proposals between two looks at the stop flag


def compiled(
    kernel: Callable[..., None], change: Callable[..., None], reach: Callable[..., int]
) -> Callable[..., tuple[int, int]]:
    """Return the chain for the kernel of a program (see `Executor.single`).

    Args:
        kernel: of the program.
        change: makes a proposal, see `superoptimise_moves.compiled`.
        reach: finds the lines that it may change, see `superoptimise_moves.reachable`.

    Returns:
        A function that returns how many examples it looks at in the end, and how many proposals
        it made. Its arguments: a random generator; how many proposals; the temperatures at the
        start and at the end; the cost of a step; a stop flag [1]; all choices as one row, and
        `Moves.parts`; the order of trial of the examples int64 [N], and how many of them to look
        at; the best row, and its steps on each example int64 [N], both replaced by better ones;
        `Scored.parts`; the arrays of the kernel.

    """
    import numba

    price, check = _price(kernel)

    @numba.njit(nogil=True)
    def chain(  # type: ignore[no-untyped-def]
        rng, proposals, hot, cold, per_step, stop, flat, moves, order, active, best, best_steps,
        scored, arrays,
    ):  # fmt: skip
        lines, registers = moves[0], moves[1]
        live, kept, now = np.empty(lines, np.int64), flat.copy(), math.inf
        count = reach(flat, lines, registers, live)
        fastest = 0
        for k in range(active):
            fastest += best_steps[order[k]]
        for step in range(proposals):
            if step % STOP_EVERY == 0 and stop[0]:
                return active, step
            limit = math.inf
            if step:
                change(rng, flat, live, count, *moves)
                heat = hot * (cold / hot) ** (step / proposals)
                limit = now - active * heat * math.log(1.0 - rng.random())
            missed, steps, k = 0.0, 0, 0
            while k < active and missed + per_step * steps <= limit:
                wrong, n = price(order[k], len(order), scored, arrays)
                missed += wrong
                steps += n
                k += 1
            if missed + per_step * steps > limit:
                flat[:] = kept
                if k > 1:
                    order[k - 1], order[k - 2] = order[k - 2], order[k - 1]
                continue
            now = missed + per_step * steps
            kept[:] = flat
            count = reach(flat, lines, registers, live)
            if missed == 0 and steps < fastest:
                k = check(order, active, best, best_steps, flat, scored, arrays)
                if k < len(order):
                    wrong, n = price(order[k], len(order), scored, arrays)
                    now += wrong + per_step * n
                    order[k], order[active] = order[active], order[k]
                    active += 1
                fastest = 0
                for k in range(active):
                    fastest += best_steps[order[k]]
        return active, proposals

    return chain


def _price(kernel: Callable[..., None]) -> tuple[Callable[..., Any], Callable[..., int]]:
    """Return what runs a program on one example, and what runs it on all."""
    import numba

    @numba.njit(nogil=True)
    def price(e, total, scored, arrays):  # type: ignore[no-untyped-def]
        """Return the cost of what comes out wrong, and the steps."""
        places, wanted, weights, counts, clock, found = scored
        kernel(e, e + 1, total, False, *arrays)
        wrong = 0.0
        for k in range(counts[e]):
            if found[places[e, k]] != wanted[e, k]:
                wrong += weights[e, k]
        return wrong, found[clock[e]]

    @numba.njit(nogil=True)
    def check(order, active, best, best_steps, flat, scored, arrays):  # type: ignore[no-untyped-def]
        """Keep the program if it is right on all and faster; else return an example it fails."""
        steps = np.empty(len(order), np.int64)
        for k in range(len(order)):
            wrong, steps[order[k]] = price(order[k], len(order), scored, arrays)
            if wrong > 0:
                return k
        if steps.sum() < best_steps.sum():
            best[:] = flat
            best_steps[:] = steps
        return len(order)

    return price, check
