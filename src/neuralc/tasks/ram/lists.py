"""Two tasks on a linked list: the value of its k-th node, the first node of a value.

A node is two cells, the address of the next node (0: there is none) and a value. m[0] is the
address of the first node, m[1] is what is asked for, the answer goes to cell m[2] = 2.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 4.

As published: nobody asks for the last node (though its value may be that of another one, which is
found first), and general samples of listk do not ask for the one before it either, unless there
are only two nodes.
"""

from __future__ import annotations

from math import perm

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, permutations, scatter
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask


def _nodes(memory: Memory) -> list[int]:
    """Return the addresses of the nodes."""
    found, node = [], memory[0]
    while node:
        found.append(node)
        node = memory[node]
    return found


def _write(memory: Memory, value: int) -> Answer:
    out = memory[2]
    return [*memory[:out], value, *memory[out + 1 :]], [out]


def _linked(memory: int, slots: Array, values: Array, length: Array) -> Array:
    """Return memories with lists whose node n lies in slot `slots[:, n]`, [N, memory]."""
    memories = blank(len(slots), memory)
    nodes = 3 + 2 * slots
    memories[:, 0], memories[:, 2] = nodes[:, 0], 2
    scatter(memories, nodes, nodes[:, 1:], length - 1)
    scatter(memories, nodes + 1, values, length)
    return memories


# ---- listk: the value of node m[1], counted from 1

_LISTK, _SLOTS = 20, 7


def _kth(memory: Memory) -> Answer:
    return _write(memory, memory[_nodes(memory)[memory[1] - 1] + 1])


def _listk(rng: Rng, count: int) -> Array:
    """2 to 7 values 1..19, nodes in any order; k is at most two less than the length."""
    length = between(rng, 2, _SLOTS, count)
    values = between(rng, 1, 19, (count, _SLOTS))
    memories = _linked(_LISTK, permutations(rng, _SLOTS, count), values, length)
    memories[:, 1] = between(rng, 1, np.maximum(length - 2, 1), count)
    return memories


def _ordered(rng: Rng, count: int) -> Array:
    """2 to 7 values 1..19, one node behind the other; k is less than the length."""
    length = between(rng, 2, _SLOTS, count)
    slots = np.tile(np.arange(_SLOTS), (count, 1))
    memories = _linked(_LISTK, slots, between(rng, 1, 19, (count, _SLOTS)), length)
    memories[:, 1] = between(rng, 1, length - 1, count)
    return memories


def _are_ordered() -> str:
    """Say of a memory that it holds nodes one behind the other, and a k less than their number."""

    def of_length(length: int) -> str:
        links = [f"initial_memory[{1 + 2 * n}] == {3 + 2 * n}" for n in range(1, length)]
        return " and ".join([f"1 <= initial_memory[1] and initial_memory[1] < {length}", *links])

    lengths = " or ".join(f"({of_length(length)})" for length in range(2, _SLOTS + 1))
    return f"initial_memory[0] == 3 and initial_memory[2] == 2 and ({lengths})"


LISTK = RamTask(
    name="listk",
    memory=_LISTK,
    registers=7,
    max_steps=75,
    bias="ordered",
    answer=_kth,
    inputs={
        "general": Inputs(
            _listk,
            size=sum(19**n * perm(_SLOTS, n) * max(n - 2, 1) for n in range(2, _SLOTS + 1)),
        ),
        "ordered": Inputs(
            _ordered,
            size=sum(19**n * (n - 1) for n in range(2, _SLOTS + 1)),
            where=_are_ordered(),
            cells=(2,),
        ),
    },
)

# ---- list search: the address of the first node with the value m[1]

_SEARCH, _SEARCH_SLOTS = 15, 5


def _first_with(memory: Memory) -> Answer:
    return _write(memory, next(n for n in _nodes(memory) if memory[n + 1] == memory[1]))


def _list_search(rng: Rng, count: int) -> Array:
    """2 to 5 values 1..14, also equal ones, nodes in any order; one but the last is wanted."""
    length = between(rng, 2, _SEARCH_SLOTS, count)
    values = between(rng, 1, 14, (count, _SEARCH_SLOTS))
    memories = _linked(_SEARCH, permutations(rng, _SEARCH_SLOTS, count), values, length)
    memories[:, 1] = values[np.arange(count), between(rng, 0, length - 2, count)]
    return memories


def _searches(length: int) -> int:
    """How many lists of values there are with one value marked that some node but the last has."""
    return 14 * int(14 ** (length - 1) - 13 ** (length - 1)) * 14


LIST_SEARCH = RamTask(
    name="list_search",
    memory=_SEARCH,
    registers=8,
    max_steps=40,
    bias="general",
    answer=_first_with,
    inputs={
        "general": Inputs(
            _list_search,
            size=sum(perm(_SEARCH_SLOTS, n) * _searches(n) for n in range(2, _SEARCH_SLOTS + 1)),
        )
    },
)
