"""Two tasks of order: bubble sort of up to three numbers, merge of two sorted lists.

Source: the experiments published with Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969.

As published: the first two numbers of the biased sort are 1..10, and 10 comes half as often.
"""

from __future__ import annotations

from math import comb

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, listed, place, tuples
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask

# ---- bubble sort: the numbers up to the first 0, smallest first

_CELLS = 21


def _sorted(memory: Memory) -> Answer:
    numbers = listed(memory, 0)
    return sorted(numbers) + memory[len(numbers) :], range(len(numbers))


def _sort(rng: Rng, count: int) -> Array:
    """1 to 3 numbers 1..20."""
    memories = blank(count, _CELLS)
    place(memories, 0, between(rng, 1, 20, (count, 3)), between(rng, 1, 3, count))
    return memories


def _all_sorts() -> Array:
    parts = [tuples(1, 20, length) for length in range(1, 4)]
    return np.concatenate([np.pad(part, ((0, 0), (0, _CELLS - part.shape[1]))) for part in parts])


def _first_two(rng: Rng, count: int) -> Array:
    """Draw three numbers, of which the first two may have to be swapped."""
    memories = blank(count, _CELLS)
    memories[:, :2] = 1 + (9.5 * rng.random((count, 2))).astype(np.int64)
    memories[:, 2] = between(rng, memories[:, :2].max(axis=1), 20, count)
    return memories


def _all_first_two() -> Array:
    found = [
        (a, b, c)
        for a in range(1, 11)
        for b in range(1, 11)
        for c in range(max(a, b), 21)
    ]  # fmt: skip
    memories = blank(len(found), _CELLS)
    memories[:, :3] = found
    return memories


BUBBLE_SORT = RamTask(
    name="bubble_sort",
    memory=_CELLS,
    registers=10,
    max_steps=100,
    bias="first-two",
    answer=_sorted,
    inputs={
        "general": Inputs(_sort, sum(20**length for length in range(1, 4)), _all_sorts),
        "first-two": Inputs(
            _first_two, sum((2 * top - 1) * (21 - top) for top in range(1, 11)), _all_first_two
        ),
    },
)

# ---- merge: the lists at m[0] and m[1], largest first, to the cells from m[2] on


def _merged(memory: Memory) -> Answer:
    numbers = listed(memory, memory[0]) + listed(memory, memory[1])
    start, end = memory[2], memory[2] + len(numbers) + 1
    return [*memory[:start], *sorted(numbers, reverse=True), 0, *memory[end:]], range(start, end)


def _merge(rng: Rng, count: int) -> Array:
    """Draw two lists of numbers 1..29, each followed by a 0; together at most 9."""
    memories = blank(count, 30)
    first = between(rng, 2, 8, count)
    second = between(rng, 1, 9 - first, count)
    memories[:, 0] = 3
    memories[:, 1] = 4 + first
    memories[:, 2] = 5 + first + second
    place(memories, 3, _descending(rng, first), first)
    place(memories, 4 + first, _descending(rng, second), second)
    return memories


def _descending(rng: Rng, length: Array) -> Array:
    """Draw 8 numbers per row, of which the first `length` are in order and the rest 0."""
    numbers = between(rng, 1, 29, (len(length), 8))
    numbers[np.arange(8) >= length[:, None]] = 0
    return -np.sort(-numbers, axis=1)


def _sorted_lists(length: int) -> int:
    """How many lists of numbers 1..29 there are, in order."""
    return comb(28 + length, length)


MERGE = RamTask(
    name="merge",
    memory=30,
    registers=13,
    max_steps=120,
    bias="general",
    answer=_merged,
    inputs={
        "general": Inputs(
            _merge,
            size=sum(
                _sorted_lists(first) * _sorted_lists(second)
                for first in range(2, 9)
                for second in range(1, 10 - first)
            ),
        )
    },
)
