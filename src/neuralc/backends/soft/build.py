"""Operations on lowered values: contract products, rename and index axes, mix, widen.

The `Builder` is the only writer of the graph. It knows the size of every label; it does not know
statements (`lower.py`) nor which way of computing a function is cheapest (`pushforward.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np

from neuralc.backends.soft.graph import B, Dim, Graph, P
from neuralc.backends.soft.values import EXAMPLES, RESTARTS, Factor, Known, Label, Product
from neuralc.ir.nodes import Table
from neuralc.ir.structure import Structure, classify

LAST = 1 << 60  # sorts the axis of a value behind all its labels
DRIFT = 32  # a sum may be off by this many roundings before it is divided out
CHANCES = 6  # the same for chances: their error multiplies that of what they are mixed of
ARRAYS = 100  # the same for arrays of distributions, which are dear to divide
GUESS = {P: 100, B: 16}  # sizes unknown at compile time, for comparing costs only


class Builder:
    """Makes nodes for operations on values."""

    def __init__(self) -> None:
        """Start with an empty graph."""
        self.graph = Graph()
        self.sizes: dict[Label, Dim] = {RESTARTS: P, EXAMPLES: B}
        self._structures: dict[tuple[tuple[int, ...], int, bytes], Structure] = {}

    def label(self, size: int) -> Label:
        """Return a fresh label for an axis of this size."""
        fresh = len(self.sizes)
        self.sizes[fresh] = size
        return fresh

    def size(self, label: Label) -> int:
        """Return the size of an axis, a guess for restarts and examples."""
        size = self.sizes[label]
        return GUESS[size] if isinstance(size, str) else size

    def extent(self, label: Label) -> int:
        """Return the size of an axis that is known at compile time."""
        size = self.sizes[label]
        assert isinstance(size, int), "restarts and examples have no size at compile time"
        return size

    def dims(self, labels: Iterable[Label]) -> tuple[Dim, ...]:
        """Return the dimensions of a node with these labels."""
        return tuple(self.sizes[label] for label in labels)

    def const(self, array: np.ndarray, labels: Sequence[Label]) -> Factor:
        """Return a constant whose dimensions carry these labels."""
        return Factor(self.graph.constant(np.ascontiguousarray(array)), tuple(labels))

    # ---- known integers

    def one_hot(self, known: Known, size: int) -> Product:
        """Return a known integer as a distribution over `size` values."""
        axis = self.label(size)
        hot = np.eye(size, dtype=np.float32)[known.numbers]
        return Product((self.const(hot, (*known.labels, axis)),), axis)

    def product(self, value: Product | Known, size: int) -> Product:
        """Return a value as a distribution."""
        return self.one_hot(value, size) if isinstance(value, Known) else value

    def structure(self, cube: np.ndarray, size: int) -> Structure:
        """Return the structure of a table of numbers below `size`; each is looked at once."""
        key = cube.shape, size, cube.tobytes()
        if key not in self._structures:
            table = Table("", cube.shape, size, tuple(cube.ravel().tolist()))
            self._structures[key] = classify(table)
        return self._structures[key]

    # ---- contraction

    def contract(self, value: Product) -> Factor:
        """Compute a product: one factor, its axis last."""
        factor = self.sum_product(value.factors, value.summed, value.axis)
        return factor if value.real else self.normalised(factor)

    def sum_product(
        self, factors: Sequence[Factor], summed: frozenset[Label], axis: Label | None
    ) -> Factor:
        """Multiply factors and sum labels out, the cheapest pair first."""
        work, open_sums = self.without_identities(list(factors), set(summed), axis)
        while len(work) > 1:
            pairs = [(i, j) for j in range(len(work)) for i in range(j)]
            i, j = pairs[0]
            if len(pairs) > 1:
                _, i, j = min((self.cost(work, i, j, open_sums), i, j) for i, j in pairs)
            gone = self.summable(work, i, j, open_sums)
            rest = [factor for k, factor in enumerate(work) if k not in (i, j)]
            work = [*rest, self.pair(work[i], work[j], gone, axis)]
            open_sums -= gone
        return self.reduced(work[0], open_sums, axis)

    def summable(self, work: list[Factor], i: int, j: int, summed: set[Label]) -> set[Label]:
        """Return the labels that can be summed out when two factors are multiplied."""
        rest = {n for k, factor in enumerate(work) if k not in (i, j) for n in factor.labels}
        return {n for n in (*work[i].labels, *work[j].labels) if n in summed and n not in rest}

    def cost(self, work: list[Factor], i: int, j: int, summed: set[Label]) -> int:
        """Return the multiplications of a product of two factors and the size of its result."""
        union = {*work[i].labels, *work[j].labels}
        result = union - self.summable(work, i, j, summed)
        return prod(self.size(n) for n in union) + prod(self.size(n) for n in result)

    def order(self, labels: Iterable[Label], axis: Label | None) -> tuple[Label, ...]:
        """Return labels in canonical order: by age, the axis of the value last."""
        return tuple(sorted(set(labels), key=lambda label: LAST if label == axis else label))

    def pair(self, a: Factor, b: Factor, gone: set[Label], axis: Label | None) -> Factor:
        """Multiply two factors, summing `gone` out."""
        a, b = self.straight(a), self.straight(b)
        canonical = self.order({*a.labels, *b.labels} - gone, axis)
        if (
            gone
            and canonical == self.product_order(b, a, gone, axis)
            or axis in a.labels
            and axis not in b.labels
        ):
            a, b = b, a
        out = self.product_order(a, b, gone, axis)
        names: dict[Label, int] = {}
        for label in (*a.labels, *b.labels):
            names.setdefault(label, len(names))
        attrs = tuple(tuple(names[label] for label in part) for part in (a.labels, b.labels, out))
        drift = self.drift(a) + self.drift(b) + 1
        args = (a.node, b.node)
        op = "einsum" if gone else "mul"
        return Factor(self.graph.add(op, args, attrs, self.dims(out), drift), out)

    def plus(self, factors: Sequence[Factor]) -> Factor:
        """Add factors that have no axis, broadcast against one another."""
        total = factors[0]
        for factor in factors[1:]:
            a, b = self.straight(total), self.straight(factor)
            out = self.order({*a.labels, *b.labels}, None)
            attrs = tuple(tuple(out.index(n) for n in part) for part in (a.labels, b.labels, out))
            drift = max(self.drift(a), self.drift(b)) + 1
            args = (a.node, b.node)
            total = Factor(self.graph.add("plus", args, attrs, self.dims(out), drift), out)
        return total

    def operands(self, factor: Factor, op: str) -> list[Factor]:
        """Return what a factor is a "plus" or "mul" of, nothing if it is none."""
        node = self.graph.nodes[factor.node]
        if node.op != op:
            return []
        *parts, out = node.attrs
        names = dict(zip(out, factor.labels, strict=True))
        return [
            Factor(arg, tuple(names[k] for k in part))
            for arg, part in zip(node.args, parts, strict=True)
        ]

    def product_order(
        self, a: Factor, b: Factor, gone: set[Label], axis: Label | None
    ) -> tuple[Label, ...]:
        """Return the order of dimensions that a matrix product gives by itself.

        What does not depend on the examples is small, and comes in the order of age: so it
        fits what it is multiplied with next.
        """
        canonical = self.order({*a.labels, *b.labels} - gone, axis)
        if not gone or EXAMPLES not in canonical:
            return canonical
        batch = [n for n in a.labels if n in b.labels and n not in gone and n != axis]
        rows = [n for n in a.labels if n not in b.labels and n not in gone]
        columns = [n for n in b.labels if n not in batch and n not in gone and n != axis]
        last = [axis] if axis in a.labels or axis in b.labels else []
        natural = (*batch, *rows, *columns, *(n for n in last if n is not None))
        head = natural[: len(canonical) - len(natural[2:])]
        return natural if head == canonical[: len(head)] else canonical

    def reduced(self, factor: Factor, gone: set[Label], axis: Label | None) -> Factor:
        """Sum labels of one factor out and put the axis last."""
        if gone:
            places = tuple(k for k, label in enumerate(factor.labels) if label in gone)
            left = tuple(label for label in factor.labels if label not in gone)
            node = self.graph.add("sum", (factor.node,), (places,), self.dims(left), 1)
            factor = Factor(node, left)
        if axis is None or axis not in factor.labels:
            return factor
        return self.arranged(factor, (*(n for n in factor.labels if n != axis), axis))

    def straight(self, factor: Factor) -> Factor:
        """Return a factor without a permutation of its dimensions, where any order will do."""
        node = self.graph.nodes[factor.node]
        if node.op != "permute":
            return factor
        (places,) = node.attrs
        labels = [0] * len(places)
        for label, place in zip(factor.labels, places, strict=True):
            labels[place] = label
        return Factor(node.args[0], tuple(labels))

    def arranged(self, factor: Factor, labels: tuple[Label, ...]) -> Factor:
        """Return a factor with its dimensions in this order."""
        if factor.labels == labels:
            return factor
        places = tuple(factor.labels.index(label) for label in labels)
        return self.view("permute", factor, (places,), labels)

    def without_identities(
        self, factors: list[Factor], summed: set[Label], axis: Label | None
    ) -> tuple[list[Factor], set[Label]]:
        """Drop constant identity matrices over a summed label: they only rename it."""
        for factor in factors:
            array = self.graph.array(factor.node)
            if array is None or array.ndim != 2 or array.shape[0] != array.shape[1]:
                continue
            if not np.array_equal(array, np.eye(len(array), dtype=array.dtype)):
                continue
            old, new = factor.labels if factor.labels[0] in summed else factor.labels[::-1]
            rest = [other for other in factors if other is not factor]
            clash = any({old, new} <= set(other.labels) for other in rest)
            if old not in summed or old == new or clash or not rest:
                continue
            renamed = [other.renamed(old, new) for other in rest]
            return self.without_identities(renamed, summed - {old}, axis)
        return factors, summed

    def drift(self, factor: Factor) -> int:
        """Return how far the sums of a factor may be off, in roundings."""
        return self.graph.nodes[factor.node].drift

    def normalised(self, factor: Factor, limit: int | None = None) -> Factor:
        """Divide a distribution by its sum where rounding could have built up.

        By default `limit` is `DRIFT` for one distribution, `ARRAYS` for an array of them.

        Without this a mass that is multiplied with itself at each step doubles its error at
        each step: `x = x + x` is NaN in float32 after 40 steps.
        """
        if limit is None:
            limit = ARRAYS if set(factor.labels[:-1]) - {RESTARTS, EXAMPLES} else DRIFT
        if self.drift(factor) <= limit:
            return factor
        node = self.graph.add("normalise", (factor.node,), (), self.dims(factor.labels), 1)
        return Factor(node, factor.labels)

    def chances(self, value: Product) -> Product:
        """Return a selector whose sums are near enough to 1 for mixing with it."""
        if len(value.factors) > 1 or value.summed:
            return value
        (factor,) = value.factors
        if factor.labels[-1] != value.axis:
            return value
        return Product((self.normalised(factor, CHANCES),), value.axis)

    # ---- axes

    def take(self, factor: Factor, label: Label, index: Known | int) -> Factor:
        """Index the axis `label` of a factor by an integer or by known integers on axes."""
        if label not in factor.labels:
            return factor
        place = factor.labels.index(label)
        before, after = factor.labels[:place], factor.labels[place + 1 :]
        if isinstance(index, int) or not index.labels:
            number = index if isinstance(index, int) else int(index.numbers)
            return self.view("select", factor, (place, number), before + after)
        numbers = index.numbers
        if len(index.labels) == 1:
            start = int(numbers[0])
            whole = np.array_equal(numbers, np.arange(start, start + len(numbers)))
            fresh = self.label(len(numbers))
            labels = (*before, fresh, *after)
            if not whole:
                flat = tuple(int(n) for n in numbers)
                factor = self.view("index", factor, (place, flat), labels)
            elif len(numbers) != self.extent(label):
                factor = self.view("narrow", factor, (place, start, len(numbers)), labels)
            return self.merged(Factor(factor.node, labels), fresh, index.labels[0])
        fresh_labels = tuple(self.label(self.extent(old)) for old in index.labels)
        labels = (*before, *fresh_labels, *after)
        flat = tuple(int(n) for n in numbers.reshape(-1))
        result = self.view("index", factor, (place, flat, numbers.shape), labels)
        for fresh, old in zip(fresh_labels, index.labels, strict=True):
            result = self.merged(result, fresh, old)
        return result

    def view(
        self, op: str, factor: Factor, attrs: tuple[object, ...], labels: tuple[Label, ...]
    ) -> Factor:
        """Return a part of a factor, or the same in another order."""
        drift = self.drift(factor)
        node = self.graph.add(op, (factor.node,), attrs, self.dims(labels), drift)
        return Factor(node, labels)

    def merged(self, factor: Factor, fresh: Label, label: Label) -> Factor:
        """Call the axis `fresh` `label`; where that is there already, take the diagonal."""
        if label not in factor.labels:
            return factor.renamed(fresh, label)
        first, second = factor.labels.index(label), factor.labels.index(fresh)
        rest = tuple(other for other in factor.labels if other not in (label, fresh))
        labels = (*rest, label)
        return self.view("diagonal", factor, (first, second), labels)

    def taken(self, value: Product | Known, label: Label, index: Known | int) -> Product | Known:
        """Index an axis that a value depends on."""
        if isinstance(value, Known):
            return self.taken_known(value, label, index)
        if label not in value.labels():
            return value
        factors = tuple(self.take(factor, label, index) for factor in value.factors)
        return Product(factors, value.axis, value.summed, value.real)

    def taken_known(self, value: Known, label: Label, index: Known | int) -> Known:
        """Index an axis of known integers."""
        if label not in value.labels:
            return value
        if isinstance(index, int):
            index = Known(np.asarray(index))
        rest = tuple(other for other in value.labels if other != label)
        union = self.order({*rest, *index.labels}, None)
        moved = np.moveaxis(value.numbers, value.labels.index(label), -1)
        grid = self.spread(Known(moved, rest), union, extra=1)
        at = np.broadcast_to(self.spread(index, union), grid.shape[:-1])
        return Known(np.take_along_axis(grid, at[..., None], -1)[..., 0], union)

    def spread(self, known: Known, labels: tuple[Label, ...], extra: int = 0) -> np.ndarray:
        """Broadcast known integers to these axes; `extra` trailing dimensions stay."""
        order = sorted(range(len(known.labels)), key=lambda k: labels.index(known.labels[k]))
        count = len(known.labels)
        array = known.numbers.transpose((*order, *range(count, count + extra)))
        tail = array.shape[count:]
        shape = [self.extent(label) if label in known.labels else 1 for label in labels]
        full = [self.extent(label) for label in labels]
        return np.broadcast_to(array.reshape((*shape, *tail)), (*full, *tail))

    # ---- aligned operations on several factors

    def together(
        self, op: str, operands: Sequence[Factor], axis: Label, inner: Sequence[Label | None],
        size: int, attrs: tuple[object, ...] = (), drift: int = 0, extra: Label | None = None,
    ) -> Factor:  # fmt: skip
        """Apply an operation on operands that broadcast along their labels.

        `inner[k]` is the label of operand `k` that the operation itself consumes (its last
        dimension), None where it has none. The result has all other labels, then `extra` if the
        operation makes one, then `axis`.
        """
        operands = [self.straight(operand) for operand in operands]
        outer: set[Label] = set()
        for operand, own in zip(operands, inner, strict=True):
            outer |= {label for label in operand.labels if label != own}
        labels = self.order(outer, None)
        places = []
        for operand, own in zip(operands, inner, strict=True):
            spots = [labels.index(label) if label != own else -1 for label in operand.labels]
            places.append(tuple(spots))
        self.sizes[axis] = size
        tail = (axis,) if extra is None else (extra, axis)
        args = tuple(operand.node for operand in operands)
        dims = self.dims((*labels, *tail))
        node = self.graph.add(op, args, (len(labels), tuple(places), *attrs), dims, drift)
        return Factor(node, (*labels, *tail))
