"""Giving names a meaning: constants, aliases of elements, loop bounds.

Nothing is stored at run time: a name is replaced by what it stands for where it is used.
"""

from __future__ import annotations

import ast

from neuralc.errors import SourceError
from neuralc.ir.nodes import Call, Num, Static, symbols
from neuralc.lang.model.context import Context
from neuralc.lang.model.expressions import Expressions, Pending
from neuralc.lang.model.names import (
    RESERVED,
    Array,
    Binding,
    Broken,
    Delayed,
    Scope,
    SilencedError,
    Unknown,
    kind_of,
)

MOST_TURNS = 100_000
"""How many turns all loops that have to be unrolled may have together."""


class Bindings:
    """Reads assignments and the headers of loops."""

    def __init__(self, ctx: Context, expressions: Expressions) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions = ctx, expressions

    def assign(self, statement: ast.Assign | ast.AugAssign, scope: Scope) -> None:
        """Give a name the meaning that an assignment says; without one, if that is an error.

        Raises:
            SourceError, SilencedError: the right side has no meaning.

        """
        target = self._target(statement)
        self.free(target, scope)
        value = statement.value
        if isinstance(statement, ast.AugAssign):
            load = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            value = ast.copy_location(ast.BinOp(load, statement.op, value), statement)
        if kind_of(value) is not None:
            scope.names[target.id] = Unknown()
            raise self.ctx.error(
                "E119",
                "variables are declared at the top level of the model",
                value,
                label="declared inside a statement",
                hint="move the declaration to the top level, as an array over the loop: "
                f"`{target.id} = Var(size)[n]`",
            )
        try:
            scope.names[target.id] = self.meaning(value, scope)
        except (SourceError, SilencedError):
            scope.names[target.id] = Unknown()
            raise

    def meaning(self, node: ast.expr, scope: Scope) -> Binding:
        """Return what an expression stands for: a static expression, an element, an array."""
        if isinstance(node, ast.Name):
            found = self.ctx.find(node, scope)
            if isinstance(found, Array | Delayed):
                return found
            if isinstance(found, Broken):
                raise SilencedError(node.id)
        pending = Pending()
        try:
            value = self.expressions.value(node, scope, pending)
        finally:
            for symbol in pending.gates.values():
                self.ctx.open.pop(symbol.name, None)
        if isinstance(value, Call) or pending.gates:
            return Delayed(node, scope.copy())
        return value

    def free(self, target: ast.Name, scope: Scope) -> None:
        """Raise an error where an array or a function has the name already."""
        name = target.id
        if name in RESERVED:
            raise self.ctx.error(
                "E107",
                f"`{name}` is a word of the model language",
                target,
                hint="choose another name",
            )
        if scope.outer is None and (name in self.ctx.arrays or name in self.ctx.functions):
            what = "a variable" if name in self.ctx.arrays else "a function"
            raise self.ctx.error(
                "E107",
                f"`{name}` is {what} already",
                target,
                label="given another meaning",
                hint=f"write `{name}.set_to(…)` to set a variable, or choose another name",
            )

    def bounds(self, statement: ast.For, scope: Scope) -> tuple[Static, Static, int]:
        """Return start, stop and step of a loop.

        Raises:
            SourceError: it is not a loop over a range that is known at compile time.

        """
        call = statement.iter
        if statement.orelse or not isinstance(statement.target, ast.Name):
            raise self.ctx.error(
                "E108",
                "a loop has one variable and no `else`",
                statement,
                hint="write `for i in range(n):`",
            )
        self.free(statement.target, scope)
        is_range = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if not is_range or call.func.id != "range":  # type: ignore[attr-defined]
            raise self.ctx.error(
                "E108", "a loop runs over a `range`", call, hint="write `for i in range(n):`"
            )
        assert isinstance(call, ast.Call)
        if not 1 <= len(call.args) <= 3 or call.keywords:
            raise self.ctx.error(
                "E103",
                f"`range` takes 1 to 3 arguments, not {len(call.args) + len(call.keywords)}",
                call,
                hint="write `range(stop)`, `range(start, stop)` or `range(start, stop, step)`",
            )
        parts = [self._bound(arg, scope) for arg in call.args]
        step = Num(1)
        if len(parts) == 3:
            step = Num(self.expressions.constant(call.args[2], scope, "the step of a loop"))
        if step.value == 0:
            raise self.ctx.error(
                "E120", "the step of a loop is 0", call.args[2], hint="use 1 or -1"
            )
        start, stop = (Num(0), parts[0]) if len(parts) == 1 else parts[:2]
        return start, stop, step.value

    def turns(self, start: Static, stop: Static, step: int) -> range | None:
        """Return the turns of a loop, or None where they depend on an outer one."""
        if not isinstance(start, Num) or not isinstance(stop, Num):
            return None
        return range(start.value, stop.value, step)

    def count_turns(self, statement: ast.For, turns: range) -> None:
        """Count the turns of a loop that is unrolled.

        Raises:
            SourceError: together with all others there are too many.

        """
        self.ctx.turns += len(turns)
        if self.ctx.turns > MOST_TURNS:
            raise self.ctx.error(
                "E122",
                f"the loops to be unrolled have more than {MOST_TURNS} turns",
                statement,
                hint="keep constants that change from turn to turn out of long loops",
            )

    def _bound(self, node: ast.expr, scope: Scope) -> Static:
        found = self.expressions.static(node, scope, "the bound of a loop")
        if any(not self.ctx.open.get(symbol, False) for symbol in symbols(found)):
            raise self.ctx.error(
                "E105",
                "the bound of a loop must not depend on a gate variable",
                node,
                label="depends on a gate",
                hint="loop over all values, and test inside: `if i < k:`",
            )
        return found

    def _target(self, statement: ast.Assign | ast.AugAssign) -> ast.Name:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        target = targets[0]
        if len(targets) == 1 and isinstance(target, ast.Name):
            return target
        if isinstance(target, ast.Subscript):
            text = ast.unparse(target)
            raise self.ctx.error(
                "E114",
                f"`{text}` cannot be assigned with `=`",
                target,
                hint=f"write `{text}.set_to({ast.unparse(statement.value)})`",
            )
        raise self.ctx.error(
            "E108", "one name is assigned at a time", target, hint="write one line for each name"
        )
