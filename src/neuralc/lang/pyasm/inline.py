"""Which functions call themselves, and the bodies of the others in place of their calls.

A body is put in place of a call where that makes the program no longer: of a function that is
called once always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from neuralc.lang.pyasm.flow import (
    Block,
    Branch,
    End,
    Flow,
    Indirect,
    Jump,
    Local,
    Operand,
    Return,
    Step,
    Supply,
    modified,
)

CALL_LINES = 3
"""About what a call costs beside the body: the arguments, the way back, the jump there."""


def groups(flows: Mapping[str, Flow]) -> dict[str, frozenset[str]]:
    """Return for each function those that it calls and that call it in turn.

    The set is empty where a function never comes back to itself.
    """
    reach = {key: {step.callee for _, step in calls(flow)} for key, flow in flows.items()}
    for middle in flows:
        for key in flows:
            if middle in reach[key]:
                reach[key] |= reach[middle]
    return {
        key: frozenset(other for other in found if key in reach[other])
        for key, found in reach.items()
    }


def calls(flow: Flow) -> Iterator[tuple[Block, Step]]:
    """Yield the calls of a function."""
    for block in flow.blocks.values():
        for step in block.steps:
            if step.operation == "CALL":
                yield block, step


def inline(flows: dict[str, Flow], main: str, supply: Supply) -> None:
    """Put bodies in place of calls; functions that `main` does not need any more are dropped."""
    needed = prune(flows, main)
    recursive = groups(flows)
    for key in needed:
        sites = sum(step.callee == key for flow in flows.values() for _, step in calls(flow))
        if key != main and not recursive[key] and _worth(flows[key], sites):
            callee = flows.pop(key)
            for flow in flows.values():
                _replace(flow, key, callee, supply)


def prune(flows: dict[str, Flow], main: str) -> list[str]:
    """Drop functions that are not needed; return the others, each behind those that it calls."""
    found: list[str] = []

    def visit(key: str, above: frozenset[str]) -> None:
        for _, step in calls(flows[key]):
            if step.callee not in above and step.callee not in found:
                visit(step.callee, above | {step.callee})
        if key not in found:
            found.append(key)

    visit(main, frozenset((main,)))
    for key in set(flows) - set(found):
        del flows[key]
    return found


def _worth(callee: Flow, sites: int) -> bool:
    lines = sum(len(block.steps) for block in callee.blocks.values())
    lines += sum(not isinstance(block.end, Return) for block in callee.blocks.values())
    return sites == 1 or sites * lines <= lines + 1 + sites * CALL_LINES


def _replace(flow: Flow, key: str, callee: Flow, supply: Supply) -> None:
    """Put a body in place of all calls of it in a function."""
    for number in list(flow.blocks):
        block = flow.blocks[number]
        place = _place(block, key)
        while place is not None:
            block = splice(flow, block, place, callee, supply)
            place = _place(block, key)


def _place(block: Block, key: str) -> int | None:
    return next((i for i, step in enumerate(block.steps) if step.callee == key), None)


def splice(flow: Flow, block: Block, place: int, callee: Flow, supply: Supply) -> Block:
    """Put a body in place of one call; return the block of what follows."""
    call = block.steps[place]
    after = supply.block(block.loops)
    after.steps, after.end, after.span = block.steps[place + 1 :], block.end, block.span
    flow.blocks[after.number] = after
    copy = _Copy(callee, supply, block.loops)
    for parameter, value in zip(callee.parameters, call.operands, strict=True):
        copied = copy.local(parameter)
        block.steps.append(Step("COPY", copied, (value,), call.span))
    block.steps[place:] = block.steps[len(block.steps) - len(callee.parameters) :]
    block.end, block.span = Jump(copy.blocks[callee.entry]), call.span
    for old in callee.blocks.values():
        new = copy.block(old)
        if isinstance(old.end, Return):
            if call.target is not None and callee.result is not None:
                result = copy.local(callee.result)
                new.steps.append(Step("COPY", call.target, (result,), call.span))
            new.end = Jump(after.number)
        flow.blocks[new.number] = new
    return after


class _Copy:
    """A copy of a function with blocks and locals of its own."""

    def __init__(self, callee: Flow, supply: Supply, loops: tuple[int, ...]) -> None:
        self.supply, self.around = supply, loops
        self.fresh = {old.number: supply.block() for old in callee.blocks.values()}
        self.blocks = {old: new.number for old, new in self.fresh.items()}
        self.locals: dict[Local, Local] = {}
        self.loops: dict[int, int] = {}

    def local(self, old: Local) -> Local:
        if old not in self.locals:
            self.locals[old] = self.supply.local(old.name, old.owner)
        return self.locals[old]

    def operand(self, old: Operand) -> Operand:
        return self.local(old) if isinstance(old, Local) else old

    def block(self, old: Block) -> Block:
        new = self.fresh[old.number]
        for loop in old.loops:
            if loop not in self.loops:
                self.loops[loop] = self.supply.loop()
        new.loops = (*self.around, *(self.loops[loop] for loop in old.loops))
        new.label, new.span = old.label, old.span
        new.steps = [
            replace(
                step,
                target=self.local(step.target) if step.target is not None else None,
                operands=tuple(map(self.operand, step.operands)),
            )
            for step in old.steps
        ]
        new.end = self._end(old.end)
        return new

    def _end(self, old: End) -> End:
        end = modified(old, self.blocks)
        match end:
            case Branch(on=on, zero=zero, other=other):
                return Branch(self.operand(on), zero, other)
            case Indirect():
                raise AssertionError("calls are translated after bodies are put in their place")
        return end
