"""From the text of a file to its functions, and which of them the machine runs.

A file holds functions and constants; nothing in it is imported or executed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from neuralc.errors import ModelErrors, SourceError
from neuralc.lang.pyasm.syntax import Definition, Node, Text, constant, tree
from neuralc.lang.pyasm.words import TAKEN, nearest
from neuralc.source import Source, Span

DECORATOR = "program"
IGNORED_IMPORTS = {"neuralc", "__future__", "typing", "collections.abc"}
"""What a file may import: it changes nothing about the program."""


def read(source: Source) -> dict[str, Definition]:
    """Return the functions of a file by name.

    Raises:
        ModelErrors: it is not Python, or holds other things than functions and constants.

    """
    return _File(Text(source)).definitions()


def entry(definitions: Mapping[str, Definition], name: str | None, source: Source) -> str:
    """Return the key of the function that the machine runs.

    Args:
        definitions: the functions of the file.
        name: the function that is asked for; None: the one with a parameter `mem` that no other
            function calls, or without such the one that no other calls.
        source: the file.

    Raises:
        ModelErrors: there is none, or there are several.

    """
    if name is not None:
        if name in definitions:
            return name
        hint = nearest(name, definitions) or _listed(definitions)
        raise ModelErrors([_nowhere(source, f"there is no function `{name}` in this file", hint)])
    called = {
        callee
        for key, definition in definitions.items()
        for callee in definition.calls()
        if callee != key
    }
    free = [key for key in definitions if key not in called]
    found = [key for key in free if definitions[key].has_memory] or free
    if len(found) == 1:
        return found[0]
    if not definitions:
        hint = "write `def name(mem): …`"
        raise ModelErrors([_nowhere(source, "there is no function in this file", hint)])
    if not found:
        hint = "choose one by name (`entry`)"
        message = "the functions of this file call each other; none is the first"
        raise ModelErrors([_nowhere(source, message, hint)])
    second = definitions[found[1]]
    names = ", ".join(f"`{key}`" for key in found)
    error = second.text.error(
        "E509",
        f"several functions may be the program: {names}",
        second.node,
        hint="choose one by name (`entry`), or put them into files of their own",
    )
    raise ModelErrors([error])


def reached(definitions: Mapping[str, Definition], first: str) -> list[str]:
    """Return the keys of a function and of those that it calls, or that these call."""
    found = [first]
    for key in found:
        found += [callee for callee in dict.fromkeys(definitions[key].calls())
                  if callee not in found]  # fmt: skip
    return found


def _listed(names: Mapping[str, Definition]) -> str:
    known = ", ".join(f"`{name}`" for name in names)
    return f"it has {known}" if known else "write `def name(mem): …`"


def _nowhere(source: Source, message: str, hint: str) -> SourceError:
    return SourceError("E509", message, Span(source, 0, 1), hint=hint)


class _File:
    """Collects what the top level of a file defines."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.errors: list[SourceError] = []
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, int] = {}
        self.unusable: dict[str, str] = {}
        self.modules = {"neuralc", "nc"}
        self.decorators = {DECORATOR}

    def definitions(self) -> dict[str, Definition]:
        for node in tree(self.text).body:
            self._statement(node)
        if self.errors:
            raise ModelErrors(self.errors)
        keys = {name: name for name in self.functions}
        return {
            name: Definition(name, self.text, node, self.constants, keys, self.unusable)
            for name, node in self.functions.items()
        }

    def _add(self, code: str, message: str, node: Node, *, hint: str) -> None:
        self.errors.append(self.text.error(code, message, node, hint=hint))

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef():
                self._decorators(node)
                if self._new(node.name, node):
                    self.functions[node.name] = node
            case ast.Import(names=aliases):
                self._import(node, [alias.name for alias in aliases], aliases)
            case ast.ImportFrom(module=module, names=aliases):
                self._import(node, [module or "."], aliases)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):  # fmt: skip
                self._constant(node, name, value)
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                pass  # a docstring
            case ast.If(test=ast.Compare(left=ast.Name("__name__"))):
                pass  # what the file does as a script is not part of the program
            case _:
                self._add(
                    "E513",
                    "a program file holds functions and constants, nothing else",
                    node,
                    hint="put it into a function, or under `if __name__ == '__main__':`",
                )

    def _new(self, name: str, node: Node) -> bool:
        """Return whether a name is free, and report it otherwise."""
        if name in TAKEN:
            self._add("E501", f"`{name}` has a meaning already", node, hint="choose another name")
            return False
        if name in self.functions or name in self.constants:
            self._add(
                "E501",
                f"`{name}` is given a meaning twice in the file",
                node,
                hint="rename one of the two",
            )
            return False
        return True

    def _constant(self, node: ast.stmt, name: str, value: ast.expr) -> None:
        found = constant(value, self.constants)
        if found is None:
            self._add(
                "E513",
                f"`{name}` is not a constant: its value is not a whole number that is known here",
                node,
                hint="write a number, or an expression of numbers; compute in functions",
            )
            self.unusable[name] = "is not a constant"
        elif self._new(name, node):
            self.constants[name] = found

    def _import(self, node: ast.stmt, modules: Sequence[str], aliases: Sequence[ast.alias]) -> None:
        if not set(modules) <= IGNORED_IMPORTS:
            self._add(
                "E513",
                "a program imports nothing but `neuralc`",
                node,
                hint="write the functions that it needs into this file",
            )
        for alias in aliases:
            known = alias.asname or alias.name.split(".")[0]
            if isinstance(node, ast.Import) and alias.name == "neuralc":
                self.modules.add(known)
            if isinstance(node, ast.ImportFrom) and (node.module, alias.name) == (
                "neuralc",
                DECORATOR,
            ):
                self.decorators.add(known)
            self.unusable[known] = "is imported, and is not part of a program"

    def _decorators(self, node: ast.FunctionDef) -> None:
        for decorator in node.decorator_list:
            match decorator:
                case ast.Attribute(value=ast.Name(id=module), attr=name):
                    known = module in self.modules and name == DECORATOR
                case ast.Name(id=name):
                    known = name in self.decorators
                case _:
                    known = False
            if not known:
                self._add(
                    "E513",
                    "this decorator is not part of the subset",
                    decorator,
                    hint="only `@nc.program` may stand here; remove it",
                )
