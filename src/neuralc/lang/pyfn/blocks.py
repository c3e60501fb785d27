"""Statements of the subset as closures: each gives None to go on, or why the block is left."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Final

from neuralc.lang.pyfn.check import bound
from neuralc.lang.pyfn.closures import Values
from neuralc.lang.pyfn.machine import (
    RETURN,
    UNSET,
    Closure,
    Frame,
    Function,
    Machine,
    Slots,
    Stop,
)
from neuralc.lang.pyfn.operations import FAST, Undefined, in_place, read, write
from neuralc.lang.pyfn.reference import Node

BREAK: Final = object()
CONTINUE: Final = object()


def fill(machine: Machine, function: Function, node: ast.FunctionDef) -> None:
    """Put the body into a function whose parameters have their slots."""
    values = Values(machine, function)
    slots = dict(function.slots)
    for name, _ in bound(node.body):
        if name not in slots:
            slots[name] = values.new_slot()
    function.body = Blocks(machine, values, slots).block(node.body)
    function.blank = [UNSET] * values.size


class Blocks:
    """Makes the closures of the statements of one function."""

    def __init__(self, machine: Machine, values: Values, slots: Slots) -> None:
        """Make closures for frames in which `slots` tells where each local name is."""
        self.machine, self.values, self.slots = machine, values, slots

    def block(self, body: Sequence[ast.stmt]) -> Closure:
        """Return the closure of some statements in a row."""
        parts = [self._statement(statement) for statement in body]
        if len(parts) == 1:
            return parts[0]

        def run(frame: Frame) -> Any:
            for part in parts:
                left = part(frame)
                if left is not None:
                    return left
            return None

        return run

    def _statement(self, node: ast.stmt) -> Closure:
        match node:
            case ast.Return(value=ast.Dict(keys=keys, values=values)):
                return self._outputs(keys, values)
            case ast.Return(value=value):
                return self._return(value)
            case ast.Assign(targets=targets, value=value):
                return self._assign(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                return self._assign([target], value)
            case ast.AugAssign():
                return self._augmented(node)
            case ast.If(test=test, body=body, orelse=orelse):
                return self._if(test, body, orelse)
            case ast.While():
                return self._while(node)
            case ast.For():
                return self._for(node)
            case ast.Expr(value=ast.Call() as call):
                return self._effect(call)
            case ast.Break():
                return lambda frame: BREAK
            case ast.Continue():
                return lambda frame: CONTINUE
        return lambda frame: None  # `pass`, a docstring, an annotation without a value

    def _return(self, value: ast.expr | None) -> Closure:
        made = self.values.value(value or ast.Constant(None), self.slots)

        def run(frame: Frame) -> Any:
            frame[0] = made(frame)
            return RETURN

        return run

    def _outputs(self, keys: Sequence[ast.expr | None], values: Sequence[ast.expr]) -> Closure:
        made = [
            (key.value, self.values.value(value, self.slots))
            for key, value in zip(keys, values, strict=True)
            if isinstance(key, ast.Constant)
        ]

        def run(frame: Frame) -> Any:
            frame[0] = {name: value(frame) for name, value in made}
            return RETURN

        return run

    def _assign(self, targets: Sequence[ast.expr], value: ast.expr) -> Closure:
        made = self.values.value(value, self.slots)
        match targets:
            case [ast.Name(id=name)]:
                slot = self.slots[name]

                def simple(frame: Frame) -> None:
                    frame[slot] = made(frame)

                return simple
        setters = [self.values.target(target, self.slots) for target in targets]

        def run(frame: Frame) -> None:
            found = made(frame)
            for setter in setters:
                setter(frame, found)

        return run

    def _augmented(self, node: ast.AugAssign) -> Closure:
        value, target, op = self.values.value(node.value, self.slots), node.target, type(node.op)
        match target:
            case ast.Name(id=name):
                slot, fast = self.slots[name], FAST.get(op)
                load = ast.copy_location(ast.Name(name, ast.Load()), target)
                old = self.values.value(load, self.slots)

                def name_(frame: Frame) -> None:
                    a, b = old(frame), value(frame)
                    if fast is not None and a.__class__ is int and b.__class__ is int:
                        frame[slot] = fast(a, b)
                    else:
                        frame[slot] = _changed(node, op, a, b)

                return name_
            case ast.Subscript(value=owner, slice=index):
                of, at = self.values.value(owner, self.slots), self.values.index(index, self.slots)

                def element(frame: Frame) -> None:
                    container, place = of(frame), at(frame)
                    try:
                        before = read(container, place)
                        write(container, place, _changed(node, op, before, value(frame)))
                    except Undefined as problem:
                        raise Stop(target, str(problem)) from None

                return element
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def _if(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> Closure:
        condition, then = self.values.value(test, self.slots), self.block(body)
        if not orelse:
            return lambda frame: then(frame) if condition(frame) else None
        other = self.block(orelse)
        return lambda frame: then(frame) if condition(frame) else other(frame)

    def _while(self, node: ast.While) -> Closure:
        condition, body = self.values.value(node.test, self.slots), self.block(node.body)
        clock, too_long = self.machine.clock, self.machine.too_long

        def run(frame: Frame) -> Any:
            while condition(frame):
                clock[0] -= 1
                if clock[0] < 0:
                    raise too_long(node)
                left = body(frame)
                if left is BREAK:
                    return None
                if left is RETURN:
                    return left
            return None

        return run

    def _for(self, node: ast.For) -> Closure:
        source = self.values.looped(node.iter, self.slots)
        bind, body = self.values.target(node.target, self.slots), self.block(node.body)
        clock, too_long = self.machine.clock, self.machine.too_long

        def run(frame: Frame) -> Any:
            for item in source(frame):
                clock[0] -= 1
                if clock[0] < 0:
                    raise too_long(node)
                bind(frame, item)
                left = body(frame)
                if left is BREAK:
                    return None
                if left is RETURN:
                    return left
            return None

        return run

    def _effect(self, node: ast.Call) -> Closure:
        call = self.values.call(node, self.slots, alone=True)

        def run(frame: Frame) -> None:
            call(frame)

        return run


def _changed(node: Node, op: type[ast.operator], old: Any, value: Any) -> Any:
    """Return what `old += value` and such gives."""
    try:
        return in_place(op, old, value)
    except Undefined as problem:
        raise Stop(node, str(problem)) from None
