"""Statements on solver terms: every path is followed, and paths that meet become one again.

Loops are unrolled. A `while` whose end depends on the inputs is unrolled as long as the solver
finds inputs that go on; what is left after `MOST_TURNS` turns is a failure, not an answer.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neuralc.lang.pyfn.lists import Lists
from neuralc.lang.pyfn.memory import NOWHERE, List, Meeting, Spoilt, State, Value
from neuralc.lang.pyfn.reference import Node, Reference, parameters
from neuralc.lang.pyfn.renamed import renamed
from neuralc.lang.pyfn.terms import Bool, Unencodable
from neuralc.lang.pyfn.words import FUNCTIONS

MOST_TURNS = 64
"""Of a `while` whose condition depends on the inputs."""
MOST_STATEMENTS = 200_000
MOST_CALLS = 60
"""Within one another."""
SOLVER_MS = 1000
"""For the question whether a path is possible; without an answer it is followed."""

Path = tuple[Bool, State]


@dataclass
class Loop:
    """The paths that have left a loop, or its turn."""

    breaks: list[Path] = field(default_factory=list)
    continues: list[Path] = field(default_factory=list)


@dataclass
class Call:
    """A function that is open, and the paths that have returned from it."""

    name: str
    returns: list[tuple[Bool, State, Value]] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)


class Paths(Lists):
    """Follows the statements; `alive` is False where no path goes on."""

    def __init__(self, reference: Reference, domain: Sequence[Any], deadline: float) -> None:
        """Begin; `domain` are the conditions on the inputs."""
        super().__init__(reference)
        self.deadline = deadline
        self.solver = self.terms.z3.Solver()
        self.solver.set("timeout", SOLVER_MS)
        self.solver.add(*domain)
        self.helpers = {name: renamed(node) for name, node in reference.helpers.items()}
        self.constants = {name: renamed(node) for name, node in reference.constants.items()}
        self.calls: list[Call] = []
        self.alive = True
        self.statements = 0

    def main(self, given: Mapping[str, Value]) -> list[tuple[Bool, State, Value]]:
        """Run the function; return its paths, each with what is returned on it."""
        self.state.frames.append({})
        for name, value in self.constants.items():
            self.state.constants[name] = self.value(value)
        self.state.frames[-1] = dict(given)
        self.calls.append(Call(self.reference.main.name))
        self._block(renamed(self.reference.main).body)
        if self.alive:
            self.fail(True, "it ends without `return`", self.reference.main)
        return self.calls.pop().returns

    # ---- statements

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            if not self.alive:
                return
            self._count()
            held = len(self.held)
            self._statement(statement)
            del self.held[held:]

    def _count(self) -> None:
        self.statements += 1
        if self.statements > MOST_STATEMENTS:
            raise Unencodable(f"more than {MOST_STATEMENTS} statements when written out")
        if time.monotonic() > self.deadline:
            raise Unencodable("there was not enough time to write it out")

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=value):
                returned = self._returned(value)
                self.calls[-1].returns.append((self.guard, self.state, returned))
                self.alive = False
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    self.bind(target, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.bind(target, self.value(value))
            case ast.AugAssign():
                self._augmented(node)
            case ast.If(test=test, body=body, orelse=orelse):
                self._if(self.truth(self.value(test)), body, orelse)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Expr(value=ast.Call() as call):
                self.call(call, alone=True)
            case ast.Break() | ast.Continue():
                loop = self.calls[-1].loops[-1]
                paths = loop.breaks if isinstance(node, ast.Break) else loop.continues
                paths.append((self.guard, self.state))
                self.alive = False

    def _returned(self, node: ast.expr | None) -> Value:
        if isinstance(node, ast.Dict):
            return {
                key.value: self.value(value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
        return None if node is None else self.value(node)

    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target."""
        match target:
            case ast.Name(id=name):
                self.state.frames[-1][name] = value
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if not isinstance(value, List | tuple) or len(self._parts(value)) != len(elements):
                    message = f"it is not {len(elements)} values, one for each name"
                    self.fail(value is not NOWHERE, message, target)
                    parts: Sequence[Value] = [0] * len(elements)
                else:
                    parts = self._parts(value)
                for element, part in zip(elements, parts, strict=True):
                    self.bind(element, part)
            case ast.Subscript(value=owner, slice=index):
                places = self.places(owner)
                at = self.index(index)
                for condition, of in places:
                    self.put(target, condition, of, at, value)

    def _augmented(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name) as target:
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                self.bind(target, self._changed(node, self.value(load), self.value(node.value)))
            case ast.Subscript(value=owner, slice=index) as target:
                places = self.places(owner)
                at = self.index(index)
                old = self.chosen(target, places, at)
                if isinstance(old, Spoilt):
                    raise Unencodable(old.reason)
                new = self._changed(node, old, self.value(node.value))
                for condition, of in places:
                    self.put(target, condition, of, at, new)

    def _changed(self, node: ast.AugAssign, old: Value, value: Value) -> Value:
        """Return what `old += value` gives; a list is changed itself."""
        op = type(node.op)
        if isinstance(old, List) and op is ast.Add and isinstance(value, List | tuple):
            self.state.change(old, (*self._parts(old), *self._parts(value)))
            return old
        if isinstance(old, List) and op is ast.Mult and isinstance(value, int):
            self.state.change(old, self._parts(old) * value)
            return old
        return self.binary(node, op, old, value)

    # ---- where paths divide and meet

    def _if(self, condition: Bool, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        if isinstance(condition, bool):
            self._block(body if condition else orelse)
            return
        before, guard = self.state, self.guard
        ends: list[Path] = []
        untouched = True
        for holds, part in ((condition, body), (self.terms.negated(condition), orelse)):
            self.state, self.guard = before.copy(), self.terms.both(guard, holds)
            start, self.alive = self.guard, True
            self._block(part)
            untouched &= self.alive and self.guard is start
            if self.alive:
                ends.append((self.guard, self.state))
        self._meet(ends)
        if untouched:  # nobody left: the guard is what it was, in fewer words
            self.guard = guard

    def _meet(self, ends: Sequence[Path]) -> None:
        """Go on where some paths have ended; their guards exclude each other."""
        self.alive = bool(ends)
        if not ends:
            return
        self.guard, self.state = ends[-1]
        for guard, state in reversed(ends[:-1]):
            if isinstance(guard, bool):  # the only path there is
                self.guard, self.state = guard, state
                continue
            self.state = Meeting(self.terms, guard, state, self.state).finish(self.held)
            self.guard = self.terms.either(guard, self.guard)

    def _for(self, node: ast.For) -> None:
        loop, guard, returns = self._open()
        items = self.items(node.iter)
        while self.alive and (item := next(items, None)) is not None:
            active, value = item
            if active is False:
                continue
            before, skipped = self.guard, []
            if active is not True:
                unless = self.terms.both(before, self.terms.negated(active))
                skipped.append((unless, self.state.copy()))
                self.guard = self.terms.both(before, active)
            start = self.guard
            self.bind(node.target, value)
            self._turn(node.body, loop)
            if skipped:
                untouched = self.alive and self.guard is start
                self._meet([*self._here(), *skipped])
                self.guard = before if untouched else self.guard
        self._close([*self._here(), *loop.breaks], guard, returns)

    def _while(self, node: ast.While) -> None:
        loop, guard, returns = self._open()
        exits: list[Path] = []
        turns = 0
        while self.alive:
            condition = self.truth(self.value(node.test))
            stays = self.terms.negated(condition)
            if stays is not False:
                exits.append((self.terms.both(self.guard, stays), self.state.copy()))
                self.guard = self.terms.both(self.guard, condition)
            if not isinstance(self.guard, bool):
                turns += 1
            if not self._possible(self.guard):
                break
            if turns > MOST_TURNS:
                self.fail(True, f"more than {MOST_TURNS} turns of this loop", node)
                exits += self._here()
                break
            self._turn(node.body, loop)
        self._close([*exits, *loop.breaks], guard, returns)

    def _open(self) -> tuple[Loop, Bool, int]:
        """Begin a loop; return it, the guard before it, and how many paths have returned."""
        call, loop = self.calls[-1], Loop()
        call.loops.append(loop)
        return loop, self.guard, len(call.returns)

    def _close(self, ends: Sequence[Path], guard: Bool, returns: int) -> None:
        """End a loop; where no path has returned from inside, the guard is what it was."""
        call = self.calls[-1]
        call.loops.pop()
        self._meet(ends)
        if self.alive and len(call.returns) == returns:
            self.guard = guard

    def _here(self) -> list[Path]:
        return [(self.guard, self.state)] if self.alive else []

    def _turn(self, body: Sequence[ast.stmt], loop: Loop) -> None:
        """Run the body of a loop once, up to the beginning of the next turn."""
        self._count()
        self._block(body)
        if loop.continues:
            self._meet([*self._here(), *loop.continues])
            loop.continues.clear()

    def _possible(self, guard: Bool) -> bool:
        if isinstance(guard, bool):
            return guard
        return bool(self.solver.check(guard) != self.terms.z3.unsat)

    # ---- functions

    def call(self, node: ast.Call, *, alone: bool = False) -> Value:
        """Return what a function or a method gives."""
        match node.func:
            case ast.Name(id=name) if name in self.reference.helpers:
                return self._helper(node, name, [self.value(arg) for arg in node.args], alone)
            case ast.Name(id=name) if name in FUNCTIONS:
                return self.builtin(node, name)
            case ast.Attribute(attr=name, value=owner):
                of = self.value(owner)
                return self.method(node, name, of, [self.value(arg) for arg in node.args])
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def _helper(self, node: Node, name: str, args: list[Value], alone: bool) -> Value:
        function, guard = self.helpers[name], self.guard
        if any(call.name == name for call in self.calls) and not self._possible(guard):
            return NOWHERE
        if len(self.calls) > MOST_CALLS:
            raise Unencodable(f"more than {MOST_CALLS} calls within one another")
        self.state.frames.append(dict(zip(parameters(function), args, strict=True)))
        self.calls.append(Call(name))
        self._block(function.body)
        ends = self.calls.pop().returns
        if self.alive:
            if not alone:
                self.fail(True, f"`{name}` ended without `return`", node)
            ends.append((self.guard, self.state, NOWHERE))
        if not ends:
            raise Unencodable(f"`{name}` never returns")
        _, self.state, value = ends[-1]
        for condition, state, other in reversed(ends[:-1]):
            meeting = Meeting(self.terms, condition, state, self.state)
            value = meeting.value(other, value)
            self.state = meeting.finish([value, *self.held])
        self.state.frames.pop()
        self.guard, self.alive = guard, True
        return value
