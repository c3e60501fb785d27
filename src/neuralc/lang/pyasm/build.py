"""Puts together the blocks of one function while its text is translated."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from neuralc.lang.pyasm.flow import (
    Block,
    Branch,
    Flow,
    Jump,
    Local,
    Number,
    Operand,
    Return,
    Step,
    Supply,
)
from neuralc.lang.pyasm.syntax import MEMORY, Definition, Node, Text, constant
from neuralc.source import Span


class Builder:
    """The function so far, and the block to which steps are added now.

    Attributes:
        size: M; numbers are 0 .. M-1.
        named: the variables, by name.
        loops: the loops around.

    """

    def __init__(
        self,
        supply: Supply,
        definition: Definition,
        definitions: Mapping[str, Definition],
        size: int,
    ) -> None:
        """Begin with the first block, where the parameters have their values."""
        self.supply, self.definition, self.size = supply, definition, size
        self.definitions = definitions
        self.text: Text = definition.text
        self.loops: tuple[int, ...] = ()
        name = definition.node.name
        bound = definition.bound
        self.constants = {n: v for n, v in definition.constants.items() if n not in bound}
        self.named = {
            one: supply.local(one, name) for one in sorted(bound) if one != MEMORY
        }  # fmt: skip
        self.current = supply.block((), name)
        self.flow = Flow(self.current.number, {self.current.number: self.current})
        self.flow.parameters = tuple(
            self.named[one] for one in definition.parameters if one != MEMORY
        )
        if definition.gives:
            self.flow.result = supply.local(f"{name}_result", name)

    def block(self, label: str = "", node: Node | None = None) -> Block:
        """Return a new block, called after what stands there."""
        label = f"{label}_{node.lineno}" if node is not None else label
        block = self.supply.block(self.loops, label)
        self.flow.blocks[block.number] = block
        return block

    def into_loop(self) -> None:
        """Begin a loop: new blocks are in it."""
        self.loops = (*self.loops, self.supply.loop())

    def out_of_loop(self) -> None:
        """End the innermost loop."""
        self.loops = self.loops[:-1]

    def go_on(self, block: Block) -> None:
        """Add what follows to another block."""
        self.current = block

    def end(self, end: Jump | Branch | Return, node: Node | None = None) -> None:
        """Finish the block; what follows, until `go_on`, cannot be reached."""
        self.current.end = end
        self.current.span = self.span(node) if node is not None else None
        self.current = self.supply.block(self.loops)

    def jump(self, block: Block, node: Node | None = None) -> None:
        """Finish the block with a jump."""
        self.end(Jump(block.number), node)

    def branch(self, on: Operand, zero: Block, other: Block, node: Node) -> None:
        """Finish the block with a choice."""
        self.end(Branch(on, zero.number, other.number), node)

    def emit(self, operation: str, *operands: Operand, node: Node) -> Local:
        """Compute a value."""
        target = self.supply.local()
        self.step(operation, target, *operands, node=node)
        return target

    def step(
        self, operation: str, target: Local | None, *operands: Operand, node: Node, callee: str = ""
    ) -> None:
        """Add a step to the block."""
        self.current.steps.append(Step(operation, target, operands, self.span(node), callee))

    def copy(self, target: Local, value: Operand, node: Node) -> None:
        """Give a variable a value."""
        self.step("COPY", target, value, node=node)

    def number(self, value: int) -> Number:
        """Return a constant, modulo M."""
        return Number(value % self.size)

    def constant(self, node: ast.expr) -> int | None:
        """Return the value of an expression of constants, not reduced; None: it is none."""
        return constant(node, self.constants, self.size)

    def span(self, node: Node) -> Span:
        """Return the place of a node."""
        return self.text.span(node)
