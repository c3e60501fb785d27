"""From a program to tensors: the statements, one rule each.

Time loops are unrolled and independent loops become an axis; a gate opens an axis for its body
and contracts it afterwards with the distribution of its value; a switch mixes its branches. What
nobody reads is never computed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from neuralc.backends.soft import merge
from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.graph import B, Graph, P
from neuralc.backends.soft.loops import independent
from neuralc.backends.soft.network import call_network
from neuralc.backends.soft.pushforward import apply, widened
from neuralc.backends.soft.store import Index, Key, Layer, Piece
from neuralc.backends.soft.values import (
    EXAMPLES,
    RESTARTS,
    Factor,
    Known,
    Label,
    Later,
    Masked,
    Product,
    Unavailable,
    Value,
    settled,
)
from neuralc.ir import static
from neuralc.ir.nodes import (
    Body,
    Call,
    Decl,
    For,
    Gate,
    If,
    Int,
    Observe,
    Program,
    Ref,
    Set,
    Statement,
    Static,
    Switch,
    symbols,
)
from neuralc.ir.nodes import Value as Expression

Env = Mapping[str, int | Known]


@dataclass(frozen=True)
class Lowered:
    """A tensor program.

    `outputs` are nodes with dimensions `[P?, B?, *shape, size]`: those of P and B that they depend
    on. An observation is the node of a distribution and the number that it should be.
    """

    graph: Graph
    outputs: dict[str, int]
    observed: tuple[tuple[int, int], ...]


def lower(program: Program, *, lerp: bool = True) -> Lowered:
    """Turn a checked program into a tensor program.

    `lerp`: mix two arms by the chance of one of them, `1 - p` being that of the other.
    """
    return _Lowering(program, Builder(lerp=lerp)).run()


@dataclass
class _Lowering:
    program: Program
    b: Builder
    layers: list[Layer] = field(default_factory=lambda: [Layer()])
    restricted: tuple[tuple[Label, Known], ...] = ()
    turns: set[Label] = field(default_factory=set)
    observed: list[tuple[int, int]] = field(default_factory=list)
    fixed: dict[tuple[str, Index], int] = field(default_factory=dict)

    def run(self) -> Lowered:
        for decl in self.program.decls:
            if decl.kind in ("param", "input"):
                self.given(decl)
        self.fixed = {(item.name, item.index): item.value for item in self.program.fixed}
        self.body(self.program.body, {})
        outputs = {decl.name: self.whole(decl) for decl in self.program.of("output")}
        return Lowered(self.b.graph, outputs, tuple(self.observed))

    def given(self, decl: Decl) -> None:
        real = not isinstance(decl.type, Int)
        size = decl.type.size if isinstance(decl.type, Int) else int(np.prod(decl.type.shape))
        labels = tuple(self.b.label(n) for n in decl.shape)
        axis = self.b.label(size)
        first, batch = (P, RESTARTS) if decl.kind == "param" else (B, EXAMPLES)
        dims = (first, *decl.shape, size)
        node = self.b.graph.add(decl.kind, (), (decl.name,), dims, int(decl.kind == "param"))
        value = Product((Factor(node, (batch, *labels, axis)),), axis, real=real)
        self.layers[0].put(decl.name, tuple((0, n) for n in decl.shape), Piece(value, labels))

    def whole(self, decl: Decl) -> int:
        """Return the node of a whole output array."""
        labels = tuple(self.b.label(n) for n in decl.shape)
        index = tuple(
            Known(np.arange(n), (label,)) for n, label in zip(decl.shape, labels, strict=True)
        )
        self.at(f"output {decl.name}", decl)
        assert isinstance(decl.type, Int)
        value = self.b.product(settled(self.fetch(decl.name, index)), decl.type.size)
        factor = self.b.contract(value)
        missing = [label for label in labels if label not in factor.labels]
        if missing:
            ones = np.ones([self.b.extent(label) for label in missing], dtype=np.float32)
            both = (factor, self.b.const(ones, missing))
            factor = self.b.sum_product(both, frozenset(), value.axis)
        head = tuple(label for label in (RESTARTS, EXAMPLES) if label in factor.labels)
        return self.b.arranged(factor, (*head, *labels, value.axis)).node

    # ---- statements

    def body(self, body: Body, env: Env) -> None:
        for statement in body:
            self.statement(statement, env)

    def statement(self, statement: Statement, env: Env) -> None:
        self.at("", statement)
        match statement:
            case Set():
                self.set(statement, env)
            case For():
                self.loop(statement, env)
            case If():
                self.choice(statement, env)
            case Gate():
                self.gate(statement, env)
            case Switch():
                self.switch(statement, env)
            case Observe(ref=ref, value=number):
                decl = self.program.decl[ref.name]
                assert isinstance(decl.type, Int)
                value = settled(self.value(ref, decl.type.size, env))
                factor = self.b.contract(self.b.product(value, decl.type.size))
                self.observed.append((factor.node, number))

    def set(self, statement: Set, env: Env) -> None:
        target = statement.target
        kind = self.program.decl[target.name].type
        size = kind.size if isinstance(kind, Int) else None
        self.b.graph.hint = target.name
        value = self.value(statement.value, size, env)
        key: list[int | tuple[int, int]] = []
        labels: list[Label] = []
        for index in self.index(target, env):
            if isinstance(index, int):
                key.append(index)
                continue
            if not set(index.labels) <= self.turns:
                raise Unavailable(f"{target.name} is set at the value of a gate")
            key.append((int(index.numbers[0]), int(index.numbers[-1]) + 1))
            labels += index.labels
        self.layers[-1].put(target.name, tuple(key), Piece(value, tuple(labels)))

    def loop(self, loop: For, env: Env) -> None:
        start, stop = self.number(loop.start, env), self.number(loop.stop, env)
        turns = range(start, stop, loop.step)
        if len(turns) > 1 and independent(loop, env) and self.side_by_side(loop, turns, env):
            return
        for i in turns:
            self.body(loop.body, {**env, loop.var: i})

    def side_by_side(self, loop: For, turns: range, env: Env) -> bool:
        """Run all turns of a loop along an axis; False if something is not there for all."""
        label = self.b.label(len(turns))
        self.turns.add(label)
        layer = self.attempt(loop.body, {**env, loop.var: Known(np.array(turns), (label,))})
        if layer is None:
            return False
        for name, key, piece in layer.items():
            self.layers[-1].put(name, key, piece)
        return True

    def attempt(self, body: Body, env: Env) -> Layer | None:
        """Run a body on a layer of its own; None if something is not there on all axes."""
        layers, restricted = list(self.layers), self.restricted
        self.layers.append(Layer())
        try:
            self.body(body, env)
        except Unavailable:
            self.layers, self.restricted = layers, restricted
            return None
        return self.layers.pop()

    def gate(self, gate: Gate, env: Env) -> None:
        self.b.graph.hint = gate.var
        selector = settled(self.value(gate.value, gate.size, env))
        size = min(gate.size, self.limit(gate.value, env))
        if size < gate.size:  # beyond the limit of a Param the body need not make sense
            selector = self.narrowed(selector, size)
        if isinstance(selector, Known):
            inside = selector if selector.labels else int(selector.numbers)
            self.body(gate.body, {**env, gate.var: inside})
            return
        weight = self.b.contract(selector)
        label = self.b.label(size)
        inside = Known(np.arange(size), (label,))
        layer = self.attempt(gate.body, {**env, gate.var: inside})
        if layer is None:  # no axis will do: one branch for each value
            arms = [((k,), gate.body, {**env, gate.var: k}) for k in range(size)]
            self.branches(selector, arms)
            return
        weight = weight.renamed(selector.axis, label)
        for name, key, piece in layer.items():
            value = self.later(merge.close, piece.value, weight, label, self.size(name))
            self.layers[-1].put(name, key, Piece(value, piece.labels))

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

    def switch(self, switch: Switch, env: Env) -> None:
        selector = settled(self.value(switch.value, switch.size, env))
        arm = {k: case.body for case in switch.cases for k in case.values}
        if isinstance(selector, Known) and not selector.labels:
            self.body(arm[int(selector.numbers)], env)
            return
        choice = self.b.product(selector, switch.size)
        self.branches(choice, [(case.values, case.body, env) for case in switch.cases])

    def branches(
        self, choice: Product, arms: Sequence[tuple[tuple[int, ...], Body, Env]]
    ) -> None:
        """Run branches, each on a layer of its own, and mix what all of them set."""
        layers = []
        for _, body, env in arms:
            self.layers.append(Layer())
            self.body(body, env)
            layers.append(self.layers.pop())
        numbers = [values for values, _, _ in arms]
        for name, key, labels, values in merge.common(self.b, layers):
            value = self.later(merge.choose, choice, numbers, values, self.size(name))
            self.layers[-1].put(name, key, Piece(value, labels))

    def choice(self, statement: If, env: Env) -> None:
        condition = self.static(statement.condition, env)
        if isinstance(condition, int):
            self.body(statement.then if condition else statement.orelse, env)
            return
        if condition.numbers.all() or not condition.numbers.any():
            self.body(statement.then if condition.numbers.all() else statement.orelse, env)
            return
        wide = [label for label in condition.labels if self.b.extent(label) > 1]
        loops = any(label in self.turns for label in wide)
        if (loops or len(wide) > 1) and self.masked(statement, condition, env):
            return
        if loops:
            raise Unavailable
        self.split(statement, condition, wide, env)

    def masked(self, statement: If, condition: Known, env: Env) -> bool:
        """Run both branches on all axes; False if something is not there everywhere."""
        layers = []
        for body in (statement.then, statement.orelse):
            layer = self.attempt(body, env)
            if layer is None:
                return False
            layers.append(layer)
        for name, key, labels, (then, orelse) in merge.common(self.b, layers):
            make = partial(merge.masked, self.b, self.size(name))
            self.layers[-1].put(name, key, Piece(Masked(condition, then, orelse, make), labels))
        return True

    def split(self, statement: If, condition: Known, wide: list[Label], env: Env) -> None:
        """Run each branch on the part of an axis where it is taken."""
        label = wide[-1]
        if len(wide) > 1:  # fix one axis at a time until the rest is decided
            parts = [np.array([k]) for k in range(self.b.extent(label))]
        else:
            holds = condition.numbers.reshape(-1).astype(bool)
            parts = [np.flatnonzero(holds), np.flatnonzero(~holds)]
        fresh, layers = [], []
        for part in parts:
            inner = self.b.label(len(part))
            index = Known(part, (inner,))
            inside = {
                name: self.b.taken_known(known, label, index) if isinstance(known, Known) else known
                for name, known in env.items()
            }
            self.layers.append(Layer())
            before = self.restricted
            self.restricted = (*before, (label, index))
            self.choice(statement, inside)
            self.restricted = before
            layers.append(self.layers.pop())
            fresh.append(inner)
        order = np.argsort(np.concatenate(parts))
        for name, key, labels, values in merge.common(self.b, layers):
            value = self.later(merge.join, values, fresh, label, order, self.size(name))
            self.layers[-1].put(name, key, Piece(value, labels))

    # ---- values

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
                found = self.later(lambda b: apply(b, table, [settled(part) for part in parts]))
                own = table.size
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
        return self.later(lambda b: widened(b, settled(found), size))

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
        parts = [
            self.fetch(name, (*index[:place], int(n), *index[place + 1 :])) for n in numbers
        ]
        positions = Known(at.reshape(known.numbers.shape), known.labels)
        return self.later(merge.stacked, parts, positions, self.size(name))

    def picked(
        self, key: Key, piece: Piece, index: Index, restricted: Sequence[tuple[Label, Known]]
    ) -> Value:
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
        return tuple(self.static(index, env) for index in ref.index)

    def number(self, expression: Static, env: Env) -> int:
        number = self.static(expression, env)
        assert isinstance(number, int), "the bounds of a loop depend on a gate"
        return number

    def static(self, expression: Static, env: Env) -> int | Known:
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
        kind = self.program.decl[name].type
        return kind.size if isinstance(kind, Int) else None

    def at(self, hint: str, node: Statement | Decl) -> None:
        self.b.graph.hint = hint
        if node.span is not None:
            self.b.graph.line = node.span.line
