"""The soft execution of any model in JAX: the tensor program, node by node, under one `jit`.

It is there to be measured against and holds nothing that a user needs; networks are left out. The
printers of `backends/soft` and `backends/native` write the same nodes as PyTorch and as kernels.

Two ways each of doing two things are offered, since none is the fastest for all models: restarts
and examples can be the first dimensions (`lanes="first"`) or the last (`"last"`), and a product
that is summed can be a matrix product (`products="dot"`) or a product and a sum, which XLA puts
into one loop with its neighbours (`"fused"`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neuralc.backends.soft.graph import B, Dim, Graph, Node, P

Names = tuple[int, ...]
AXIS, EXTRA = -1, -2  # names of the last dimension of an operation, and of the one before it


def order_of(dims: Sequence[Dim], lanes: str) -> tuple[int, ...]:
    """Return the dimensions in the order in which they are stored."""
    if lanes == "first":
        return tuple(range(len(dims)))
    return tuple(sorted(range(len(dims)), key=lambda k: (dims[k] == B, 2 * (dims[k] == P))))


def spread(x: jax.Array, own: Names, out: Names) -> jax.Array:
    """Give an array the dimensions of `out`, those that it has not with size 1."""
    place = sorted(range(len(own)), key=lambda k: out.index(own[k]))
    x = x.transpose(place)
    return jnp.expand_dims(x, tuple(k for k, name in enumerate(out) if name not in own))


class Run:
    """One run of a tensor program, while it is traced."""

    def __init__(
        self, graph: Graph, given: dict[tuple[str, str], jax.Array], like: Any, lanes: str,
        products: str,
    ) -> None:  # fmt: skip
        """Begin.

        Args:
            graph: the program.
            given: parameters and inputs, as ("param", name) and ("input", name), as stored.
            like: the type of real constants.
            lanes: "first" or "last".
            products: "dot" or "fused".

        """
        self.graph, self.given, self.like = graph, given, like
        self.lanes, self.products = lanes, products
        self.values: dict[int, jax.Array] = {}

    def run(self, roots: list[int]) -> list[jax.Array]:
        """Return the values of some nodes, as they are stored."""
        for node in self.graph.live(roots):
            x = [self.values[arg] for arg in node.args]
            rule = getattr(self, f"_do_{node.op}", None) or self.together
            self.values[node.number] = rule(node, *x)
        return [self.values[root] for root in roots]

    def order(self, number: int) -> tuple[int, ...]:
        """Return the dimensions of a node in the order in which they are stored."""
        return order_of(self.graph.nodes[number].dims, self.lanes)

    def place(self, node: Node, dim: int) -> int:
        """Return where a dimension of the first operand of a node is stored."""
        return self.order(node.args[0]).index(dim)

    # ---- what is given

    def _do_const(self, node: Node) -> jax.Array:
        array = self.graph.arrays[node.attrs[0]]
        return jnp.asarray(array, self.like if array.dtype.kind == "f" else None)

    def _do_param(self, node: Node) -> jax.Array:
        return self.given["param", node.attrs[0]]

    def _do_input(self, node: Node) -> jax.Array:
        return self.given["input", node.attrs[0]]

    def _do_network(self, node: Node) -> jax.Array:
        raise NotImplementedError("networks are not translated to JAX")

    # ---- parts

    def _do_select(self, node: Node, x: jax.Array) -> jax.Array:
        dim, number = node.attrs
        return jax.lax.index_in_dim(x, number, self.place(node, dim), keepdims=False)

    def _do_narrow(self, node: Node, x: jax.Array) -> jax.Array:
        dim, start, length = node.attrs
        return jax.lax.slice_in_dim(x, start, start + length, axis=self.place(node, dim))

    def _do_index(self, node: Node, x: jax.Array) -> jax.Array:
        dim, numbers, *shape = node.attrs
        at = np.asarray(numbers).reshape(shape[0] if shape else -1)
        return jnp.take(x, at, axis=self.place(node, dim))

    def _do_diagonal(self, node: Node, x: jax.Array) -> jax.Array:
        first, second = node.attrs
        order = self.order(node.args[0])
        x = jnp.diagonal(x, axis1=order.index(first), axis2=order.index(second))
        rest = [k for k in range(len(order)) if k not in (first, second)]
        stored = [*(rest.index(k) for k in order if k in rest), len(rest)]
        return x.transpose([stored.index(k) for k in self.order(node.number)])

    def _do_permute(self, node: Node, x: jax.Array) -> jax.Array:
        (places,) = node.attrs
        return x.transpose([self.place(node, places[k]) for k in self.order(node.number)])

    # ---- sums and products

    def _do_sum(self, node: Node, x: jax.Array) -> jax.Array:
        return x.sum(tuple(self.place(node, dim) for dim in node.attrs[0]))

    def _do_normalise(self, node: Node, x: jax.Array) -> jax.Array:
        return x / x.sum(self.place(node, len(node.dims) - 1), keepdims=True)

    def named(self, node: Node) -> tuple[Names, Names, Names]:
        """Return the names of the dimensions of both operands and the result, as stored."""
        numbers = (*node.args, node.number)
        first, second, out = (
            tuple(names[k] for k in self.order(number))
            for names, number in zip(node.attrs, numbers, strict=True)
        )
        return first, second, out

    def _do_einsum(self, node: Node, x: jax.Array, y: jax.Array) -> jax.Array:
        a, b, out = self.named(node)
        if self.products == "dot":
            letters = ["".join(chr(ord("a") + n) for n in names) for names in (a, b, out)]
            return jnp.einsum(f"{letters[0]},{letters[1]}->{letters[2]}", x, y)
        gone = tuple(dict.fromkeys(name for name in (*a, *b) if name not in out))
        first = self.lanes == "last"
        whole = (*gone, *out) if first else (*out, *gone)
        axes = range(len(gone)) if first else range(len(out), len(whole))
        return (spread(x, a, whole) * spread(y, b, whole)).sum(tuple(axes))

    def _do_mul(self, node: Node, x: jax.Array, y: jax.Array) -> jax.Array:
        a, b, out = self.named(node)
        return spread(x, a, out) * spread(y, b, out)

    def _do_plus(self, node: Node, x: jax.Array, y: jax.Array) -> jax.Array:
        a, b, out = self.named(node)
        return spread(x, a, out) + spread(y, b, out)

    # ---- operations on operands that broadcast

    def together(self, node: Node, *x: jax.Array) -> jax.Array:
        """Line the operands up, and do the operation along the dimension `AXIS`."""
        rank, places, *attrs = node.attrs
        extra = len(node.dims) - rank == 2
        names = (*range(rank), EXTRA, AXIS) if extra else (*range(rank), AXIS)
        out = tuple(names[k] for k in self.order(node.number))
        aligned = []
        for value, own, arg in zip(x, places, node.args, strict=True):
            stored = tuple(own[k] for k in self.order(arg))
            aligned.append(spread(value, stored, out))
        axis = out.index(AXIS)
        match node.op, attrs:
            case "share", [loose]:
                terms = [*aligned[:loose], *map(jnp.multiply, aligned[loose::2],
                                                aligned[loose + 1 :: 2])]  # fmt: skip
                return sum(terms[1:], terms[0])
            case "blend", []:
                first, second, chance, other = aligned
                return first * chance + second * other
            case "mixture", []:
                weights = jnp.split(aligned[0], len(aligned) - 1, axis)
                return sum(map(jnp.multiply, weights[1:], aligned[2:]), weights[0] * aligned[1])
            case "stack", []:
                return jnp.concatenate(jnp.broadcast_arrays(*aligned), out.index(EXTRA))
            case "join", [dim, lengths, order]:
                return joined(aligned, out.index(dim), lengths, order)
            case "running", [reverse, strict]:
                (value,) = aligned
                total = jax.lax.cumsum(value, axis, reverse=reverse)
                return total - value if strict else total
            case "gather", [index, _]:
                return jnp.take(aligned[0], np.asarray(index), axis=axis)
            case "pad", [size]:
                return widened(aligned[0], size, axis)
        return by_table(node, aligned, axis, attrs)


def joined(
    parts: Sequence[jax.Array], axis: int, lengths: Sequence[int], order: Sequence[int]
) -> jax.Array:
    """Concatenate parts, `lengths[k]` long each, and bring them into an order."""
    shape = [max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True)]
    rows = [
        jnp.broadcast_to(part, [*shape[:axis], length, *shape[axis + 1 :]])
        for part, length in zip(parts, lengths, strict=True)
    ]
    return jnp.take(jnp.concatenate(rows, axis), np.asarray(order), axis=axis)


def widened(x: jax.Array, size: int, axis: int) -> jax.Array:
    """Give a distribution more values, of probability 0."""
    pads = [(0, 0)] * x.ndim
    pads[axis] = (0, size - x.shape[axis])
    return jnp.pad(x, pads)


def by_table(node: Node, x: Sequence[jax.Array], axis: int, attrs: list[Any]) -> jax.Array:
    """Do a known function of values along one dimension as a product with its one-hot table."""
    grid = np.indices([value.shape[axis] for value in x])
    match node.op, attrs:
        case "circle", [size]:
            cells = (grid[0] + grid[1]) % size
        case ("add" | "sub") as op, [offset, modulus, _, size]:
            cells = grid[0] + (grid[1] if op == "add" else -grid[1]) + offset
            cells = cells % modulus if modulus else cells
        case ("min" | "max") as op, [_, _, _, size]:
            cells = (np.minimum if op == "min" else np.maximum)(grid[0], grid[1])
        case ("eq" | "less") as op, [_, _, values, size]:
            hit = grid[0] == grid[1] if op == "eq" else grid[0] < grid[1]
            cells = np.asarray(values)[hit.astype(int)]
        case "scatter", [index, size]:
            cells = np.asarray(index).reshape(grid.shape[1:])
        case _:
            raise NotImplementedError(f"no rule for {node.op}")
    table = jnp.asarray(np.eye(size)[cells], x[0].dtype)
    letters = "abcdefgh"[: len(x)]
    spec = ",".join(f"...{letter}" for letter in letters)
    moved = [jnp.moveaxis(value, axis, -1) for value in x]
    return jnp.moveaxis(jnp.einsum(f"{spec},{letters}z->...z", *moved, table), -1, axis)
