"""One local for two where a copy connects them, so that nothing is to be copied.

Two locals can be one if neither changes while the other is still needed.
"""

from __future__ import annotations

from neuralc.lang.pyasm.flow import Flow, Local, Operand, Step, rename
from neuralc.lang.pyasm.liveness import live_after, live_before


def coalesce(flow: Flow) -> None:
    """Make one of locals that a copy connects, in place; the copies go."""
    while True:
        apart = _apart(flow)
        names: dict[Local, Local] = {}
        for step in _copies(flow):
            a, b = _root(names, step.target), _root(names, step.operands[0])
            if a == b or b in apart[a]:
                continue
            kept, gone = (a, b) if _better(a, b) else (b, a)
            names[gone] = kept
            for other in apart.pop(gone):
                apart[other].discard(gone)
                apart[other].add(kept)
                apart[kept].add(other)
        if not names:
            return
        rename(flow, {gone: _root(names, gone) for gone in names})
        for block in flow.blocks.values():
            block.steps = [step for step in block.steps if not _is_idle(step)]


def _is_idle(step: Step) -> bool:
    return step.operation == "COPY" and step.operands[0] == step.target


def _copies(flow: Flow) -> list[Step]:
    """Return the copies from local to local, those that run most often first."""
    blocks = sorted(flow.blocks.values(), key=lambda block: -len(block.loops))
    return [
        step
        for block in blocks
        for step in block.steps
        if step.operation == "COPY" and isinstance(step.operands[0], Local)
    ]


def _apart(flow: Flow) -> dict[Local, set[Local]]:
    """Return for each local those that are needed where it is set, and the reverse."""
    before = live_before(flow)
    found: dict[Local, set[Local]] = {}
    for block in flow.blocks.values():
        for step, live in zip(block.steps, live_after(flow, block, before), strict=True):
            for one in (step.target, *step.operands):
                if isinstance(one, Local):
                    found.setdefault(one, set())
            if step.target is None:
                continue
            for other in live - {step.target}:
                if step.operation == "COPY" and other == step.operands[0]:
                    continue
                found[step.target].add(other)
                found.setdefault(other, set()).add(step.target)
    return found


def _better(a: Local, b: Local) -> bool:
    """Return whether a is to give its name to both: a variable rather than an unnamed value."""
    return (not a.name, a.number) < (not b.name, b.number)


def _root(names: dict[Local, Local], one: Operand | None) -> Local:
    assert isinstance(one, Local)
    while one in names:
        one = names[one]
    return one
