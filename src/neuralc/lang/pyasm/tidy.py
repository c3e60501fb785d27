"""Keeps a function small: no dead steps, no blocks that only lead on, none twice."""

from __future__ import annotations

from dataclasses import replace

from neuralc.lang.pyasm.flow import (
    Address,
    Block,
    Branch,
    Flow,
    Jump,
    Local,
    Number,
    Return,
    Step,
    addresses,
    modified,
    order,
    predecessors,
    rename,
)
from neuralc.lang.pyasm.liveness import live_after, live_before
from neuralc.lang.pyasm.simplify import simplify

EFFECT = frozenset(("WRITE", "CALL"))
MOST_ROUNDS = 50


def optimise(flow: Flow, size: int) -> None:
    """Rewrite a function in place until nothing gets simpler."""
    for _ in range(MOST_ROUNDS):
        old = shape(flow)
        simplify(flow, size)
        tidy(flow, size)
        if shape(flow) == old:
            return


def shape(flow: Flow) -> list[object]:
    """Return all that a function consists of, to be compared."""
    return [(number, tuple(block.steps), block.end) for number, block in flow.blocks.items()]


def tidy(flow: Flow, size: int) -> None:
    """Remove what has no effect, and blocks that need not be."""
    _dead_steps(flow)
    _joined_sums(flow, size)
    while _reachable(flow) | _passed(flow) | _same(flow) | _merged(flow):
        pass


def _dead_steps(flow: Flow) -> None:
    """Drop what is computed for nothing; a value keeps the name of a variable that goes."""
    named: dict[Local, Local] = {}
    changed = True
    while changed:
        changed = False
        before = live_before(flow)
        for block in flow.blocks.values():
            kept = []
            for step, live in zip(block.steps, live_after(flow, block, before), strict=True):
                if step.target is None or step.target in live:
                    kept.append(step)
                elif step.operation in EFFECT:
                    kept.append(replace(step, target=None))
                else:
                    _note_name(step, named)
            changed = changed or len(kept) < len(block.steps)
            block.steps = kept
    if named:
        rename(flow, named)


def _note_name(step: Step, named: dict[Local, Local]) -> None:
    match step.operation, step.target, step.operands:
        case "COPY", Local(name=name, owner=owner), (Local(number=number, name=""),) if name:
            value = Local(number, name, owner)
            named.setdefault(value, value)


def _joined_sums(flow: Flow, size: int) -> None:
    """Make one step of two that add constants to the same local, if it is not used between."""
    for block in flow.blocks.values():
        waiting: dict[Local, int] = {}
        steps: list[Step | None] = []
        for step in block.steps:
            local = step.target
            own = local if local is not None and _is_sum(step) else None
            if own is not None and own in waiting:
                first = steps[waiting[own]]
                assert first is not None
                steps[waiting.pop(own)] = None
                total = (_added(first) + _added(step)) % size
                step = replace(step, operands=(own, Number(total)))
            for one in (*step.operands, local):
                waiting.pop(one, None)  # type: ignore[arg-type]
            if own is not None:
                waiting[own] = len(steps)
            empty = own is not None and step.operands[1] == Number(0)
            if empty and own is not None:
                waiting.pop(own)
            steps.append(None if empty else step)
        block.steps = [step for step in steps if step is not None]


def _is_sum(step: Step) -> bool:
    match step.operation, step.operands:
        case "ADD", (Local() as first, Number()):
            return first == step.target
    return False


def _added(step: Step) -> int:
    value = step.operands[1]
    assert isinstance(value, Number)
    return value.value


def _reachable(flow: Flow) -> bool:
    """Drop blocks that cannot be reached."""
    found = order(flow)
    changed = len(found) < len(flow.blocks)
    flow.blocks = {number: flow.blocks[number] for number in found}
    return changed


def _passed(flow: Flow) -> bool:
    """Go past blocks that only lead on; a way to a return is one."""
    names: dict[int, int] = {}
    for number, block in flow.blocks.items():
        if not block.steps and isinstance(block.end, Jump) and number not in flow.pinned:
            to = block.end.to
            while to in names:
                to = names[to]
            if to != number:
                names[number] = to
                flow.blocks[to].label = flow.blocks[to].label or block.label
                for one, target in names.items():
                    if target == number:
                        names[one] = to
    changed = False
    for block in flow.blocks.values():
        end = modified(block.end, names)
        if isinstance(end, Branch) and end.zero == end.other:
            end = Jump(end.zero)
        if isinstance(end, Jump):
            after = flow.blocks[end.to]
            if not after.steps and isinstance(after.end, Return):
                end = after.end
        if end != block.end:
            block.end, changed = end, True
        block.steps = [_renamed(step, names) for step in block.steps]
    flow.entry = names.get(flow.entry, flow.entry)
    return changed


def _renamed(step: Step, names: dict[int, int]) -> Step:
    match step.operands:
        case (Address(block=block), *rest) if block in names:
            return replace(step, operands=(Address(names[block]), *rest))
    return step


def _same(flow: Flow) -> bool:
    """Keep one of several blocks that do the same."""
    first: dict[object, int] = {}
    names: dict[int, int] = {}
    for number, block in flow.blocks.items():
        if len(block.steps) and number not in flow.pinned:
            key = (tuple(block.steps), block.end)
            names[number] = first.setdefault(key, number)
    names = {number: to for number, to in names.items() if number != to}
    for block in flow.blocks.values():
        block.end = modified(block.end, names)
        block.steps = [_renamed(step, names) for step in block.steps]
    flow.entry = names.get(flow.entry, flow.entry)
    return bool(names) and _reachable(flow)


def _merged(flow: Flow) -> bool:
    """Make one block of two that always run in a row."""
    sources = predecessors(flow)
    kept = flow.pinned | {flow.entry}
    for block in flow.blocks.values():
        kept |= set(addresses(block))
    changed = False
    for number in order(flow):
        if number not in flow.blocks:
            continue
        block = flow.blocks[number]
        while isinstance(block.end, Jump):
            to = block.end.to
            if to in kept or to == number or len(sources[to]) != 1:
                break
            after = flow.blocks.pop(to)
            _append(block, after)
            for following in sources.values():
                following[:] = [number if one == to else one for one in following]
            changed = True
    return changed


def _append(block: Block, after: Block) -> None:
    block.steps += after.steps
    block.end, block.span = after.end, after.span or block.span
    block.label = block.label or after.label
