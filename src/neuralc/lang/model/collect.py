"""The top level of a model, in order: constants, declarations, definitions.

All other statements are put aside, each with the names as they are at that point, and translated
when everything is declared. Top-level choices and loops that hold declarations are run here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from neuralc.errors import SourceError
from neuralc.ir.nodes import Num
from neuralc.lang.model.bind import Bindings
from neuralc.lang.model.context import Context
from neuralc.lang.model.declare import Declarations
from neuralc.lang.model.expressions import Expressions
from neuralc.lang.model.functions import Definitions
from neuralc.lang.model.names import Scope, SilencedError, Unknown, assigned, kind_of
from neuralc.lang.model.unsupported import unsupported

IGNORED = ("dummy", "__future__", "neuralc", "terpret")
"""Modules whose imports in a model file are for editors only."""


class Collector:
    """Reads the top level; `deferred` are the statements that are left to translate."""

    def __init__(
        self, ctx: Context, expressions: Expressions, bindings: Bindings, hypers: Mapping[str, int]
    ) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions, self.bindings = ctx, expressions, bindings
        self.hypers = hypers
        self.declarations = Declarations(ctx, expressions)
        self.definitions = Definitions(ctx, self.declarations)
        self.deferred: list[tuple[ast.stmt, Scope]] = []
        self.turn = False

    def body(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Read statements; errors are noted, the rest goes on."""
        for statement in statements:
            try:
                self._statement(statement, scope)
            except SourceError as error:
                self.ctx.errors.append(error)
            except SilencedError:
                self.ctx.silenced = True

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in IGNORED:
                return
            case ast.FunctionDef() if not self.turn:
                self.definitions.define(node, scope)
            case ast.Assign(value=value) if kind_of(value) is not None:
                self._declare(node, scope)
            case ast.Assign() | ast.AugAssign():
                self.bindings.assign(node, scope)
                self._note_constants(node, scope)
            case ast.If():
                self._if(node, scope)
            case ast.For() if any(kind_of(a.value) for a in assignments(node)):
                self._for(node, scope)
            case ast.For() | ast.With() | ast.Expr():
                self._defer(node, scope)
            case ast.Pass():
                return
            case _:
                raise unsupported(self.ctx, node, scope)

    def _defer(self, node: ast.stmt, scope: Scope) -> None:
        self.deferred.append((node, scope.copy()))
        for name in assigned([node]):
            scope.names[name] = Unknown(
                f"`{name}` was last given a meaning inside the statement of line {node.lineno}",
                "give it a meaning again after that",
            )

    def _note_constants(self, node: ast.Assign | ast.AugAssign, scope: Scope) -> None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if self.turn or not isinstance(target, ast.Name):
            return
        if isinstance(scope.names.get(target.id), Num):
            self.ctx.constants.add(target.id)

    def _declare(self, node: ast.Assign, scope: Scope) -> None:
        target, value = node.targets[0], node.value
        one = isinstance(value, ast.Call) and kind_of(value) not in ("Hyper", "InputTensor")
        if one and len(node.targets) == 1 and isinstance(target, ast.Subscript):
            self.declarations.piece(target, value, scope)
            return
        if len(node.targets) != 1 or not isinstance(target, ast.Name):
            raise self.ctx.error(
                "E119",
                "one variable is declared at a time",
                target,
                hint="write `name = Var(size)[a, b]`",
            )
        if self.turn:
            scope.names[target.id] = Unknown()
            raise self.ctx.error(
                "E119",
                f"`{target.id}` would be declared anew in every turn of the loop",
                target,
                hint=f"declare `{target.id}` before the loop, or element by element: "
                f"`{target.id}[i] = Param(…)`",
            )
        if kind_of(value) == "Hyper":
            self._hyper(target, value, scope)
        else:
            self.declarations.whole(target, value, scope)

    def _hyper(self, target: ast.Name, value: ast.expr, scope: Scope) -> None:
        self.declarations.free(target.id, self.ctx.span(target), scope)
        if not isinstance(value, ast.Call) or value.args or value.keywords:
            scope.names[target.id] = Unknown()
            raise self.ctx.error(
                "E103",
                "`Hyper` takes no arguments",
                value,
                hint="write `Hyper()`; its value comes from the hypers file",
            )
        scope.names[target.id] = Num(self.hypers[target.id])
        self.ctx.constants.add(target.id)

    def _if(self, node: ast.If, scope: Scope) -> None:
        mark = self.ctx.mark()
        try:
            condition = self.expressions.value(node.test, scope, None)
        except (SourceError, SilencedError):
            condition = None
        self.ctx.back(mark)
        if isinstance(condition, Num):
            self.body(node.body if condition.value else node.orelse, scope)
        else:
            self._defer(node, scope)

    def _for(self, node: ast.For, scope: Scope) -> None:
        """Run a loop that declares the elements of arrays."""
        for name in {a.targets[0].value.id for a in assignments(node) if is_piece(a)}:  # type: ignore[attr-defined]
            self.ctx.broken.add(name)
        start, stop, step = self.bindings.bounds(node, scope)
        turns = self.bindings.turns(start, stop, step)
        assert turns is not None, "no loop is open here"
        assert isinstance(node.target, ast.Name)
        self.bindings.count_turns(node, turns)
        for assignment in assignments(node):
            target = assignment.targets[0]
            if isinstance(target, ast.Subscript) and not turns:
                self.declarations.none(target, assignment.value)
        inner, outer_turn, self.turn = scope.copy(), self.turn, True
        for turn in turns:
            inner.names[node.target.id] = Num(turn)
            self.body(node.body, inner)
        self.turn = outer_turn
        if not self.turn:
            self.declarations.finish()
        for name in assigned([node]):
            if name in inner.names:
                scope.names[name] = Unknown(
                    f"`{name}` was last given a meaning inside the loop of line {node.lineno}",
                    "give it a meaning again after that",
                )


def assignments(node: ast.stmt) -> list[ast.Assign]:
    """Return the assignments inside a statement that declare something."""
    found = [n for n in ast.walk(node) if isinstance(n, ast.Assign)]
    return [n for n in found if kind_of(n.value) is not None]


def is_piece(node: ast.Assign) -> bool:
    """Return whether an assignment declares one element of an array."""
    target = node.targets[0]
    return isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)
