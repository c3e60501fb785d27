"""Walk down a binary search tree: the value at the end of a path.

A node is three cells: value, address of the left child, address of the right child; a child that
is missing is a cell that may hold any value. m[0] is the address of the root, the path is in
m[2..]: 1 left, 2 right, 0 here. The answer goes to cell m[1] = 1.

Source: the experiments published with Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969. Values may be equal: the path is the one on which a search for the value ends.
"""

from __future__ import annotations

from math import comb, perm

from neuralc.tasks.ram.draws import Array, Rng, between, blank, permutations
from neuralc.tasks.ram.task import FLAT, Answer, Inputs, Memory, RamTask

_MEMORY, _SLOTS = 30, 7
_SHORTEST, _LONGEST = 3, 6
_PATH, _NODES = 2, 6  # where they begin
_HERE, _LEFT, _RIGHT = 0, 1, 2


def _walked(memory: Memory) -> Answer:
    node, out = memory[0], memory[1]
    for turn in memory[_PATH:_NODES]:
        if turn == _HERE:
            break
        node = memory[node + turn]
    return [*memory[:out], memory[node], *memory[out + 1 :]], [out]


def _draw(rng: Rng, count: int) -> Array:
    """Draw trees of 3 to 6 values 1..29, as flat as can be, nodes in any order."""
    length = between(rng, _SHORTEST, _LONGEST, count)
    values = between(rng, 1, 29, (count, _LONGEST)).tolist()
    slots = permutations(rng, _SLOTS, count).tolist()
    chosen = between(rng, 0, length - 1, count).tolist()
    memories = blank(count, _MEMORY)
    for k, size in enumerate(length.tolist()):
        memories[k] = _tree(sorted(values[k][:size]), slots[k], chosen[k])
    return memories


def _tree(values: list[int], slots: list[int], chosen: int) -> Memory:
    """Return the memory with a tree of sorted values, node k in slot k, and the path to one."""
    memory = [0] * _MEMORY
    nodes = [_NODES + 3 * slot for slot in slots]

    def build(low: int, high: int) -> int:
        """Put values low..high - 1 there; return the address of their root."""
        if low == high:
            return FLAT
        middle = (low + high - 1) // 2
        node = nodes[middle]
        memory[node] = values[middle]
        memory[node + _LEFT] = build(low, middle)
        memory[node + _RIGHT] = build(middle + 1, high)
        return node

    memory[0], memory[1] = build(0, len(values)), 1
    node, step = memory[0], _PATH
    while memory[node] != values[chosen]:
        memory[step] = _LEFT if values[chosen] < memory[node] else _RIGHT
        node, step = memory[node + memory[step]], step + 1
    return memory


def _paths(length: int) -> int:
    """How many trees of so many values there are in one place, with one of their values chosen."""
    return 29 * comb(27 + length, length - 1)


WALK_BST = RamTask(
    name="walk_bst",
    memory=_MEMORY,
    registers=8,
    max_steps=30,
    bias="general",
    answer=_walked,
    inputs={
        "general": Inputs(
            _draw,
            size=sum(perm(_SLOTS, n) * _paths(n) for n in range(_SHORTEST, _LONGEST + 1)),
        )
    },
)
