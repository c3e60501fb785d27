"""From a linked program to an `Assembly`: order, lines, registers, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neuralc.ir.assembly import Assembly, Line
from neuralc.lang.pyasm.begin import at_start
from neuralc.lang.pyasm.coalesce import coalesce
from neuralc.lang.pyasm.flow import Address, Flow, Local, Number, Operand
from neuralc.lang.pyasm.layout import layout
from neuralc.lang.pyasm.recompute import recompute
from neuralc.lang.pyasm.registers import Registers, allocate
from neuralc.lang.pyasm.select import Code, select
from neuralc.lang.pyasm.tidy import tidy
from neuralc.source import Source

JUNK = "junk"


def emit(flow: Flow, size: int, source: Source | None) -> tuple[Assembly, dict[int, int]]:
    """Return a program as lines on registers, and for each block the line where it begins.

    Args:
        flow: the whole program, optimised; it is changed.
        size: M.
        source: the text it came from.

    """
    coalesce(flow)
    recompute(flow, size)
    tidy(flow, size)
    coalesce(flow)
    begin = at_start(flow)
    tidy(flow, size)
    lines, starts = select(flow, layout(flow), size)
    registers = allocate(lines, starts)
    labels = _labels(flow, lines, starts)
    junk = len(registers.holds)
    assembly = Assembly(
        tuple(_line(line, registers.of, junk) for line in lines),
        (*(_start(holds, begin, starts) for holds in registers.holds), None),
        0,
        _names(registers, labels, starts),
        labels,
        source,
    )
    return assembly, starts


def _line(line: Code, of: Mapping[Operand, int], junk: int) -> Line:
    first = of[line.first] if line.first is not None else None
    second = of[line.second] if line.second is not None else None
    target = of[line.target] if line.target is not None else junk
    return Line(line.operation, first, second, target, line.span)


def _start(
    holds: Sequence[Operand], begin: Mapping[Local, int], starts: Mapping[int, int]
) -> int | None:
    """Return what a register holds at the start; None: whatever there is."""
    for one in holds:
        match one:
            case Number(value=value):
                return value
            case Address(block=block):
                return starts[block]
            case Local() if one in begin:
                return begin[one]
    return None


def _labels(flow: Flow, lines: Sequence[Code], starts: Mapping[int, int]) -> dict[int, str]:
    """Name the lines that are jumped to, and those where functions begin."""
    targets = {one.block for line in lines for one in line.operands if isinstance(one, Address)}
    found: dict[int, str] = {}
    taken: set[str] = set()
    for number in sorted(targets, key=lambda one: starts[one]):
        line = starts[number]
        if line in found:
            continue
        block = flow.blocks[number]
        span = lines[line].span if line < len(lines) else None
        label = block.label or f"at_{span.line if span is not None else line}"
        found[line] = _unique(label, taken)
    return found


def _names(
    registers: Registers, labels: Mapping[int, str], starts: Mapping[int, int]
) -> tuple[str, ...]:
    """Name the registers after the variable, the constant or the label that they hold."""
    taken: set[str] = set()
    found = []
    for holds in registers.holds:
        name = next((one.name for one in holds if isinstance(one, Local) and one.name), "")
        if not name:
            match holds[0]:
                case Local():
                    name = "t"
                case Number(value=value):
                    name = "zero" if value == 0 else f"constant_{value}"
                case Address(block=block):
                    name = labels[starts[block]]
        found.append(_unique(name, taken))
    return (*found, _unique(JUNK, taken))


def _unique(name: str, taken: set[str]) -> str:
    count, found = 1, name
    while found in taken:
        count += 1
        found = f"{name}{count}" if name == "t" else f"{name}_{count}"
    taken.add(found)
    return found
