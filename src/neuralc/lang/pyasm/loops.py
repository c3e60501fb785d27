"""Translates `for i in range(…)`, mindful of numbers that wrap around.

Bounds are computed once. Constant bounds are meant as written: `range(len(mem))` runs over all
cells, `range(n, -1, -1)` ends with 0.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from neuralc.lang.pyasm.build import Builder
from neuralc.lang.pyasm.flow import Block, Local, Number, Operand
from neuralc.lang.pyasm.values import Test, Values

Body = Callable[[Block], None]
"""Translates the body of a loop, given where `continue` leads."""


@dataclass(frozen=True)
class _Loop:
    """What the parts of one loop have in common; `counter` is the next value of `variable`."""

    node: ast.For
    variable: Local
    counter: Local
    body: Body
    end: Block
    step: int


class Ranges:
    """Translates the loops of one function."""

    def __init__(self, build: Builder, values: Values) -> None:
        """Add steps to a builder."""
        self.build, self.values = build, values

    def loop(self, node: ast.For, variable: Local, body: Body, end: Block) -> None:
        """Translate a loop; whatever comes behind it is `end`."""
        assert isinstance(node.iter, ast.Call)
        args = node.iter.args
        known = [self.build.constant(arg) for arg in args]
        step = known[2] if len(args) == 3 else 1
        assert step
        if len(args) == 1:
            first, last = 0, known[0]
            start: Operand = Number(0)
            stop = self._bound(args[0], last)
        else:
            start = self.values.value(args[0])
            first, last = known[0], known[1]  # type: ignore[assignment]
            stop = self._bound(args[1], last)
        counter = self.build.supply.local(variable.name, variable.owner)
        loop = _Loop(node, variable, counter, body, end, step)
        if first is not None and last is not None:
            self._known(loop, first, last)
        elif last in (-1, self.build.size):
            assert last is not None
            self._open(loop, start, last)
        elif abs(step) == 1:
            self._one_by_one(loop, start, stop)
        elif last is not None:
            self._to_constant(loop, start, last)
        else:
            self._by_distance(loop, start, stop)

    def _bound(self, node: ast.expr, known: int | None) -> Operand:
        return self.values.value(node) if known is None else self.build.number(known)

    # ---- the kinds of loops

    def _known(self, loop: _Loop, first: int, last: int) -> None:
        """Both bounds are constants."""
        turns = range(first, last, loop.step)
        if not turns:
            self.build.jump(loop.end, loop.node)
            return
        self.build.copy(loop.counter, self.build.number(first), loop.node)
        if len(turns) == 1:
            self._begin(loop)
            latch = self._turn(loop)
            self.build.go_on(latch)
            self.build.jump(loop.end, loop.node)
            self.build.out_of_loop()
            return
        self._at_least_once(loop, turns[-1], self.build.number(turns[-1] + loop.step))

    def _open(self, loop: _Loop, start: Operand, last: int) -> None:
        """The loop runs up to the largest number, or down to 0."""
        size, step = self.build.size, loop.step
        if (step > 0) != (last == size):
            self.build.jump(loop.end, loop.node)
            return
        self.build.copy(loop.counter, start, loop.node)
        if abs(step) == 1:
            self._at_least_once(
                loop, size - 1 if step > 0 else 0, Number(0 if step > 0 else size - 1)
            )
            return
        again = self._begin(loop)
        latch = self._turn(loop)
        self.build.go_on(latch)
        self._leave_beyond(loop, last, again)

    def _one_by_one(self, loop: _Loop, start: Operand, stop: Operand) -> None:
        """Count up or down by one, until the counter is the end; an end before it is moved there.

        So an empty range needs no test of its own, and no number wraps around.
        """
        build, node = self.build, loop.node
        build.copy(loop.counter, start, node)
        limit = build.emit("MAX" if loop.step > 0 else "MIN", loop.counter, stop, node=node)
        again = self._begin(loop)
        body = build.block("body", node)
        left = build.emit("SUB", loop.counter, limit, node=node)
        build.branch(left, loop.end, body, node)
        build.go_on(body)
        self._advance(loop, self._turn(loop), again)

    def _to_constant(self, loop: _Loop, start: Operand, last: int) -> None:
        """Count in larger steps to a constant: test before every turn, where nothing wraps."""
        build, node, step = self.build, loop.node, loop.step
        build.copy(loop.counter, start, node)
        wraps = last + step > build.size if step > 0 else last + step < -1
        again = None if wraps else self._begin(loop)
        body = build.block("body", node)
        self._leave(self._reached(loop, last), loop, body)
        build.go_on(body)
        if again is not None:
            self._advance(loop, self._turn(loop), again)
            return
        again = self._begin(loop)
        latch = self._turn(loop)
        build.go_on(latch)
        self._leave_beyond(loop, last, again)

    def _by_distance(self, loop: _Loop, start: Operand, stop: Operand) -> None:
        """Count in larger steps to a value: keep how far it is, since the counter may wrap."""
        build, node, step = self.build, loop.node, loop.step
        build.copy(loop.counter, start, node)
        limit = build.emit("MAX" if step > 0 else "MIN", loop.counter, stop, node=node)
        ends = (limit, loop.counter) if step > 0 else (loop.counter, limit)
        distance = build.supply.local("left", loop.variable.owner)
        build.step("SUB", distance, *ends, node=node)
        again = self._begin(loop)
        body = build.block("body", node)
        build.branch(distance, loop.end, body, node)
        build.go_on(body)
        latch = self._turn(loop)
        build.go_on(latch)
        taken = build.emit("MIN", distance, Number(abs(step)), node=node)
        build.step("SUB", distance, distance, taken, node=node)
        self._advance(loop, latch, again)

    # ---- parts

    def _begin(self, loop: _Loop) -> Block:
        """Go into the loop; return the block where its turns begin."""
        self.build.into_loop()
        again = self.build.block("for", loop.node)
        self.build.jump(again, loop.node)
        self.build.go_on(again)
        return again

    def _turn(self, loop: _Loop) -> Block:
        """Translate a turn; return where it ends, with nothing there so far."""
        latch = self.build.block("next", loop.node)
        self.build.copy(loop.variable, loop.counter, loop.node)
        loop.body(latch)
        self.build.jump(latch, loop.node)
        return latch

    def _advance(self, loop: _Loop, latch: Block, again: Block) -> None:
        """End a turn: count, and go to the next."""
        self.build.go_on(latch)
        step = self.build.number(loop.step)
        self.build.step("ADD", loop.counter, loop.counter, step, node=loop.node)
        self.build.jump(again, loop.node)
        self.build.out_of_loop()

    def _at_least_once(self, loop: _Loop, final: int, beyond: Number) -> None:
        """Run turns until the counter, which is set, has been `final`; then it is `beyond`."""
        build, node = self.build, loop.node
        again = self._begin(loop)
        latch = self._turn(loop)
        build.go_on(latch)
        more = build.block("more", node)
        if final == 0:
            build.branch(loop.counter, loop.end, more, node)
            self._advance(loop, more, again)
            return
        step = build.number(loop.step)
        build.step("ADD", loop.counter, loop.counter, step, node=node)
        left = build.emit("SUB", loop.counter, beyond, node=node)
        build.branch(left, loop.end, again, node)
        build.out_of_loop()

    def _reached(self, loop: _Loop, last: int) -> Test:
        """Return a test of whether the counter is at or beyond the end."""
        stop = self.build.number(last)
        if loop.step > 0:
            return self.values.at_most(stop, loop.counter, loop.node)
        return self.values.at_most(loop.counter, stop, loop.node)

    def _leave(self, test: Test, loop: _Loop, other: Block) -> None:
        value, zero_is_true = test
        zero, rest = (loop.end, other) if zero_is_true else (other, loop.end)
        self.build.branch(value, zero, rest, loop.node)

    def _leave_beyond(self, loop: _Loop, last: int, again: Block) -> None:
        """End a turn: leave where the next value would be at or beyond a constant."""
        final = last - loop.step  # from here on there is no next turn
        if not 0 <= final < self.build.size:
            self.build.jump(loop.end, loop.node)
            self.build.out_of_loop()
            return
        more = self.build.block("more", loop.node)
        self._leave(self._reached(loop, final), loop, more)
        self._advance(loop, more, again)
