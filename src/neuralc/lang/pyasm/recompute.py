"""Computes a value again in place of copying it, where that takes no more and frees a register.

A copy that is left after `coalesce` costs a line, as much as any operation. `i = t`, where t is
i + 1, becomes `i = i + 1`, and t is no longer needed for it.
"""

from __future__ import annotations

from dataclasses import replace

from neuralc.lang.pyasm.facts import Facts
from neuralc.lang.pyasm.flow import Flow, Local, Number, Operand, Step
from neuralc.lang.pyasm.liveness import live_after, live_before
from neuralc.lang.pyasm.simplify import known_before


def recompute(flow: Flow, size: int) -> None:
    """Replace copies in place, where all that is needed for it is there anyway."""
    before = live_before(flow)
    for number, facts in known_before(flow, size).items():
        block = flow.blocks[number]
        facts = facts.copy()
        steps = []
        for step, live in zip(block.steps, live_after(flow, block, before), strict=True):
            steps.append(_again(step, live, facts))
            facts.update(step)
        block.steps = steps


def _again(step: Step, live: set[Local], facts: Facts) -> Step:
    """Return a step that computes what a copy copies, or the step itself."""
    match step.operation, step.target, step.operands:
        case "COPY", Local() as target, (Local() as value,):
            for operation, operands in _ways(value, facts):
                at_hand = (one in live or one == target or isinstance(one, Number)
                           for one in operands)  # fmt: skip
                if all(at_hand):
                    return replace(step, operation=operation, operands=operands)
    return step


def _ways(value: Local, facts: Facts) -> list[tuple[str, tuple[Operand, ...]]]:
    """Return the operations that give a value."""
    found: list[tuple[str, tuple[Operand, ...]]] = []
    match facts.known.get(value):
        case (str() as operation, a, b):
            found.append((operation, (a, b)))
    for (base, offset), content in facts.cells.items():
        if content == value and base is None:
            found.append(("READ", (Number(offset),)))
        elif content == value and base is not None and not offset:
            found.append(("READ", (base,)))
    return found
