"""Which locals are still needed at a point of a function."""

from __future__ import annotations

from neuralc.lang.pyasm.flow import Block, Flow, Local, end_uses, order, successors


def live_before(flow: Flow) -> dict[int, set[Local]]:
    """Return the locals that are needed where each block begins."""
    blocks = order(flow)[::-1]
    before: dict[int, set[Local]] = {number: set() for number in flow.blocks}
    changed = True
    while changed:
        changed = False
        for number in blocks:
            live = _at_end(flow.blocks[number], before)
            for step in reversed(flow.blocks[number].steps):
                live.discard(step.target)
                live |= {one for one in step.operands if isinstance(one, Local)}
            if live != before[number]:
                before[number] = live
                changed = True
    return before


def live_after(flow: Flow, block: Block, before: dict[int, set[Local]]) -> list[set[Local]]:
    """Return for each step of a block the locals that are needed after it."""
    live = _at_end(block, before)
    found = []
    for step in reversed(block.steps):
        found.append(set(live))
        live.discard(step.target)
        live |= {one for one in step.operands if isinstance(one, Local)}
    return found[::-1]


def _at_end(block: Block, before: dict[int, set[Local]]) -> set[Local]:
    live = {one for one in end_uses(block.end) if isinstance(one, Local)}
    for to in successors(block.end):
        live |= before[to]
    return live
