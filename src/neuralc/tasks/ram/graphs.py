"""Shortest paths: the distances of all nodes of a directed graph from node 1.

m[0] is where the result goes: for each node its distance and a 0. m[1..] are the addresses of the
lists of neighbours of the nodes, ended by a 0; such a list holds pairs (node, weight) and a 0.
Nodes are numbered from 1.

Source: the experiments published with Bunel et al., "Adaptive Neural Compilation" (2016),
arXiv:1605.07969. It has only the one example "published"; the general graphs are ours.
"""

from __future__ import annotations

import heapq

import numpy as np

from neuralc.tasks.ram.draws import Array, Rng, between, blank, permutations
from neuralc.tasks.ram.task import Answer, Inputs, Memory, RamTask

_MEMORY = 100
_FEWEST, _MOST = 2, 5  # nodes
_HEAVIEST = 9
_DENSITY = 0.3  # how likely it is that two nodes are joined that need not be

Edges = list[list[tuple[int, int]]]
"""For each node its (node, weight) pairs; nodes are numbered from 0."""


def _edges(memory: Memory) -> Edges:
    """Read a graph out of a memory."""
    found: Edges = []
    for head in memory[1 : memory.index(0, 1)]:
        found.append([])
        at = head
        while memory[at]:
            found[-1].append((memory[at] - 1, memory[at + 1]))
            at += 2
    return found


def _distances(edges: Edges) -> dict[int, int]:
    """Return the distances from node 0 of all nodes that it reaches (Dijkstra)."""
    found: dict[int, int] = {}
    waiting = [(0, 0)]
    while waiting:
        distance, node = heapq.heappop(waiting)
        if node not in found:
            found[node] = distance
            for other, weight in edges[node]:
                heapq.heappush(waiting, (distance + weight, other))
    return found


def _answer(memory: Memory) -> Answer:
    after, start = list(memory), memory[0]
    for node, distance in _distances(_edges(memory)).items():
        after[start + 2 * node : start + 2 * node + 2] = distance, 0
    return after, range(start, start + 2 * (memory.index(0, 1) - 1), 2)


def _published(_: Rng, count: int) -> Array:
    return np.tile(_example(), (count, 1))


def _example() -> Array:
    memories = blank(1, _MEMORY)
    memories[0, :6] = 49, 14, 19, 22, 25, 28
    memories[0, 14:29] = [2, 2, 4, 5, 0, 3, 1, 0, 5, 1, 0, 5, 6, 0, 0]
    return memories


def _draw(rng: Rng, count: int) -> Array:
    """Draw graphs of 2 to 5 nodes, all reached from node 1, weights 1..9, no double edges."""
    sizes = between(rng, _FEWEST, _MOST, count).tolist()
    weights = between(rng, 1, _HEAVIEST, (count, _MOST, _MOST))
    joined = rng.random((count, _MOST, _MOST)) < _DENSITY
    joined[:, range(_MOST), range(_MOST)] = False
    orders = permutations(rng, _MOST - 1, count).tolist()
    fractions = rng.random((count, _MOST))
    memories = blank(count, _MEMORY)
    for k, size in enumerate(sizes):
        order = [0, *(1 + node for node in orders[k] if 1 + node < size)]
        for place in range(1, size):  # each node is reached from one before it in this order
            joined[k, order[int(fractions[k, place] * place)], order[place]] = True
        rows = np.where(joined[k], weights[k], 0)[:size, :size].tolist()
        memories[k] = _laid_out(rows, float(fractions[k, 0]))
    return memories


def _laid_out(rows: list[list[int]], fraction: float) -> Memory:
    """Return the memory of a graph.

    Args:
        rows: the weight of the edge from each node to each other, 0: there is none.
        fraction: 0..1, where in the free rest of the memory the result goes.

    """
    size = len(rows)
    heads: Memory = []
    lists: Memory = []
    for row in rows:
        heads.append(size + 2 + len(lists))
        for other, weight in enumerate(row, 1):
            lists += [other, weight] if weight else []
        lists.append(0)
    end = size + 2 + len(lists)
    free = _MEMORY - end - 2 * size  # one cell stays free behind the result
    memory = [end + int(fraction * free), *heads, 0, *lists]
    return memory + [0] * (_MEMORY - len(memory))


DIJKSTRA = RamTask(
    name="dijkstra",
    memory=_MEMORY,
    registers=22,
    max_steps=1000,
    bias="published",
    answer=_answer,
    inputs={
        "general": Inputs(_draw, size=None),
        "published": Inputs(_published, 1, _example, everything=True),
    },
)
