"""Whether the expressions of a function keep to the subset; statements are checked in `check`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuralc.lang.pyfn.reference import parameters
from neuralc.lang.pyfn.words import (
    EXPRESSIONS,
    FUNCTIONS,
    ITERATORS,
    METHODS,
    TAKES_ITERABLE,
    nearest,
)

if TYPE_CHECKING:
    from neuralc.lang.pyfn.check import Checker

Names = frozenset[str]
MOST_BITS = 4096
"""Of a number, anywhere: what is larger is an error, not a full memory."""


class Expressions:
    """Reports to a checker what is wrong with expressions; `names` are the local ones."""

    def __init__(self, checker: Checker) -> None:
        """Keep the checker."""
        self.checker = checker

    def value(self, node: ast.expr, names: Names) -> None:
        """Check an expression that gives a value."""
        match node:
            case ast.Constant(value=constant):
                self._constant(node, constant)
            case ast.Name():
                self._name(node, names)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for element in elements:
                    inner = element.value if isinstance(element, ast.Starred) else element
                    self.value(inner, names)
            case ast.BinOp(left=left, op=op, right=right):
                self.operator(node, op)
                self._all([left, right], names)
            case ast.UnaryOp(operand=operand):
                self.value(operand, names)
            case ast.BoolOp(values=values):
                self._all(values, names)
            case ast.Compare():
                self._compare(node, names)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._all([test, body, orelse], names)
            case ast.Subscript(value=value, slice=index):
                self.value(value, names)
                self._index(index, names)
            case ast.ListComp(elt=element, generators=generators):
                self._comprehension(element, generators, names)
            case ast.Call():
                self.call(node, names)
            case _:
                self.refuse(node)

    def iterable(self, node: ast.expr, names: Names) -> None:
        """Check an expression that is looped over."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in ITERATORS and self._is_builtin(
                name, names
            ):
                self.call(node, names, looped=True)
            case ast.GeneratorExp(elt=element, generators=generators):
                self._comprehension(element, generators, names)
            case _:
                self.value(node, names)

    def target(self, node: ast.expr, names: Names) -> None:
        """Check what is assigned to."""
        match node:
            case ast.Name():
                pass
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self.target(element, names)
            case ast.Subscript(value=value, slice=index):
                self.value(value, names)
                self._index(index, names)
            case _:
                self.refuse(node)

    def outputs(self, node: ast.Dict, names: Names) -> None:
        """Check the dict that the function returns."""
        seen: set[str] = set()
        for key, value in zip(node.keys, node.values, strict=True):
            match key:
                case ast.Constant(value=str() as name) if name not in seen:
                    seen.add(name)
                case _:
                    self.checker.add(
                        "E307",
                        "the keys of what is returned are the names of the outputs, each once",
                        key or value,
                        hint="write `{'output': value}`",
                    )
            self.value(value, names)

    def operator(self, node: ast.BinOp | ast.AugAssign, op: ast.operator) -> None:
        """Check that an operator gives whole numbers."""
        if isinstance(op, ast.Div | ast.MatMult):
            sign = "/" if isinstance(op, ast.Div) else "@"
            self.checker.add(
                "E305",
                f"`{sign}` gives no whole numbers",
                node,
                hint="write `//`, the division that rounds down",
            )

    def call(
        self, node: ast.Call, names: Names, *, alone: bool = False, looped: bool = False
    ) -> None:
        """Check a call; `alone`: a statement of its own, `looped`: it is looped over."""
        for argument in (*node.args, *node.keywords):
            if isinstance(argument, ast.Starred | ast.keyword):
                self.checker.add(
                    "E303",
                    "arguments go by position, one by one",
                    argument,
                    hint="write `f(a, b)`",
                )
        match node.func:
            case ast.Name(id=name):
                self._call_name(node, name, names, looped=looped)
            case ast.Attribute(attr=name, value=owner):
                self._method(node, name, alone=alone)
                self._all([owner, *_plain(node.args)], names)
            case _:
                self.checker.add(
                    "E302", "only functions with a name are called", node, hint="write `f(…)`"
                )

    def refuse(self, node: ast.expr) -> None:
        """Report an expression that is not part of the subset."""
        name, hint = EXPRESSIONS.get(type(node), ("this expression", "use whole numbers and lists"))
        self.checker.add("E305", f"{name} is not part of the subset", node, hint=hint)

    # ---- parts

    def _all(self, nodes: Sequence[ast.expr], names: Names) -> None:
        for node in nodes:
            self.value(node, names)

    def _constant(self, node: ast.expr, constant: object) -> None:
        if constant is None or isinstance(constant, bool):
            return
        if not isinstance(constant, int):
            kind = {float: "a number with a point", str: "text"}.get(type(constant), "this")
            self.checker.add(
                "E305", f"{kind} is not part of the subset", node, hint="use whole numbers"
            )
        elif constant.bit_length() > MOST_BITS:
            self.checker.add("E305", "this number is too large", node, hint="use smaller numbers")

    def _is_builtin(self, name: str, names: Names) -> bool:
        checker = self.checker
        return not (name in names or name in checker.functions or name in checker.constants)

    def _name(self, node: ast.Name, names: Names) -> None:
        checker, name = self.checker, node.id
        if name in names:
            return
        if name in checker.constants:
            checker.reach(name)
        elif name in checker.functions or name in FUNCTIONS or name in ITERATORS:
            checker.add(
                "E305", f"the function `{name}` as a value", node, hint=f"call it: `{name}(…)`"
            )
        elif name in checker.unusable:
            checker.add(
                "E301",
                f"`{name}` {checker.unusable[name]}",
                node,
                label="its value is not known",
                hint=f"write `{name} = …` with its value at the top level, or make it a parameter",
            )
        else:
            near = nearest(name, [*names, *checker.constants])
            hint = near or "assign it first, or write it as a constant at the top of the file"
            checker.add(
                "E301", f"nothing is called `{name}`", node, label="unknown name", hint=hint
            )

    def _compare(self, node: ast.Compare, names: Names) -> None:
        self._all([node.left, *node.comparators], names)
        for op, right in zip(node.ops, node.comparators, strict=True):
            is_none = isinstance(right, ast.Constant) and right.value is None
            if isinstance(op, ast.Is | ast.IsNot) and not is_none:
                self.checker.add(
                    "E305", "`is` compares with `None` only", node, hint="write `==` or `!=`"
                )

    def _index(self, node: ast.expr, names: Names) -> None:
        match node:
            case ast.Slice(lower=lower, upper=upper, step=step):
                self._all([part for part in (lower, upper, step) if part is not None], names)
            case ast.Tuple():
                self.checker.add(
                    "E305",
                    "several indices at once are not part of the subset",
                    node,
                    hint="write `a[i][j]`: arrays are lists of lists",
                )
            case _:
                self.value(node, names)

    def _comprehension(
        self, element: ast.expr, generators: Sequence[ast.comprehension], names: Names
    ) -> None:
        inner = names | {
            node.id
            for generator in generators
            for node in ast.walk(generator.target)
            if isinstance(node, ast.Name)
        }
        for k, generator in enumerate(generators):
            self.iterable(generator.iter, names if k == 0 else inner)
            self._loop_target(generator.target)
            self._all(generator.ifs, inner)
        self.value(element, inner)

    def _loop_target(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                pass
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for element in elements:
                    self._loop_target(element)
            case _:
                self.refuse(node)

    def _call_name(self, node: ast.Call, name: str, names: Names, *, looped: bool) -> None:
        checker, args = self.checker, _plain(node.args)
        if name in names or name in checker.constants:
            checker.add(
                "E302", f"`{name}` is a value, not a function", node.func, hint="call a function"
            )
        elif name in checker.functions:
            checker.reach(name)
            count = len(parameters(checker.functions[name]))
            self._count(node, name, count, count)
        elif name in FUNCTIONS or name in ITERATORS:
            self._count(node, name, *(FUNCTIONS | ITERATORS)[name])
            if name in ITERATORS and not looped:
                checker.add(
                    "E305",
                    f"`{name}` is only looped over",
                    node,
                    hint=f"write `list({name}(…))` for a list",
                )
            if name in TAKES_ITERABLE or (name in ("min", "max") and len(args) == 1):
                for arg in args:
                    self.iterable(arg, names)
                return
        else:
            reason = checker.unusable.get(name)
            known = [*checker.functions, *FUNCTIONS, *ITERATORS]
            hint = nearest(name, known) or f"there are {', '.join(sorted(FUNCTIONS))}"
            message = f"`{name}` {reason}" if reason else f"no function is called `{name}`"
            checker.add("E302", message, node.func, label="not a function", hint=hint)
        self._all(args, names)

    def _method(self, node: ast.Call, name: str, *, alone: bool) -> None:
        if name not in METHODS:
            self.checker.add(
                "E302",
                f"no method is called `{name}`",
                node.func,
                label="not a method",
                hint=nearest(name, METHODS) or "there are `append`, `copy` and `pop`",
            )
            return
        self._count(node, name, *METHODS[name])
        if name == "append" and not alone:
            self.checker.add(
                "E305", "`append` gives no value", node, hint="put it into a line of its own"
            )

    def _count(self, node: ast.Call, name: str, least: int, most: int) -> None:
        count = len(node.args)
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            plural = "" if (least, most) == (1, 1) else "s"
            self.checker.add(
                "E303",
                f"`{name}` takes {wanted} argument{plural}, not {count}",
                node,
                hint="compare its definition",
            )


def _plain(args: Sequence[ast.expr]) -> list[ast.expr]:
    return [arg for arg in args if not isinstance(arg, ast.Starred)]
