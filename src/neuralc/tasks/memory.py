"""Functions on a memory, which both register machines are asked for: inputs and right outputs.

A memory of M cells holds numbers below M, so that every cell can be an address.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428 and its data generator.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import permutations, product

Memory = list[int]


def arrays_with_index(size: int) -> Iterator[Memory]:
    """Give all memories with an index k < size - 2 in cell 0 and any array after it."""
    for k in range(size - 2):
        for array in product(range(size), repeat=size - 1):
            yield [k, *array]


def accessed(memory: Memory) -> Memory:
    """Put element k of the array into cell 0."""
    return [memory[1 + memory[0]], *memory[1:]]


def index_and_element(memory: Memory) -> Hashable:
    """Return k and the element: a program may err for one value only, such as 0."""
    return memory[0], memory[1 + memory[0]]


def arrays_ended_by_zero(size: int) -> Iterator[Memory]:
    """Give all arrays of 1 to size - 1 numbers, 2 or larger, with zeros after them."""
    for length in range(1, size):
        for array in product(range(2, size), repeat=length):
            yield [*array, *[0] * (size - length)]


def decremented(memory: Memory) -> Memory:
    """Subtract one from each element of the array, up to the zero that ends it."""
    return [value - 1 if value else 0 for value in memory]


def length_and_first(memory: Memory) -> Hashable:
    """Return how long the array is, and its first element."""
    return sum(map(bool, memory)), memory[0]


def linked_lists(size: int) -> Iterator[Memory]:
    """Give all memories with an index k in cell 0 and a linked list of (size - 1) // 2 nodes.

    A node is a value and the address of the next node (0: there is none) in the cell after it.
    The first node lies at address 1, the others in any order after it; k may be any node.
    """
    count = (size - 1) // 2
    for rest in permutations(range(1, count)):
        places = [1 + 2 * slot for slot in (0, *rest)]
        for k in range(count):
            for values in product(range(size), repeat=count):
                memory = [0] * size
                memory[0] = k
                for place, value, following in zip(places, values, [*places[1:], 0], strict=True):
                    memory[place], memory[place + 1] = value, following
                yield memory


def list_accessed(memory: Memory) -> Memory:
    """Put the value of node k of the list into cell 0."""
    return [memory[_node(memory)], *memory[1:]]


def index_and_layout(memory: Memory) -> Hashable:
    """Return k, and where the second node lies."""
    return memory[0], memory[2]


def _node(memory: Memory) -> int:
    """Return the address of node k."""
    place = 1
    for _ in range(memory[0]):
        place = memory[place + 1]
    return place
