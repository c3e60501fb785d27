"""The lines of the machine for the steps of a program, still on locals and constants.

There is no instruction that copies: `ADD x zero` does. Additions of 1 and -1 are INC and DEC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.lang.pyasm.flow import (
    Address,
    Block,
    Branch,
    Flow,
    Indirect,
    Jump,
    Local,
    Number,
    Operand,
    Step,
    Stop,
    addresses,
    successors,
)
from neuralc.source import Span

ZERO = Number(0)


@dataclass(frozen=True, slots=True)
class Code:
    """A line: an instruction with what stands in its registers; `to` is where a return leads."""

    operation: str
    target: Local | None = None
    first: Operand | None = None
    second: Operand | None = None
    span: Span | None = None
    to: tuple[int, ...] = ()

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What the instruction looks at."""
        return tuple(one for one in (self.first, self.second) if one is not None)


def select(flow: Flow, blocks: Sequence[int], size: int) -> tuple[list[Code], dict[int, int]]:
    """Return the lines of a program, and for each block the line where it begins.

    Args:
        flow: the program.
        blocks: its blocks in order.
        size: M.

    """
    blocks = _needed(flow, blocks)
    constants = _fixed(flow, blocks, size)
    lines: list[Code] = []
    starts: dict[int, int] = {}
    for number, following in zip(blocks, [*blocks[1:], -1], strict=True):
        block = flow.blocks[number]
        starts[number] = len(lines)
        lines += [_line(step, size, constants) for step in block.steps]
        lines += _end(flow, block, following)
    return lines, starts


def _needed(flow: Flow, blocks: Sequence[int]) -> list[int]:
    """Return the blocks without those that stand, as one line, at the end of others already."""
    targets = {flow.entry}
    for number, following in zip(blocks, [*blocks[1:], -1], strict=True):
        end = flow.blocks[number].end
        targets |= set(addresses(flow.blocks[number]))
        if isinstance(end, Branch):
            targets.add(end.zero)
        if isinstance(end, Branch | Jump) and following in successors(end):
            targets.add(following)
    return [n for n in blocks if n in targets or not flow.blocks[n].is_end or n in flow.pinned]


def _end(flow: Flow, block: Block, following: int) -> list[Code]:
    """Return the lines that lead from a block to the next; none where that stands behind it."""
    span = block.span or (block.steps[-1].span if block.steps else None)
    match block.end:
        case Stop():
            return [Code("STOP", span=span)]
        case Indirect(through=through, to=to):
            return [Code("JEZ", None, ZERO, through, span, to)]
        case Jump(to=other):
            lines = []
        case Branch(on=on, zero=zero, other=other):
            lines = [Code("JEZ", None, on, Address(zero), span)]
        case _:
            raise AssertionError("a return of a function that is not linked")
    if other == following:
        return lines
    if flow.blocks[other].is_end:  # as long as a jump there, and a step less
        return [*lines, *_end(flow, flow.blocks[other], -1)]
    return [*lines, Code("JEZ", None, ZERO, Address(other), span)]


def _fixed(flow: Flow, blocks: Sequence[int], size: int) -> set[int]:
    """Return the constants that are needed whatever the form of sums with constants is."""
    found: set[int] = set()
    for number in blocks:
        for step in flow.blocks[number].steps:
            if step.operation == "COPY":
                value = step.operands[0]
                if isinstance(value, Number) and value.value not in (0, 1, size - 1):
                    found.add(value.value)
            elif not _flexible(step):
                found |= {one.value for one in step.operands if isinstance(one, Number)}
    return found


def _flexible(step: Step) -> bool:
    return step.operation == "ADD" and isinstance(step.operands[1], Number)


def _line(step: Step, size: int, constants: set[int]) -> Code:
    """Return the line of a step; `constants` are those that registers hold, and may grow."""
    target, span = step.target, step.span
    match step.operation, step.operands:
        case "ADD", (x, Number(value=value)):
            return _sum(step, x, value, size, constants)
        case "COPY", (Number(0),):
            return Code("ZERO", target, span=span)
        case "COPY", (Number(1),):
            return Code("INC", target, ZERO, span=span)
        case "COPY", (Number(value=value),) if value == size - 1:
            return Code("DEC", target, ZERO, span=span)
        case "COPY", (x,):
            return Code("ADD", target, x, ZERO, span)
        case operation, (x,):
            return Code(operation, target, x, span=span)
        case operation, (x, y):
            return Code(operation, target, x, y, span)
    raise AssertionError(f"not a step of a linked program: {step}")


def _sum(step: Step, x: Operand, value: int, size: int, constants: set[int]) -> Code:
    if value == 1:
        return Code("INC", step.target, x, span=step.span)
    if value == size - 1:
        return Code("DEC", step.target, x, span=step.span)
    added = value in constants or (size - value not in constants and value <= size - value)
    constants.add(value if added else size - value)
    if added:
        return Code("ADD", step.target, x, Number(value), step.span)
    return Code("SUB", step.target, x, Number(size - value), step.span)
