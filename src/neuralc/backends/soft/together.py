"""What is looked up in several tables by the same distribution is looked up in one.

`with line as l: operation.set_to(instruction[l]); register.set_to(first[l]); …` is a product of the
distribution of the line with each of these tables. Side by side they are one table, which takes
one product, and one sum for the gradient. A table of some columns of another one, such as the
chances of two instructions, needs no product at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neuralc.backends.soft.graph import B, Dim, Graph, Node, P

Names = tuple[int, ...]
ENTRIES = 4096  # of all tables that are put side by side


@dataclass(frozen=True)
class _Kind:
    """What lookups share that can be one: the distribution, all names, the other dimensions."""

    chances: int
    names: tuple[Names, Names, Names]
    dims: tuple[Dim, ...]

    @property
    def order(self) -> tuple[int, ...]:
        """The dimensions of a table, the one that is summed over last."""
        _, table, out = self.names
        return tuple(sorted(range(len(table)), key=lambda k: table[k] not in out))


def looked_up_together(graph: Graph, ends: Iterable[int]) -> tuple[Graph, dict[int, int]]:
    """Return the part of a program that leads to some ends, and which nodes they are there."""
    live = graph.live(list(ends))
    lookups: dict[_Kind, list[Node]] = defaultdict(list)
    for node in live:
        if (kind := _kind(graph, node)) is not None:
            lookups[kind].append(node)
    found = _Rewriting(graph)
    for kind, nodes in lookups.items():
        parts = _parts(graph, nodes)
        whole = [node for node in nodes if node.number not in parts]
        tables = {node.args[1] for node in whole}
        if len(nodes) > 1 and sum(map(found.entries, tables)) <= ENTRIES:
            found.kinds |= {node.number: (kind, whole) for node in nodes}
            found.parts |= parts
    for node in live:
        found.node(node.number)
    return found.made, found.numbers


def _kind(graph: Graph, node: Node) -> _Kind | None:
    """Return what kind of lookup a node is: of examples' values in a table that all share."""
    if node.op != "einsum":
        return None
    first, second = (graph.nodes[arg] for arg in node.args)
    one, two, out = node.attrs
    (summed, *more) = [name for name in two if name not in out] or [-1]
    if B not in first.dims or B in second.dims or P not in second.dims or more:
        return None
    if summed not in one or two[-1] != out[-1] or two[-1] in one:
        return None
    return _Kind(first.number, node.attrs, second.dims[:-1])


def _parts(graph: Graph, nodes: Iterable[Node]) -> dict[int, tuple[Node, int]]:
    """Return the lookups of columns of what another one looks up: which, and the first column."""
    found, lookups = {}, {node.args[1]: node for node in nodes}
    for number, node in lookups.items():
        table = graph.nodes[number]
        for base, chosen in (table.args, table.args[::-1]) if table.op == "einsum" else ():
            if base in lookups and (start := _start(graph, table, base, chosen)) is not None:
                found[node.number] = lookups[base], start
    return {number: part for number, part in found.items() if part[0].number not in found}


def _start(graph: Graph, table: Node, base: int, chosen: int) -> int | None:
    """Return the column where a table begins in another one if it is a part of that."""
    array, names = graph.array(chosen), dict(zip(table.args, table.attrs[:2], strict=True))
    (*lead, last), out = names[base], table.attrs[2]
    if array is None or names[chosen] != (last, out[-1]) or out[:-1] != tuple(lead):
        return None
    start = int(array[:, 0].argmax())
    rows, columns = array.shape
    return start if np.array_equal(array, np.eye(rows, columns, -start)) else None


@dataclass
class _Rewriting:
    graph: Graph
    made: Graph = field(init=False)
    kinds: dict[int, tuple[_Kind, list[Node]]] = field(default_factory=dict)
    parts: dict[int, tuple[Node, int]] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    wholes: dict[_Kind, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.made = Graph(arrays=self.graph.arrays)

    def entries(self, number: int) -> int:
        """Return the size of a table."""
        return prod(n for n in self.graph.nodes[number].dims if isinstance(n, int))

    def node(self, number: int) -> int:
        """Return the number of a node in the new program, written now if it is not there yet."""
        if number in self.numbers:
            return self.numbers[number]
        node = self.graph.nodes[number]
        args = self.lookup(node) if number in self.kinds else tuple(map(self.node, node.args))
        self.made.line, self.made.hint = node.line, node.hint
        op, attrs = node.op, node.attrs
        if number in self.kinds:
            op, attrs = "narrow", (len(node.dims) - 1, *self.place(node))
        self.numbers[number] = self.made.add(op, args, attrs, node.dims, node.drift)
        return self.numbers[number]

    def place(self, node: Node) -> tuple[int, int]:
        """Return where the result of a lookup begins among all, and its length."""
        _, nodes = self.kinds[node.number]
        base, start = self.parts.get(node.number, (node, 0))
        sizes = [self.last(other) for other in nodes[: nodes.index(base)]]
        return sum(sizes) + start, self.last(node)

    def last(self, node: Node) -> int:
        """Return the size of what is looked up."""
        (*_, size) = node.dims
        assert isinstance(size, int)
        return size

    def lookup(self, node: Node) -> tuple[int]:
        """Return the node of all lookups of a kind as one."""
        kind, nodes = self.kinds[node.number]
        if kind not in self.wholes:
            chances = self.node(kind.chances)
            tables = tuple(self.node(other.args[1]) for other in nodes)
            one, two, out = kind.names
            rank, order = len(two) - 1, kind.order
            at = order.index(rank)  # where the results stand now
            sizes = tuple(self.last(other) for other in nodes)
            own = tuple(order.index(k) if k != order[-1] else -1 for k in range(rank + 1))
            dims = [(*kind.dims, sum(sizes))[k] for k in order]
            self.made.line, self.made.hint = node.line, node.hint
            drift = max(self.graph.nodes[other.args[1]].drift for other in nodes)
            attrs = (rank, (own,) * len(tables), at, sizes, tuple(range(sum(sizes))))
            table = self.made.add("join", tables, attrs, tuple(dims), drift)
            names = (one, tuple(two[k] for k in order), out)
            whole = (*node.dims[:-1], sum(sizes))
            drift = max(other.drift for other in nodes)
            self.wholes[kind] = self.made.add("einsum", (chances, table), names, whole, drift)
        return (self.wholes[kind],)
