"""Reverse mode on the tensor program: the code that turns gradients of its ends into gradients
of its sources.

Writing it out saves what autograd spends on recording every small operation, which is as much as
the operations themselves. Each operation has one rule here; those without one (`TAPED`) are left to
autograd, one by one. Knows names and shapes, not what a program is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from neuralc.backends.soft.contraction import (
    Names,
    align,
    contraction,
    moved,
    sizes_of,
    spread,
    summed_out,
)
from neuralc.backends.soft.graph import Dim, Node

TAPED = ("add", "sub", "min", "max", "eq", "less", "scatter", "features")
SOURCES = ("param", "input", "network")
MANY = 3  # so many gradients times vectors are one product with a matrix


@dataclass
class Backward:
    """Writes the lines of a backward function.

    `names` are the variables of the forward code by node; `constant` adds a constant and returns
    code for it; `array` returns the values of a node that is a constant. The gradients in `owned`
    were computed here and nobody else has them: more can be added to them in place.
    """

    nodes: dict[int, Node]
    names: dict[int, str]
    constant: Callable[[np.ndarray], str]
    array: Callable[[int], np.ndarray | None]
    wanted: frozenset[int]
    lines: list[str] = field(default_factory=list)
    grads: dict[int, str] = field(default_factory=dict)
    owned: set[str] = field(default_factory=set)
    stacked: dict[int, dict[int, str]] = field(default_factory=dict)
    columns: dict[int, list[tuple[str, np.ndarray]]] = field(default_factory=dict)
    needed: set[int] = field(default_factory=set)
    viewed: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    count: int = 0

    def write(self, ends: list[tuple[int, str]]) -> list[str]:
        """Return the lines, given for each end the variable that holds its gradient."""
        for node in self.nodes.values():
            if node.number in self.wanted or any(arg in self.needed for arg in node.args):
                self.needed.add(node.number)
            for arg in node.args:
                key = ("select", node.attrs[0]) if node.op == "select" else (node.op, -1)
                self.viewed.setdefault(arg, set()).add(key)
        for number, name in ends:
            self.add(number, name)
        for number in sorted(self.nodes, reverse=True):
            node = self.nodes[number]
            if number in self.stacked:
                self.unbound(node)
            if number in self.columns:
                self.spread(node)
            if number in self.grads and node.op not in SOURCES:
                self.rule(node, self.grads[number])
        return self.lines

    # ---- collecting gradients

    def new(self, code: str) -> str:
        """Give an expression a name."""
        self.count += 1
        self.lines.append(f"g{self.count} = {code}")
        return f"g{self.count}"

    def add(self, number: int, code: str, *, fresh: bool = False) -> None:
        """Add to the gradient of a node; `fresh`: the code makes a tensor of its own."""
        if number not in self.needed:
            return
        before = self.grads.get(number)
        if before in self.owned:
            self.lines.append(f"{before} += {code}")
        elif before is not None:
            self.own(number, f"{before} + {code}")
        elif code.isidentifier():
            self.owned.discard(code)  # somebody else has it too
            self.grads[number] = code
        elif fresh:
            self.own(number, code)
        else:
            self.grads[number] = self.new(code)

    def own(self, number: int, code: str) -> None:
        """Make code that gives a tensor of its own the gradient of a node."""
        self.grads[number] = self.new(code)
        self.owned.add(self.grads[number])

    def into(self, number: int, part: str, code: str) -> None:
        """Add to a part of the gradient of a node, in place."""
        if number not in self.needed:
            return
        before = self.grads.get(number)
        if before not in self.owned:
            like = self.names[number]
            self.own(number, f"{before}.clone()" if before else f"torch.zeros_like({like})")
        self.lines.append(f"{self.grads[number]}.{part}.add_({code})")

    def unbound(self, node: Node) -> None:
        """Put the gradients of all selections along one dimension together."""
        parts = self.stacked[node.number]
        ((_, dim),) = self.viewed[node.number]
        size = node.dims[dim]
        assert isinstance(size, int)
        rest = next(iter(parts.values()))
        rows = [parts.get(k, f"torch.zeros_like({rest})") for k in range(size)]
        self.add(node.number, f"torch.stack(({', '.join(rows)},), {dim})")

    def column(self, number: int, code: str, vector: np.ndarray) -> None:
        """Note that a gradient times a constant vector along the last dimension is to be added."""
        if number in self.needed:
            self.columns.setdefault(number, []).append((code, vector))

    def spread(self, node: Node) -> None:
        """Add all gradients times constant vectors, many of them as one product."""
        parts = sorted(self.columns[node.number], key=lambda part: int(part[1].argmax()))
        matrix = np.stack([vector for _, vector in parts]).astype(np.float32)
        codes = ", ".join(code for code, _ in parts)
        if matrix.shape == (len(matrix[0]),) * 2 and (matrix == np.eye(len(matrix))).all():
            self.add(node.number, f"torch.stack(({codes},), -1)", fresh=True)
        elif len(parts) >= MANY:
            code = f"torch.stack(({codes},), -1) @ {self.constant(matrix)}"
            self.add(node.number, code, fresh=True)
        else:
            last = len(node.dims) - 1
            for code, vector in parts:
                if _one_hot(vector):
                    self.into(node.number, f"select({last}, {int(vector.argmax())})", code)
                    continue
                vector = vector.astype(np.float32)
                self.times(node.number, f"{code}.unsqueeze({last})", self.constant(vector))

    def times(self, number: int, left: str, right: str) -> None:
        """Add the product of two tensors that broadcast to the gradient of a node."""
        if self.grads.get(number) in self.owned:
            self.lines.append(f"{self.grads[number]}.addcmul_({left}, {right})")
        else:
            self.add(number, f"{left} * {right}", fresh=True)

    def summed(self, code: str, places: tuple[int, ...], rank: int) -> str:
        """Reduce a gradient with `rank` dimensions and a last one to those of an operand."""
        outer = [place for place in places if place != -1]
        missing = [place for place in range(rank) if place not in outer]
        last = -1 in places
        if not last:
            missing.append(rank)
        if missing:
            code = f"{code}.sum({tuple(missing)})"
        return turned(code, places, rank)

    # ---- one rule for each operation

    def rule(self, node: Node, g: str) -> None:
        """Pass the gradient of a node on to its operands."""
        x = node.args[0] if node.args else -1
        match node.op, node.attrs:
            case "select", (dim, number) if dim == len(node.dims):
                size = self.nodes[x].dims[dim]
                assert isinstance(size, int)
                self.column(x, g, np.eye(size)[number])
            case "select", (dim, number):
                if self.viewed[x] == {("select", dim)}:
                    if x in self.needed:
                        self.stacked.setdefault(x, {})[number] = g
                else:
                    self.into(x, f"select({dim}, {number})", g)
            case "narrow", (dim, start, length):
                self.into(x, f"narrow({dim}, {start}, {length})", g)
            case "index", (dim, numbers, *shape):
                index = self.constant(np.asarray(numbers))
                code = f"{g}.flatten({dim}, {dim + len(shape[0]) - 1})" if shape else g
                zeros = f"torch.zeros_like({self.names[x]})"
                self.add(x, f"{zeros}.index_add_({dim}, {index}, {code})", fresh=True)
            case "diagonal", (first, second):
                self.into(x, f"diagonal(dim1={first}, dim2={second})", g)
            case "permute", (places,):
                self.add(x, f"{g}.permute({tuple(np.argsort(places).tolist())})")
            case "sum", (places,):
                for place in places:
                    g += f".unsqueeze({place})"
                self.add(x, f"{g}.expand_as({self.names[x]})")
            case "normalise", ():
                y, total = self.names[node.number], f"{self.names[node.number]}_sum"
                mean = summed_out(f"({g} * {y})", (-1,), 0, node.dims[-1], self.constant, dims=True)
                self.add(x, f"({g} - {mean}) / {total}", fresh=True)
            case (("einsum" | "mul"), _):
                self.factors(node, g)
            case "plus", (a, b, out):
                for number, places in zip(node.args, (a, b), strict=True):
                    missing = tuple(k for k in range(len(out)) if out[k] not in places)
                    code = f"{g}.sum({missing})" if missing else g
                    kept = [name for name in out if name in places]
                    if kept != list(places):
                        code += f".permute({tuple(kept.index(name) for name in places)})"
                    self.add(number, code)
            case op, _ if op in TAPED:
                self.taped(node, g)
            case _:
                self.broadcast(node, g)

    def factors(self, node: Node, g: str) -> None:
        """A product of two operands, some dimensions summed."""
        left, right = node.args
        a, b, out = node.attrs
        vector = self.array(right)
        if vector is not None and b == a[-1:] and out == a[:-1]:
            self.column(left, g, vector)
            return
        sizes = sizes_of((out, node.dims))
        self.factor(left, g, out, self.names[right], b, a, sizes)
        self.factor(right, g, out, self.names[left], a, b, sizes)

    def factor(
        self, number: int, g: str, out: Names, other: str, b: Names, a: Names,
        sizes: Mapping[int, Dim],
    ) -> None:  # fmt: skip
        """The gradient of one of two factors: a product with the other one.

        `a` are the dimensions of this factor, `b` those of the other and `out` those of the
        gradient `g` of the product.
        """
        if number not in self.needed:
            return
        there = {*out, *b}
        kept = tuple(name for name in a if name in there)
        if there == set(a):
            self.times(number, spread(g, out, a), spread(other, b, a))
            return
        like = self.names[number] if kept == a else ""
        sizes = {**sizes, **sizes_of((a, self.nodes[number].dims))}
        code = contraction(g, other, out, b, kept, like=like, sizes=sizes, keep=self.constant)
        if kept != a:  # summed over in the forward code, and in no other factor
            if not code.isidentifier():
                code = f"({code})"
            for place, name in enumerate(a):
                if name not in there:
                    code += f".unsqueeze({place})"
            code += f".expand_as({self.names[number]})"
        self.add(number, code, fresh=kept == a)

    def taped(self, node: Node, g: str) -> None:
        """Leave an operation to autograd, which has recorded it by itself."""
        found = self.new(f"soft.untape({self.names[node.number]}_tape, {g})")
        for k, arg in enumerate(dict.fromkeys(node.args)):
            self.add(arg, f"{found}[{k}]")

    def broadcast(self, node: Node, g: str) -> None:
        """Operations whose operands broadcast along `rank` dimensions."""
        rank, places, *attrs = node.attrs
        names = [self.names[arg] for arg in node.args]
        match node.op, attrs:
            case "blend", []:
                first, second, *chances = range(4)
                self.product(node, g, first, chances[0])
                self.product(node, g, second, chances[1])
            case "mixture", []:
                self.mixture(node, g, names)
            case "share", [loose]:
                for k in range(loose):
                    self.add(node.args[k], self.summed(g, places[k], rank))
                for k in range(loose, len(names), 2):
                    self.product(node, g, k, k + 1)
            case "circle", [size]:
                self.circle(node, g, size)
            case "running", [reverse, strict]:
                code = f"soft.running({g}, {not reverse}, {strict})"
                self.add(node.args[0], self.summed(code, places[0], rank))
            case "stack", []:
                for k, (arg, place) in enumerate(zip(node.args, places, strict=True)):
                    self.add(arg, self.summed(f"{g}.select(-2, {k})", place, rank))
            case "join", [dim, lengths, order]:
                if list(order) != list(range(len(order))):
                    back = self.constant(np.argsort(order))
                    g = self.new(f"{g}.index_select({dim - rank - 1}, {back})")
                start = 0
                for arg, place, length in zip(node.args, places, lengths, strict=True):
                    part = f"{g}.narrow({dim}, {start}, {length})"
                    self.add(arg, self.summed(part, place, rank))
                    start += length
            case "pad", [_]:
                (place,) = places
                size = self.nodes[node.args[0]].dims[place.index(-1)]
                self.add(node.args[0], self.summed(f"{g}.narrow(-1, 0, {size})", place, rank))
            case "gather", [index, _]:
                code = moved(g, tuple(np.argsort(index).tolist()), self.constant)
                self.add(node.args[0], self.summed(code, places[0], rank))
            case _:
                raise AssertionError(f"no rule for {node.op}")

    def product(self, node: Node, g: str, left: int, right: int) -> None:
        """The gradients of two operands that a broadcasting operation multiplies."""
        rank, places = node.attrs[:2]
        out = tuple(range(rank + 1))
        sizes = sizes_of((out, node.dims))
        if self.both(node, g, left, right, sizes):
            return
        for this, other in ((left, right), (right, left)):
            a, b = ([rank if p == -1 else p for p in places[k]] for k in (this, other))
            array = self.array(node.args[other])
            if b == [rank] and rank not in a and array is not None and _one_hot(array):
                code = f"{g}.select(-1, {int(array.argmax())})"
                self.add(node.args[this], self.summed(code, (*a, -1), rank))
                continue
            name = self.names[node.args[other]]
            self.factor(node.args[this], g, out, name, tuple(b), tuple(a), sizes)

    def both(self, node: Node, g: str, left: int, right: int, sizes: Mapping[int, Dim]) -> bool:
        """The gradients of a chance and of an arm as large as the result, in the same memory.

        For arrays of distributions that is less to ask the system for. False: it is not the case.
        """
        rank, places = node.attrs[:2]
        chance, arm = node.args[left], node.args[right]
        everything = (*range(rank), -1)
        large = (
            len(everything) > 3 and places[right] == everything and places[left] == everything[:-1]
        )
        if not large or not {chance, arm} <= self.needed or arm in self.grads or chance == arm:
            return False
        product = self.new(f"{g} * {self.names[arm]}")
        total = summed_out(product, (rank,), rank + 1, sizes[rank], self.constant)
        self.add(chance, total, fresh=True)
        self.lines.append(f"torch.mul({g}, {self.names[chance]}.unsqueeze(-1), out={product})")
        self.grads[arm] = product
        self.owned.add(product)
        return True

    def circle(self, node: Node, g: str, size: int) -> None:
        """Both operands at once: the gradient is transformed only once."""
        rank, places = node.attrs[:2]
        values = tuple(
            self.nodes[arg].dims[place.index(-1)]
            for arg, place in zip(node.args, places, strict=True)
        )
        name = f"{self.names[node.number]}_spectra"
        both = self.new(f"soft.circle_back({g}, {name}, {size}, {values})")
        for k, (arg, place) in enumerate(zip(node.args, places, strict=True)):
            self.add(arg, self.summed(f"{both}[{k}]", place, rank))

    def mixture(self, node: Node, g: str, names: list[str]) -> None:
        """`sum_k weights[..., k] * arms[k]`."""
        rank, places = node.attrs[:2]
        weights, *arms = node.args
        parts = self.new(f"{align(names[0], places[0], rank, inner=True)}.unsqueeze(-1).unbind(-2)")
        rows = []
        for k, (arm, place) in enumerate(zip(arms, places[1:], strict=True)):
            if arm in self.needed:
                self.add(arm, self.summed(f"({g} * {parts}[{k}])", place, rank), fresh=True)
            if weights in self.needed:
                there = align(names[1 + k], place, rank, inner=True)
                outer = tuple(p for p in places[0] if p != -1)
                rows.append(self.new(self.summed(f"({g} * {there})", tuple(sorted(outer)), rank)))
        if weights in self.needed:
            total = f"torch.stack(({', '.join(rows)}), -1)"
            self.add(weights, turned(total, places[0], rank))


def _one_hot(array: np.ndarray) -> bool:
    return bool(array.sum() == 1 and np.count_nonzero(array) == 1)


def turned(code: str, places: tuple[int, ...], rank: int) -> str:
    """Permute dimensions that are in the order of the result to the order `places`."""
    order = sorted(places, key=lambda place: rank if place == -1 else place)
    if list(places) == order:
        return code
    return f"{code}.permute({tuple(order.index(place) for place in places)})"
