"""Goes over a function with what is known at each point, and writes it anew.

Constants are computed, copies followed, values that are there already not computed again, tests
whose outcome is known decided.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.lang.pyasm.facts import Facts
from neuralc.lang.pyasm.flow import (
    Block,
    Branch,
    End,
    Flow,
    Jump,
    Number,
    Step,
    order,
)

FEW_VISITS = 8
"""Of a block, until it can only lose facts."""


def simplify(flow: Flow, size: int) -> None:
    """Rewrite a function in place; what it does stays the same."""
    before = known_before(flow, size)
    for number, facts in before.items():
        block = flow.blocks[number]
        facts = facts.copy()
        block.steps = _walk(block, facts)
        block.end = _decided(block.end, facts)
        block.end = _shortened(flow, block, facts)


def known_before(flow: Flow, size: int) -> dict[int, Facts]:
    """Return what is known where each block begins; blocks that cannot be reached are left out.

    Begins with what holds on the first path to a block, and takes more paths into account until
    nothing changes. What is known may also change its form on the way; a block that is visited
    often only loses facts from then on, so that there is an end.
    """
    blocks = order(flow)
    before: dict[int, Facts] = {flow.entry: Facts(size)}
    edges: dict[int, dict[int, Facts]] = {number: {} for number in blocks}
    visits = dict.fromkeys(blocks, 0)
    waiting = {flow.entry}
    while waiting:
        number = next(one for one in blocks if one in waiting)
        waiting.discard(number)
        visits[number] += 1
        block = flow.blocks[number]
        facts = before[number].copy()
        _walk(block, facts)
        for to, edge in _edges(_decided(block.end, facts), facts):
            edges[to][number] = edge
            old, new = before.get(to), _met(to == flow.entry, size, edges[to])
            if old is not None and visits[to] > FEW_VISITS:
                new = old.met(new)
            if new != old:
                before[to] = new
                waiting.add(to)
    return before


def _met(is_entry: bool, size: int, edges: Mapping[int, Facts]) -> Facts:
    """Return what holds on all paths into a block; at the begin of a program nothing is known."""
    if is_entry:
        return Facts(size)
    first, *others = edges.values()
    met = first.copy()
    for other in others:
        met = met.met(other)
    return met


def _walk(block: Block, facts: Facts) -> list[Step]:
    """Return the simplified steps of a block; `facts` is at its end afterwards."""
    steps = []
    for step in block.steps:
        simple = facts.simplified(step)
        if simple is not None:
            facts.update(simple)
            steps.append(simple)
    return steps


def _edges(end: End, facts: Facts) -> list[tuple[int, Facts]]:
    """Return where a block leads, with what is known on the way."""
    match end:
        case Branch(on=on, zero=zero, other=other):
            at_zero, elsewhere = facts.copy(), facts.copy()
            at_zero.is_zero(on)
            elsewhere.is_not_zero(on)
            return [(zero, at_zero), (other, elsewhere)]
        case Jump(to=to):
            return [(to, facts)]
    return [(to, facts) for to in getattr(end, "to", ())]


def _decided(end: End, facts: Facts) -> End:
    """Return the end of a block, without a test whose outcome is known."""
    while isinstance(end, Branch):
        on = facts.best(end.on)
        if isinstance(on, Number):
            return Jump(end.other if on.value else end.zero)
        if on in facts.nonzero:
            return Jump(end.other)
        if end.zero == end.other:
            return Jump(end.zero)
        match facts.known.get(on):  # type: ignore[arg-type]
            case ("MIN", inner, Number(value)) if value and not isinstance(inner, Number):
                end = Branch(inner, end.zero, end.other)
            case ("SUB", Number(1), inner) if facts.is_truth(inner):
                end = Branch(inner, end.other, end.zero)
            case _:
                return Branch(on, end.zero, end.other)
    return end


def _shortened(flow: Flow, block: Block, facts: Facts) -> End:
    """Return the end of a block, past tests that it leads to and whose outcome is known there."""
    edges = dict(_edges(block.end, facts))
    match block.end:
        case Jump(to=to):
            return Jump(_beyond(flow, to, edges[to]))
        case Branch(on=on, zero=zero, other=other) if zero != other:
            return Branch(on, _beyond(flow, zero, edges[zero]), _beyond(flow, other, edges[other]))
    return block.end


def _beyond(flow: Flow, to: int, facts: Facts) -> int:
    """Return where the tests at the begin of a block lead, as far as their outcome is known."""
    seen = {to}
    while to not in flow.pinned and not flow.blocks[to].steps:
        end = flow.blocks[to].end
        decided = _decided(end, facts) if isinstance(end, Branch) else end
        if not isinstance(decided, Jump) or decided.to in seen:
            break
        after = flow.blocks[decided.to]
        after.label = after.label or flow.blocks[to].label
        to = decided.to
        seen.add(to)
    return to
