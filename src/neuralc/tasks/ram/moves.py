"""Three tasks that move an array: copy, reverse, permutation.

Source: the experiments published with Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969.

As published: the full copy fills the cell that ended the list, so a program that stops at the
first 0 never stops on it, the generic one among them.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, listed, permutations, place, tuples
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask

_MEMORY = 15

# ---- copy: of the list in m[1..] to the cells from m[0] on


def _copied(memory: Memory) -> Answer:
    numbers, start = listed(memory, 1), memory[0]
    end = start + len(numbers)
    return [*memory[:start], *numbers, *memory[end:]], range(start, end)


def _copy(rng: Rng, count: int) -> Array:
    """1 to 5 numbers 1..14; at least one 0 stays before the copy, and one behind it."""
    memories = blank(count, _MEMORY)
    length = between(rng, 1, 5, count)
    memories[:, 0] = between(rng, length + 3, 14 - length, count)
    place(memories, 1, between(rng, 1, 14, (count, 5)), length)
    return memories


def _all_copies() -> Array:
    parts = []
    for length in range(1, 6):
        numbers = tuples(1, 14, length)
        for start in range(length + 3, 15 - length):
            part = blank(len(numbers), _MEMORY)
            part[:, 0], part[:, 1 : length + 1] = start, numbers
            parts.append(part)
    return np.concatenate(parts)


def _full_copy(rng: Rng, count: int) -> Array:
    """7 numbers, to the cells right behind them: the memory is full."""
    memories = blank(count, _MEMORY)
    memories[:, 0] = 8
    memories[:, 1:8] = between(rng, 1, 14, (count, 7))
    return memories


COPY = RamTask(
    name="copy",
    memory=_MEMORY,
    registers=7,
    max_steps=60,
    bias="full",
    answer=_copied,
    inputs={
        "general": Inputs(
            _copy, sum(14**length * (12 - 2 * length) for length in range(1, 6)), _all_copies
        ),
        "full": Inputs(_full_copy, size=14**7, everything=True),
    },
)

# ---- reverse: the list in m[1..], backwards, to the cells from m[0] on


def _reversed(memory: Memory) -> Answer:
    numbers, start = listed(memory, 1), memory[0]
    end = start + len(numbers)
    return [*memory[:start], *numbers[::-1], *memory[end:]], range(start, end)


def _reverse(rng: Rng, count: int) -> Array:
    """2 to 6 numbers 1..14; the result goes right behind them."""
    memories = blank(count, _MEMORY)
    length = between(rng, 2, 6, count)
    memories[:, 0] = length + 1
    place(memories, 1, between(rng, 1, 14, (count, 6)), length)
    return memories


REVERSE = RamTask(
    name="reverse",
    memory=_MEMORY,
    registers=8,
    max_steps=80,
    bias="general",
    answer=_reversed,
    inputs={"general": Inputs(_reverse, size=sum(14**length for length in range(2, 7)))},
)

# ---- permutation: cell i becomes the element whose number, from 1, it holds


def _permuted(memory: Memory) -> Answer:
    order = listed(memory, 0)
    length = len(order)
    return [memory[length + k] for k in order] + memory[length:], range(length)


def _permutation(rng: Rng, count: int) -> Array:
    """Draw an order of 2 to 6 elements, 0, the elements: numbers 1..14."""
    memories = blank(count, _MEMORY)
    length = between(rng, 2, 6, count)
    order = permutations(rng, 6, count)
    # Those of 0..5 that are below the length, in the order drawn: a permutation of them.
    kept = np.argsort(order >= length[:, None], axis=1, kind="stable")
    place(memories, 0, np.take_along_axis(order, kept, axis=1) + 1, length)
    place(memories, length + 1, between(rng, 1, 14, (count, 6)), length)
    return memories


PERMUTATION = RamTask(
    name="permutation",
    memory=_MEMORY,
    registers=8,
    max_steps=80,
    bias="general",
    answer=_permuted,
    inputs={
        "general": Inputs(
            _permutation, size=sum(factorial(length) * 14**length for length in range(2, 7))
        )
    },
)
