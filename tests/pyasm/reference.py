"""Programs of the subset run by CPython, every result reduced modulo M: what compiling must keep.

The text is changed as a syntax tree before it runs: `a + b` becomes `_mod(a + b)`, and loops and
functions count their turns, so that nothing runs for ever. Only texts of these tests are run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any


class TooLong(Exception):
    """A run with too many turns."""


class _Reduced(ast.NodeTransformer):
    def __init__(self, constants: dict[str, int]) -> None:
        self.constants = constants

    def _constant(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant() | ast.Call(func=ast.Name("len")):
                return True
            case ast.Name(id=name):
                return name in self.constants
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return self._constant(operand)
            case ast.BinOp(left=left, right=right):
                return self._constant(left) and self._constant(right)
        return False

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if self._constant(node):
            return _call("_mod", node)
        return _call("_mod", self.generic_visit(node))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        changed = self.generic_visit(node)
        return _call("_mod", changed) if isinstance(node.op, ast.USub) else changed

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        value = self.visit(node.value)
        if isinstance(node.target, ast.Name):
            old = ast.Name(node.target.id, ast.Load())
            new = _call("_mod", ast.BinOp(old, node.op, value))
            return ast.Assign([node.target], new)
        assert isinstance(node.target, ast.Subscript)
        late = ast.Lambda(
            ast.arguments(posonlyargs=[], args=[ast.arg("old")], kwonlyargs=[], kw_defaults=[],
                          defaults=[]),
            ast.BinOp(ast.Name("old", ast.Load()), node.op, value),
        )  # fmt: skip
        return ast.Expr(_call("_change", node.target.value, self.visit(node.target.slice), late))

    def visit_For(self, node: ast.For) -> ast.AST:
        assert isinstance(node.iter, ast.Call)
        node.iter.args = [a if self._constant(a) else self.visit(a) for a in node.iter.args]
        node.body = [_tick(), *(self.visit(one) for one in node.body)]
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.body = [_tick(), *node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.body = [_tick(), *node.body]
        node.decorator_list = []
        return node


def _call(name: str, *args: Any) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def _tick() -> ast.stmt:
    return ast.Expr(_call("_tick"))


def functions(text: str, size: int, turns: int = 3000) -> Callable[..., Any]:
    """Return what runs a function of a text: `(name, *arguments) -> result`, modulo `size`."""
    left = [0]

    def tick() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise TooLong

    def change(cells: list[int], index: int, new: Callable[[int], int]) -> None:
        old = cells[index]
        cells[index] = new(old) % size

    tree = ast.parse(text)
    constants = {
        node.targets[0].id: 0
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    tree.body = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
    tree = ast.fix_missing_locations(_Reduced(constants).visit(tree))
    names = {"_mod": lambda value: value % size, "_tick": tick, "_change": change}
    exec(compile(tree, "program", "exec"), names)

    def run(name: str, *args: Any) -> Any:
        left[0] = turns
        return names[name](*args)

    return run


def on_memory(run: Callable[..., Any], name: str, cells: Sequence[int], size: int) -> list[int]:
    """Return the cells after a function has run on them."""
    memory = list(cells)
    run(name, memory)
    return [int(value) % size for value in memory]
