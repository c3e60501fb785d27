"""Whether a function keeps to the subset: all that is wrong with it, before anything is executed.

Follows the names of the function through its file, to the functions and constants that it
reaches. What passes here is executed by `concrete` and `symbolic` without asking again.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

from neuralc.errors import SourceError
from neuralc.lang.pyfn.expressions import Expressions
from neuralc.lang.pyfn.reference import Node, parameters, span
from neuralc.lang.pyfn.words import STATEMENTS
from neuralc.source import Source

Scope = ast.Module | ast.FunctionDef


class Checker:
    """Checks one function and all that it reaches; `errors` are those found."""

    def __init__(self, source: Source, scopes: Sequence[Scope]) -> None:
        """Collect what the scopes around the function define, outermost first."""
        self.source = source
        self.errors: list[SourceError] = []
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.expr] = {}
        self.unusable: dict[str, str] = {}
        for scope in scopes:
            self._define(scope)
        self._reached: dict[str, None] = {}
        self._expressions = Expressions(self)

    def check(
        self, main: ast.FunctionDef
    ) -> tuple[dict[str, ast.FunctionDef], dict[str, ast.expr]]:
        """Check a function; return the helpers and the constants that it reaches."""
        self._function(main, is_main=True)
        done = 0
        while done < len(self._reached):
            name = list(self._reached)[done]
            done += 1
            if name in self.functions:
                self._function(self.functions[name], is_main=self.functions[name] is main)
            else:
                self._expressions.value(self.constants[name], frozenset())
        helpers = {name: self.functions[name] for name in self._reached if name in self.functions}
        constants = {name: value for name, value in self.constants.items() if name in self._reached}
        return helpers, constants

    def reach(self, name: str) -> None:
        """Note that a function or a constant of the file is needed."""
        self._reached[name] = None

    def add(self, code: str, message: str, node: Node, *, hint: str, label: str = "") -> None:
        """Report an error."""
        place = span(self.source, node)
        self.errors.append(SourceError(code, message, place, label=label, hint=hint))

    def _define(self, scope: Scope) -> None:
        """Put the names of a scope in the place of those further out."""
        bindings = list(bound(scope.body))
        counts = Counter(name for name, _ in bindings)
        others = {name for name, node in bindings if not isinstance(node, ast.FunctionDef)}
        plain = {node.name for node in scope.body if isinstance(node, ast.FunctionDef)} - others
        names = [*counts, *(parameters(scope) if isinstance(scope, ast.FunctionDef) else ())]
        for name in names:
            self.functions.pop(name, None)
            self.constants.pop(name, None)
            self.unusable[name] = "is not a plain constant of the file"
        for node in scope.body:
            match node:
                case ast.FunctionDef(name=name) if name in plain:
                    self.functions[name] = node
                    self.unusable.pop(name, None)
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ):  # fmt: skip
                    if counts[name] == 1:
                        self.constants[name] = value
                        self.unusable.pop(name, None)
                    else:
                        self.unusable[name] = "is given a meaning twice in the file"
                case ast.Import() | ast.ImportFrom():
                    for alias in node.names:
                        imported = alias.asname or alias.name.split(".")[0]
                        self.unusable[imported] = "is imported, and a reference imports nothing"

    # ---- functions and statements

    def _function(self, node: ast.FunctionDef, *, is_main: bool) -> None:
        arguments = node.args
        plain = not (arguments.vararg or arguments.kwarg or arguments.kwonlyargs)
        if not plain or arguments.defaults:
            self.add(
                "E306",
                f"`{node.name}` has parameters with defaults or stars",
                node,
                hint="give it plain parameters: `def f(a, b):`",
            )
        if node.decorator_list:
            self.add(
                "E304",
                "a decorator is not part of the subset",
                node.decorator_list[0],
                hint="remove it: a reference is only read",
            )
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        stars = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
        names = {arg.arg for arg in (*every, *stars)} | {name for name, _ in bound(node.body)}
        self._body(node.body, frozenset(names), is_main)

    def _body(self, body: Sequence[ast.stmt], names: frozenset[str], is_main: bool) -> None:
        for statement in body:
            self._statement(statement, names, is_main)

    def _statement(self, node: ast.stmt, names: frozenset[str], is_main: bool) -> None:
        value = self._expressions.value
        match node:
            case ast.Return(value=ast.Dict() as returned) if is_main:
                self._expressions.outputs(returned, names)
            case ast.Return(value=result):
                if result is not None:
                    value(result, names)
            case ast.Assign(targets=targets, value=assigned):
                value(assigned, names)
                for target in targets:
                    self._expressions.target(target, names)
            case ast.AugAssign(target=target, op=op, value=assigned):
                self._expressions.operator(node, op)
                value(assigned, names)
                if isinstance(target, ast.Name | ast.Subscript):
                    self._expressions.target(target, names)
                else:
                    self._expressions.refuse(target)
            case ast.AnnAssign(target=target, value=given):
                if given is not None:
                    value(given, names)
                self._expressions.target(target, names)
            case ast.If(test=test, body=body, orelse=orelse):
                value(test, names)
                self._body(body, names, is_main)
                self._body(orelse, names, is_main)
            case ast.While(test=test, body=body):
                value(test, names)
                self._loop(node, body, names, is_main)
            case ast.For(target=target, iter=iterable, body=body):
                self._expressions.iterable(iterable, names)
                self._expressions.target(target, names)
                self._loop(node, body, names, is_main)
            case ast.Expr(value=expression):
                self._effect(expression, names)
            case ast.Pass() | ast.Break() | ast.Continue():
                pass
            case _:
                name, hint = STATEMENTS.get(
                    type(node), (f"`{type(node).__name__.lower()}`", "leave it out")
                )
                self.add("E304", f"{name} is not part of the subset", node, hint=hint)

    def _loop(
        self,
        node: ast.For | ast.While,
        body: Sequence[ast.stmt],
        names: frozenset[str],
        is_main: bool,
    ) -> None:
        if node.orelse:
            self.add(
                "E304",
                "`else` of a loop is not part of the subset",
                node,
                hint="keep in a variable whether the loop was left",
            )
        self._body(body, names, is_main)

    def _effect(self, node: ast.expr, names: frozenset[str]) -> None:
        """Check an expression that stands alone."""
        match node:
            case ast.Constant(value=str()):
                pass  # a docstring
            case ast.Call():
                self._expressions.call(node, names, alone=True)
            case _:
                self._expressions.value(node, names)
                self.add(
                    "E304",
                    "this line has no effect",
                    node,
                    label="the value is not used",
                    hint="keep it with `name = …`, or remove the line",
                )


def bound(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """Yield the names that statements bind, those inside nested functions aside."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node
                continue
            case ast.ClassDef(name=name):
                yield name, node
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                continue
            case ast.GeneratorExp():
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name, node
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    yield alias.asname or alias.name.split(".")[0], node
            case ast.ExceptHandler(name=str() as name):
                yield name, node
        todo += ast.iter_child_nodes(node)
