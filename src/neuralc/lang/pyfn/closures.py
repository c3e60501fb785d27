"""Expressions of the subset as closures over a frame; statements are made in `blocks`.

Checked syntax only: what `check` refuses is not known here.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from neuralc.lang.pyfn.combine import (
    applied,
    attempt,
    compared,
    lazy,
    none,
    number_of,
    read_at,
    unpacked,
    with_number,
    written,
)
from neuralc.lang.pyfn.functions import CALLS, METHODS, loop
from neuralc.lang.pyfn.machine import (
    NOTHING,
    UNSET,
    Closure,
    Frame,
    Function,
    Machine,
    Setter,
    Slots,
    Stop,
)
from neuralc.lang.pyfn.operations import BINARY, COMPARE, FAST, FAST_COMPARE, UNARY
from neuralc.lang.pyfn.reference import Node
from neuralc.lang.pyfn.words import ITERATORS


class Values:
    """Makes the closures of the expressions of one function."""

    def __init__(self, machine: Machine, function: Function) -> None:
        """Make closures for frames of `function`; new names get new slots in it."""
        self.machine, self.function = machine, function
        self.sure = frozenset(function.slots.values())
        self.size = function.count + 1

    def new_slot(self) -> int:
        """Return a slot that is not in use."""
        self.size += 1
        return self.size - 1

    def value(self, node: ast.expr, slots: Slots) -> Closure:
        """Return the closure of an expression that gives a value."""
        match node:
            case ast.Constant(value=constant):
                return lambda frame: constant
            case ast.Name(id=name):
                return self._name(node, name, slots)
            case ast.List(elts=elements):
                return self._sequence(elements, slots)
            case ast.Tuple(elts=elements):
                made = self._sequence(elements, slots)
                return lambda frame: tuple(made(frame))
            case ast.BinOp():
                return self._binary(node, slots)
            case ast.UnaryOp(op=op, operand=operand):
                return applied(node, UNARY[type(op)], [self.value(operand, slots)])
            case ast.BoolOp(op=op, values=values):
                return lazy(isinstance(op, ast.And), [self.value(v, slots) for v in values])
            case ast.Compare():
                return self._compare(node, slots)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, then, other = (self.value(n, slots) for n in (test, body, orelse))
                return lambda frame: then(frame) if condition(frame) else other(frame)
            case ast.Subscript(value=value, slice=index):
                return read_at(node, self.value(value, slots), self.index(index, slots))
            case ast.ListComp(elt=element, generators=generators):
                generator = self._generator(node, element, generators, slots)
                return lambda frame: list(generator(frame))
            case ast.Call():
                return self.call(node, slots)
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def iterable(self, node: ast.expr, slots: Slots) -> Closure:
        """Return the closure of an expression that is looped over."""
        if isinstance(node, ast.GeneratorExp):
            return self._generator(node, node.elt, node.generators, slots)
        return self.value(node, slots)

    def looped(self, node: ast.expr, slots: Slots) -> Closure:
        """Return a closure that gives a Python iterable."""
        return applied(node, loop, [self.iterable(node, slots)])

    def index(self, node: ast.expr, slots: Slots) -> Closure:
        """Return the closure of an index or a slice."""
        if not isinstance(node, ast.Slice):
            return self.value(node, slots)
        parts = [
            self.value(part, slots) if part is not None else none
            for part in (node.lower, node.upper, node.step)
        ]
        return lambda frame: slice(*[part(frame) for part in parts])

    def target(self, node: ast.expr, slots: Slots) -> Setter:
        """Return what sets a target to a value."""
        match node:
            case ast.Name(id=name):
                slot = slots[name]
                return lambda frame, value: frame.__setitem__(slot, value)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return unpacked(node, [self.target(element, slots) for element in elements])
            case ast.Subscript(value=value, slice=index):
                return written(node, self.value(value, slots), self.index(index, slots))
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def call(self, node: ast.Call, slots: Slots, *, alone: bool = False) -> Closure:
        """Return the closure of a call; `alone`: its value is not used."""
        match node.func:
            case ast.Name(id=name) if name in self.machine.functions:
                return self._helper(node, name, [self.value(a, slots) for a in node.args], alone)
            case ast.Name(id=name):
                many = name in ITERATORS or name in CALLS
                args = [
                    self.iterable(arg, slots) if many else self.value(arg, slots)
                    for arg in node.args
                ]
                return applied(node, CALLS[name], args)
            case ast.Attribute(attr=name, value=owner):
                return applied(
                    node,
                    METHODS[name],
                    [self.value(owner, slots), *(self.value(a, slots) for a in node.args)],
                )
        raise AssertionError(f"not checked: {ast.dump(node)}")

    # ---- parts

    def _name(self, node: ast.expr, name: str, slots: Slots) -> Closure:
        if name not in slots:
            constants = self.machine.constants

            def constant(frame: Frame) -> Any:
                try:
                    return constants[name]
                except KeyError:
                    raise Stop(node, f"`{name}` has no value yet") from None

            return constant
        slot = slots[name]
        if slot in self.sure:
            return operator.itemgetter(slot)

        def local(frame: Frame) -> Any:
            value = frame[slot]
            if value is UNSET:
                raise Stop(node, f"`{name}` has no value yet",
                           hint="give it a value on every path before it is used")  # fmt: skip
            return value

        return local

    def _sequence(self, elements: Sequence[ast.expr], slots: Slots) -> Closure:
        """Return the closure of `[a, *b, c]`."""
        if not any(isinstance(element, ast.Starred) for element in elements):
            plain = [self.value(element, slots) for element in elements]
            return lambda frame: [part(frame) for part in plain]
        parts = [
            self.looped(element.value, slots) if isinstance(element, ast.Starred)
            else self._sequence([element], slots)
            for element in elements
        ]  # fmt: skip
        return lambda frame: [value for part in parts for value in part(frame)]

    def _binary(self, node: ast.BinOp, slots: Slots) -> Closure:
        op, a, b = type(node.op), self.value(node.left, slots), self.value(node.right, slots)
        slow, number = BINARY[op], number_of(node.right)
        divides = {ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv}
        if op in FAST and number is not None:
            return with_number(node, FAST[op], slow, a, number)
        if op in divides and number:
            return with_number(node, divides[op], slow, a, number)
        if op not in FAST:
            return applied(node, slow, [a, b])
        fast = FAST[op]

        def quick(frame: Frame) -> Any:
            x, y = a(frame), b(frame)
            if x.__class__ is int and y.__class__ is int:
                return fast(x, y)
            return attempt(node, slow, x, y)

        return quick

    def _compare(self, node: ast.Compare, slots: Slots) -> Closure:
        sides = [self.value(side, slots) for side in (node.left, *node.comparators)]
        ops = [type(op) for op in node.ops]
        if len(ops) == 1:
            number, fast = number_of(node.comparators[0]), FAST_COMPARE.get(ops[0])
            if number is not None and fast is not None:
                return with_number(node, fast, COMPARE[ops[0]], sides[0], number)
            return compared(node, ops[0], *sides)
        rules = [COMPARE[op] for op in ops]

        def chain(frame: Frame) -> Any:
            left, holds = sides[0](frame), True
            for rule, side in zip(rules, sides[1:], strict=True):
                right = side(frame)
                holds = attempt(node, rule, left, right)
                if not holds:
                    return holds
                left = right
            return holds

        return chain

    def _generator(
        self,
        node: Node,
        element: ast.expr,
        generators: Sequence[ast.comprehension],
        slots: Slots,
    ) -> Callable[[Frame], Iterator[Any]]:
        """Return the closure of a comprehension, as a generator."""
        names = [n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name)]
        fresh = {name: self.new_slot() for name in names}
        inner = {**slots, **fresh}
        made = self.value(element, inner)

        def last(frame: Frame) -> Iterator[Any]:
            yield made(frame)

        found: Callable[[Frame], Iterator[Any]] = last
        for k, generator in reversed(list(enumerate(generators))):
            source = self.looped(generator.iter, slots if k == 0 else inner)
            bind = self.target(generator.target, inner)
            tests = [self.value(test, inner) for test in generator.ifs]
            found = self._level(node, source, bind, tests, found)
        level = found

        def whole(frame: Frame) -> Iterator[Any]:
            for slot in fresh.values():
                frame[slot] = UNSET
            return level(frame)

        return whole

    def _level(
        self,
        node: Node,
        source: Closure,
        bind: Setter,
        tests: Sequence[Closure],
        inner: Callable[[Frame], Iterator[Any]],
    ) -> Callable[[Frame], Iterator[Any]]:
        """Return one `for … in … if …` of a comprehension around the next one."""
        clock, too_long = self.machine.clock, self.machine.too_long

        def level(frame: Frame) -> Iterator[Any]:
            for item in source(frame):
                clock[0] -= 1
                if clock[0] < 0:
                    raise too_long(node)
                bind(frame, item)
                if all(test(frame) for test in tests):
                    yield from inner(frame)

        return level

    def _helper(self, node: ast.Call, name: str, args: list[Closure], alone: bool) -> Closure:
        function = self.machine.functions[name]
        clock, too_long = self.machine.clock, self.machine.too_long

        def call(frame: Frame) -> Any:
            clock[0] -= 1
            if clock[0] < 0:
                raise too_long(node)
            result = function.call([arg(frame) for arg in args])
            if result is NOTHING and not alone:
                raise Stop(node, f"`{name}` ended without `return`", hint="end it with `return …`")
            return result

        return call
