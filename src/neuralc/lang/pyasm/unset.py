"""Where a function reads a variable that may not be set, or ends without its result.

Follows all paths that can be taken; a loop over a range may run no turn, unless its bounds are
constants that say otherwise.
"""

from __future__ import annotations

from neuralc.errors import SourceError
from neuralc.lang.pyasm.flow import Block, Flow, Local, order, predecessors
from neuralc.lang.pyasm.syntax import Definition


def missing(flow: Flow, definition: Definition, fall: int) -> list[SourceError]:
    """Return where a value may be missing, and take the marks of readings out.

    Args:
        flow: a function as translated.
        definition: its text.
        fall: the block that is reached when the function ends without a `return`.

    """
    reachable = order(flow)
    flow.blocks = {number: flow.blocks[number] for number in reachable}
    errors = _unset(flow, reachable)
    if fall in flow.blocks and flow.result is not None:
        node = definition.node
        errors.append(definition.text.error(
            "E508",
            f"`{node.name}` does not return a value on every path",
            node,
            hint="end every path with `return value`",
        ))  # fmt: skip
    for block in flow.blocks.values():
        block.steps = [step for step in block.steps if step.operation != "USE"]
    return errors


def _unset(flow: Flow, reachable: list[int]) -> list[SourceError]:
    """Return an error for each variable, at the first place where it may be without a value."""
    before = _set_before(flow, reachable)
    found: dict[Local, SourceError] = {}
    for number in sorted(reachable):
        known = set(before[number])
        for step in flow.blocks[number].steps:
            for local in step.operands if step.operation == "USE" else ():
                if isinstance(local, Local) and local not in known | set(found):
                    assert step.span is not None
                    found[local] = SourceError(
                        "E507",
                        f"`{local.name}` is read where it may not be set",
                        step.span,
                        label="not on every path to here",
                        hint=f"set it first: `{local.name} = 0`",
                    )
            if step.target is not None:
                known.add(step.target)
    return list(found.values())


def _set_before(flow: Flow, reachable: list[int]) -> dict[int, set[Local]]:
    """Return the locals that are set on every path to the begin of a block."""
    sources = predecessors(flow)
    after: dict[int, set[Local]] = {}
    before: dict[int, set[Local]] = {}
    changed = True
    while changed:
        changed = False
        for number in reachable:
            known = [after[one] for one in sources[number] if one in after]
            start = set.intersection(*known) if known else set()
            if number == flow.entry:
                start = set(flow.parameters)
            before[number] = start
            end = start | _assigned(flow.blocks[number])
            if after.get(number) != end:
                after[number] = end
                changed = True
    return before


def _assigned(block: Block) -> set[Local]:
    return {step.target for step in block.steps if step.target is not None}
