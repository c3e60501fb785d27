"""Calls of neural functions: once for each image, however often the program looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.graph import P
from neuralc.backends.soft.values import RESTARTS, Factor, Known, Label, Product
from neuralc.ir.nodes import Int, Network

VIEWS = ("select", "narrow", "index", "diagonal", "permute")


def call_network(builder: Builder, network: Network, args: Sequence[Product | Known]) -> Product:
    """Return a network applied to tensors and distributions, concatenated."""
    factors: list[Factor] = []
    axes: list[Label] = []
    for arg, kind in zip(args, network.inputs, strict=True):
        size = kind.size if isinstance(kind, Int) else prod(kind.shape)
        value = builder.product(arg, size)
        factors.append(builder.contract(value))
        axes.append(value.axis)
    real = not isinstance(network.output, Int)
    size = network.output.size if isinstance(network.output, Int) else prod(network.output.shape)
    axis = builder.label(size)
    if len(factors) == 1:
        return _through_views(builder, network.name, factors[0], axes[0], axis, real)
    joined = builder.together(
        "features", factors, builder.label(0), axes, sum(builder.extent(own) for own in axes)
    )
    own = joined.labels[-1]
    return _through_views(builder, network.name, joined, own, axis, real)


def _through_views(
    builder: Builder, name: str, arg: Factor, own: Label, axis: Label, real: bool
) -> Product:
    """Apply a network to the array that an argument is a part of, then take that part.

    So a network sees each image of a batch once, whatever the program picks from it.
    """
    assert arg.labels[-1] == own
    graph = builder.graph
    base = graph.nodes[arg.node]
    chain = []
    while base.op in VIEWS and _keeps_last(
        base.op, base.attrs, len(graph.nodes[base.args[0]].dims)
    ):
        chain.append(base)
        base = graph.nodes[base.args[0]]
    width = builder.extent(axis)
    added = P not in base.dims
    dims = (P, *base.dims[:-1], width) if added else (*base.dims[:-1], width)
    number = graph.add("network", (base.number,), (name, added), dims, 1)
    for view in reversed(chain):
        attrs = _shifted(view.op, view.attrs) if added else view.attrs
        head = (P,) if added else ()
        number = graph.add(view.op, (number,), attrs, (*head, *view.dims[:-1], width), 1)
    labels = (*((RESTARTS,) if added else ()), *arg.labels[:-1], axis)
    return Product((Factor(number, labels),), axis, real=real)


def _keeps_last(op: str, attrs: tuple[object, ...], count: int) -> bool:
    """Tell whether a view leaves the last dimension, the features, alone."""
    if op == "permute":
        places = attrs[0]
        assert isinstance(places, tuple)
        return bool(places[-1] == count - 1)
    if op == "diagonal":
        return False  # it moves a dimension to the end
    return attrs[0] != count - 1


def _shifted(op: str, attrs: tuple[object, ...]) -> tuple[object, ...]:
    """Return the attributes of a view for a tensor with one more dimension in front."""
    first = attrs[0]
    if op == "permute":
        assert isinstance(first, tuple)
        return ((0, *(place + 1 for place in first)), *attrs[1:])
    assert isinstance(first, int)
    return (first + 1, *attrs[1:])
