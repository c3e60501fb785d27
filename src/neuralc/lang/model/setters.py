"""The methods of elements: `set_to`, `set_to_constant` and `observe_value`."""

from __future__ import annotations

import ast

from neuralc.ir.nodes import Body, Fixed, Int, Num, Observe, Ref, Set, Static, Value, symbols
from neuralc.lang.model.context import Context
from neuralc.lang.model.expressions import Expressions, Pending
from neuralc.lang.model.names import METHODS, Scope, UnrollError, nearest, shown

INSTEAD = {
    "param": "a Param is found by learning; fix it with `set_to_constant(…)`",
    "input": "an input comes with the data; copy it into a `Var`",
}


class Setters:
    """Translates calls of methods."""

    def __init__(self, ctx: Context, expressions: Expressions) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions = ctx, expressions

    def method(self, call: ast.Call, scope: Scope, pending: Pending) -> Body:
        """Return the translation of `element.method(argument)`.

        Raises:
            SourceError: there is no such method, or it cannot be used so.

        """
        assert isinstance(call.func, ast.Attribute)
        name = call.func.attr
        if name not in METHODS:
            raise self.ctx.error(
                "E102",
                f"variables have no method `{name}`",
                self.ctx.places.name(call, name),
                label="unknown method",
                hint=nearest(name, METHODS) or f"they have {', '.join(METHODS)}",
            )
        if len(call.args) != 1 or call.keywords:
            raise self.ctx.error(
                "E103",
                f"`{name}` takes 1 argument, not {len(call.args) + len(call.keywords)}",
                call,
                hint=f"write `{ast.unparse(call.func.value)}.{name}(value)`",
            )
        target = self._target(call.func.value, name, scope, pending)
        match name:
            case "set_to":
                return self._set(call, target, call.args[0], scope, pending)
            case "set_to_constant":
                return self._fix(call, target, call.args[0], scope)
            case _:
                return self._observe(call, target, call.args[0], scope)

    def _target(self, node: ast.expr, method: str, scope: Scope, pending: Pending) -> Ref:
        found: Value = self.expressions.value(node, scope, pending)
        if isinstance(found, Ref):
            return found
        what = "a constant" if isinstance(found, Static) else "the result of a function"
        raise self.ctx.error(
            "E114",
            f"`{ast.unparse(node)}` is {what} and has no `{method}`",
            node,
            hint="only elements of variables have it; a constant is given with `=`",
        )

    def _set(
        self, call: ast.Call, target: Ref, node: ast.expr, scope: Scope, pending: Pending
    ) -> Body:
        decl = self.ctx.arrays[target.name]
        if decl.kind in INSTEAD:
            what = "a Param" if decl.kind == "param" else "an Input"
            raise self.ctx.error(
                "E114",
                f"`{target.name}` is {what} and cannot be set",
                call,
                hint=INSTEAD[decl.kind],
            )
        value = self.expressions.value(node, scope, pending)
        type_ = self.expressions.type_of(value)
        numbers = isinstance(decl.type, Int) and isinstance(type_, Int | None)
        if not numbers and type_ != decl.type:
            raise self.ctx.error(
                "E118",
                f"`{target.name}` is {shown(decl.type)}, and this is {shown(type_)}",
                node,
                label="another kind of value",
                hint="declare the variable with the type of the value",
            )
        return (Set(target, value, self.ctx.span(call)),)

    def _fix(self, call: ast.Call, target: Ref, node: ast.expr, scope: Scope) -> Body:
        decl = self.ctx.arrays[target.name]
        if decl.kind != "param":
            raise self.ctx.error(
                "E116",
                f"`{target.name}` is not a Param; only a Param is fixed with `set_to_constant`",
                call,
                hint=f"write `{ast.unparse(call.func.value)}.set_to({ast.unparse(node)})`"
                if isinstance(call.func, ast.Attribute)
                else "use `set_to`",
            )
        if self.ctx.choices:
            raise self.ctx.error(
                "E116",
                "a Param cannot be fixed inside a gate or a branch on a value",
                call,
                hint="fix it at the top level of the model, or in a loop there",
            )
        loops = [symbol for symbol, is_loop in self.ctx.open.items() if is_loop]
        if loops:  # the places and the number are needed: turn by turn
            raise UnrollError(loops[0])
        number = self.expressions.constant(node, scope, "the value of a fixed Param")
        index = tuple(i.value for i in target.index if isinstance(i, Num))
        if len(index) != len(target.index):
            raise self.ctx.error(
                "E116",
                "the index of a fixed Param must be a constant",
                call,
                hint="use constants and loop variables as indices",
            )
        for i, length in zip(index, decl.shape, strict=True):
            if not 0 <= i < length:
                raise self._outside(call, f"an index of `{target.name}`", i, length)
        size = self.ctx.size_at(target)
        if not 0 <= number < size:
            raise self._outside(node, f"a value of `{target.name}`", number, size)
        self._note(Fixed(target.name, index, number, self.ctx.span(call)), call)
        return ()

    def _note(self, fixed: Fixed, call: ast.Call) -> None:
        for other in self.ctx.fixed:
            if (other.name, other.index) != (fixed.name, fixed.index):
                continue
            if other.value == fixed.value:
                return
            raise self.ctx.error(
                "E116",
                f"`{fixed.name}{list(fixed.index) or ''}` is fixed to {other.value} already",
                call,
                label=f"and to {fixed.value} here",
                hint="remove one of the two",
            )
        self.ctx.fixed.append(fixed)

    def _observe(self, call: ast.Call, target: Ref, node: ast.expr, scope: Scope) -> Body:
        inside = any(not is_loop for is_loop in self.ctx.open.values())
        if self.ctx.choices or inside:
            raise self.ctx.error(
                "E115",
                "an observation cannot stand inside a gate or a branch on a value",
                call,
                hint="copy the value to an `Output`, and observe that after the gate",
            )
        size = self.expressions.size_of(target, call, "an observation")
        found = self.expressions.static(node, scope, "an observed value")
        if not isinstance(found, Num):
            raise UnrollError(next(s for s in self.ctx.open if s in symbols(found)))
        if not 0 <= found.value < size:
            raise self._outside(node, f"a value of `{target.name}`", found.value, size)
        return (Observe(target, found.value, self.ctx.span(call)),)

    def _outside(self, node: ast.expr, what: str, number: int, size: int) -> Exception:
        return self.ctx.error(
            "E117",
            f"{number} is not {what}",
            node,
            label=f"must be in 0..{size - 1}",
            hint="counting starts at 0; compare the declaration",
        )
