"""Translates the statements of one function into blocks; says where a value may be missing."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from neuralc.errors import SourceError
from neuralc.lang.pyasm.build import Builder
from neuralc.lang.pyasm.flow import Block, Flow, Local, Operand, Return, Supply
from neuralc.lang.pyasm.loops import Ranges
from neuralc.lang.pyasm.syntax import Definition
from neuralc.lang.pyasm.unset import missing
from neuralc.lang.pyasm.values import Values, is_variable


def lower(
    definitions: Mapping[str, Definition], key: str, size: int, supply: Supply
) -> tuple[Flow, list[SourceError]]:
    """Translate a function that keeps to the subset.

    Args:
        definitions: all functions, by key.
        key: the one to translate.
        size: M; numbers are 0 .. M-1.
        supply: gives new locals and blocks.

    Returns:
        The function, and where variables or the result may be without a value.

    """
    build = Builder(supply, definitions[key], definitions, size)
    statements = _Statements(build)
    statements.body(definitions[key].node.body)
    fall = build.current
    build.flow.blocks[fall.number] = fall
    result = build.flow.result
    build.end(Return((result,) if result else ()))
    return build.flow, missing(build.flow, definitions[key], fall.number)


class _Statements:
    """Translates statements; `loops` holds where `continue` and `break` lead."""

    def __init__(self, build: Builder) -> None:
        self.build, self.values = build, Values(build)
        self.ranges = Ranges(build, self.values)
        self.loops: list[tuple[Block, Block]] = []

    def body(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=value):
                self._return(node, value)
            case ast.Assign():
                self._assign(node)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._store(target, self.values.value(value), node)
            case ast.AugAssign():
                self._augmented(node)
            case ast.If():
                self._if(node)
            case ast.While():
                self._while(node)
            case ast.For():
                self._for(node)
            case ast.Expr(value=ast.Call() as call):
                self.values.call(call, alone=True)
            case ast.Continue():
                self.build.jump(self.loops[-1][0], node)
            case ast.Break():
                self.build.jump(self.loops[-1][1], node)

    def _return(self, node: ast.Return, value: ast.expr | None) -> None:
        result = self.build.flow.result
        if value is None or result is None:
            self.build.end(Return(), node)
            return
        self.build.copy(result, self.values.value(value), node)
        self.build.end(Return((result,)), node)

    def _assign(self, node: ast.Assign) -> None:
        match node.targets, node.value:
            case [ast.Tuple() | ast.List(), *_], ast.Tuple(elts=parts):
                found = [self._kept(self.values.value(part), part) for part in parts]
                for several in node.targets:
                    assert isinstance(several, ast.Tuple | ast.List)
                    for target, one in zip(several.elts, found, strict=True):
                        self._store(target, one, node)
            case _:
                value = self.values.value(node.value)
                if len(node.targets) > 1:
                    value = self._kept(value, node)
                for target in node.targets:
                    self._store(target, value, node)

    def _kept(self, value: Operand, node: ast.expr | ast.stmt) -> Operand:
        """Return a value that does not change when variables are assigned."""
        return self.build.emit("COPY", value, node=node) if is_variable(value) else value

    def _store(self, target: ast.expr, value: Operand, node: ast.stmt) -> None:
        match target:
            case ast.Name(id=name):
                self.build.copy(self.build.named[name], value, node)
            case ast.Subscript(slice=index):
                self.build.step("WRITE", None, self.values.value(index), value, node=node)

    def _augmented(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name) as target:
                local = self.build.named[name]
                self.build.step("USE", None, local, node=target)
                given = self.values.value(node.value)
                self.build.copy(local, self.values.arithmetic(node.op, local, given, node), node)
            case ast.Subscript(slice=index) as target:
                address = self.values.value(index)
                old = self.build.emit("READ", address, node=target)
                given = self.values.value(node.value)
                new = self.values.arithmetic(node.op, old, given, node)
                self.build.step("WRITE", None, address, new, node=node)

    def _if(self, node: ast.If) -> None:
        yes, end = self.build.block("then", node), self.build.block("end_if", node)
        no = self.build.block("else", node) if node.orelse else end
        self.values.condition(node.test, yes, no)
        for block, body in ((yes, node.body), (no, node.orelse)):
            if body:
                self.build.go_on(block)
                self.body(body)
                self.build.jump(end, body[-1])
        self.build.go_on(end)

    def _while(self, node: ast.While) -> None:
        end = self.build.block("end_while", node)
        self.build.into_loop()
        test, body = self.build.block("while", node), self.build.block("body", node)
        self.build.jump(test, node)
        self.build.go_on(test)
        self.values.condition(node.test, body, end)
        self.build.go_on(body)
        self._loop(node.body, test, end)
        self.build.jump(test, node)
        self.build.out_of_loop()
        self.build.go_on(end)

    def _for(self, node: ast.For) -> None:
        assert isinstance(node.target, ast.Name)
        variable: Local = self.build.named[node.target.id]
        end = self.build.block("end_for", node)

        def body(latch: Block) -> None:
            self._loop(node.body, latch, end)

        self.ranges.loop(node, variable, body, end)
        self.build.go_on(end)

    def _loop(self, body: Sequence[ast.stmt], again: Block, end: Block) -> None:
        self.loops.append((again, end))
        self.body(body)
        self.loops.pop()
