"""Programs to look at: all of them in turn, random ones, neighbours, and the best of many.

A program is a row of a matrix with a column for each open choice. Knows nothing of how programs
are scored.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuralc.backends.base.problem import Array, Problem
from neuralc.ir.space import open_choices

NEIGHBOURS = 20_000  # that are returned at most, beside those that differ in one choice


class Proposals:
    """The open choices of a program as columns of a matrix, integers [C, choices]."""

    def __init__(self, problem: Problem) -> None:
        """List the open choices, with the probabilities of their values for proposals."""
        self.program = problem.program
        self.places = list(open_choices(problem.program))
        self.sizes = [size for _, _, size in self.places]
        self.sums: list[Array] = []
        for name, index, size in self.places:
            given = problem.chances.get(name)
            weights = np.ones(size) if given is None else np.asarray(given)[index][:size]
            chances = 0.8 * weights / weights.sum() + 0.2 / size  # nothing is out of reach
            self.sums.append(np.cumsum(chances)[:-1])

    def draw(self, column: int, count: int, rng: np.random.Generator) -> Array:
        """Return random values of one choice."""
        return np.searchsorted(self.sums[column], rng.random(count), side="right")

    def random(self, count: int, rng: np.random.Generator) -> Array:
        """Return random programs."""
        columns = [self.draw(k, count, rng) for k in range(len(self.sizes))]
        return np.stack(columns, 1).astype(np.uint8 if max(self.sizes) < 256 else np.int64)

    def numbered(self, start: int, stop: int) -> Array:
        """Return the programs with these numbers, the last choice fastest."""
        left = np.arange(start, stop)
        rows = np.empty((stop - start, len(self.sizes)), np.int64)
        for column in reversed(range(len(self.sizes))):
            left, rows[:, column] = np.divmod(left, self.sizes[column])
        return rows

    def changed(self, rows: Array, rng: np.random.Generator) -> Array:
        """Return programs with one or two choices drawn anew."""
        rows = rows.copy()
        for share in (1.0, 0.4):
            columns = rng.integers(len(self.sizes), size=len(rows))
            columns[rng.random(len(rows)) >= share] = -1
            for column in np.unique(columns[columns >= 0]):
                where = columns == column
                rows[where, column] = self.draw(int(column), int(where.sum()), rng)
        return rows

    def neighbours(self, row: Array, rng: np.random.Generator) -> Array:
        """Return all programs that differ in one choice, and all or many that differ in two."""
        changes = [(k, v) for k, n in enumerate(self.sizes) for v in range(n) if v != row[k]]
        if len(changes) ** 2 <= 2 * NEIGHBOURS:
            pairs = [(a, b) for a in changes for b in changes if a[0] < b[0]]
        else:
            drawn = rng.integers(len(changes), size=(NEIGHBOURS, 2)).tolist()
            pairs = [(changes[a], changes[b]) for a, b in drawn]
        rows = np.repeat(row[None], len(changes) + len(pairs), axis=0)
        for number, change in enumerate([*((one,) for one in changes), *pairs]):
            for column, value in change:
                rows[number, column] = value
        return rows

    def params(self, rows: Array) -> dict[str, Array]:
        """Return the choices of programs by `param`, [C, *shape], the fixed ones put in."""
        found = {
            decl.name: np.zeros((len(rows), *decl.shape), np.int64)
            for decl in self.program.of("param")
        }
        at: Any
        for fixed in self.program.fixed:
            at = (slice(None), *fixed.index)
            found[fixed.name][at] = fixed.value
        for column, (name, index, _) in enumerate(self.places):
            at = (slice(None), *index)
            found[name][at] = rows[:, column]
        return found


class Sieve:
    """Keeps the best different programs of many."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: Any = None
        self.scores: Any = None

    def add(self, rows: Array, scores: Array) -> None:
        """Keep the best of these and of what is kept."""
        top = np.argsort(-scores, kind="stable")[: 4 * self.size]
        rows, scores = rows[top], scores[top]
        if self.rows is not None:
            rows = np.concatenate([self.rows, rows])
            scores = np.concatenate([self.scores, scores])
        _, first = np.unique(rows, axis=0, return_index=True)
        order = first[np.argsort(-scores[first], kind="stable")][: self.size]
        self.rows, self.scores = rows[order], scores[order]
