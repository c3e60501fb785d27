"""Expressions: static ones, elements of arrays, functions of values.

An index that is itself a value is replaced by a fresh gate variable and noted in a `Pending`;
whoever translates the statement opens these gates around it. Knows nothing of statements.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from neuralc.ir.nodes import Call, Int, Network, Num, Op, Ref, Static, Sym, Type, Value
from neuralc.lang.model import refusals
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import (
    BUILTINS,
    KINDS,
    Array,
    Binding,
    Broken,
    Delayed,
    Known,
    Macro,
    Scope,
    SilencedError,
    nearest,
    shown,
)
from neuralc.lang.model.statics import BINARY, COMPARE, ArithmeticSlipError, fold, lazy


@dataclass
class Pending:
    """Gates that have to be opened around a statement, outermost first."""

    gates: dict[Ref | Call, Sym] = field(default_factory=dict)


class Expressions:
    """Translates expressions in the names of one scope at a time."""

    def __init__(self, ctx: Context) -> None:
        """Keep the shared state."""
        self.ctx = ctx

    # ---- entry points

    def value(
        self, node: ast.expr, scope: Scope, pending: Pending | None, *, index: bool = False
    ) -> Value:
        """Return the value of an expression; in an index, arithmetic on values opens gates."""
        span = self.ctx.span(node)
        match node:
            case ast.Constant(value=bool() | int() as number):
                return Num(int(number), span)
            case ast.Name():
                return self._name(node, scope, pending, index)
            case ast.Subscript():
                return self.element(node, scope, pending)
            case ast.Call():
                return self._call(node, scope, pending, index)
            case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.BoolOp() | ast.IfExp():
                try:
                    return self._arithmetic(node, scope, pending, index)
                except ArithmeticSlipError as problem:
                    raise self.ctx.error(
                        "E120", str(problem), node, hint="constants are whole numbers below 2**62"
                    ) from None
            case _:
                raise refusals.unsupported(self.ctx, node)

    def static(self, node: ast.expr, scope: Scope, what: str) -> Static:
        """Return a static expression; `what` names the use for the error message."""
        refusals.refuse_variables(self.ctx, node, scope, what)
        found = self.value(node, scope, None)
        if isinstance(found, Static):
            return found
        raise self.ctx.error(
            "E105",
            f"{what} must be known at compile time",
            node,
            label="depends on a variable",
            hint="use constants, loop variables or hyper-parameters",
        )

    def constant(self, node: ast.expr, scope: Scope, what: str) -> int:
        """Return a number; `what` names the use for the error message."""
        found = self.static(node, scope, what)
        if isinstance(found, Num):
            return found.value
        raise self.ctx.error(
            "E105",
            f"{what} must be a constant",
            node,
            label="depends on a loop or gate variable",
            hint="use numbers, constants or hyper-parameters",
        )

    def element(self, node: ast.expr, scope: Scope, pending: Pending | None) -> Ref:
        """Return the element that `a`, `a[i]`, `a[i, j]` or `a[i][j]` names."""
        indices: list[ast.expr] = []
        base = node
        while isinstance(base, ast.Subscript):
            parts = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
            indices[:0] = parts
            base = base.value
        if not isinstance(base, ast.Name):
            raise refusals.unsupported(self.ctx, node)
        found = self.ctx.find(base, scope)
        if isinstance(found, Delayed) and not indices:
            return self.element(found.node, found.scope, pending)
        if isinstance(found, Ref) and not indices:
            return Ref(found.name, found.index, self.ctx.span(node))
        if not isinstance(found, Array):
            what = "already a single element" if isinstance(found, Ref) else "not an array"
            raise self.ctx.error(
                "E104",
                f"`{base.id}` is {what} and cannot be indexed",
                node,
                hint="index the array itself",
            )
        shape = self.ctx.arrays[found.name].shape
        if len(indices) != len(shape):
            raise refusals.index_count(self.ctx, node, base.id, len(indices), shape)
        index = tuple(self._index(part, scope, pending) for part in indices)
        return Ref(found.name, index, self.ctx.span(node))

    def type_of(self, value: Value) -> Type | None:
        """Return the type of a value; None for a static expression."""
        match value:
            case Ref(name=name):
                return self.ctx.arrays[name].type
            case Call(function=name):
                function = self.ctx.functions[name]
                if isinstance(function, Network):
                    return function.output
                assert isinstance(function, Known)
                return Int(function.size)
            case _:
                return None

    def size_of(self, value: Ref | Call, node: ast.expr, use: str) -> int:
        """Return how many values there are; an error for a tensor, naming the `use`."""
        type_ = self.type_of(value)
        if isinstance(type_, Int):
            return self.ctx.size_at(value) if isinstance(value, Ref) else type_.size
        raise self.ctx.error(
            "E113",
            f"{use} needs a value of 0..n-1, and this is {shown(type_)}",
            node,
            label="a tensor",
            hint="turn it into a number first, with a `@Learn` function",
        )

    def gate(self, value: Ref | Call, node: ast.expr, pending: Pending | None) -> Sym:
        """Return the gate variable for a value that is used as an index."""
        self.size_of(value, node, "an index")
        if pending is None:
            raise self.ctx.error(
                "E105",
                "an index here must be known at compile time",
                node,
                label="a variable",
                hint="use constants, loop variables or hyper-parameters",
            )
        if value not in pending.gates:
            base = value.name if isinstance(value, Ref) else value.function
            symbol = self.ctx.fresh(f"{base}_value")
            self.ctx.open[symbol] = False
            pending.gates[value] = Sym(symbol, self.ctx.span(node))
        return pending.gates[value]

    # ---- the cases

    def _name(self, node: ast.Name, scope: Scope, pending: Pending | None, index: bool) -> Value:
        found = self.ctx.find(node, scope)
        span = self.ctx.span(node)
        match found:
            case Num(value=number):
                return Num(number, span)
            case Sym(name=name):
                return Sym(name, span)
            case Op(op=op, args=args):
                return Op(op, args, span)
            case Ref() | Array():
                return self.element(node, scope, pending)
            case Delayed(node=aliased, scope=there):
                return self.value(aliased, there, pending, index=index)
            case Broken():
                raise SilencedError(node.id)
            case _:
                raise self.ctx.error(
                    "E109",
                    f"`{node.id}` is a function; a value is expected",
                    node,
                    hint=f"call it: `{node.id}(…)`",
                )

    def _index(self, node: ast.expr, scope: Scope, pending: Pending | None) -> Static:
        if isinstance(node, ast.Slice | ast.Starred):
            raise self.ctx.error(
                "E109",
                "slices are not part of the model language",
                node,
                hint="loop over the elements: `for i in range(n): …[i]`",
            )
        found = self.value(node, scope, pending, index=True)
        return found if isinstance(found, Static) else self.gate(found, node, pending)

    def _arithmetic(
        self, node: ast.expr, scope: Scope, pending: Pending | None, index: bool
    ) -> Static:
        def part(child: ast.expr) -> Static:
            found = self.value(child, scope, pending, index=index)
            if isinstance(found, Static):
                return found
            if index:
                return self.gate(found, child, pending)
            raise refusals.on_values(self.ctx, node)

        span = self.ctx.span(node)
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                result = fold(BINARY[type(op)], (part(left), part(right)), span)
                if isinstance(op, ast.Div):
                    self.ctx.warn("`/` is read as the floor division `//`, as in Python 2", node)
                return result
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return fold("-", (part(operand),), span)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return part(operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return fold("not", (part(operand),), span)
            case ast.BoolOp(op=op, values=values):
                name = "and" if isinstance(op, ast.And) else "or"
                return lazy(name, tuple(map(part, values)), span)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition = part(test)
                if isinstance(condition, Num):  # the other arm may be meaningless
                    return part(body if condition.value else orelse)
                return fold("ifelse", (condition, part(body), part(orelse)), span)
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [part(side) for side in (left, *others)]
                if all(type(op) in COMPARE for op in ops):
                    pairs = zip(sides, ops, sides[1:], strict=False)
                    tests = tuple(fold(COMPARE[type(op)], (a, b), span) for a, op, b in pairs)
                    return tests[0] if len(tests) == 1 else fold("and", tests, span)
        raise refusals.unsupported(self.ctx, node)

    def _call(self, node: ast.Call, scope: Scope, pending: Pending | None, index: bool) -> Value:
        if not isinstance(node.func, ast.Name):
            raise refusals.unsupported(self.ctx, node)
        name = node.func.id
        known = scope.find(name) is not None or name in self.ctx.arrays
        if name in BUILTINS and not known and name not in self.ctx.functions:
            return self._builtin(node, name, scope, pending, index)
        if name in (*KINDS, "Hyper", "Tensor", "range") and not known:
            raise self.ctx.error(
                "E119",
                f"`{name}(…)` cannot stand here",
                node,
                hint="declare the variable in a line of its own: `name = " + name + "(…)`",
            )
        function = self._function(node.func, scope)
        if isinstance(function, Macro):
            raise self.ctx.error(
                "E109",
                f"`{name}` is a macro of statements and has no value",
                node,
                hint=f"write `{name}(…)` as a line of its own, or make it a @Runtime function",
            )
        self._count(node, name, len(function.inputs))
        args = []
        for part, wanted in zip(node.args, function.inputs, strict=True):
            arg = self.value(part, scope, pending, index=index)
            self._argument(part, arg, Int(wanted) if isinstance(wanted, int) else wanted, name)
            args.append(arg)
        return Call(name, tuple(args), self.ctx.span(node))

    def _function(self, node: ast.Name, scope: Scope) -> Known | Network | Macro:
        found: Binding | object = scope.find(node.id)
        if found is None and node.id in self.ctx.functions:
            found = self.ctx.functions[node.id]
        if isinstance(found, Known | Network | Macro):
            return found
        if isinstance(found, Broken) or node.id in self.ctx.broken:
            raise SilencedError(node.id)
        if found is not None or node.id in self.ctx.arrays:
            message, hint = f"`{node.id}` is not a function", "index an array with `[…]`"
        else:
            message = f"no function is called `{node.id}`"
            hint = nearest(node.id, {*self.ctx.functions, *BUILTINS})
        raise self.ctx.error(
            "E102",
            message,
            node,
            label="not a function",
            hint=hint or "define it with `@Runtime([sizes], size)` above a `def`",
        )

    def _builtin(
        self, node: ast.Call, name: str, scope: Scope, pending: Pending | None, index: bool
    ) -> Static:
        if name not in ("min", "max") or not node.args:
            self._count(node, name, 1)
        parts = []
        for child in node.args:
            part = self.value(child, scope, pending, index=index)
            if not isinstance(part, Static):
                if not index:
                    raise refusals.on_values(self.ctx, node)
                part = self.gate(part, child, pending)
            parts.append(part)
        span = self.ctx.span(node)
        match name:
            case "int":
                return parts[0]
            case "bool":
                return fold("!=", (parts[0], Num(0)), span)
            case "abs":
                return fold("max", (parts[0], fold("-", (parts[0],), span)), span)
            case _:
                return fold(name, tuple(parts), span)

    def _count(self, node: ast.Call, name: str, wanted: int) -> None:
        starred = any(isinstance(arg, ast.Starred) for arg in node.args)
        if len(node.args) == wanted and not node.keywords and not starred:
            return
        given = len(node.args) + len(node.keywords)
        raise self.ctx.error(
            "E103",
            f"`{name}` takes {wanted} argument{'' if wanted == 1 else 's'}, not {given}"
            if given != wanted
            else f"`{name}` takes its arguments by position",
            node,
            hint=f"give {wanted}, separated by commas and without names",
        )

    def _argument(self, node: ast.expr, value: Value, wanted: Type, name: str) -> None:
        type_ = self.type_of(value)
        if isinstance(wanted, Int) and isinstance(type_, Int | None):
            return
        if type_ == wanted:
            return
        raise self.ctx.error(
            "E118",
            f"`{name}` takes {shown(wanted)} here, and this is {shown(type_)}",
            node,
            label="wrong kind of argument",
            hint="compare the list of sizes in the decorator of " + f"`{name}`",
        )
