"""Instructions and groups of instructions as code: operands, what is the same code, the text.

A group is several instructions in one function, so that what one has stored is still at hand for
the next; a band is a loop around instructions that work on the rows of the same arrays, so that a
row is done with before the next one is looked at. `grouping.py` and `banding.py` make them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.backends.native import llvm_columns, llvm_nest, llvm_row, llvm_table
from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.llvm_row import Stage
from neuralc.backends.native.nests import Access, Nest, Table, shape_of
from neuralc.backends.native.steps import Staged, Step
from neuralc.backends.native.views import Buffer

Single = Nest | Table | Step
Arrays = Callable[[Table], list[str]]  # the names of the arrays of a long table


class _Parts:
    """Several instructions that are one."""

    parts: tuple[Any, ...]

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read."""
        return tuple(buffer for part in self.parts for buffer in part.reads)

    @property
    def writes(self) -> tuple[Buffer, ...]:
        """The buffers that are written."""
        return tuple(buffer for part in self.parts for buffer in part.writes)


@dataclass(frozen=True)
class Band(_Parts):
    """`for i < count`: instructions whose operands move on by `strides`, one list for each."""

    count: int
    parts: tuple[Single, ...]
    strides: tuple[tuple[int, ...], ...]

    @property
    def work(self) -> int:
        """How many products are added up."""
        return self.count * sum(part.work for part in self.parts)


@dataclass(frozen=True)
class Group(_Parts):
    """Instructions one after the other, as one function."""

    parts: tuple[Single | Band, ...]

    @property
    def work(self) -> int:
        """How many products are added up."""
        return sum(part.work for part in self.parts)


def operands(instruction: Single) -> list[Access]:
    """Return the operands whose addresses an instruction needs."""
    match instruction:
        case Nest():
            return llvm_nest.pointers(instruction)
        case Table():
            return llvm_table.pointers(instruction)
        case _:
            return list(instruction.operands)


def within(access: Access, part: Single, stride: int) -> bool:
    """Tell whether all elements of a turn of a band lie between the beginnings of two rows."""
    spans = [(n - 1) * s for n, s in zip(part.sizes, access.strides, strict=True)]
    return all(s >= 0 for s in spans) and sum(spans) < stride


def singles(group: Group) -> list[Single]:
    """Return all instructions of a group."""
    found: list[Single] = []
    for part in group.parts:
        found += part.parts if isinstance(part, Band) else [part]
    return found


def buffers(group: Group) -> list[Buffer]:
    """Return the buffers that a group is called with, each once."""
    return list(dict.fromkeys(a.buffer for part in singles(group) for a in operands(part)))


def key(group: Group) -> Hashable:
    """Return all that the code of a group depends on."""
    number = {buffer: k for k, buffer in enumerate(buffers(group))}

    def one(part: Single) -> Hashable:
        shape = part.key() if isinstance(part, Step) else shape_of(part)
        return (shape, tuple((number[a.buffer], a.offset) for a in operands(part)))

    return tuple(
        (part.count, part.strides, tuple(map(one, part.parts))) if isinstance(part, Band)
        else one(part)
        for part in group.parts
    )  # fmt: skip


def write(w: Writer, group: Group, names: Sequence[str], arrays: Arrays) -> None:
    """Write a group; `names` are the addresses of its buffers."""
    base = dict(zip(buffers(group), names, strict=True))
    row: list[Stage] = []
    for part in group.parts:
        if isinstance(part, Band):
            _close(w, row)
            _band(w, part, base, arrays)
        else:
            _single(w, part, [0] * len(operands(part)), "", base, arrays, row)
    _close(w, row)


def _band(w: Writer, band: Band, base: Mapping[Buffer, str], arrays: Arrays) -> None:
    if rows := llvm_columns.strips(band.count, band.parts, band.strides):
        llvm_columns.write_columns(w, rows, band.count, base)
        return
    row: list[Stage] = []
    drafts = {b for b in band.writes if b.draft} if all(map(is_row, band.parts)) else set()
    loop = w.begin(band.count)
    for inner, strides in zip(band.parts, band.strides, strict=True):
        _single(w, inner, strides, loop.index, base, arrays, row)
    _close(w, row, drafts)
    w.end(loop)


def is_row(part: Single) -> bool:
    """Tell whether an instruction goes along a row, and may do so together with others."""
    if isinstance(part, Nest):
        return llvm_row.is_row(part)
    return isinstance(part, Staged) and len(part.sizes) == 1


def _single(
    w: Writer, part: Single, strides: Sequence[int], index: str, base: Mapping[Buffer, str],
    arrays: Arrays, row: list[Stage],
) -> None:  # fmt: skip
    """Write one instruction, or add it to those that go along a row, which are written later."""
    spots = [
        w.address(base[a.buffer], a.buffer.lanes, a.offset, [(index, stride)])
        for a, stride in zip(operands(part), strides, strict=True)
    ]
    if is_row(part):
        if isinstance(part, Nest):
            row.append(llvm_row.nest_stage(part, spots, strides))
        elif isinstance(part, Staged):
            row += part.stages(spots, strides)
        return
    _close(w, row)
    w.known.append({})  # what was loaded may be stored to by now
    match part:
        case Nest():
            llvm_nest.write_nest(w, part, spots)
        case Table():
            llvm_table.write_table(w, part, spots, arrays(part))
        case _:
            part.write(w, spots)
    w.known.pop()


def _close(w: Writer, row: list[Stage], drafts: Collection[Buffer] = ()) -> None:
    """Write what goes along a row."""
    llvm_row.write_stages(w, row, drafts)
    row.clear()
