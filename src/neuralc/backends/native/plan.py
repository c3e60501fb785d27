"""What a kernel does, in order: instructions on buffers, before there is any code.

A kernel goes through blocks of restarts ("tasks"), and within each through its examples. What does
not depend on examples is computed once for a block. `lanes` says what the lanes of a vector are:
restarts ("P") or examples ("B").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from neuralc.backends.native.code import Band, Group
from neuralc.backends.native.nests import Access, Nest, Operand, Table, apart, statement
from neuralc.backends.native.steps import Step
from neuralc.backends.native.views import Buffer, View, full
from neuralc.backends.soft.graph import B, Dim, Node, P

Lanes = Literal["P", "B"]
Section = Literal["before", "example", "after"]
CHUNK, ROW = "chunk", "row"  # blocks of examples, and of restarts, that a result comes in
STEP = "step"  # of gradient descent


@dataclass(frozen=True)
class External:
    """An array of the caller: `dims` say which of chunk, row, P and B it has before its `count`."""

    role: Literal["source", "state", "out", "seed", "gradient", "target", "loss"]
    name: str
    dims: tuple[str, ...]
    count: int
    real: bool = True


@dataclass(frozen=True)
class Transfer:
    """Copies between an external array and a buffer; `once`: only in the first block of restarts.

    In other blocks a seed is 0, and nothing is stored. `start`: where it begins in the array.
    """

    external: External
    buffer: Buffer
    store: bool
    once: bool = False
    start: int = 0

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read."""
        return (self.buffer,) if self.store else ()

    @property
    def writes(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return () if self.store else (self.buffer,)


@dataclass(frozen=True)
class Loss:
    """Adds `-log p(target)` to the loss and its gradient to that of an output."""

    external: External
    value: Buffer
    gradient: Buffer
    total: Buffer
    size: int

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read, what is added to included."""
        return (self.value, self.gradient, self.total)

    @property
    def writes(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return (self.gradient, self.total)


Instruction = Nest | Table | Step | Transfer | Loss | Band | Group


@dataclass(frozen=True)
class Item:
    """An instruction, the node that it is for, and whether it is of the backward pass."""

    instruction: Instruction
    node: Node | None
    back: bool


@dataclass
class Plan:
    """The instructions of a kernel by section, its external arrays, and its buffers."""

    lanes: Lanes
    items: dict[Section, list[Item]] = field(
        default_factory=lambda: {"before": [], "example": [], "after": []}
    )
    externals: list[External] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    section: Section = "before"
    node: Node | None = None
    back: bool = False

    def buffer(self, name: str, count: int, *, lanes: bool, task: bool) -> Buffer:
        """Return new memory; `task`: it outlives an example."""
        made = Buffer(f"{name}", count, lanes, "task" if task else "example")
        self.buffers.append(made)
        return made

    def fresh(self, name: str, dims: Sequence[Dim]) -> View:
        """Return new memory for an array with these dimensions."""
        count = 1
        for n in dims:
            count *= n if isinstance(n, int) else 1
        buffer = self.buffer(name, count, lanes=self.lanes in dims, task=B not in dims)
        return full(buffer, dims)

    def external(self, external: External) -> External:
        """Note an array of the caller."""
        if external not in self.externals:
            self.externals.append(external)
        return external

    def add(self, instruction: Instruction) -> None:
        """Add an instruction to the section that is being written."""
        self.items[self.section].append(Item(instruction, self.node, self.back))

    def set(self, out: Operand, *terms: Sequence[Operand], add: bool = False) -> None:
        """Add a sum of products; those with a constant that is mostly zeros come last."""
        for k, part in enumerate(apart(out, terms)):
            self.add(statement(out, part, add=add or k > 0))

    def whole(self, view: View) -> Buffer:
        """Return a buffer that holds just what a view shows, in order."""
        if view.whole() and view.buffer.array is None:
            return view.buffer
        task = view.buffer.scope != "example"
        copy = self.buffer("copy", view.count, lanes=view.buffer.lanes, task=task)
        labels = tuple(range(len(view.axes)))
        self.set((full(copy, [n for n, _ in view.axes]), labels), [(view, labels)])
        return copy


def touched(items: Sequence[Item]) -> Counter[Buffer]:
    """Return how many items read or write each buffer."""
    return Counter(
        buffer for item in items
        for buffer in {*item.instruction.reads, *item.instruction.writes}
    )  # fmt: skip


def lead(node: Node) -> tuple[str, ...]:
    """Return which of restarts and examples a node depends on."""
    return tuple(d for d in (P, B) if d in node.dims)


def rows(view: View) -> Access:
    """Return a view as an operand of a step, all its dimensions being indices."""
    return Access(view.buffer, view.offset, tuple(stride for _, stride in view.inner))
