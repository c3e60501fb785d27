"""Translates expressions: into steps that give a value, or into branches that test one.

All arithmetic is modulo M. What is not part of the subset has been refused before.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from neuralc.lang.pyasm.build import Builder
from neuralc.lang.pyasm.flow import Block, Local, Number, Operand
from neuralc.lang.pyasm.syntax import MEMORY

Test = tuple[Operand, bool]
"""A value, and whether it is 0 where a condition holds; otherwise it is 0 where it does not."""


class Values:
    """Translates the expressions of one function."""

    def __init__(self, build: Builder) -> None:
        """Add steps to a builder."""
        self.build = build

    def value(self, node: ast.expr) -> Operand:
        """Return the value of an expression: a constant, a variable itself, or a new value."""
        known = self.build.constant(node)
        if known is not None:
            return self.build.number(known)
        match node:
            case ast.Name(id=name):
                local = self.build.named[name]
                self.build.step("USE", None, local, node=node)
                return local
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(node, left, op, right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.build.emit("SUB", Number(0), self.value(operand), node=node)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._truth(self._negated(self._test(operand)), node)
            case ast.Compare(ops=[_]):
                return self._truth(self._test(node), node)
            case ast.Compare():
                return self._decided(node)
            case ast.BoolOp():
                return self._lazy(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Subscript(slice=index):
                return self.build.emit("READ", self.value(index), node=node)
            case ast.Call():
                return self.call(node)
        raise AssertionError(f"not checked: {ast.dump(node)}")

    def arithmetic(self, op: ast.operator, a: Operand, b: Operand, node: ast.AST) -> Operand:
        """Return the result of an operator."""
        assert isinstance(node, ast.expr | ast.stmt)
        if isinstance(op, ast.Mult):
            if isinstance(b, Number):
                return self._multiple(a, b.value, node)
            assert isinstance(a, Number)
            return self._multiple(b, a.value, node)
        name = "ADD" if isinstance(op, ast.Add) else "SUB"
        return self.build.emit(name, a, b, node=node)

    def call(self, node: ast.Call, *, alone: bool = False) -> Operand:
        """Return the result of a call."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in ("min", "max"):
            found = self.value(node.args[0])
            for arg in node.args[1:]:
                found = self.build.emit(name.upper(), found, self.value(arg), node=node)
            return found
        key = self.build.definition.functions[name]
        callee = self.build.definitions[key]
        pairs = zip(callee.parameters, node.args, strict=True)
        args = [self.value(arg) for parameter, arg in pairs if parameter != MEMORY]
        target = None if alone or not callee.gives else self.build.supply.local()
        self.build.step("CALL", target, *args, node=node, callee=key)
        return target or Number(0)

    def condition(self, node: ast.expr, yes: Block, no: Block) -> None:
        """End the block: go on at `yes` where an expression is true, else at `no`."""
        known = self.build.constant(node)
        if known is not None:
            self.build.jump(yes if known else no, node)
            return
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.condition(operand, no, yes)
            case ast.BoolOp(op=op, values=values):
                for part in values[:-1]:
                    more = self.build.block()
                    if isinstance(op, ast.And):
                        self.condition(part, more, no)
                    else:
                        self.condition(part, yes, more)
                    self.build.go_on(more)
                self.condition(values[-1], yes, no)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self._chain(node, self.value(left), ops, others, yes, no)
            case _:
                self._branch(self._test(node), yes, no, node)

    def at_most(self, a: Operand, b: Operand, node: ast.expr | ast.stmt) -> Test:
        """Return a value that tells whether a <= b."""
        top = self.build.size - 1
        match a, b:
            case (Number(0), _):
                return Number(0), True
            case (_, Number(value)) if value == top:
                return Number(0), True
            case (_, Number(0)):
                return a, True
            case (Number(1), _):
                return b, False
            case (Number(value), _) if value == top:
                return self.build.emit("SUB", b, a, node=node), True
            case (Number(), _):
                least = self.build.emit("MIN", b, a, node=node)
                return self.build.emit("SUB", least, a, node=node), True
        most = self.build.emit("MAX", a, b, node=node)
        return self.build.emit("SUB", most, b, node=node), True

    # ---- parts

    def _branch(self, test: Test, yes: Block, no: Block, node: ast.expr) -> None:
        value, zero_is_true = test
        zero, other = (yes, no) if zero_is_true else (no, yes)
        self.build.branch(value, zero, other, node)

    def _binary(self, node: ast.expr, left: ast.expr, op: ast.operator, right: ast.expr) -> Operand:
        a = self.value(left)
        return self.arithmetic(op, a, self.value(right), node)

    def _multiple(self, a: Operand, factor: int, node: ast.expr | ast.stmt) -> Operand:
        """Return a times a constant: by doubling, from its highest bit on."""
        if factor == 0:
            return Number(0)
        found = a
        for bit in bin(factor)[3:]:
            found = self.build.emit("ADD", found, found, node=node)
            if bit == "1":
                found = self.build.emit("ADD", found, a, node=node)
        return found

    def _test(self, node: ast.expr) -> Test:
        """Return a value that tells whether a simple condition holds."""
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                a = self.value(left)
                return self._compare(op, a, self.value(right), node)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._negated(self._test(operand))
        return self.value(node), False

    def _negated(self, test: Test) -> Test:
        return test[0], not test[1]

    def _compare(self, op: ast.cmpop, a: Operand, b: Operand, node: ast.expr) -> Test:
        match op:
            case ast.Eq():
                return self.build.emit("SUB", a, b, node=node), True
            case ast.NotEq():
                return self.build.emit("SUB", a, b, node=node), False
            case ast.LtE():
                return self.at_most(a, b, node)
            case ast.GtE():
                return self.at_most(b, a, node)
            case ast.Lt():
                return self._negated(self.at_most(b, a, node))
            case _:
                return self._negated(self.at_most(a, b, node))

    def _chain(
        self,
        node: ast.Compare,
        left: Operand,
        ops: list[ast.cmpop],
        others: list[ast.expr],
        yes: Block,
        no: Block,
    ) -> None:
        """End the block with `a < b < c`: each value is computed once, and only if needed."""
        right = self.value(others[0])
        last = len(ops) == 1
        more = yes if last else self.build.block()
        self._branch(self._compare(ops[0], left, right, node), more, no, node)
        if not last:
            self.build.go_on(more)
            self._chain(node, right, ops[1:], others[1:], yes, no)

    def _truth(self, test: Test, node: ast.expr) -> Operand:
        """Return 1 where a condition holds, else 0."""
        value, zero_is_true = test
        found = self.build.emit("MIN", value, Number(1), node=node)
        return self.build.emit("SUB", Number(1), found, node=node) if zero_is_true else found

    def _decided(self, node: ast.expr) -> Operand:
        """Return 1 or 0 for a condition that takes several tests."""
        yes, end = self.build.block("true", node), self.build.block("then", node)
        found = self.build.supply.local()
        self.build.copy(found, Number(0), node)
        self.condition(node, yes, end)
        self.build.go_on(yes)
        self.build.copy(found, Number(1), node)
        self.build.jump(end, node)
        self.build.go_on(end)
        return found

    def _lazy(self, node: ast.BoolOp) -> Operand:
        """Return the operand that decides `a and b`, `a or b`, as Python does."""
        end, found = self.build.block("then", node), self.build.supply.local()
        for part in node.values[:-1]:
            value = self.value(part)
            self.build.copy(found, value, part)
            more = self.build.block()
            if isinstance(node.op, ast.And):
                self.build.branch(value, end, more, part)
            else:
                self.build.branch(value, more, end, part)
            self.build.go_on(more)
        self.build.copy(found, self.value(node.values[-1]), node)
        self.build.jump(end, node)
        self.build.go_on(end)
        return found

    def _choice(self, node: ast.IfExp) -> Operand:
        yes, no = self.build.block("true", node), self.build.block("false", node)
        end, found = self.build.block("then", node), self.build.supply.local()
        self.condition(node.test, yes, no)
        branches: list[tuple[Block, Callable[[], Operand]]] = [
            (yes, lambda: self.value(node.body)),
            (no, lambda: self.value(node.orelse)),
        ]
        for block, work in branches:
            self.build.go_on(block)
            self.build.copy(found, work(), node)
            self.build.jump(end, node)
        self.build.go_on(end)
        return found


def is_variable(value: Operand) -> bool:
    """Return whether a value is a variable itself, which may change."""
    return isinstance(value, Local) and bool(value.name)
