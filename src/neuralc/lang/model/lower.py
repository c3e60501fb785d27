"""Statements of the model language into statements of the intermediate representation.

An error ends its own statement only; what depends on it is passed over in silence.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from neuralc.errors import SourceError
from neuralc.ir.nodes import Body, Call, For, Gate, Num, Ref, Statement, Static, Sym, symbols
from neuralc.lang.model.bind import Bindings
from neuralc.lang.model.conditions import TRUE, Condition, Conditions
from neuralc.lang.model.context import Context
from neuralc.lang.model.decide import Branch, Decision, Outcome
from neuralc.lang.model.expressions import Expressions, Pending
from neuralc.lang.model.names import (
    Array,
    Broken,
    Macro,
    Scope,
    SilencedError,
    Unknown,
    UnrollError,
    assigned,
)
from neuralc.lang.model.setters import Setters
from neuralc.lang.model.unsupported import unsupported

MOST_DEPTH = 50
"""How deep macros may call each other."""


class Lowering:
    """Translates statements; names change in the scope that is passed along."""

    def __init__(self, ctx: Context, expressions: Expressions, bindings: Bindings) -> None:
        """Keep the shared state."""
        self.ctx, self.expressions, self.bindings = ctx, expressions, bindings
        self.setters = Setters(ctx, expressions)
        self.conditions = Conditions(ctx, expressions)

    def body(self, statements: Sequence[ast.stmt], scope: Scope) -> Body:
        """Return the translation of a block; errors are noted, the rest goes on."""
        found: list[Statement] = []
        for statement in statements:
            try:
                found += self.statement(statement, scope)
            except SourceError as error:
                self.ctx.errors.append(error)
            except SilencedError:
                self.ctx.silenced = True
        return tuple(found)

    def statement(self, node: ast.stmt, scope: Scope) -> Body:
        """Return the translation of one statement.

        Raises:
            SourceError, SilencedError: it has none.
            UnrollError: a loop around it has to be unrolled first.

        """
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return ()
            case ast.Assign() | ast.AugAssign():
                self.bindings.assign(node, scope)
                return ()
            case ast.For():
                return self._for(node, scope)
            case ast.With():
                return self._with(node, scope)
            case ast.If():
                return self._if(node, scope)
            case ast.Expr(value=ast.Call(func=ast.Attribute()) as call):
                with self._gates() as pending:
                    found = self.setters.method(call, scope, pending)
                    return self._wrap(pending, found)
            case ast.Expr(value=ast.Call(func=ast.Name() as name) as call):
                function = self.ctx.functions.get(name.id)
                if isinstance(function, Broken):
                    raise SilencedError(name.id)
                if isinstance(function, Macro):
                    return self._macro(call, function, scope)
        raise unsupported(self.ctx, node, scope)

    # ---- gates that an index asks for

    @contextmanager
    def _gates(self) -> Iterator[Pending]:
        pending = Pending()
        try:
            yield pending
        finally:
            for symbol in pending.gates.values():
                self.ctx.open.pop(symbol.name, None)

    def _wrap(self, pending: Pending, body: Body) -> Body:
        for value, symbol in reversed(pending.gates.items()):
            if body:
                size = self._size(value)
                body = (Gate(symbol.name, size, value, body, symbol.span),)
        return body

    def _size(self, value: Ref | Call) -> int:
        if isinstance(value, Ref):
            return self.ctx.size_at(value)
        type_ = self.expressions.type_of(value)
        return int(str(type_))

    # ---- loops

    def _for(self, node: ast.For, scope: Scope) -> Body:
        try:
            start, stop, step = self.bindings.bounds(node, scope)
        except (SourceError, SilencedError):
            self._aside(node.body, scope, node.target)
            raise
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        turns = self.bindings.turns(start, stop, step)
        if turns is not None and not turns:
            return ()
        mark = self.ctx.mark()
        symbol = self.ctx.fresh(name)
        inner = scope.copy()
        for changed in assigned(node.body):
            if changed in inner.names:
                inner.names[changed] = Unknown("carried", loop=symbol)
        inner.names[name] = Sym(symbol)
        self.ctx.open[symbol] = True
        try:
            body = self.body(node.body, inner)
        except UnrollError as problem:
            if problem.symbol != symbol:
                raise
            self.ctx.back(mark)
            del self.ctx.open[symbol]
            return self._unrolled(node, scope, start, stop, step)
        finally:
            self.ctx.open.pop(symbol, None)
        self._leave(scope, inner, f"the loop of line {node.lineno}")
        if not body:
            return ()
        return (For(symbol, start, stop, step, body, self.ctx.span(node)),)

    def _unrolled(
        self, node: ast.For, scope: Scope, start: Static, stop: Static, step: int
    ) -> Body:
        assert isinstance(node.target, ast.Name)
        turns = self.bindings.turns(start, stop, step)
        if turns is None:
            outer = self.ctx.loop_in(start, stop)
            assert outer is not None, "a bound depends on loop variables only"
            raise UnrollError(outer)
        self.bindings.count_turns(node, turns)
        inner = scope.copy()
        found: list[Statement] = []
        for turn in turns:
            inner.names[node.target.id] = Num(turn)
            found += self.body(node.body, inner)
        self._leave(scope, inner, f"the loop of line {node.lineno}")
        return tuple(found)

    def _leave(self, scope: Scope, inner: Scope, where: str) -> None:
        """Make the names that were bound inside a loop or gate unknown after it."""
        for name in inner.changed(scope):
            found = inner.names[name]
            silent = isinstance(found, Unknown) and not found.reason
            reason = f"`{name}` was last given a meaning inside {where}"
            hint = "give it a meaning again after that"
            scope.names[name] = Unknown() if silent else Unknown(reason, hint)

    def _aside(
        self, body: Sequence[ast.stmt], scope: Scope, target: ast.expr | None = None
    ) -> None:
        """Look for errors in a body whose header has an error; the result is dropped."""
        inner = scope.copy()
        if isinstance(target, ast.Name):
            inner.names[target.id] = Unknown()
        for name in assigned(body):
            scope.names[name] = Unknown()
        if isinstance(target, ast.Name):
            scope.names[target.id] = Unknown()
        self.body(body, inner)

    # ---- gates

    def _with(self, node: ast.With, scope: Scope) -> Body:
        inner = scope.copy()
        opened: list[str] = []
        with self._gates() as pending:
            gates: list[tuple[Ref | Call, str, ast.withitem]] = []
            try:
                for item in node.items:
                    self._open(item, inner, pending, gates, opened)
                body = self.body(node.body, inner)
                for value, symbol, item in reversed(gates):
                    size = self.expressions.size_of(value, item.context_expr, "a gate")
                    body = (Gate(symbol, size, value, body, self.ctx.span(node)),) if body else ()
                self._after_gate(node, scope, inner, opened)
                return self._wrap(pending, body)
            except (SourceError, SilencedError):
                self._aside(node.body, inner, node.items[-1].optional_vars)
                raise
            finally:
                self.ctx.choices -= len(gates)
                for symbol in opened:
                    self.ctx.open.pop(symbol, None)

    def _open(
        self,
        item: ast.withitem,
        scope: Scope,
        pending: Pending,
        gates: list[tuple[Ref | Call, str, ast.withitem]],
        opened: list[str],
    ) -> None:
        target = item.optional_vars
        if not isinstance(target, ast.Name):
            raise self.ctx.error(
                "E108",
                "a gate needs a name for the value",
                item.context_expr,
                hint=f"write `with {ast.unparse(item.context_expr)} as i:`",
            )
        self.bindings.free(target, scope)
        value = self.expressions.value(item.context_expr, scope, pending)
        if isinstance(value, Static):
            scope.names[target.id] = value
            return
        self.expressions.size_of(value, item.context_expr, "a gate")
        symbol = self.ctx.fresh(target.id)
        opened.append(symbol)
        self.ctx.open[symbol] = False
        gates.append((value, symbol, item))
        self.ctx.choices += 1
        scope.names[target.id] = Sym(symbol)

    def _after_gate(self, node: ast.With, scope: Scope, inner: Scope, opened: list[str]) -> None:
        left = inner.copy()
        for name in inner.changed(scope):
            binding = inner.names[name]
            fixed = isinstance(binding, Static | Ref) and not symbols(binding) & set(opened)
            if fixed or isinstance(binding, Array):
                scope.names[name] = binding
        self._leave(scope, left, f"the `with` of line {node.lineno}")

    # ---- choices

    def _if(self, node: ast.If, scope: Scope) -> Body:
        parts: list[tuple[ast.If | None, list[ast.stmt]]] = []
        rest: list[ast.stmt] = [node]
        while len(rest) == 1 and isinstance(rest[0], ast.If):
            parts.append((rest[0], rest[0].body))
            rest = rest[0].orelse
        parts.append((None, rest))
        with self._gates() as pending:
            branches: list[Branch] = []
            failed = False
            for part, _ in parts:
                condition: Condition | None = TRUE if part is None else None
                try:
                    if part is not None:
                        condition = self.conditions.read(part.test, scope, pending)
                except SourceError as error:
                    self.ctx.errors.append(error)
                except SilencedError:
                    pass
                failed = failed or condition is None
                branches.append(Branch(condition or TRUE, part.test if part else None))
            if failed:
                for _, block in parts:
                    self._aside(block, scope)
                return ()

            def run(number: int) -> Outcome:
                inner = scope.copy()
                return self.body(parts[number][1], inner), inner

            body, after = Decision(self.ctx, node, branches, run).build()
            scope.names = after.names
            return self._wrap(pending, body)

    # ---- macros

    def _macro(self, call: ast.Call, macro: Macro, scope: Scope) -> Body:
        if len(call.args) != len(macro.params) or call.keywords:
            given = len(call.args) + len(call.keywords)
            raise self.ctx.error(
                "E103",
                f"`{macro.name}` takes {len(macro.params)} arguments, not {given}",
                call,
                hint=f"its parameters are ({', '.join(macro.params)})",
            )
        if macro.name in self.ctx.macros or len(self.ctx.macros) >= MOST_DEPTH:
            raise self.ctx.error(
                "E122",
                f"`{macro.name}` calls itself",
                call,
                hint="a macro is written out where it is called; use a loop",
            )
        inner = Scope(outer=scope.top())
        for param, arg in zip(macro.params, call.args, strict=True):
            inner.names[param] = self.bindings.meaning(arg, scope)
        self.ctx.macros.append(macro.name)
        try:
            return self.body(macro.node.body, inner)
        finally:
            self.ctx.macros.pop()
