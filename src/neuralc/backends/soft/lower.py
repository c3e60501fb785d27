"""From a program to tensors: the statements, one rule each.

Time loops are unrolled and independent loops become an axis; a gate opens an axis for its body
and contracts it afterwards with the distribution of its value; a switch mixes its branches. What
nobody reads is never computed.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from neuralc.backends.soft import merge
from neuralc.backends.soft.build import DRIFT, Builder
from neuralc.backends.soft.graph import B, Dim, Graph, P
from neuralc.backends.soft.loops import independent, reads
from neuralc.backends.soft.read import Env, Reader
from neuralc.backends.soft.store import Key, Layer, Piece, lost
from neuralc.backends.soft.together import looked_up_together
from neuralc.backends.soft.values import (
    EXAMPLES,
    RESTARTS,
    Factor,
    Joined,
    Known,
    Label,
    Masked,
    Product,
    Unavailable,
    Value,
    raw,
    settled,
)
from neuralc.ir.nodes import (
    Body,
    Decl,
    For,
    Gate,
    If,
    Int,
    Observe,
    Program,
    Set,
    Statement,
    Switch,
)


@dataclass(frozen=True)
class Lowered:
    """A tensor program.

    `outputs` are nodes with dimensions `[P?, B?, *shape, size]`: those of P and B that they depend
    on. An observation is the node of a distribution and the number that it should be.
    """

    graph: Graph
    outputs: dict[str, int]
    observed: tuple[tuple[int, int], ...]


def lower(program: Program, carried: Collection[str] = ()) -> Lowered:
    """Turn a checked program into a tensor program; `carried` inputs differ between restarts."""
    names = frozenset(carried)
    builder = Builder()
    with _uncollected():
        try:
            return _Lowering(program, builder, Reader(program, builder), names).run()
        except Unavailable:  # read after a loop or a gate, but on its axis not set everywhere
            builder = Builder()
            return _Lowering(program, builder, Reader(program, builder), names, careful=True).run()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from going through all that is being built, again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@dataclass
class _Lowering:
    program: Program
    b: Builder
    read: Reader
    carried: frozenset[str]
    careful: bool = False  # no axis where that would lose what is read later
    turns: set[Label] = field(default_factory=set)
    observed: list[tuple[int, int]] = field(default_factory=list)

    def run(self) -> Lowered:
        for decl in self.program.decls:
            if decl.kind in ("param", "input"):
                self.given(decl)
        self.body(self.program.body, {})
        outputs = {decl.name: self.whole(decl) for decl in self.program.of("output")}
        ends = [*outputs.values(), *(node for node, _ in self.observed)]
        graph, at = looked_up_together(self.b.graph, ends)
        observed = tuple((at[node], number) for node, number in self.observed)
        return Lowered(graph, {name: at[node] for name, node in outputs.items()}, observed)

    def given(self, decl: Decl) -> None:
        real = not isinstance(decl.type, Int)
        size = decl.type.size if isinstance(decl.type, Int) else int(np.prod(decl.type.shape))
        labels = tuple(self.b.label(n) for n in decl.shape)
        axis = self.b.label(size)
        lead: dict[Label, Dim] = {EXAMPLES: B}
        drift = 0
        if decl.kind == "param":
            lead, drift = {RESTARTS: P}, 1
        elif decl.name in self.carried:  # it comes out of a turn, and may be off by what that says
            lead, drift = {RESTARTS: P, EXAMPLES: B}, 1 + DRIFT // 2
        dims = (*lead.values(), *decl.shape, size)
        node = self.b.graph.add(decl.kind, (), (decl.name,), dims, drift)
        value = Product((Factor(node, (*lead, *labels, axis)),), axis, real=real)
        self.read.layers[0].put(decl.name, tuple((0, n) for n in decl.shape), Piece(value, labels))

    def whole(self, decl: Decl) -> int:
        """Return the node of a whole output array."""
        labels = tuple(self.b.label(n) for n in decl.shape)
        index = tuple(
            Known(np.arange(n), (label,)) for n, label in zip(decl.shape, labels, strict=True)
        )
        self.at(f"output {decl.name}", decl)
        assert isinstance(decl.type, Int)
        value = self.b.product(settled(self.read.fetch(decl.name, index)), decl.type.size)
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
                value = settled(self.read.value(ref, decl.type.size, env))
                product = self.b.product(value, decl.type.size)
                factor = self.b.contract(product)
                head = tuple(n for n in (RESTARTS, EXAMPLES) if n in factor.labels)
                factor = self.b.arranged(factor, (*head, product.axis))
                self.observed.append((factor.node, number))

    def set(self, statement: Set, env: Env) -> None:
        target = statement.target
        kind = self.program.decl[target.name].type
        size = kind.size if isinstance(kind, Int) else None
        self.b.graph.hint = target.name
        value = self.read.value(statement.value, size, env)
        key: list[int | tuple[int, int]] = []
        labels: list[Label] = []
        for index in self.read.index(target, env):
            if isinstance(index, int):
                key.append(index)
                continue
            key.append(self.span(index, labels))
            labels += index.labels
        raw(value)  # now, lest a long chain of values waits for its first reader
        self.read.layers[-1].put(target.name, tuple(key), Piece(value, tuple(labels)))

    def span(self, index: Known, taken: Sequence[Label]) -> tuple[int, int]:
        """Return the range of elements that the turns of one loop set, each turn its own."""
        if len(index.labels) != 1 or index.labels[0] in taken or index.labels[0] not in self.turns:
            raise Unavailable("an element is set at the value of a gate")
        first, last = int(index.numbers[0]), int(index.numbers[-1])
        if not np.array_equal(index.numbers, np.arange(first, last + 1)):
            raise Unavailable("an element is set at a value that a loop decides")
        return first, last + 1

    def loop(self, loop: For, env: Env) -> None:
        start, stop = self.read.number(loop.start, env), self.read.number(loop.stop, env)
        turns = range(start, stop, loop.step)
        if len(turns) > 1 and independent(loop, env) and self.side_by_side(loop, turns, env):
            return
        for i in turns:
            self.body(loop.body, {**env, loop.var: i})
            self.read.layers[-1].settle()

    def side_by_side(self, loop: For, turns: range, env: Env) -> bool:
        """Run all turns of a loop along an axis; False if something is not there for all."""
        label = self.b.label(len(turns))
        self.turns.add(label)
        layer = self.attempt(loop.body, {**env, loop.var: Known(np.array(turns), (label,))})
        if layer is None:
            return False
        for name, key, piece in layer.items():
            self.read.layers[-1].put(name, key, piece)
        return True

    def attempt(self, body: Body, env: Env) -> Layer | None:
        """Run a body on a layer of its own; None if something is not there on all axes."""
        layers, restricted = list(self.read.layers), self.read.restricted
        self.read.layers.append(Layer())
        try:
            self.body(body, env)
        except Unavailable:
            self.read.layers, self.read.restricted = layers, restricted
            return None
        return self.read.layers.pop()

    def gate(self, gate: Gate, env: Env) -> None:
        self.b.graph.hint = gate.var
        selector = settled(self.read.value(gate.value, gate.size, env))
        size = min(gate.size, self.read.limit(gate.value, env))
        if size < gate.size:  # beyond the limit of a Param the body need not make sense
            selector = self.read.narrowed(selector, size)
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
            value = self.read.later(merge.close, piece.value, weight, label, self.read.size(name))
            self.read.layers[-1].put(name, key, Piece(value, piece.labels))

    def switch(self, switch: Switch, env: Env) -> None:
        selector = settled(self.read.value(switch.value, switch.size, env))
        arm = {k: case.body for case in switch.cases for k in case.values}
        if isinstance(selector, Known) and not selector.labels:
            self.body(arm[int(selector.numbers)], env)
            return
        choice = self.b.product(selector, switch.size)
        self.branches(choice, [(case.values, case.body, env) for case in switch.cases])

    def branches(self, choice: Product, arms: Sequence[tuple[tuple[int, ...], Body, Env]]) -> None:
        """Run branches, each on a layer of its own, and mix what all of them set."""
        layers = []
        for _, body, env in arms:
            self.read.layers.append(Layer())
            self.body(body, env)
            layers.append(self.read.layers.pop())
        numbers = [values for values, _, _ in arms]
        for name, key, labels, values in merge.common(self.b, layers, self.read.size):
            value = self.read.later(merge.choose, choice, numbers, values, self.read.size(name))
            self.read.layers[-1].put(name, key, Piece(value, labels))

    def choice(self, statement: If, env: Env) -> None:
        condition = self.read.static(statement.condition, env)
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
        for name, key, labels, (then, orelse) in self.common(layers, statement):
            make = partial(merge.masked, self.b, self.read.size(name))
            self.read.layers[-1].put(
                name, key, Piece(Masked(condition, then, orelse, make=make), labels)
            )
        return True

    def common(
        self, layers: Sequence[Layer], statement: If
    ) -> list[tuple[str, Key, tuple[Label, ...], list[Value]]]:
        """Return what all branches of a choice have set.

        Raises:
            Unavailable: what only one of them has set may be read later.

        """
        found = list(merge.common(self.b, layers, self.read.size))
        if self.careful:
            for name in lost(layers, ((name, key) for name, key, _, _ in found)):
                everywhere, inside = (
                    sum(ref.name == name for ref in reads(body))
                    for body in (self.program.body, (statement,))
                )
                if everywhere > inside or self.program.decl[name].kind == "output":
                    raise Unavailable
        return found

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
            self.read.layers.append(Layer())
            before = self.read.restricted
            self.read.restricted = (*before, (label, index))
            self.choice(statement, inside)
            self.read.restricted = before
            layers.append(self.read.layers.pop())
            fresh.append(inner)
        for name, key, labels, values in self.common(layers, statement):
            make = partial(merge.join, self.b, self.read.size(name))
            value = Joined(values, fresh, parts, label, make=make)
            self.read.layers[-1].put(name, key, Piece(value, labels))

    def at(self, hint: str, node: Statement | Decl) -> None:
        self.b.graph.hint = hint
        if node.span is not None:
            self.b.graph.line = node.span.line
