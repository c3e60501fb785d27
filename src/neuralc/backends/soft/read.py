"""What an expression is: elements, functions, and integers known at compile time.

Knows which elements have been set and what the axes are; does not set anything itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from neuralc.backends.soft.arrays import stacked
from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.network import call_network
from neuralc.backends.soft.pushforward import apply, widened
from neuralc.backends.soft.store import Index, Key, Layer, Piece
from neuralc.backends.soft.values import (
    Known,
    Label,
    Later,
    Product,
    Unavailable,
    Value,
    settled,
)
from neuralc.ir import static
from neuralc.ir.nodes import Call, Int, Program, Ref, Static, symbols
from neuralc.ir.nodes import Value as Expression

Env = Mapping[str, int | Known]


@dataclass
class Reader:
    """Lowers expressions. `layers` are what has been set, the innermost branch last;
    `restricted` are the parts of axes that the branch is about.
    """

    program: Program
    b: Builder
    layers: list[Layer] = field(default_factory=lambda: [Layer()])
    restricted: tuple[tuple[Label, Known], ...] = ()
    fixed: dict[tuple[str, Index], int] = field(init=False)

    def __post_init__(self) -> None:
        """Note the choices that are not open."""
        self.fixed = {(item.name, item.index): item.value for item in self.program.fixed}

    def value(self, value: Expression, size: int | None, env: Env) -> Value:
        """Return a value of a domain with `size` values; None: real-valued."""
        match value:
            case Ref(name=name):
                index = self.index(value, env)
                if (name, index) in self.fixed:
                    return Known(np.asarray(self.fixed[name, index]))
                found = self.fetch(name, index)
                own = self.size(name)
            case Call(function=name, args=args) if name in self.program.table:
                table = self.program.table[name]
                parts = [self.value(a, n, env) for a, n in zip(args, table.sizes, strict=True)]
                called = self.later(lambda b: apply(b, table, [settled(part) for part in parts]))
                called.call = (table, parts)
                found, own = called, table.size
            case Call(function=name, args=args):
                network = self.program.network[name]
                sizes = [t.size if isinstance(t, Int) else None for t in network.inputs]
                parts = [self.value(a, n, env) for a, n in zip(args, sizes, strict=True)]
                found = self.later(
                    lambda b: call_network(b, network, [settled(part) for part in parts])
                )
                own = network.output.size if isinstance(network.output, Int) else None
            case _:
                known = self.static(value, env)
                if isinstance(known, int):
                    return Known(np.asarray(known))
                if size is not None and not 0 <= known.numbers.min() <= known.numbers.max() < size:
                    raise Unavailable
                return known
        if size is None or own is None or own == size:
            return found
        if size < own:
            return self.later(lambda b: self.narrowed(settled(found), size))
        wide = self.later(lambda b: widened(b, settled(found), size))
        if isinstance(found, Later) and found.call is not None:
            called_table, arguments = found.call
            wide.call = replace(called_table, size=size), arguments
        return wide

    def fetch(self, name: str, index: Index) -> Value:
        """Return the element or the elements that an index means."""
        for layer in reversed(self.layers):
            found = layer.find(name, index)
            if found is not None:
                return self.picked(*found, index, self.restricted)
        place = next((k for k, i in enumerate(index) if isinstance(i, Known)), None)
        if place is None:
            raise Unavailable(f"{name}{list(index)}")
        known = index[place]
        assert isinstance(known, Known)
        numbers, at = np.unique(known.numbers, return_inverse=True)
        parts = [self.fetch(name, (*index[:place], int(n), *index[place + 1 :])) for n in numbers]
        positions = Known(at.reshape(known.numbers.shape), known.labels)
        return self.later(stacked, parts, positions, self.size(name))

    def picked(
        self, key: Key, piece: Piece, index: Index, restricted: Sequence[tuple[Label, Known]]
    ) -> Value:
        """Return what an index means of the piece that was found."""
        labels = iter(piece.labels)
        takes: list[tuple[Label, int | Known]] = []
        for place, i in zip(key, index, strict=True):
            if isinstance(place, tuple):
                low = place[0]
                takes.append((next(labels), i - low if isinstance(i, int)
                              else Known(i.numbers - low, i.labels)))  # fmt: skip
        if not takes and not restricted:
            return piece.value

        def make(b: Builder) -> Product | Known:
            value = settled(piece.value)
            for label, i in (*takes, *restricted):
                value = b.taken(value, label, i)
            return value

        return self.later(make)

    def later(self, make: Callable[..., Value], *args: object) -> Later:
        """Put an operation off, remembering the place in the text that it comes from."""
        line, hint = self.b.graph.line, self.b.graph.hint

        def run() -> Value:
            graph = self.b.graph
            before = graph.line, graph.hint
            graph.line, graph.hint = line, hint
            value = make(self.b, *args)
            graph.line, graph.hint = before
            return value

        return Later(run)

    # ---- what is known at compile time

    def index(self, ref: Ref, env: Env) -> Index:
        """Return the index of an element: integers, known or varying along axes."""
        return tuple(self.static(index, env) for index in ref.index)

    def number(self, expression: Static, env: Env) -> int:
        """Return a static expression that depends on no axis."""
        number = self.static(expression, env)
        assert isinstance(number, int), "the bounds of a loop depend on a gate"
        return number

    def static(self, expression: Static, env: Env) -> int | Known:
        """Return a static expression, on all axes that it depends on."""
        used = {name: env[name] for name in symbols(expression)}
        numbers = {name: n for name, n in used.items() if isinstance(n, int)}
        if len(numbers) == len(used):
            return static.value(expression, numbers)
        vary = {name: n for name, n in used.items() if isinstance(n, Known)}
        labels = self.b.order({label for n in vary.values() for label in n.labels}, None)
        grids = {name: self.b.spread(n, labels) for name, n in vary.items()}
        shape = tuple(self.b.extent(label) for label in labels)
        found = np.broadcast_to(static.values(expression, {**numbers, **grids}), shape)
        return Known(np.asarray(found, dtype=np.int64), labels)

    def size(self, name: str) -> int | None:
        """Return the number of values of a variable; None for a real-valued one."""
        kind = self.program.decl[name].type
        return kind.size if isinstance(kind, Int) else None

    def limit(self, value: Expression, env: Env) -> int:
        """Return how many values something may have that is read from a Param."""
        if not isinstance(value, Ref):
            return sys.maxsize
        decl = self.program.decl[value.name]
        if decl.limits is None:
            return sys.maxsize
        index = [i if isinstance(i, int) else i.numbers for i in self.index(value, env)]
        limits = np.asarray(decl.limits).reshape(decl.shape)
        if any(isinstance(i, Known) and len(i.labels) > 1 for i in self.index(value, env)):
            return int(limits.max())
        return int(limits[np.ix_(*map(np.atleast_1d, index))].max()) if index else int(limits)

    def narrowed(self, selector: Product | Known, size: int) -> Product | Known:
        """Return a value without its last values, which it never has."""
        if isinstance(selector, Known):
            return selector
        factor = self.b.contract(selector)
        axis = self.b.label(size)
        return Product((self.b.take(factor, selector.axis, Known(np.arange(size), (axis,))),), axis)
