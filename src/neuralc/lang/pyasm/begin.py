"""Constants that need no line: a register can hold the value when the program starts.

A constant is put into a local at the start instead of at its place, if this place is passed once
at most, and nothing that may happen before sets the local.
"""

from __future__ import annotations

from neuralc.lang.pyasm.flow import Flow, Local, Number, successors


def at_start(flow: Flow) -> dict[Local, int]:
    """Take such copies of constants out of a program; return the values that locals begin with."""
    reach = _reach(flow)
    places: dict[Local, list[tuple[int, int]]] = {}
    for number, block in flow.blocks.items():
        for k, step in enumerate(block.steps):
            if step.target is not None:
                places.setdefault(step.target, []).append((number, k))
    found: dict[Local, int] = {}
    gone: set[tuple[int, int]] = set()
    for local, settings in places.items():
        for number, k in settings:
            step = flow.blocks[number].steps[k]
            if step.operation != "COPY" or not isinstance(step.operands[0], Number):
                continue
            first = all(
                number not in reach[other] and (other != number or place >= k)
                for other, place in settings
            )
            value = step.operands[0].value
            if first and found.setdefault(local, value) == value:
                gone.add((number, k))
    for number, block in flow.blocks.items():
        block.steps = [s for k, s in enumerate(block.steps) if (number, k) not in gone]
    return found


def _reach(flow: Flow) -> dict[int, set[int]]:
    """Return for each block those that may come after it; itself only if it may come again."""
    found: dict[int, set[int]] = {number: set() for number in flow.blocks}
    for start, seen in found.items():
        todo = list(successors(flow.blocks[start].end))
        while todo:
            number = todo.pop()
            if number not in seen:
                seen.add(number)
                todo += successors(flow.blocks[number].end)
    return found
