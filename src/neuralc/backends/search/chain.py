"""Simulated annealing over the choices of one program, in compiled code.

A chain changes a few choices at a time and runs the program exactly, example after example, until
the change is known to be too bad: the threshold of Metropolis is drawn first, so a bad program
costs little more than one example. Examples that refuse much are moved to the front.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013), section 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
STOP_EVERY = 256  # proposals between two looks at the stop flag


@cache
def _moves() -> Callable[..., int]:
    import numba

    @numba.njit(nogil=True)
    def move(rng, flat, where, sizes, line, members, counts, ladder, changed, before):  # type: ignore[no-untyped-def]
        """Change one, two or three choices, often of one line; return how many."""
        draw = rng.random()
        wanted = 1 if draw < 0.65 else 2 if draw < 0.9 else 3
        together = rng.random() < 0.7
        first = rng.integers(0, len(where))
        for j in range(wanted):
            which = first
            if j and together:
                which = members[line[first], rng.integers(0, counts[line[first]])]
            elif j:
                which = rng.integers(0, len(where))
            at = where[which]
            changed[j], before[j] = at, flat[at]
            if ladder.shape[1] and rng.random() < 0.5:
                flat[at] = np.searchsorted(ladder[which], rng.random(), side="right")
            else:
                value = rng.integers(0, sizes[which] - 1)
                flat[at] = value + (value >= flat[at])
        return wanted

    return move


def compiled(kernel: Callable[..., None]) -> Callable[..., tuple[int, int]]:
    """Return the chain for the kernel of a program (see `Executor.single`).

    Its arguments: a random generator; how many proposals; the temperatures at the start and at the
    end; a stop flag [1]; all choices as one flat array, and the parts of `Moves`; the number of
    examples and the order of their trial [E]; where the best choices go; the arrays of the kernel.
    It returns the least number of wrong values and the number of proposals made.
    """
    import numba

    move = _moves()

    @numba.njit(nogil=True)
    def chain(  # type: ignore[no-untyped-def]
        rng, proposals, hot, cold, stop, flat, where, sizes, line, members, counts, ladder,
        examples, order, best, arrays,
    ):  # fmt: skip
        wrong = arrays[-1]
        kernel(0, examples, examples, True, *arrays)
        now = 0
        for e in range(examples):
            now += wrong[e]
        least = now
        best[:] = flat
        changed, before = np.empty(3, np.int64), np.empty(3, np.int64)
        for step in range(proposals):
            if least == 0 or (step % STOP_EVERY == 0 and stop[0]):
                return least, step
            changes = move(rng, flat, where, sizes, line, members, counts, ladder, changed, before)
            heat = hot * (cold / hot) ** (step / proposals)
            limit = now - heat * math.log(1.0 - rng.random())
            total, k = 0, 0
            while k < examples and total <= limit:
                e = order[k]
                kernel(e, e + 1, examples, True, *arrays)
                total += wrong[e]
                k += 1
            if total <= limit:
                now = total
                if now < least:
                    least = now
                    best[:] = flat
                continue
            for j in range(changes - 1, -1, -1):
                flat[changed[j]] = before[j]
            if k > 1:
                order[k - 1], order[k - 2] = order[k - 2], order[k - 1]
        return least, proposals

    return chain
