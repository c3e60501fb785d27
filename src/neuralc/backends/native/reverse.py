"""The gradient of a tensor program as instructions, node by node from the end.

The gradient of a node stands in memory of the same form as its value, so that the gradient of a
part is a part of it. What reaches a number from the lanes of a vector is gathered as a vector and
summed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from neuralc.backends.native.forward import LAST, TABLED, Forward, listed
from neuralc.backends.native.nests import Access, Label, Operand
from neuralc.backends.native.plan import Plan, rows
from neuralc.backends.native.softmax import SoftmaxBack
from neuralc.backends.native.steps import NormaliseBack, Reduce, Zero
from neuralc.backends.native.views import Buffer, View, full
from neuralc.backends.soft.backward import SOURCES
from neuralc.backends.soft.graph import B, Node


@dataclass
class Slot:
    """The gradient of a value: what was summed up so far, in vectors and in numbers."""

    node: Node
    wide: Buffer | None = None
    narrow: Buffer | None = None


@dataclass
class Reverse:
    """Writes the backward pass of a forward pass, for the sources that are wanted."""

    forward: Forward
    wanted: frozenset[int]
    slots: dict[Buffer, Slot] = field(default_factory=dict)
    started: set[Buffer] = field(default_factory=set)
    found: dict[int, Buffer] = field(default_factory=dict)  # gradients of sources
    ending: Buffer | None = None  # a gradient that is needed no more when it has been passed on
    handed: list[tuple[int, Sequence[Label], Operand]] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """The plan that is written."""
        return self.forward.plan

    def begin(self) -> None:
        """Note which values have a gradient that somebody wants."""
        needed: set[int] = set()
        for node in self.forward.nodes.values():
            if node.number in self.wanted or any(arg in needed for arg in node.args):
                needed.add(node.number)
                buffer = self.forward.values[node.number].buffer
                if buffer not in self.slots:  # the node that it was made for comes first
                    self.slots[buffer] = Slot(node)
        self.plan.back = True

    def run(self, section: str) -> None:
        """Write the rules of the nodes of one section, the last node first."""
        inside = section == "example"
        self.plan.section = "example" if inside else "after"
        for node in reversed(list(self.forward.nodes.values())):
            if (B in node.dims) == inside:
                self.plan.node = node
                value = self.forward.values[node.number]
                slot = self.slots.get(value.buffer)
                if slot is None or slot.node is not node:
                    continue
                gradient = self.finished(slot, value.buffer)
                if gradient is None:
                    continue
                if node.op in SOURCES:
                    self.found[node.number] = gradient
                else:
                    self.ending = gradient
                    self.rule(node, full(gradient, node.dims))
                    self.hand_on()

    # ---- collecting gradients

    def finished(self, slot: Slot, value: Buffer) -> Buffer | None:
        """Return the gradient of a node when all that it consists of is there."""
        if value.lanes or slot.wide is None:
            return slot.wide or slot.narrow
        add = slot.narrow is not None
        if slot.narrow is None:
            slot.narrow = self.memory(slot, value, lanes=False)
        both = [Access(buffer, 0, (1,)) for buffer in (slot.narrow, slot.wide)]
        self.plan.add(Reduce((value.count,), tuple(both), add))
        self.started.add(slot.narrow)
        return slot.narrow

    def memory(self, slot: Slot, value: Buffer, *, lanes: bool) -> Buffer:
        """Return memory for a gradient; what is gathered over examples begins at 0."""
        task = B not in slot.node.dims
        name = f"d_{value.name}"
        made = self.plan.buffer(name, value.count, lanes=lanes, task=task)
        if task and self.plan.section == "example":
            section, self.plan.section = self.plan.section, "before"
            self.zero(made)
            self.plan.section = section
        return made

    def zero(self, buffer: Buffer) -> None:
        """Set a gradient to 0."""
        self.plan.add(Zero((buffer.count,), (Access(buffer, 0, (1,)),)))
        self.started.add(buffer)

    def place(self, number: int, *, lanes: bool) -> tuple[View, bool] | None:
        """Return where the gradient of a value is to be added, and whether there is something.

        None: nobody wants it. `lanes`: what is to be added has lanes.
        """
        value = self.forward.values[number]
        slot = self.slots.get(value.buffer)
        if slot is None:
            return None
        wide = value.buffer.lanes or lanes
        buffer = slot.wide if wide else slot.narrow
        if buffer is None:
            buffer = self.memory(slot, value.buffer, lanes=wide)
            if wide:
                slot.wide = buffer
            else:
                slot.narrow = buffer
        view = value.on(buffer)
        if buffer not in self.started and not view.covers():
            self.zero(buffer)
        add = buffer in self.started
        self.started.add(buffer)
        return view, add

    def add(self, number: int, labels: Sequence[Label], *operands: Operand) -> None:
        """Add a product, summed over what `labels` lacks, to the gradient of a value."""
        if len(operands) == 1 and self.can_hand_on(number, labels, operands[0]):
            self.handed.append((number, labels, operands[0]))
            return
        lanes = any(view.buffer.lanes for view, _ in operands)
        if (there := self.place(number, lanes=lanes)) is not None:
            view, add = there
            self.plan.set((view, tuple(labels)), operands, add=add)

    def give(self, node: Node, gradient: Buffer) -> None:
        """Add to the gradient of a node what nobody else needs."""
        names = tuple(range(len(node.dims)))
        self.ending = gradient
        self.add(node.number, names, (full(gradient, node.dims), names))
        self.hand_on()

    def can_hand_on(self, number: int, labels: Sequence[Label], operand: Operand) -> bool:
        """Tell whether the gradient that ends may become that of an operand, as it is."""
        value, (view, names) = self.forward.values[number], operand
        slot = self.slots.get(value.buffer)
        if slot is None or slot.wide or slot.narrow or view.buffer is not self.ending:
            return False
        one, two = (
            {label: axis for label, axis in zip(own, axes, strict=True) if axis[0] != 1}
            for own, axes in ((labels, value.axes), (names, view.axes))
        )
        same = view.buffer.lanes == value.buffer.lanes and value.buffer.count == view.buffer.count
        example = view.buffer.scope == "example" and B in slot.node.dims
        return same and example and one == two and value.covers() and view.covers()

    def hand_on(self) -> None:
        """Give the gradient that ends to the first operand that can have it, copies to others."""
        buffer, self.ending = self.ending, None
        for number, labels, operand in self.handed:
            slot = self.slots[self.forward.values[number].buffer]
            if buffer and not (slot.wide or slot.narrow):
                slot.wide, slot.narrow = (buffer, None) if buffer.lanes else (None, buffer)
                self.started.add(buffer)
                buffer = None
            else:
                self.add(number, labels, operand)
        self.handed.clear()

    # ---- one rule for each operation

    def rule(self, node: Node, g: View) -> None:
        """Pass the gradient of a node on to its operands."""
        f = self.forward
        match node.op, node.attrs:
            case (("einsum" | "mul"), (a, b, names)):
                left, right = node.args
                self.add(left, a, (g, names), (f.values[right], b))
                self.add(right, b, (g, names), (f.values[left], a))
            case "plus", (a, b, names):
                for number, own in zip(node.args, (a, b), strict=True):
                    self.add(number, own, (g, names))
            case "sum", (places,):
                count = len(f.values[node.args[0]].axes)
                kept = tuple(k for k in range(count) if k not in places)
                self.add(node.args[0], range(count), (g, kept))
            case "normalise", ():
                self.normalise(node, g)
            case "softmax", ():
                self.softmax(node, g)
            case "index", (dim, numbers, *shape):
                self.listed(node, g, f.indexed(node, dim, np.asarray(numbers), *shape))
            case op, _ if op in (*TABLED, "gather"):
                self.listed(node, g, f.tabled(node))
            case _:
                self.broadcast(node, g)

    def normalise(self, node: Node, g: View) -> None:
        """A division by the sum."""
        there = self.place(node.args[0], lanes=g.buffer.lanes)
        assert there is not None
        view, add = there
        share = rows(self.forward.shares[node.number])
        share = Access(share.buffer, share.offset, (*share.strides, 0))
        y = self.forward.values[node.number]
        sizes = tuple(n for n, _ in y.inner)
        self.plan.add(NormaliseBack(sizes, (rows(view), rows(g), rows(y), share), add))

    def softmax(self, node: Node, g: View) -> None:
        """A softmax, its gradient centred."""
        y, made = self.forward.values[node.number], self.plan.fresh("d_logits", node.dims)
        operands = rows(made), rows(g), rows(y)
        self.plan.add(SoftmaxBack(tuple(n for n, _ in y.inner), operands))
        names = tuple(range(len(node.dims)))
        self.add(node.args[0], names, (made, names))

    def broadcast(self, node: Node, g: View) -> None:
        """Operations whose operands broadcast."""
        f, (rank, _, *attrs) = self.forward, node.attrs
        names = (*range(rank), LAST)
        match node.op, attrs:
            case (("blend" | "share"), _):
                for pair in f.pairs(node):
                    for k, (_, own) in pair:
                        rest = [operand for other, operand in pair if other != k]
                        self.add(node.args[k], own, (g, names), *rest)
            case "mixture", _:
                self.mixture(node, g, names)
            case "circle", [size]:
                self.circle(node, g, size)
            case "running", [reverse, strict]:
                self.running(node, g, reverse=not reverse, strict=strict)
            case "stack", []:
                for k, number in enumerate(node.args):
                    self.add(number, f.labels(node, k), (g.select(rank, k), names))
            case "join", _:
                self.join(node, g, names)
            case "pad", [size]:
                own = f.labels(node, 0)
                n = f.of(node, 0).axes[own.index(LAST)][0]
                assert isinstance(n, int)
                self.add(node.args[0], own, (g.narrow(rank, 0, min(n, size)), names))
            case _:
                raise AssertionError(f"no rule for {node.op}")

    def mixture(self, node: Node, g: View, names: tuple[Label, ...]) -> None:
        """`sum_k weights[..., k] * arms[k]`."""
        f = self.forward
        weights, places = f.operand(node, 0)
        at = places.index(LAST)
        for k, ((_, (part, less)), (arm, operand)) in enumerate(f.pairs(node)):
            self.add(node.args[arm], operand[1], (g, names), (part, less))
            lanes = g.buffer.lanes or operand[0].buffer.lanes
            if (there := self.whole(node.args[0], lanes=lanes)) is not None:
                out = there.select(at, k), less
                self.plan.set(out, [(g, names), operand], add=True)
        assert weights

    def whole(self, number: int, *, lanes: bool) -> View | None:
        """Return where the gradient of a value is, 0 where nothing was added yet."""
        there = self.place(number, lanes=lanes)
        if there is None:
            return None
        view, add = there
        if not add:
            self.zero(view.buffer)
        return view

    def join(self, node: Node, g: View, names: tuple[Label, ...]) -> None:
        """Parts put one behind the other."""
        f = self.forward
        for k, part, there in f.joined(node, g):
            place = self.whole(node.args[k], lanes=g.buffer.lanes)
            if place is not None:
                out = View(place.buffer, part.offset, part.axes)
                self.plan.set((out, f.labels(node, k)), [(there, names)], add=True)

    def running(self, node: Node, g: View, *, reverse: bool, strict: bool) -> None:
        """Running sums: those of the gradient from the other end."""
        f, names = self.forward, (*range(node.attrs[0]), LAST)
        sums = self.plan.fresh("sums", [n for n, _ in g.axes])
        f.running((sums, names), (g, names), reverse=reverse, strict=strict)
        self.add(node.args[0], f.labels(node, 0), (sums, names))

    def circle(self, node: Node, g: View, size: int) -> None:
        """A sum modulo `size`: both gradients are such sums, too."""
        f, rank = self.forward, node.attrs[0]
        names = (*range(rank), LAST)
        (x, a), (_, b) = f.operand(node, 0), f.operand(node, 1)
        twice = f.doubled[node.number]
        k, i = (size, 1), (x.axes[a.index(LAST)][0], -1)
        rolled = View(twice.buffer, size, (*twice.axes[:-1], k, i))
        own = tuple(name for name in b if name != LAST)
        left = tuple("i" if name == LAST else name for name in a)
        self.add(node.args[0], left, (g, names), (rolled, (*own, LAST, "i")))
        again = f.twice(g, names, size)
        j = f.of(node, 1).axes[b.index(LAST)][0]
        turned = View(again.buffer, 0, (*again.axes[:-1], (j, 1), (i[0], 1)))
        self.add(node.args[1], b, (turned, (*range(rank), LAST, "i")), (x, left))

    def listed(self, node: Node, g: View, table: tuple) -> None:  # type: ignore[type-arg]
        """A table: the same entries, with the result and one operand changing places."""
        operands, name, names, entries = table
        out = self.forward.flat(node, g)
        for k, number in enumerate(node.args):
            rest = [operand for j, operand in enumerate(operands) if j != k]
            others = [own for j, own in enumerate(names) if j != k]
            lanes = any(view.buffer.lanes for view, _ in (out, *rest))
            view = self.whole(number, lanes=lanes)
            if view is None:
                continue
            turned = [(p[k], (o, *(i for j, i in enumerate(p) if j != k))) for o, p in entries]
            place = view, operands[k][1]
            self.plan.add(listed(place, [out, *rest], names[k], [name, *others], turned, add=True))
