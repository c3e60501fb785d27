"""Sums that contain one another, as running sums: n additions instead of n * n / 2.

`x <= y` for all pairs of values is a triangle of ones; so are the sums that a maximum is made of,
and their gradients. Knows no code (`llvm_table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = np.ndarray[Any, Any]
WORTH = 3  # products for each result from which on it is looked for sums in sums
PARTS = 4  # ranges of places that a result may consist of, on average


@dataclass(frozen=True)
class Chain:
    """A sum that grows: of what is at `start`, `start + step`, ..., or of products.

    `start` and `step` are of each factor. `results` are `(length, result)`, each length once: so
    long a sum is that result, or a part of it.
    """

    start: tuple[int, ...]
    step: tuple[int, ...]
    results: tuple[tuple[int, int], ...]

    def at(self, number: int) -> tuple[int, ...]:
        """Return the places of a number that is added up."""
        return tuple(a + number * d for a, d in zip(self.start, self.step, strict=True))

    @property
    def work(self) -> int:
        """How many numbers are added up and stored."""
        return self.results[-1][0] + len(self.results)


def chained(results: Numbers, places: Numbers, count: int) -> tuple[Chain, ...] | None:
    """Return sums of ones as running sums; None, if that does not save much.

    Args:
        results: the result that each product goes to, `(products,)`.
        places: where its only factor is, `(products,)`.
        count: the number of results; blocks of so many places are kept apart.

    """
    if len(results) <= WORTH * count:
        return None
    order = np.lexsort((places, results))
    o, p = results[order], places[order]
    same = o[1:] == o[:-1]
    if (same & (p[1:] == p[:-1])).any():
        return None
    on = same & (p[1:] == p[:-1] + 1) & (p[1:] % count != 0)
    first = np.flatnonzero(np.r_[True, ~on])
    last = np.r_[first[1:], len(o)] - 1
    if len(first) > PARTS * count:
        return None
    low, high = p[first], p[last]
    up = _often(low) >= _often(high)
    found: dict[tuple[int, int, int], dict[int, int]] = {}
    for a, b, rises, to in zip(low.tolist(), high.tolist(), up.tolist(), o[first].tolist(),
                               strict=True):  # fmt: skip
        end, again = (a, 1) if rises else (b, -1), 0
        while b - a + 1 in found.setdefault((*end, again), {}):  # of each length there is one
            again += 1
        found[*end, again][b - a + 1] = to
    chains = tuple(
        Chain((start,), (step,), tuple(sorted(parts.items())))
        for (start, step, _), parts in found.items()
    )
    return chains if sum(chain.work for chain in chains) < len(results) // 2 else None


def _often(values: Numbers) -> Numbers:
    """Return how often each value is there."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[where])
