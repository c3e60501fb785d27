"""Gives the names of comprehensions names of their own, so that a frame can hold them all."""

from __future__ import annotations

import ast
import copy
from itertools import count
from typing import Any, TypeVar

Tree = TypeVar("Tree", bound=ast.AST)


def renamed(tree: Tree) -> Tree:
    """Return a copy in which no name of a comprehension is also a name outside of it."""
    found: Tree = _Renamer().visit(copy.deepcopy(tree))
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self) -> None:
        self.numbers = count()
        self.inside: dict[str, str] = {}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.inside.get(node.id, node.id)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> Any:
        return self._comprehension(node)

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Any:
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # is outside still
        targets = [n for g in node.generators for n in ast.walk(g.target)]
        outer = self.inside
        self.inside = outer | {
            name.id: f"{name.id}@{next(self.numbers)}"
            for name in targets
            if isinstance(name, ast.Name)
        }
        for generator in node.generators:
            generator.target = self.visit(generator.target)
            if generator is not first:
                generator.iter = self.visit(generator.iter)
            generator.ifs = [self.visit(test) for test in generator.ifs]
        node.elt = self.visit(node.elt)
        self.inside = outer
        return node
