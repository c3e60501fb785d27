"""Four short tasks: access to an array, increment of one, swap of two elements, addition.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 4.

As published: access changes a first cell of 9 to 6, so 6 comes twice as often; swap never chooses
the last element, and may choose one twice; only sums up to 13 are added.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, listed, place, tuples
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask

# ---- access: m[0] <- m[m[0] + 1]

_THIRD = 3


def _accessed(memory: Memory) -> Answer:
    return [memory[memory[0] + 1], *memory[1:]], [0]


def _access(rng: Rng, count: int) -> Array:
    """10 cells of 0..9; the first one is at most 8."""
    memories = between(rng, 0, 9, (count, 10))
    memories[memories[:, 0] == 9, 0] = 6
    return memories


def _access_third(rng: Rng, count: int) -> Array:
    """Put 3 into the first cell."""
    memories = between(rng, 0, 9, (count, 10))
    memories[:, 0] = _THIRD
    return memories


ACCESS = RamTask(
    name="access",
    memory=10,
    registers=3,
    max_steps=10,
    bias="third",
    answer=_accessed,
    inputs={
        "general": Inputs(_access, size=9 * 10**9, where="initial_memory[0] < 9", cells=(0,)),
        "third": Inputs(
            _access_third, size=10**9, where=f"initial_memory[0] == {_THIRD}", cells=(0,)
        ),
    },
)

# ---- increment: one more in every cell up to the first 0


def _incremented(memory: Memory) -> Answer:
    numbers = listed(memory, 0)
    more = [(number + 1) % len(memory) for number in numbers]
    return more + memory[len(numbers) :], range(len(numbers) + 1)


def _increment(rng: Rng, count: int) -> Array:
    """1 to 5 numbers 1..6; 6 becomes 0."""
    memories = blank(count, 7)
    place(memories, 0, between(rng, 1, 6, (count, 5)), between(rng, 1, 5, count))
    return memories


def _all_increments() -> Array:
    parts = [tuples(1, 6, length) for length in range(1, 6)]
    return np.concatenate([np.pad(part, ((0, 0), (0, 7 - part.shape[1]))) for part in parts])


def _constant(rng: Rng, count: int) -> Array:
    """Six times the same number 1..5, then 0."""
    memories = blank(count, 7)
    memories[:, :6] = between(rng, 1, 5, (count, 1))
    return memories


def _all_constants() -> Array:
    return np.outer(np.arange(1, 6), [1] * 6 + [0])


INCREMENT = RamTask(
    name="increment",
    memory=7,
    registers=6,
    max_steps=50,
    bias="constant",
    answer=_incremented,
    inputs={
        "general": Inputs(_increment, sum(6**length for length in range(1, 6)), _all_increments),
        "constant": Inputs(_constant, 5, _all_constants, everything=True),
    },
)

# ---- swap: of elements m[0] and m[1] of the array in m[2..]


def _swapped(memory: Memory) -> Answer:
    p, q = memory[0] + 2, memory[1] + 2
    after = list(memory)
    after[p], after[q] = memory[q], memory[p]
    return after, (p, q)


def _swap(rng: Rng, count: int, shortest: int) -> Array:
    """Draw up to 7 numbers 1..9; which ones are swapped is drawn from all but the last."""
    memories = blank(count, 10)
    length = between(rng, shortest, 7, count)
    memories[:, 0] = between(rng, 0, length - 2, count)
    memories[:, 1] = between(rng, 0, length - 2, count)
    place(memories, 2, between(rng, 1, 9, (count, 7)), length)
    return memories


def _first_and_third(rng: Rng, count: int) -> Array:
    memories = _swap(rng, count, shortest=3)
    memories[:, :2] = 0, 2
    return memories


SWAP = RamTask(
    name="swap",
    memory=10,
    registers=5,
    max_steps=15,
    bias="first-third",
    answer=_swapped,
    inputs={
        "general": Inputs(
            partial(_swap, shortest=2),
            size=sum(9**length * (length - 1) ** 2 for length in range(2, 8)),
        ),
        "first-third": Inputs(
            _first_and_third,
            size=sum(9**length for length in range(3, 8)),
            where="initial_memory[0] == 0 and initial_memory[1] == 2",
            cells=(2, 4),
        ),
    },
)

# ---- addition: m[0] <- m[0] + m[1]

_LARGEST_SUM = 13


def _added(memory: Memory) -> Answer:
    return [memory[0] + memory[1], *memory[1:]], [0]


def _addition(rng: Rng, count: int) -> Array:
    """0..12, and a second number that keeps the sum at 13 or below."""
    memories = blank(count, 15)
    memories[:, 0] = between(rng, 0, 12, count)
    memories[:, 1] = between(rng, 0, _LARGEST_SUM - memories[:, 0], count)
    return memories


def _all_additions() -> Array:
    pairs = [(a, b) for a in range(13) for b in range(_LARGEST_SUM - a + 1)]
    memories = blank(len(pairs), 15)
    memories[:, :2] = pairs
    return memories


ADDITION = RamTask(
    name="addition",
    memory=15,
    registers=6,
    max_steps=65,
    bias="general",
    answer=_added,
    inputs={"general": Inputs(_addition, sum(range(2, 15)), _all_additions)},
)
