"""A tensor program as the plan of a kernel: what goes in, what is computed, what comes out.

`outputs` runs it; `pullback` turns gradients of its ends into gradients of its sources, running it
again block by block, so that nothing need be kept between the two; `loss` compares its ends with
targets and has the gradient at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.backends.native.forward import Forward
from neuralc.backends.native.nests import Access
from neuralc.backends.native.plan import (
    CHUNK,
    ROW,
    STEP,
    External,
    Lanes,
    Loss,
    Plan,
    Transfer,
    lead,
    rows,
)
from neuralc.backends.native.reverse import Reverse
from neuralc.backends.native.softmax import SoftmaxBack
from neuralc.backends.native.steps import Reduce, Zero
from neuralc.backends.native.update import SETTINGS, Squares, Update
from neuralc.backends.native.views import Buffer, View, full
from neuralc.backends.soft.graph import B, Node, P
from neuralc.backends.soft.lower import Lowered
from neuralc.backends.soft.parameters import Choices


@dataclass
class Building:
    """A plan in the making; what only ends that are not `compared` need is left out."""

    lowered: Lowered
    nodes: Sequence[Node]
    lanes: Lanes
    choices: Choices | None = None
    compared: frozenset[int] | None = None

    def __post_init__(self) -> None:
        self.plan = Plan(self.lanes)
        live = self.lowered.graph.live([node.number for _, node in self.compares])
        needed = {node.number for node in live}
        nodes = {n.number: n for n in self.nodes if n.op == "param" or n.number in needed}
        self.forward = Forward(self.plan, nodes, self.lowered.graph.array, choices=self.choices)
        self.forward.run()
        self.moves: dict[int, View] = {}  # gradients of logits
        self.descending = False

    @property
    def ends(self) -> list[Node]:
        """The nodes of outputs, then those that are observed."""
        numbers = [*self.lowered.outputs.values(), *(n for n, _ in self.lowered.observed)]
        return [self.lowered.graph.nodes[number] for number in numbers]

    @property
    def compares(self) -> list[tuple[int, Node]]:
        """The ends that a loss is about, and their numbers."""
        ends = enumerate(self.ends)
        return [(k, end) for k, end in ends if self.compared is None or k in self.compared]

    def outputs(self) -> Plan:
        """Return the plan that computes all ends."""
        for k, node in enumerate(self.ends):
            self.enter(node)
            buffer = self.plan.whole(self.forward.values[node.number])
            external = External("out", str(k), lead(node), buffer.count)
            once = P not in node.dims
            self.plan.add(Transfer(self.plan.external(external), buffer, store=True, once=once))
        return self.plan

    def enter(self, node: Node) -> None:
        """Go on in the section of a node."""
        self.plan.node = node
        self.plan.section = "example" if B in node.dims else "before"

    def pullback(self, wanted: frozenset[int]) -> Plan:
        """Return the plan that computes gradients of sources."""
        reverse = Reverse(self.forward, wanted)
        reverse.begin()
        for inside in (True, False):
            self.plan.section = "example" if inside else "after"
            for k, node in enumerate(self.ends):
                if (B in node.dims) == inside and self.wanted(reverse, node):
                    self.plan.node = node
                    seed = self.plan.fresh("seed", node.dims)
                    external = External("seed", str(k), lead(node), seed.buffer.count)
                    once = P not in node.dims
                    load = Transfer(self.plan.external(external), seed.buffer, False, once)
                    self.plan.add(load)
                    reverse.give(node, seed.buffer)
            reverse.run("example" if inside else "after")
            self.gradients(reverse, inside=inside)
        return self.plan

    def loss(self, wanted: frozenset[int]) -> Plan:
        """Return the plan that computes the loss of each restart and its gradient."""
        total = self.plan.buffer("loss", 1, lanes=True, task=True)
        self.plan.section = "before"
        self.plan.add(Zero((1,), (Access(total, 0, (1,)),)))
        reverse = Reverse(self.forward, wanted)
        reverse.begin()
        self.plan.section = "example"
        outputs = len(self.lowered.outputs)
        for k, node in self.compares:
            self.plan.node = node
            self.observe(reverse, node, k, k >= outputs, total)
        for inside in (True, False):
            reverse.run("example" if inside else "after")
            self.gradients(reverse, inside=inside)
        self.plan.section = "after"
        external = self.plan.external(External("loss", "", (CHUNK, P), 1))
        if self.lanes == P:
            self.plan.add(Transfer(external, total, store=True))
            return self.plan
        one = self.plan.buffer("loss", 1, lanes=False, task=True)
        self.plan.add(Reduce((1,), (Access(one, 0, (1,)), Access(total, 0, (1,)))))
        self.plan.add(Transfer(external, one, store=True))
        return self.plan

    def descend(self, *, adam: bool) -> Plan:
        """Return the plan that makes steps of gradient descent on the logits."""
        self.descending = True
        wanted = frozenset(node.number for node in self.nodes if node.op == "param")
        self.loss(wanted)
        plan, plan.section = self.plan, "after"
        (first, *_) = (logits.buffer for logits in self.forward.logits.values())
        total = plan.buffer("norm", 1, lanes=first.lanes, task=True)
        plan.add(Zero((1,), (Access(total, 0, (1,)),)))
        settings = plan.buffer("settings", len(SETTINGS), lanes=False, task=True)
        external = plan.external(External("source", "settings", (STEP,), len(SETTINGS)))
        plan.add(Transfer(external, settings, store=False))
        for gradient in self.moves.values():
            buffer = gradient.buffer
            plan.add(Squares((buffer.count,), (Access(buffer, 0, (1,)), Access(total, 0, (0,)))))
        for number, gradient in self.moves.items():
            self.move(number, gradient.buffer, (total, settings), adam=adam)
        return plan

    def move(
        self, number: int, gradient: Buffer, rest: tuple[Buffer, Buffer], *, adam: bool
    ) -> None:
        """Write the step of one choice: its state comes in, changes, and goes out."""
        assert self.choices is not None
        plan, node = self.plan, self.lowered.graph.nodes[number]
        plan.node = node
        (block,) = (block for block in self.choices.blocks if block.name == node.attrs[0])
        logits = self.forward.logits[number].buffer
        states = [(logits, External("source", "logits", (P,), self.choices.total))]
        for name in ("square", "momentum")[: 1 + adam]:
            external = plan.external(External("state", name, (P,), self.choices.total))
            buffer = plan.buffer(name, gradient.count, lanes=gradient.lanes, task=True)
            plan.add(Transfer(external, buffer, store=False, start=block.start))
            states.append((buffer, external))
        own = [buffer for buffer, _ in states]
        operands = tuple(Access(buffer, 0, (1,)) for buffer in (*own, gradient, *rest))
        plan.add(Update((gradient.count,), operands))
        for buffer, external in states:
            plan.add(Transfer(external, buffer, store=True, start=block.start))

    def observe(self, reverse: Reverse, node: Node, k: int, fixed: bool, total: Buffer) -> None:
        """Write the comparison of an end with its targets; `fixed`: with one number for all."""
        value = self.forward.values[node.number]
        size = value.axes[-1][0]
        assert isinstance(size, int)
        buffer = self.plan.whole(value)
        made = self.plan.buffer("d_end", buffer.count, lanes=True, task=False)
        self.plan.add(Zero((made.count,), (Access(made, 0, (1,)),)))
        count = buffer.count // size
        dims = () if fixed else (B,)
        external = External("target", str(k), dims, count, real=False)
        self.plan.add(Loss(self.plan.external(external), buffer, made, total, size))
        if self.wanted(reverse, node):
            reverse.give(node, made)

    def wanted(self, reverse: Reverse, node: Node) -> bool:
        """Tell whether the gradient of a node leads anywhere."""
        return self.forward.values[node.number].buffer in reverse.slots

    def gradients(self, reverse: Reverse, *, inside: bool) -> None:
        """Hand out the gradients of the sources of a section."""
        for number, buffer in sorted(reverse.found.items()):
            node = self.lowered.graph.nodes[number]
            if (B in node.dims) != inside:
                continue
            self.plan.node = node
            if number in self.forward.logits:
                self.of_logits(node, buffer)
                continue
            dims: tuple[str, ...] = lead(node)
            if P not in dims:
                dims = (ROW, *dims)
            elif B not in dims:
                dims = (CHUNK, *dims)
            external = External("gradient", str(number), dims, buffer.count)
            self.plan.add(Transfer(self.plan.external(external), buffer, store=True))

    def of_logits(self, node: Node, buffer: Buffer) -> None:
        """Hand out the gradient of a choice as that of its logits."""
        assert self.choices is not None
        (block,) = (block for block in self.choices.blocks if block.name == node.attrs[0])
        gradient, y = self.plan.fresh("d_logits", node.dims), self.forward.values[node.number]
        operands = rows(gradient), rows(full(buffer, node.dims)), rows(y)
        self.plan.add(SoftmaxBack(tuple(n for n, _ in y.inner), operands))
        self.moves[node.number] = gradient
        if self.descending:
            return
        external = External("gradient", "logits", (CHUNK, P), self.choices.total)
        there = self.plan.external(external)
        self.plan.add(Transfer(there, gradient.buffer, store=True, start=block.start))
