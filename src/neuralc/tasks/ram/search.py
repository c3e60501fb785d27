"""Linear search: where in m[1..] is the number m[0]? Nine kinds of lists to adapt to.

Source: the experiments published with Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969.

As published: the number is never the last of the list. All kinds but the general one ask for a
place that short lists do not have; these are not drawn there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from math import comb, perm

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, listed, permutations, place
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask

_MEMORY, _NUMBERS, _LONGEST = 15, 14, 13


def _found(memory: Memory) -> Answer:
    return [1 + listed(memory, 1).index(memory[0]), *memory[1:]], [0]


# ---- places: of the number, 1 .. length - 1


def _any_place(rng: Rng, length: Array) -> Array:
    return between(rng, 1, length - 1, len(length))


def _place_from(start: int, rng: Rng, length: Array) -> Array:
    return between(rng, start, length - 1, len(length))


def _pairs(length: int | Array) -> int | Array:
    """How many pairs of an odd and an even place lie before the last one."""
    return (length - 1) // 2


def _odd_place(rng: Rng, length: Array) -> Array:
    return 1 + 2 * between(rng, 0, _pairs(length) - 1, len(length))


def _even_place(rng: Rng, length: Array) -> Array:
    return 1 + _odd_place(rng, length)


# ---- lists: 13 numbers of 1..14, of which the first `length` are used


def _shuffled(rng: Rng, length: Array) -> Array:
    return permutations(rng, _NUMBERS, len(length))[:, :_LONGEST] + 1


def _ascending(rng: Rng, length: Array) -> Array:
    numbers = _shuffled(rng, length)
    numbers[np.arange(_LONGEST) >= length[:, None]] = _MEMORY  # behind all others
    return np.sort(numbers, axis=1)


def _descending(rng: Rng, length: Array) -> Array:
    numbers = _shuffled(rng, length)
    numbers[np.arange(_LONGEST) >= length[:, None]] = 0
    return -np.sort(-numbers, axis=1)


def _consecutive(step: int, rng: Rng, length: Array) -> Array:
    """Draw a first number; each one is the last one plus `step`, 1 follows 14."""
    start = between(rng, 0, _NUMBERS - 1, (len(length), 1))
    return (start + step * np.arange(_LONGEST)) % _NUMBERS + 1


# ---- all of them, where they are few


def _domain(lists: Callable[[], Iterator[tuple[int, ...]]]) -> Array:
    """Return the memories of all lists of 3 to 13 numbers and all odd places."""
    found = [
        (numbers[j], *numbers, *[0] * (_MEMORY - 1 - len(numbers)))
        for numbers in lists()
        for j in range(0, 2 * int(_pairs(len(numbers))), 2)
    ]
    return np.array(found, np.int64)


def _in_order(step: int) -> Iterator[tuple[int, ...]]:
    for length in range(3, _LONGEST + 1):
        for numbers in combinations(range(1, _NUMBERS + 1), length):
            yield numbers[::step]


def _runs(step: int) -> Iterator[tuple[int, ...]]:
    for length in range(3, _LONGEST + 1):
        for start in range(_NUMBERS):
            yield tuple((start + step * k) % _NUMBERS + 1 for k in range(length))


# ---- kinds of lists and places

Draw = Callable[[Rng, Array], Array]


def _draw(numbers: Draw, where: Draw, shortest: int, rng: Rng, count: int) -> Array:
    memories = blank(count, _MEMORY)
    length = between(rng, shortest, _LONGEST, count)
    place(memories, 1, numbers(rng, length), length)
    memories[:, 0] = memories[np.arange(count), where(rng, length)]
    return memories


def _inputs(
    numbers: Draw,
    where: Draw,
    shortest: int,
    lists: Callable[[int], int],
    places: Callable[[int], int | Array],
    every: Callable[[], Iterator[tuple[int, ...]]] | None = None,
) -> Inputs:
    """Describe one kind.

    Args:
        numbers: draws the lists.
        where: draws the place of the number that is looked for.
        shortest: length of the shortest list.
        lists: how many lists there are of a length.
        places: how many places there are in a list of a length.
        every: gives all lists, where they are few.

    """
    return Inputs(
        partial(_draw, numbers, where, shortest),
        sum(lists(length) * int(places(length)) for length in range(shortest, _LONGEST + 1)),
        None if every is None else partial(_domain, every),
    )


_shuffles = partial(perm, _NUMBERS)
_subsets = partial(comb, _NUMBERS)


def _starts(_: int) -> int:
    return _NUMBERS


def _late(start: int) -> Inputs:
    where = partial(_place_from, start)
    return _inputs(_shuffled, where, start + 1, _shuffles, lambda length: length - start)


LINEAR_SEARCH = RamTask(
    name="linear_search",
    memory=_MEMORY,
    registers=7,
    max_steps=70,
    bias="even",
    answer=_found,
    inputs={
        "general": _inputs(_shuffled, _any_place, 2, _shuffles, lambda length: length - 1),
        "even": _inputs(_shuffled, _even_place, 3, _shuffles, _pairs),
        "odd": _inputs(_shuffled, _odd_place, 3, _shuffles, _pairs),
        "descending": _inputs(_descending, _odd_place, 3, _subsets, _pairs, partial(_in_order, -1)),
        "ascending": _inputs(_ascending, _odd_place, 3, _subsets, _pairs, partial(_in_order, 1)),
        "consecutive": _inputs(
            partial(_consecutive, 1), _odd_place, 3, _starts, _pairs, partial(_runs, 1)
        ),
        "consecutive-down": _inputs(
            partial(_consecutive, -1), _odd_place, 3, _starts, _pairs, partial(_runs, -1)
        ),
        "from-3": _late(3),
        "from-5": _late(5),
        "from-8": _late(8),
    },
)
