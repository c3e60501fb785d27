"""Whether the statements of a function keep to the subset: all that is wrong, at once.

What passes here is translated without asking again. Expressions are checked in `expressions`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from neuralc.errors import SourceError
from neuralc.lang.pyasm.expressions import Expressions
from neuralc.lang.pyasm.syntax import MEMORY, Definition
from neuralc.lang.pyasm.words import STATEMENTS, TAKEN


def check(
    definitions: Mapping[str, Definition], reached: Sequence[str], memory: int
) -> list[SourceError]:
    """Return what is wrong with functions.

    Args:
        definitions: all functions, by key.
        reached: the keys of those that matter; the first is the one that the machine runs.
        memory: M, cells and values of the machine.

    """
    errors = _entry(definitions[reached[0]], memory)
    for key in reached:
        errors += _Function(definitions, definitions[key], memory).errors
    return errors


def _entry(definition: Definition, memory: int) -> list[SourceError]:
    """Return what is wrong with a function as a whole program."""
    node, name, text = definition.node, definition.node.name, definition.text
    errors = []
    others = [one for one in definition.parameters if one != MEMORY]
    if definition.has_memory and others:
        errors.append(text.error(
            "E506",
            f"the program `{name}` takes the memory and numbers",
            node,
            hint=f"write `def {name}(mem):` and read them: `{others[0]} = mem[0]`",
        ))  # fmt: skip
    elif definition.has_memory and definition.gives:
        errors.append(text.error(
            "E508",
            f"the program `{name}` works on the memory and returns a value",
            _returns(node)[0],
            hint="put the result into the memory: `mem[0] = …`",
        ))  # fmt: skip
    elif not definition.has_memory and not definition.gives:
        errors.append(text.error(
            "E508",
            f"the program `{name}` has neither memory nor result",
            node,
            hint="end it with `return value`, or give it the parameter `mem`",
        ))  # fmt: skip
    if not definition.has_memory and len(others) > memory:
        errors.append(text.error(
            "E520",
            f"`{name}` has {len(others)} arguments, and the memory only {memory} cells for them",
            node,
            hint=f"compile it for a memory of at least {len(others)}",
        ))  # fmt: skip
    return errors


def _returns(node: ast.FunctionDef) -> list[ast.Return]:
    """Return the `return`s with a value."""
    nodes = ast.walk(node)
    return [one for one in nodes if isinstance(one, ast.Return) and one.value is not None]


class _Function:
    """Checks one function; `errors` are those found."""

    def __init__(
        self, definitions: Mapping[str, Definition], definition: Definition, memory: int
    ) -> None:
        self.definition, self.text = definition, definition.text
        self.errors: list[SourceError] = []
        self._expressions = Expressions(definitions, definition, memory, self.errors)
        self._parameters()
        self._body(definition.node.body, loops=0)

    def add(
        self, code: str, message: str, node: ast.expr | ast.stmt | ast.arg, *, hint: str
    ) -> None:
        self.errors.append(self.text.error(code, message, node, hint=hint))

    def _parameters(self) -> None:
        node = self.definition.node
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
            self.add(
                "E506",
                f"`{node.name}` has parameters with defaults or stars",
                node,
                hint="give it plain parameters: `def f(mem, a, b):`",
            )
        for arg in (*arguments.posonlyargs, *arguments.args):
            if arg.arg in TAKEN - {MEMORY}:
                self._taken(arg.arg, arg)

    def _taken(self, name: str, node: ast.expr | ast.arg) -> None:
        self.add(
            "E511" if name == MEMORY else "E501",
            f"`{name}` has a meaning already and cannot be given another",
            node,
            hint="write `mem[i] = …` to change a cell" if name == MEMORY else "choose another name",
        )

    def _body(self, body: Sequence[ast.stmt], loops: int) -> None:
        for statement in body:
            self._statement(statement, loops)

    def _statement(self, node: ast.stmt, loops: int) -> None:
        value = self._expressions.value
        match node:
            case ast.Return(value=result):
                self._return(node, result)
            case ast.Assign():
                self._assign(node)
            case ast.AugAssign(target=target, op=op, value=given):
                self._expressions.operator(node, op, given)
                self._target(target)
            case ast.AnnAssign(target=target, value=one):
                if one is not None:
                    value(one)
                self._target(target)
            case ast.If(test=test, body=body, orelse=orelse):
                value(test)
                self._body(body, loops)
                self._body(orelse, loops)
            case ast.While(test=test):
                value(test)
                self._loop(node, loops)
            case ast.For(target=target, iter=iterable):
                self._expressions.iterable(iterable)
                if isinstance(target, ast.Name):
                    self._target(target)
                else:
                    self.add("E504", "a loop sets one variable", target, hint="write `for i in …`")
                self._loop(node, loops)
            case ast.Expr(value=expression):
                self._effect(expression)
            case ast.Break() | ast.Continue():
                if not loops:
                    word = "break" if isinstance(node, ast.Break) else "continue"
                    self.add("E504", f"`{word}` outside of a loop", node, hint="remove it")
            case ast.Pass():
                pass
            case _:
                kind = f"`{type(node).__name__.lower()}`"
                name, hint = STATEMENTS.get(type(node), (kind, "leave it out"))
                self.add("E504", f"{name} is not part of the subset", node, hint=hint)

    def _return(self, node: ast.Return, result: ast.expr | None) -> None:
        if result is not None:
            self._expressions.value(result)
        elif self.definition.gives:
            self.add(
                "E508",
                f"`{self.definition.node.name}` returns a value elsewhere, and none here",
                node,
                hint="write `return value`, or return no value anywhere",
            )

    def _assign(self, node: ast.Assign) -> None:
        """Check an assignment; several values go to as many targets."""
        several = [target for target in node.targets if isinstance(target, ast.Tuple | ast.List)]
        match node.value:
            case ast.Tuple(elts=values) if several:
                for one in values:
                    self._expressions.value(one)
                counts = {len(target.elts) for target in several}
                if counts != {len(values)} or len(several) < len(node.targets):
                    self.add(
                        "E505",
                        "the number of names and of values differ",
                        node,
                        hint="write as many values as names: `a, b = x, y`",
                    )
            case _:
                self._expressions.value(node.value)
                if several:
                    self.add(
                        "E505",
                        "several names are given one value",
                        several[0],
                        hint="write as many values as names: `a, b = x, y`",
                    )
        for target in node.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            for part in parts:
                self._target(part)

    def _target(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id=name):
                if name in TAKEN:
                    self._taken(name, node)
            case ast.Subscript():
                self._expressions.cell(node)
            case _:
                self._expressions.refuse(node)

    def _loop(self, node: ast.For | ast.While, loops: int) -> None:
        if node.orelse:
            self.add(
                "E504",
                "`else` of a loop is not part of the subset",
                node,
                hint="keep in a variable whether the loop was left with `break`",
            )
            self._body(node.orelse, loops)
        self._body(node.body, loops + 1)

    def _effect(self, node: ast.expr) -> None:
        """Check an expression that stands alone."""
        match node:
            case ast.Constant(value=str()):
                pass  # a docstring
            case ast.Call():
                self._expressions.call(node, alone=True)
            case _:
                self._expressions.value(node)
                self.add(
                    "E504",
                    "this line has no effect",
                    node,
                    hint="keep the value with `name = …`, or remove the line",
                )
