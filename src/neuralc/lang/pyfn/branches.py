"""Expressions on solver terms: what is computed on one path, and where the path divides.

A run keeps one state and one guard, the condition under which it is there at all. Statements are
in `paths`, functions and operators in `lists`.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from neuralc.lang.pyfn.memory import NOWHERE, List, Meeting, Perhaps, Spoilt, State, Value
from neuralc.lang.pyfn.reference import Node, Reference
from neuralc.lang.pyfn.terms import Bool, Number, Terms, Unencodable

Item = tuple[Bool, Value]
"""What a loop gives: whether it gives it, and what."""


@dataclass(frozen=True, eq=False)
class Failure:
    """The function has no result where the condition holds."""

    condition: Any
    message: str
    node: Node


class Branches(ABC):
    """Evaluates expressions; the parts that know operators and functions are in subclasses."""

    def __init__(self, reference: Reference) -> None:
        """Begin on a path that is always there."""
        self.reference = reference
        self.failures: list[Failure] = []
        self.state = State()
        self.guard: Bool = True
        self.held: list[Value] = []  # lists that the open statements have computed so far
        self.place: Node = reference.main
        self.terms = Terms(lambda condition, message: self.fail(condition, message))

    def fail(self, condition: Bool, message: str, node: Node | None = None) -> None:
        """Note that there is no result where a condition holds on this path."""
        full = self.terms.both(self.guard, condition)
        if full is not False:
            self.failures.append(Failure(full, message, node or self.place))

    # ---- where paths divide

    def branch(
        self, condition: Bool, first: Callable[[], Value], second: Callable[[], Value]
    ) -> Value:
        """Return one of two values; each is computed on the path where it is needed."""
        if isinstance(condition, bool):
            return first() if condition else second()
        before, guard, held = self.state, self.guard, len(self.held)
        ends = []
        for holds, work in ((condition, first), (self.terms.negated(condition), second)):
            self.state, self.guard = before.copy(), self.terms.both(guard, holds)
            ends.append((work(), self.state))
        (a, mine), (b, other) = ends
        del self.held[held:]
        meeting = Meeting(self.terms, condition, mine, other)
        value = meeting.value(a, b)
        self.state, self.guard = meeting.finish([value, *self.held]), guard
        return value

    def only_if(self, condition: Bool, work: Callable[[], Value]) -> Value:
        """Return a value that is needed where the condition holds, and means nothing elsewhere."""
        return self.branch(condition, work, lambda: NOWHERE)

    def pick(self, condition: Bool, a: Value, b: Value) -> Value:
        """Return a where the condition holds, else b."""
        if isinstance(condition, bool):
            return a if condition else b
        if isinstance(a, int | Number) and isinstance(b, int | Number):
            return self.terms.choose(condition, a, b)
        meeting = Meeting(self.terms, condition, self.state, self.state)
        value = meeting.value(a, b)
        self.state = meeting.finish([value, *self.held])
        return value

    # ---- expressions

    def value(self, node: ast.expr) -> Value:
        """Return the value of an expression on this path."""
        value = self._value(node)
        if isinstance(value, Spoilt):
            raise Unencodable(value.reason)
        if isinstance(value, List | tuple):
            self.held.append(value)
        return value

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=constant):
                return constant
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.List(elts=elements):
                found = self._elements(elements)  # first: it may replace the state
                return self.state.new(found)
            case ast.Tuple(elts=elements):
                return tuple(self._elements(elements))
            case ast.BinOp(left=left, op=op, right=right):
                a, b = self.value(left), self.value(right)
                return self.binary(node, type(op), a, b)
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(node, type(op), self.value(operand))
            case ast.BoolOp(op=op, values=values):
                return self._lazy(isinstance(op, ast.And), values)
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._chain(node, self.value(left), ops, others)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = self.truth(self.value(test))
                return self.branch(condition, lambda: self.value(body), lambda: self.value(orelse))
            case ast.Subscript():
                return self.subscript(node)
            case ast.ListComp():
                found = self.certain(self.items(node))
                return self.state.new(found)
            case ast.Call():
                return self.call(node)
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def index(self, node: ast.expr) -> Value:
        """Return an index, or a Python slice of known numbers."""
        if not isinstance(node, ast.Slice):
            return self.value(node)
        parts = []
        for part in (node.lower, node.upper, node.step):
            found = None if part is None else self.value(part)
            if not isinstance(found, int | None):
                raise Unencodable("the ends of a slice depend on the inputs")
            parts.append(found)
        return slice(*parts)

    def certain(self, items: Iterator[Item]) -> list[Value]:
        """Return the elements of a list; how many there are must be known."""
        found = []
        for active, value in items:
            if active is not True:
                raise Unencodable("the length of a list depends on the inputs")
            found.append(value)
        return found

    def items(self, node: ast.expr) -> Iterator[Item]:
        """Yield what a loop over an expression gives; the state may change between the turns."""
        match node:
            case (
                ast.ListComp(elt=element, generators=generators)
                | ast.GeneratorExp(elt=element, generators=generators)
            ):
                yield from self._level(element, generators, True)
            case ast.Call(func=ast.Name(id=name)) if name in self.loops:
                yield from self.loops[name](node)
            case _:
                yield from self.each(node, self.value(node))

    def each(self, node: Node, value: Value) -> Iterator[Item]:
        """Yield the elements of a list as they are when it is their turn."""
        if not isinstance(value, List | tuple):
            self.fail(True, "it cannot be looped over", node)
            return
        position = 0
        while True:
            elements = self.state.contents(value) if isinstance(value, List) else value
            if position >= len(elements):
                return
            yield True, elements[position]
            position += 1

    # ---- parts

    def _name(self, node: Node, name: str) -> Value:
        frame = self.state.frames[-1]
        found = frame[name] if name in frame else self.state.constants.get(name)
        if name not in frame and name not in self.state.constants:
            self.fail(True, f"`{name}` has no value yet", node)
            return 0
        if isinstance(found, Perhaps):
            self.fail(self.terms.negated(found.given), f"`{name}` has no value yet", node)
            return found.value
        return found

    def _elements(self, nodes: Sequence[ast.expr]) -> list[Value]:
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                found += self.certain(self.items(node.value))
            else:
                found.append(self.value(node))
        return found

    def _lazy(self, is_and: bool, nodes: Sequence[ast.expr]) -> Value:
        first = self.value(nodes[0])
        if len(nodes) == 1:
            return first
        goes_on = self.truth(first) if is_and else self.terms.negated(self.truth(first))
        return self.branch(goes_on, lambda: self._lazy(is_and, nodes[1:]), lambda: first)

    def _chain(
        self, node: Node, left: Value, ops: Sequence[ast.cmpop], others: Sequence[ast.expr]
    ) -> Value:
        right = self.value(others[0])
        holds = self.compare(node, type(ops[0]), left, right)
        if len(ops) == 1:
            return self.terms.boolean(holds)
        rest = partial(self._chain, node, right, ops[1:], others[1:])
        return self.branch(holds, rest, lambda: False)

    def _level(
        self, element: ast.expr, generators: Sequence[ast.comprehension], active: Bool
    ) -> Iterator[Item]:
        """Yield the elements of a comprehension, whose names are like no others (`renamed`)."""
        if not generators:
            yield active, self.only_if(active, partial(self.value, element))
            return
        generator, *inner = generators
        for given, item in self.items(generator.iter):
            here = self.terms.both(active, given)
            self.bind(generator.target, item)
            for test in generator.ifs:
                holds = self.truth(self.only_if(here, partial(self.value, test)))
                here = self.terms.both(here, holds)
            if here is not False:
                yield from self._level(element, inner, here)

    # ---- what subclasses know

    loops: dict[str, Callable[[ast.Call], Iterator[Item]]]
    """`range` and the like."""

    @abstractmethod
    def truth(self, value: Value) -> Bool:
        """Return whether Python takes a value for true."""

    @abstractmethod
    def unary(self, node: Node, op: type[ast.unaryop], value: Value) -> Value:
        """Return an operator of one value."""

    @abstractmethod
    def binary(self, node: Node, op: type[ast.operator], a: Value, b: Value) -> Value:
        """Return an operator of two values."""

    @abstractmethod
    def compare(self, node: Node, op: type[ast.cmpop], a: Value, b: Value) -> Bool:
        """Return a comparison."""

    @abstractmethod
    def subscript(self, node: ast.Subscript) -> Value:
        """Return an element or a slice of a list."""

    @abstractmethod
    def call(self, node: ast.Call, *, alone: bool = False) -> Value:
        """Return what a function or a method gives."""

    @abstractmethod
    def bind(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target."""
