"""What the inputs of the tasks of the register machine are, as predicates on one memory.

Written from the description of the tasks, not from the code that draws.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from neuralc.tasks.ram.task import FLAT

Memory = list[int]


def numbers(memory: Memory, start: int = 0) -> Memory:
    """Return what stands before the first 0."""
    return memory[start : memory.index(0, start) if 0 in memory[start:] else len(memory)]


def array(memory: Memory, start: int, lengths: range, top: int) -> bool:
    """Say whether numbers 1..top stand from `start` on, and only zeros behind them."""
    found = numbers(memory, start)
    return (
        len(found) in lengths
        and all(1 <= number <= top for number in found)
        and not any(memory[start + len(found) :])
    )


def is_access(m: Memory) -> bool:
    return len(m) == 10 and m[0] <= 8 and all(0 <= value <= 9 for value in m)


def is_swap(m: Memory, shortest: int = 2) -> bool:
    last = len(numbers(m, 2)) - 2
    return array(m, 2, range(shortest, 8), 9) and 0 <= m[0] <= last and 0 <= m[1] <= last


def linked(m: Memory, slots: int, top: int) -> list[int] | None:
    """Return the addresses of the nodes of a list, None where the memory is not right."""
    nodes, rest = [m[0]], list(m)
    while m[nodes[-1]] and len(nodes) <= slots:
        nodes.append(m[nodes[-1]])
    for node in nodes:
        if node not in range(3, 3 + 2 * slots, 2) or not 1 <= m[node + 1] <= top:
            return None
        rest[node] = rest[node + 1] = 0
    rest[:3] = 0, 0, 0
    return nodes if m[2] == 2 and not any(rest) and 2 <= len(nodes) <= slots else None


def is_listk(m: Memory) -> bool:
    nodes = linked(m, 7, 19)
    return nodes is not None and 1 <= m[1] <= max(len(nodes) - 2, 1)


def is_ordered(m: Memory) -> bool:
    nodes = linked(m, 7, 19)
    return nodes == list(range(3, 3 + 2 * len(nodes or []), 2)) and 1 <= m[1] < len(nodes)


def is_first_two(m: Memory) -> bool:
    return array(m, 0, range(3, 4), 20) and max(m[:2]) <= 10 and m[2] >= max(m[:2])


def is_copy(m: Memory) -> bool:
    length = len(numbers(m, 1))
    return array(m, 1, range(1, 6), 14) and length + 3 <= m[0] <= 14 - length


def is_permutation(m: Memory) -> bool:
    order = numbers(m)
    values = numbers(m, len(order) + 1)
    return (
        2 <= len(order) == len(values) <= 6
        and sorted(order) == list(range(1, len(order) + 1))
        and array(m, len(order) + 1, range(2, 7), 14)
    )


def is_merge(m: Memory) -> bool:
    first = numbers(m, 3)
    second = numbers(m, 4 + len(first))
    both = len(first) + len(second)
    return (
        m[:3] == [3, 4 + len(first), 5 + both]
        and len(first) >= 2
        and len(second) >= 1
        and both <= 9
        and all(a >= b for part in (first, second) for a, b in pairwise(part))
        and max(first + second) <= 29
        and not any(m[5 + both :])
    )


def is_search(
    m: Memory,
    place: Callable[[int], bool] = lambda j: True,
    kind: Callable[[int, int], bool] = lambda a, b: True,
) -> bool:
    """Take what must hold of the place, and of each number and the next one."""
    found = numbers(m, 1)
    return (
        array(m, 1, range(2, 14), 14)
        and len(set(found)) == len(found)
        and m[0] in found[:-1]
        and place(1 + found.index(m[0]))
        and all(kind(a, b) for a, b in pairwise(found))
    )


def odd(j: int) -> bool:
    return j % 2 == 1


def is_list_search(m: Memory) -> bool:
    nodes = linked(m, 5, 14)
    return nodes is not None and m[1] in [m[node + 1] for node in nodes[:-1]]


def is_tree(m: Memory) -> bool:
    """Take a memory with `FLAT` where a child is missing."""
    rest = list(m)

    def values(node: int) -> Memory:
        """Return the values below a node in order; clear its cells."""
        if node == FLAT:
            return []
        if node not in range(6, 27, 3):
            return [99]
        value, left, right = m[node : node + 3]
        rest[node : node + 3] = 0, 0, 0
        below = values(left), values(right)
        # The median of n values is number ceil(n / 2).
        assert len(below[1]) - len(below[0]) in (0, 1)
        return [*below[0], value, *below[1]]

    found = values(m[0])
    node = m[0]
    for turn in numbers(m, 2):
        node = m[node + turn]
    rest[:6] = [0] * 6
    return (
        m[1] == 1
        and found == sorted(found)
        and 3 <= len(found) <= 6
        and 1 <= min(found)
        and max(found) <= 29
        and m[node] in found
        and set(m[2:6]) <= {0, 1, 2}
        and not any(rest)
    )


def weights(m: Memory) -> tuple[list[list[int]], int]:
    """Return the weights of a graph, 0 where there is no edge, and the first free cell."""
    heads = numbers(m, 1)
    table, end = [[0] * len(heads) for _ in heads], len(heads) + 2
    for node, head in enumerate(heads):
        assert head == end
        while m[end]:
            assert not table[node][m[end] - 1], "a double edge"
            table[node][m[end] - 1] = m[end + 1]
            end += 2
        end += 1
    return table, end


def is_graph(m: Memory) -> bool:
    table, end = weights(m)
    size = len(table)
    reached = {0}
    for _ in table:
        reached |= {b for a in reached for b in range(size) if table[a][b]}
    return (
        2 <= size <= 5
        and len(reached) == size
        and not any(table[a][a] for a in range(size))
        and max(map(max, table)) <= 9
        and not any(m[end:])
        and end <= m[0]
        and m[0] + 2 * size < len(m)
    )


VALID: dict[str, Callable[[Memory], bool]] = {
    "access-general": is_access,
    "access-third": lambda m: is_access(m) and m[0] == 3,
    "increment-general": lambda m: array(m, 0, range(1, 6), 6),
    "increment-constant": lambda m: m in [[v] * 6 + [0] for v in range(1, 6)],
    "swap-general": is_swap,
    "swap-first-third": lambda m: is_swap([0, 0, *m[2:]], 3) and m[:2] == [0, 2],
    "listk-general": is_listk,
    "listk-ordered": is_ordered,
    "addition-general": lambda m: m[0] <= 12 and m[0] + m[1] <= 13 and not any(m[2:]),
    "bubble_sort-general": lambda m: array(m, 0, range(1, 4), 20),
    "bubble_sort-first-two": is_first_two,
    "copy-general": is_copy,
    "copy-full": lambda m: m[0] == 8 and array(m, 1, range(7, 8), 14),
    "reverse-general": lambda m: array(m, 1, range(2, 7), 14) and m[0] == 1 + len(numbers(m, 1)),
    "permutation-general": is_permutation,
    "merge-general": is_merge,
    "linear_search-general": is_search,
    "linear_search-even": lambda m: is_search(m, lambda j: not odd(j)),
    "linear_search-odd": lambda m: is_search(m, odd),
    "linear_search-descending": lambda m: is_search(m, odd, lambda a, b: a > b),
    "linear_search-ascending": lambda m: is_search(m, odd, lambda a, b: a < b),
    "linear_search-consecutive": lambda m: is_search(m, odd, lambda a, b: b == a % 14 + 1),
    "linear_search-consecutive-down": lambda m: is_search(m, odd, lambda a, b: a == b % 14 + 1),
    "linear_search-from-3": lambda m: is_search(m, lambda j: j >= 3),
    "linear_search-from-5": lambda m: is_search(m, lambda j: j >= 5),
    "linear_search-from-8": lambda m: is_search(m, lambda j: j >= 8),
    "list_search-general": is_list_search,
    "walk_bst-general": is_tree,
    "dijkstra-general": is_graph,
    "dijkstra-published": lambda m: (
        m[:7] == [49, 14, 19, 22, 25, 28, 0]
        and m[14:29] == [2, 2, 4, 5, 0, 3, 1, 0, 5, 1, 0, 5, 6, 0, 0]
        and not any(m[7:14] + m[29:])
    ),
}
