"""Stages as tables: from what is known of an example before a stage to what is known after it.

The live cells of one example before a stage are a *place*. A *move* is what the choices of a stage
do: it leads every place to a place of the next stage, or nowhere if an output is wrong. Choices
that do the same to all places that can be reached are one move. Knows nothing of how examples are
combined.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuralc.backends.search.descend import EXHAUSTED, LEAF, PAUSED, Descent
from neuralc.backends.search.machine import Machine
from neuralc.backends.search.space import Array
from neuralc.backends.search.stages import Stage

NOWHERE = -1
MOST_PLACES, MOST_MOVES, MOST_ENTRIES = 60_000, 50_000, 8_000_000  # of one stage


class TooLarge(Exception):
    """A stage has more places or moves than tables are made for."""


@dataclass(frozen=True, eq=False)
class Moves:
    """The moves of a stage.

    Attributes:
        next: int32 [places, moves], the place that a move leads to, or NOWHERE.
        choices: int32 [moves, choices of the stage], choices that make the move; OPEN: any value.
        stage: the stage.

    """

    next: Array
    choices: Array
    stage: Stage


def tabulate(machine: Machine) -> Iterator[int | tuple[Moves, ...]]:
    """Yield how many runs were made since the last yield, and in the end the moves of all stages.

    The first places are one for each example. After the last stage there is nothing to know: what
    leads there leads to the place with the number of the example. No moves at all: whatever is
    chosen, some example fails.

    Raises:
        TooLarge: this program has no tables.

    """
    examples = np.arange(machine.problem.examples.count)
    states = np.zeros((len(examples), 0), np.int32)
    live = np.zeros(0, np.int64)
    found = []
    for stage in machine.stages:
        leaves: list[tuple[Array, Array, Array]] = []
        search = Descent(machine, stage.begin, stage.until, examples, strict=False)
        search.cells.reshape(len(examples), machine.width)[:, live] = states
        for runs in _collect(search, stage, leaves):
            entries = len(leaves) * len(examples) * max(1, len(stage.live))
            if len(leaves) > MOST_MOVES or entries > MOST_ENTRIES:
                raise TooLarge
            yield runs
        after, passed, choices = (np.stack(part) for part in zip(*leaves, strict=True))
        next_, examples, states = _numbered(after, passed, examples)
        if len(np.unique(examples)) < machine.problem.examples.count:
            yield ()
            return
        if len(examples) > MOST_PLACES:
            raise TooLarge
        found.append(Moves(next_, choices, stage))
        live = stage.live
    yield _pruned(found, np.arange(len(examples)))


def _collect(
    search: Descent, stage: Stage, leaves: list[tuple[Array, Array, Array]]
) -> Iterator[int]:
    """Add live cells [places, n], whether they are reached [places], and the choices made."""
    own = np.array(stage.choices, np.int64)
    code, runs = PAUSED, 0
    while code != EXHAUSTED:
        code = search.advance(search.machine.slice)
        if code == LEAF:
            cells = search.cells.reshape(len(search.examples), -1)
            leaves.append((cells[:, stage.live], search.passed.copy(), search.choices[own]))
        yield search.runs - runs
        runs = search.runs


def _numbered(after: Array, passed: Array, examples: Array) -> tuple[Array, Array, Array]:
    """Give numbers to the places after a stage.

    Args:
        after: live cells [leaves, places, n].
        passed: bool [leaves, places].
        examples: [places], the example of every place before.

    Returns:
        The next places [places, leaves]; the example and the live cells of every one of them.

    """
    owner = np.broadcast_to(examples[None, :, None].astype(np.int32), (*after.shape[:2], 1))
    rows = np.concatenate([owner, after], axis=2)[passed]
    places, inverse = np.unique(rows, axis=0, return_inverse=True)
    next_ = np.full(passed.shape, NOWHERE, np.int32)
    next_[passed] = inverse.reshape(-1)
    return np.ascontiguousarray(next_.T), places[:, 0].astype(np.int64), places[:, 1:]


def _pruned(found: list[Moves], last: Array) -> tuple[Moves, ...]:
    """Leave out what leads nowhere in the end, and all but one of equal moves, from the back."""
    alive: Array = np.ones(len(last), np.bool_)
    kept: list[Moves] = []
    for moves in reversed(found):
        next_ = moves.next
        if len(alive):
            next_ = np.where((next_ >= 0) & alive[next_], next_, NOWHERE)
        columns, first = np.unique(next_, axis=1, return_index=True)
        useful = (columns >= 0).any(axis=0)
        columns, first = columns[:, useful], first[useful]
        alive = np.any(columns >= 0, axis=1)
        kept.append(Moves(np.ascontiguousarray(columns), moves.choices[first], moves.stage))
    return tuple(reversed(kept))
