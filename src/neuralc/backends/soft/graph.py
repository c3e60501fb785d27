"""The tensor program of the soft execution: straight-line nodes, each made once.

Knows shapes and which operands an operation has; not what a program is, nor how torch spells it.
Every dimension is `P` (restarts), `B` (examples) or an integer. Nodes are hash-consed: asking for
the same operation on the same operands twice gives the same node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

P, B = "P", "B"
Dim = str | int


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `args` are node numbers, `attrs` whatever else the operation needs.

    `drift` bounds the error of the sums along the last dimension, in units of rounding; see
    `Graph.settled`.
    """

    number: int
    op: str
    args: tuple[int, ...]
    attrs: tuple[Any, ...]
    dims: tuple[Dim, ...]
    drift: int
    line: int
    hint: str


@dataclass
class Graph:
    """All nodes in the order in which they were made."""

    nodes: list[Node] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)
    arrays: list[np.ndarray] = field(default_factory=list)
    line: int = 0
    hint: str = ""

    def add(
        self, op: str, args: tuple[int, ...], attrs: tuple[Any, ...], dims: tuple[Dim, ...],
        drift: int = 0,
    ) -> int:  # fmt: skip
        """Return the number of the node for this operation, new or seen before."""
        key = (op, args, attrs)
        if key not in self.known:
            number = len(self.nodes)
            self.known[key] = number
            self.nodes.append(Node(number, op, args, attrs, dims, drift, self.line, self.hint))
        return self.known[key]

    def constant(self, array: np.ndarray) -> int:
        """Return the node of a constant; `Node.attrs[0]` numbers it in `arrays`."""
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.arrays.append(array)
            number = self.add("const", (), (len(self.arrays) - 1,), array.shape)
            self.known[key] = number
        return self.known[key]

    def array(self, number: int) -> np.ndarray | None:
        """Return the values of a node if it is a constant."""
        node = self.nodes[number]
        return self.arrays[node.attrs[0]] if node.op == "const" else None

    def live(self, roots: list[int]) -> list[Node]:
        """Return the nodes that the roots need, in order."""
        needed = set(roots)
        for node in reversed(self.nodes):
            if node.number in needed:
                needed.update(node.args)
        return [node for node in self.nodes if node.number in needed]
