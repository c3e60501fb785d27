"""The nodes of a tensor program as instructions: the forward pass.

Selections, permutations and diagonals are views and cost nothing. The rest are sums of products,
but for divisions by sums and running sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from neuralc.backends.native.nests import Label, Operand, Table, nested
from neuralc.backends.native.plan import External, Plan, Transfer, lead, rows
from neuralc.backends.native.softmax import Softmax
from neuralc.backends.native.steps import Normalise, Running, Zero
from neuralc.backends.native.views import Buffer, View, full
from neuralc.backends.soft.backward import SOURCES
from neuralc.backends.soft.graph import B, Node, P
from neuralc.backends.soft.parameters import FORBIDDEN, Choices

Array = np.ndarray[Any, Any]
Entries = list[tuple[int, tuple[int, ...]]]
LAST, EXTRA = "last", "extra"
TABLED = ("add", "sub", "min", "max", "eq", "less", "scatter")


@dataclass
class Forward:
    """Writes the forward pass; `values` are where the nodes' values are."""

    plan: Plan
    nodes: dict[int, Node]
    array: Callable[[int], Array | None]
    values: dict[int, View] = field(default_factory=dict)
    shares: dict[int, View] = field(default_factory=dict)  # 1 / sum of what was divided by it
    doubled: dict[int, View] = field(default_factory=dict)  # the second operand of a circle, twice
    choices: Choices | None = None  # where they stand among the logits, if these are given
    logits: dict[int, View] = field(default_factory=dict)

    def run(self) -> None:
        """Write all nodes, sources included."""
        for node in self.nodes.values():
            self.plan.section = "example" if B in node.dims else "before"
            self.plan.node = node
            self.values[node.number] = self.node(node)

    def node(self, node: Node) -> View:
        """Write a node and return where its value is."""
        x = self.values[node.args[0]] if node.args and node.op not in SOURCES else None
        match node.op, node.attrs:
            case "const", _:
                array = self.array(node.number)
                assert array is not None
                return full(Buffer("constant", array.size, False, "constant", array), node.dims)
            case "param", (name,) if self.choices is not None:
                return self.choice(node, name, self.choices)
            case op, _ if op in SOURCES:
                out = self.plan.fresh(str(node.attrs[0]), node.dims)
                external = External("source", str(node.number), lead(node), out.buffer.count)
                self.plan.add(Transfer(self.plan.external(external), out.buffer, store=False))
                return out
        viewed = x and self.view(node, x)
        if viewed:
            return viewed
        out = self.plan.fresh(f"{node.hint or node.op}", node.dims)
        match node.op, node.attrs:
            case (("einsum" | "mul"), (a, b, names)):
                self.plan.set((out, names), [(self.of(node, 0), a), (self.of(node, 1), b)])
            case "plus", (a, b, names):
                terms = [[(self.of(node, k), own)] for k, own in enumerate((a, b))]
                self.plan.set((out, names), *terms)
            case "sum", (places,):
                assert x is not None
                kept = tuple(k for k in range(len(x.axes)) if k not in places)
                self.plan.set((out, kept), [(x, tuple(range(len(x.axes))))])
            case "normalise", ():
                self.normalise(node, out)
            case "softmax", ():  # of what is computed; that of choices is in `choice`
                assert x is not None
                self.plan.add(Softmax(tuple(n for n, _ in out.inner), (rows(out), rows(x))))
            case "index", (dim, numbers, *shape):
                self.listed(*self.indexed(node, dim, np.asarray(numbers), *shape), out)
            case _:
                self.broadcast(node, out)
        return out

    def choice(self, node: Node, name: str, choices: Choices) -> View:
        """Write the softmax of the logits of a choice."""
        (block,) = (block for block in choices.blocks if block.name == name)
        raw = self.plan.fresh("logits", node.dims)
        external = self.plan.external(External("source", "logits", (P,), choices.total))
        self.plan.add(Transfer(external, raw.buffer, store=False, start=block.start))
        out = self.plan.fresh(name, node.dims)
        operands = [rows(out), rows(raw)]
        allowed = choices.allowed[block.start : block.stop]
        if not allowed.all():
            wall = Buffer("wall", allowed.size, False, "constant", np.where(allowed, 0, FORBIDDEN))
            operands.append(rows(full(wall, node.dims)))
        self.plan.add(Softmax(tuple(n for n, _ in out.inner), tuple(operands)))
        self.logits[node.number] = raw
        return out

    def of(self, node: Node, k: int) -> View:
        """Return the value of an operand."""
        return self.values[node.args[k]]

    def view(self, node: Node, x: View) -> View | None:
        """Return a part of a value, if the node is one."""
        match node.op, node.attrs:
            case "select", (dim, number):
                return x.select(dim, number)
            case "narrow", (dim, start, length):
                return x.narrow(dim, start, length)
            case "permute", (places,):
                return x.permute(places)
            case "diagonal", (first, second):
                return x.diagonal(first, second)
            case "index", (dim, numbers, *shape):
                return x.indexed(dim, np.asarray(numbers).reshape(shape[0] if shape else -1))
        return None

    def normalise(self, node: Node, out: View) -> None:
        """Write a division by the sum, whose inverse is kept for the gradient."""
        x = self.of(node, 0)
        share = self.plan.fresh("share", node.dims[:-1])
        self.shares[node.number] = share
        sizes = tuple(n for n, _ in x.inner)
        one = rows(share)
        padded = type(one)(one.buffer, one.offset, (*one.strides, 0))
        self.plan.add(Normalise(sizes, (rows(out), padded, rows(x))))

    # ---- operations whose operands broadcast

    def labels(self, node: Node, k: int) -> tuple[Label, ...]:
        """Return the names of the dimensions of an operand."""
        return tuple(LAST if place == -1 else place for place in node.attrs[1][k])

    def operand(self, node: Node, k: int) -> Operand:
        """Return an operand with the names of its dimensions."""
        return self.of(node, k), self.labels(node, k)

    def pairs(self, node: Node) -> list[list[tuple[int, Operand]]]:
        """Return the products that a mixture is the sum of: operands and their numbers."""
        operands = [self.operand(node, k) for k in range(len(node.args))]
        match node.op, node.attrs[2:]:
            case "blend", _:
                return [[(0, operands[0]), (2, operands[2])], [(1, operands[1]), (3, operands[3])]]
            case "share", (loose,):
                single = [[(k, operands[k])] for k in range(loose)]
                rest = range(loose, len(operands), 2)
                return [*single, *([(k, operands[k]), (k + 1, operands[k + 1])] for k in rest)]
        weights, places = operands[0]  # a mixture: the weights' last dimension counts the arms
        at = places.index(LAST)
        less = tuple(name for name in places if name != LAST)
        return [
            [(0, (weights.select(at, k), less)), (k + 1, arm)] for k, arm in enumerate(operands[1:])
        ]

    def broadcast(self, node: Node, out: View) -> None:
        """Write an operation whose operands broadcast."""
        rank, _, *attrs = node.attrs
        names = (*range(rank), LAST)
        match node.op, attrs:
            case (("blend" | "share" | "mixture"), _):
                terms = [[operand for _, operand in pair] for pair in self.pairs(node)]
                self.plan.set((out, names), *terms)
            case "circle", [size]:
                self.circle(node, out, size)
            case "running", [reverse, strict]:
                x, own = self.operand(node, 0)
                self.running((out, names), (x, own), reverse=reverse, strict=strict)
            case "stack", []:
                for k in range(len(node.args)):
                    self.plan.set((out.select(rank, k), names), [self.operand(node, k)])
            case "join", _:
                for k, number, part in self.joined(node, out):
                    self.plan.set((part, names), [(number, self.labels(node, k))])
            case "pad", [size]:
                x, own = self.operand(node, 0)
                n = x.axes[own.index(LAST)][0]
                assert isinstance(n, int)
                self.plan.add(Zero((out.buffer.count,), (rows(full(out.buffer, [1])),)))
                self.plan.set((out.narrow(rank, 0, min(n, size)), names), [(x, own)])
            case _:
                self.listed(*self.tabled(node), out)

    def joined(self, node: Node, out: View) -> Iterable[tuple[int, View, View]]:
        """Yield, for parts that are put one behind the other and then in order, what goes where."""
        _, _, dim, lengths, order = node.attrs
        places = np.argsort(np.asarray(order))
        start = 0
        for k, length in enumerate(lengths):
            spots = places[start : start + length]
            start += length
            x, own = self.operand(node, k)
            there = out.indexed(dim, spots)
            if there is not None:
                yield k, x, there
                continue
            for i, spot in enumerate(spots):
                part = x.narrow(own.index(dim), i, 1) if dim in own else x
                yield k, part, out.narrow(dim, int(spot), 1)

    def circle(self, node: Node, out: View, size: int) -> None:
        """`z[k] = sum of x[i] y[(k - i) % size]`, with y written down twice."""
        rank = node.attrs[0]
        (x, a), (y, b) = self.operand(node, 0), self.operand(node, 1)
        twice = self.twice(y, b, size)
        self.doubled[node.number] = twice
        names = (*range(rank), LAST)
        n = x.axes[a.index(LAST)]
        k, i = (size, 1), (n[0], -1)
        rolled = View(twice.buffer, size, (*twice.axes[:-1], k, i))
        own = tuple(name for name in b if name != LAST)
        left = tuple("i" if name == LAST else name for name in a)
        self.plan.set((out, names), [(x, left), (rolled, (*own, LAST, "i"))])

    def twice(self, y: View, names: Sequence[Label], size: int) -> View:
        """Return a copy of `size` values along LAST, 0 where there are none, then the same again.

        It has the other dimensions of `y` in their order, and LAST at the end.
        """
        at = list(names).index(LAST)
        n = y.axes[at][0]
        assert isinstance(n, int)
        dims = [axis[0] for k, axis in enumerate(y.axes) if k != at]
        two = self.plan.fresh("twice", (*dims, 2 * size))
        if y.buffer.lanes and not two.buffer.lanes:
            raise AssertionError("lanes without a dimension")
        if n < size:
            self.plan.add(Zero((two.buffer.count,), (rows(full(two.buffer, [1])),)))
        own = (*(name for name in names if name != LAST), LAST)
        for start in (0, size):
            self.plan.set((two.narrow(len(dims), start, n), own), [(y, tuple(names))])
        return two

    def running(self, out: Operand, x: Operand, *, reverse: bool, strict: bool,
                add: bool = False) -> None:  # fmt: skip
        """Write running sums along LAST; `x` has the dimensions of `out`."""
        nest = nested(out, [[x]], add=False)
        assert not nest.sizes[nest.free :]
        last = out[1].index(LAST)
        sizes, one, two = _last_alone(out, x, last)
        self.plan.add(Running(sizes, (one, two), add, reverse, strict))

    # ---- tables

    def tabled(self, node: Node) -> tuple[list[Operand], Label, list[Label], Entries]:
        """Return operands, names of the dimensions that a table is about, and its entries."""
        operands, names = [], []
        for k in range(len(node.args)):
            view, own = self.operand(node, k)
            names.append(f"in{k}")
            operands.append((view, tuple(names[-1] if n == LAST else n for n in own)))
        sizes = [view.axes[own.index(name)][0]
                 for (view, own), name in zip(operands, names, strict=True)]  # fmt: skip
        entries = list(_entries(node, [int(n) for n in sizes]))
        return operands, LAST, list(names), entries

    def indexed(
        self, node: Node, dim: int, numbers: Array, *shape: tuple[int, ...]
    ) -> tuple[list[Operand], Label, list[Label], Entries]:
        """Return the same for an element at numbers that are not evenly spaced."""
        x = self.of(node, 0)
        names = tuple("in0" if k == dim else k for k in range(len(x.axes)))
        entries: Entries = [(k, (int(i),)) for k, i in enumerate(numbers.reshape(-1))]
        return [(x, names)], "index", ["in0"], entries

    def flat(self, node: Node, out: View) -> Operand:
        """Return the result of a table, or its gradient, with the names of its dimensions."""
        if node.op != "index":
            return out, (*range(node.attrs[0]), LAST)
        dim = node.attrs[0]
        gone = len(node.attrs[2]) if len(node.attrs) > 2 else 1
        axes = out.axes
        flat = (View(out.buffer, 0, axes[dim : dim + gone]).count, axes[dim + gone - 1][1])
        view = View(out.buffer, out.offset, (*axes[:dim], flat, *axes[dim + gone :]))
        return view, tuple("index" if k == dim else k for k in range(len(view.axes)))

    def listed(
        self, operands: list[Operand], name: Label, names: list[Label], entries: Entries,
        out: View | None = None, *, whole: Operand | None = None, add: bool = False,
    ) -> None:  # fmt: skip
        """Write a table."""
        if whole is None:
            assert out is not None
            assert self.plan.node is not None
            whole = self.flat(self.plan.node, out)
        self.plan.add(listed(whole, operands, name, names, entries, add=add))


def listed(
    out: Operand, operands: Sequence[Operand], name: Label, names: Sequence[Label],
    entries: Entries, *, add: bool,
) -> Table:  # fmt: skip
    """Return a table, from entries `(place along name, places along names)`."""
    nest = _outer(out, operands, {name, *names})
    strides = [_stride(operand, own) for operand, own in zip(operands, names, strict=True)]
    step, n = _stride(out, name), _extent(out, name)
    groups: dict[int, list[tuple[float, tuple[int, ...]]]] = (
        {} if add else {o: [] for o in range(n)}
    )
    for o, places in entries:
        spots = tuple(i * s for i, s in zip(places, strides, strict=True))
        groups.setdefault(o, []).append((1.0, spots))
    return Table(
        nest.sizes, nest.out, add, tuple(term[0] for term in nest.terms),
        tuple((o * step, tuple(group)) for o, group in groups.items()),
    )  # fmt: skip


def _outer(out: Operand, operands: Sequence[Operand], special: set[Label]) -> Any:
    """Return the loops around a table: a nest over the dimensions that it is not about.

    Dimensions that the result lacks are summed over: they are indices all the same.
    """
    first, *rest = [
        (View(view.buffer, view.offset, tuple(
            axis for axis, label in zip(view.axes, own, strict=True) if label not in special)),
         tuple(label for label in own if label not in special))
        for view, own in (out, *operands)
    ]  # fmt: skip
    return nested(first, [[operand] for operand in rest], add=True)


def _stride(operand: Operand, name: Label) -> int:
    return operand[0].axes[operand[1].index(name)][1]


def _extent(operand: Operand, name: Label) -> int:
    n = operand[0].axes[operand[1].index(name)][0]
    assert isinstance(n, int)
    return n


def _last_alone(out: Operand, x: Operand, last: int) -> tuple[tuple[int, ...], Any, Any]:
    order = [k for k, (n, _) in enumerate(out[0].axes) if isinstance(n, int) and k != last]
    names = [out[1][k] for k in (*order, last)]
    sizes = tuple(_extent(out, name) for name in names)

    def strides(operand: Operand) -> tuple[int, ...]:
        return tuple(_stride(operand, n) if n in operand[1] else 0 for n in names)

    one, two = (type(rows(v))(v.buffer, v.offset, strides((v, own))) for v, own in (out, x))
    return sizes, one, two


def _entries(node: Node, sizes: Sequence[int]) -> Iterable[tuple[int, tuple[int, ...]]]:
    """Yield which result each tuple of arguments gives, those that give none left out."""
    if node.op in ("scatter", "gather"):
        index, size = node.attrs[2:]
        if node.op == "gather":
            yield from ((v, (int(i),)) for v, i in enumerate(index))
            return
        for to, places in zip(index, product(*map(range, sizes)), strict=True):
            if to < size:
                yield int(to), places
        return
    offset, modulus, values, size = node.attrs[2:]
    n, m = sizes
    for x, y in product(range(n), range(m)):
        match node.op:
            case "add" | "sub":
                whole = x + y + offset if node.op == "add" else x - y + offset
                to = whole % (modulus or n + m + abs(offset))
            case "min":
                to = min(x, y)
            case "max":
                to = max(x, y)
            case "eq":
                to = values[int(x == y)]
            case _:
                to = values[int(x < y)]
        if to < size:
            yield to, (x, y)
