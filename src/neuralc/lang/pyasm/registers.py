"""Which register holds what: as few as the lifetimes allow, and still readable.

A register may hold a constant first and something else when the constant is no longer needed, and
unnamed values share registers; but a variable has one for itself, and the target of a jump too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuralc.lang.pyasm.flow import Address, Local, Number, Operand
from neuralc.lang.pyasm.select import ZERO, Code


@dataclass(frozen=True)
class Registers:
    """The register of each value, and what the registers hold at the start."""

    of: Mapping[Operand, int]
    holds: Sequence[Sequence[Operand]]


def allocate(lines: Sequence[Code], starts: Mapping[int, int]) -> Registers:
    """Give every value of a program a register.

    Args:
        lines: the program.
        starts: for each block the line where it begins.

    """
    apart = _apart(lines, starts)
    colours = _coloured(apart)
    count = max(colours.values(), default=-1) + 1
    holds = [[one for one in apart if colours[one] == r] for r in range(count)]
    holds.sort(key=_place)
    return Registers({one: r for r, found in enumerate(holds) for one in found}, holds)


def live_before(lines: Sequence[Code], starts: Mapping[int, int]) -> list[set[Operand]]:
    """Return for each line the values that are needed from there on, constants included."""
    before: list[set[Operand]] = [set() for _ in lines]
    changed = True
    while changed:
        changed = False
        for k in range(len(lines) - 1, -1, -1):
            live = _after(lines, starts, before, k)
            live.discard(lines[k].target)
            live |= set(lines[k].operands)
            if live != before[k]:
                before[k] = live
                changed = True
    return before


def _after(
    lines: Sequence[Code], starts: Mapping[int, int], before: Sequence[set[Operand]], k: int
) -> set[Operand]:
    live: set[Operand] = set()
    for to in following(lines[k], k, starts):
        live |= before[to]
    return live


def following(line: Code, k: int, starts: Mapping[int, int]) -> list[int]:
    """Return the lines that may come after a line."""
    if line.operation == "STOP":
        return []
    if line.operation != "JEZ":
        return [k + 1]
    assert line.second is not None
    to = [starts[b] for b in line.to] or [starts[line.second.block]]  # type: ignore[union-attr]
    return to if line.first == ZERO else [*to, k + 1]


def _apart(lines: Sequence[Code], starts: Mapping[int, int]) -> dict[Operand, set[Operand]]:
    """Return for each value those that must not be in the same register."""
    before = live_before(lines, starts)
    found: dict[Operand, set[Operand]] = {}
    for line in lines:
        for one in (line.target, *line.operands):
            if one is not None:
                found.setdefault(one, set())

    def part(one: Operand, others: set[Operand]) -> None:
        for other in others - {one}:
            found[one].add(other)
            found[other].add(one)

    for one in before[0]:
        part(one, before[0])
    for k, line in enumerate(lines):
        if line.target is not None:
            part(line.target, _after(lines, starts, before, k))
    for one in found:
        part(one, {other for other in found if not _may_share(one, other)})
    return found


def _may_share(one: Operand, other: Operand) -> bool:
    if isinstance(one, Address) or isinstance(other, Address):
        return False
    if isinstance(one, Local) and isinstance(other, Local) and (one.name or other.name):
        return (one.name, one.owner) == (other.name, other.owner)
    return True


def _coloured(apart: Mapping[Operand, set[Operand]]) -> dict[Operand, int]:
    """Colour the graph: next is always the value that has the fewest registers left."""
    found: dict[Operand, int] = {}
    taken: dict[Operand, set[int]] = {one: set() for one in apart}
    degree = {one: len(others) for one, others in apart.items()}
    waiting = list(apart)
    while waiting:
        one = max(waiting, key=lambda one: (len(taken[one]), degree[one]))  # the first of equals
        waiting.remove(one)
        found[one] = next(c for c in range(len(apart)) if c not in taken[one])
        for other in apart[one]:
            taken[other].add(found[one])
    return found


def _place(holds: Sequence[Operand]) -> tuple[int, int]:
    """Order the registers: variables, unnamed values, constants, targets of jumps."""
    numbers = [one.number for one in holds if isinstance(one, Local) and one.name]
    unnamed = [one.number for one in holds if isinstance(one, Local)]
    if numbers:
        return 0, min(numbers)
    if unnamed:
        return 1, min(unnamed)
    match holds[0]:
        case Number(value=value):
            return 2, value
        case Address(block=block):
            return 3, block
    raise AssertionError(holds)
