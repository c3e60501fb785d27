"""Calls as jumps: arguments and results in locals, and a stack in the memory for recursion.

A function that is never called within itself has a local of its own for the line to go back to.
Functions that call each other in a circle share one, and one for the result; who calls on the
circle first saves what it still needs in the stack. The stack grows downward from the last cell;
its lowest cell is the status: 0, or after an overflow the line that the last call would have gone
back to, which says which call it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuralc.lang.pyasm.flow import (
    COMPUTED,
    Address,
    Block,
    Branch,
    Flow,
    Indirect,
    Jump,
    Local,
    Number,
    Return,
    Step,
    Stop,
    Supply,
    rename,
)
from neuralc.lang.pyasm.inline import groups
from neuralc.lang.pyasm.liveness import live_after, live_before
from neuralc.source import Span


@dataclass
class Linked:
    """The whole program as one flow.

    Attributes:
        flow: the program.
        calls: for each block where a call comes back to that may overflow: the call.
        traps: the blocks that end the run after an overflow.
        frame: the most cells that one call saves; 0 without recursion.

    """

    flow: Flow
    calls: dict[int, Span] = field(default_factory=dict)
    traps: set[int] = field(default_factory=set)
    frame: int = 0


@dataclass
class _Frame:
    """What the functions of a circle share, or a function that is on none has for itself."""

    link: Local
    result: Local | None
    recursive: bool
    returns: list[int] = field(default_factory=list)


def link(flows: Mapping[str, Flow], main: str, supply: Supply, size: int, stack: int) -> Linked:
    """Put functions together to one program.

    Args:
        flows: the functions, optimised.
        main: the one that is run, which nobody calls.
        supply: gives new locals and blocks.
        size: M.
        stack: how many cells at the end of the memory are for the stack and the status.

    """
    return _Linker(flows, main, supply, size, stack).linked


class _Linker:
    def __init__(
        self, flows: Mapping[str, Flow], main: str, supply: Supply, size: int, stack: int
    ) -> None:
        self.flows, self.main, self.supply = flows, main, supply
        self.size, self.status = size, size - stack
        self.top = supply.local("stack")
        self.groups = groups(flows)
        self.frames = self._frames()
        self.linked = Linked(Flow(flows[main].entry))
        self.saved: dict[str, list[int]] = {key: [] for key in flows}
        self.callers: dict[str, list[Block]] = {key: [] for key in flows}
        self.traps: dict[Local, int] = {}
        for key in flows:
            self._function(key)
        for key in flows:
            self._checked(key)
        if any(self.saved.values()):
            self._prepared()
        self._returns()

    def _frames(self) -> dict[str, _Frame]:
        """Give each function its way back and its result."""
        found: dict[str, _Frame] = {}
        for key, flow in self.flows.items():
            if key in found:
                continue
            members = self.groups[key] or {key}
            results = [one for k in self.flows if k in members
                       if (one := self.flows[k].result) is not None]  # fmt: skip
            name = flow.blocks[flow.entry].label or key
            frame = _Frame(
                self.supply.local(f"{name}_back", name),
                results[0] if results else None,
                bool(self.groups[key]),
            )
            found |= dict.fromkeys(members, frame)
        return found

    def _function(self, key: str) -> None:
        """Add a function to the program."""
        flow, frame = self.flows[key], self.frames[key]
        if flow.result is not None and frame.result is not None:
            rename(flow, {flow.result: frame.result})
            flow.result = frame.result
        for block in flow.blocks.values():
            if isinstance(block.end, Return):
                block.end = Return((frame.link, *block.end.values)) if key != self.main else Stop()
        self.linked.flow.blocks |= flow.blocks
        before = live_before(flow)
        needed = {
            id(step): live
            for block in flow.blocks.values()
            for step, live in zip(block.steps, live_after(flow, block, before), strict=True)
        }
        for block in flow.blocks.values():
            place = _last_call(block, flow)
            if place is not None and block.steps[place].callee in self.groups[key]:
                self._tail(key, block, place)
        for block in list(flow.blocks.values()):
            while (place := _first_call(block)) is not None:
                block = self._call(key, block, place, needed)

    # ---- calls

    def _tail(self, key: str, block: Block, place: int) -> None:
        """Translate a call whose result is given back at once: as a jump, the way back is kept."""
        call = block.steps[place]
        callee = self.flows[call.callee]
        del block.steps[place:]
        block.steps += self._arguments(call, callee)
        block.end, block.span = Jump(callee.entry), call.span
        if call.callee != key:
            self.callers[call.callee].append(block)

    def _arguments(self, call: Step, callee: Flow) -> list[Step]:
        """Return the steps that give the parameters their values, all at once."""
        held = [self.supply.local() for _ in call.operands]
        first = [Step("COPY", one, (value,), call.span)
                 for one, value in zip(held, call.operands, strict=True)]  # fmt: skip
        second = [Step("COPY", parameter, (one,), call.span)
                  for parameter, one in zip(callee.parameters, held, strict=True)]  # fmt: skip
        return first + second

    def _call(self, key: str, block: Block, place: int, needed: Mapping[int, set[Local]]) -> Block:
        """Translate a call; return the block of what follows it."""
        call = block.steps[place]
        callee, frame = self.flows[call.callee], self.frames[call.callee]
        after = self.supply.block(block.loops, f"after_{_line(call)}")
        after.steps, after.end, after.span = block.steps[place + 1 :], block.end, block.span
        rest = block.steps[:place]
        late: list[Step] = []
        save: list[Local] = []
        if call.callee in self.groups[key]:  # the way back first: it can stay for the next call
            live = {one for one in needed[id(call)] if one != call.target}
            save = sorted(live, key=lambda one: (one != frame.link, one.number))
            self.saved[key].append(len(save))
            late = _late(rest, save)
        if frame.recursive:
            assert call.span is not None
            self.linked.calls[after.number] = call.span
            self.linked.flow.pinned.add(after.number)
        block.steps = rest + self._pushed(save, call) + late
        block.steps += self._arguments(call, callee)
        block.steps.append(Step("COPY", frame.link, (Address(after.number),), call.span))
        block.end, block.span = Jump(callee.entry), call.span
        self.callers[call.callee].append(block)
        back = self._popped(save, call)
        if call.target is not None and frame.result is not None:
            back.append(Step("COPY", call.target, (frame.result,), call.span))
        after.steps[:0] = back
        frame.returns.append(after.number)
        self.linked.flow.blocks[after.number] = after
        return after

    def _pushed(self, save: list[Local], call: Step) -> list[Step]:
        steps = []
        for one in save:
            steps.append(Step("WRITE", None, (self.top, one), call.span))
            steps.append(self._moved(self.size - 1, call))
        return steps

    def _popped(self, save: list[Local], call: Step) -> list[Step]:
        steps = []
        for one in reversed(save):
            steps.append(self._moved(1, call))
            steps.append(Step("READ", one, (self.top,), call.span))
        return steps

    def _moved(self, by: int, call: Step) -> Step:
        return Step("ADD", self.top, (self.top, Number(by)), call.span)

    # ---- the stack

    def _checked(self, key: str) -> None:
        """Let a function that saves something check first that there is room for it."""
        most = max(self.saved[key], default=0)
        self.linked.frame = max(self.linked.frame, most)
        if not most:
            return
        body = self.flows[key].blocks[self.flows[key].entry]
        test = self.supply.block(body.loops, body.label)
        span = body.steps[0].span if body.steps else body.span
        full, exact = self._full(key, most)
        rest = self.top
        if not exact:
            rest = self.supply.local()
            test.steps.append(Step("MAX", rest, (self.top, Number(full)), span))
        left = self.supply.local()
        test.steps.append(Step("SUB", left, (rest, Number(full)), span))
        trap = self._trap(self.frames[key].link, span)
        test.end, test.span = Branch(left, trap, body.number), span
        body.label = f"{body.label}_body"
        self.linked.flow.blocks[test.number] = test
        for block in self.callers[key]:  # one that jumps to itself again needs no second check
            block.end = Jump(test.number)

    def _trap(self, link: Local, span: Span | None) -> int:
        """Return the block where functions that share a way back end after an overflow."""
        if link not in self.traps:
            trap = self.supply.block((), "overflow")
            trap.steps.append(Step("WRITE", None, (Number(self.status), link), span))
            trap.span = span
            self.linked.flow.blocks[trap.number] = trap
            self.linked.flow.pinned.add(trap.number)
            self.linked.traps.add(trap.number)
            self.traps[link] = trap.number
        return self.traps[link]

    def _full(self, key: str, most: int) -> tuple[int, bool]:
        """Return the largest value of the stack's top that leaves no room, and whether it is met.

        Where all calls save the same number of cells, the top comes by that very value.
        """
        sizes = {size for found in self.saved.values() for size in found if size}
        links = {self.frames[one].link for one, found in self.saved.items() if any(found)}
        if len(sizes) == 1 and len(links) == 1:
            room = self.size - 1 - self.status
            return self.status + room % most, True
        return min(self.status + most - 1, self.size - 1), False

    def _prepared(self) -> None:
        """Let the program begin with an empty stack and the status 0."""
        flow = self.linked.flow
        first = self.supply.block((), flow.blocks[flow.entry].label)
        span = flow.blocks[flow.entry].span
        first.steps = [
            Step("COPY", self.top, (Number(self.size - 1),), span),
            Step("WRITE", None, (Number(self.status), Number(0)), span),
        ]
        first.end = Jump(flow.entry)
        flow.blocks[first.number] = first
        flow.entry = first.number

    def _returns(self) -> None:
        """Let functions return to where they were called."""
        returns = {frame.link: tuple(frame.returns) for frame in self.frames.values()}
        shared: dict[Local, Block] = {}
        for block in list(self.linked.flow.blocks.values()):
            if isinstance(block.end, Return):
                back = block.end.values[0]
                if back not in shared:
                    shared[back] = self.supply.block(label=f"return_{back.owner}")
                    shared[back].end = Indirect(back, returns[back])
                    self.linked.flow.blocks[shared[back].number] = shared[back]
                block.end = Jump(shared[back].number)


def _last_call(block: Block, flow: Flow) -> int | None:
    """Return where a call is behind which nothing happens but giving its result back."""
    if not isinstance(block.end, Return):
        return None
    places = [i for i, one in enumerate(block.steps) if one.operation == "CALL"]
    if not places:
        return None
    call, rest = block.steps[places[-1]], block.steps[places[-1] + 1 :]
    match rest:
        case []:
            given = flow.result is None or call.target == flow.result
        case [Step(operation="COPY", target=target, operands=(value,))]:
            given = target == flow.result and value == call.target
        case _:
            given = False
    return places[-1] if given else None


def _late(steps: list[Step], save: list[Local]) -> list[Step]:
    """Take the last steps off that only compute arguments: they come after what is saved.

    So an argument can be computed in the register of what was saved.
    """
    place = len(steps)
    while place and steps[place - 1].operation in COMPUTED and steps[place - 1].target not in save:
        place -= 1
    late = steps[place:]
    del steps[place:]
    return late


def _first_call(block: Block) -> int | None:
    return next((i for i, one in enumerate(block.steps) if one.operation == "CALL"), None)


def _line(call: Step) -> int:
    return call.span.line if call.span is not None else 0
