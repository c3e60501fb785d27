"""Programs as Python functions: `@program` keeps a function callable, and compiles its text.

The text is that of the file where the function stands, with all its line numbers; it is parsed,
not run. What its names mean is looked up where the function would look: other programs and
functions, and numbers.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from neuralc.errors import FileError, ModelErrors, SourceError
from neuralc.lang.pyasm.compiled import Compiled
from neuralc.lang.pyasm.compiler import translate
from neuralc.lang.pyasm.syntax import Definition, Text, too_deep, tree
from neuralc.source import Source, Span

Function = Callable[..., Any]


class Program:
    """A Python function that is also a program of the register machine.

    Attributes:
        function: the function as written.

    """

    def __init__(self, function: Function) -> None:
        """Keep the function; its text is read when it is compiled."""
        self.function = function
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any) -> Any:
        """Run the function as ordinary Python: on a list as memory, or on numbers."""
        return self.function(*args)

    @property
    def source(self) -> Source:
        """The text of the file in which the function stands.

        Raises:
            FileError: it cannot be found, as for a function typed at a prompt.

        """
        return source_of(self.function)

    def compile(self, memory: int, *, stack: int | None = None) -> Compiled:
        """Compile the function and all that it calls.

        Args:
            memory: M, cells, values and lines of the machine.
            stack: how many cells at the end of the memory recursion may use, one of them for the
                status; None: half of the memory.

        Raises:
            FileError: the text of a function cannot be found.
            ModelErrors: all that is wrong with it, or that does not fit the memory.
            HyperError: a memory or a stack of an impossible size.

        """
        try:
            found = _Found()
            key = found.add(self.function)
            return translate(found.definitions, key, memory, stack)
        except RecursionError:
            raise too_deep(self.source) from None


def program(function: Function) -> Program:
    """Make a function a program of the register machine; it can still be called.

    Example:
        @nc.program
        def access(mem):
            mem[0] = mem[mem[0] + 1]

        access([3, 0, 0, 0, 7])
        access.compile(memory=10).assembly

    """
    return Program(function)


def source_of(function: Function) -> Source:
    """Return the whole text of the file in which a function stands.

    Raises:
        FileError: it cannot be found.

    """
    try:
        lines, _ = inspect.findsource(function)
        name = inspect.getsourcefile(function) or function.__code__.co_filename
    except (OSError, TypeError, AttributeError) as problem:
        raise FileError(
            f"the text of {function!r} cannot be found: {problem}\n"
            "  hint: put the function into a file"
        ) from None
    return Source(name, "".join(lines))


class _Found:
    """The functions that a function reaches, each read from its text."""

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}
        self.keys: dict[Function, str] = {}
        self.texts: dict[str, tuple[Text, ast.Module]] = {}

    def add(self, function: Function) -> str:
        """Read a function and those that it calls; return its key."""
        if function in self.keys:
            return self.keys[function]
        name = function.__name__
        key = name
        while key in self.keys.values():
            key += "_"
        self.keys[function] = key
        text, node = self._read(function)
        constants: dict[str, int] = {}
        functions: dict[str, str] = {}
        unusable: dict[str, str] = {}
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        for one, value in _seen(function).items():
            inner = value.function if isinstance(value, Program) else value
            if one not in names:
                continue
            if isinstance(value, int):
                constants[one] = int(value)
            elif isinstance(inner, FunctionType):
                functions[one] = self.add(inner)
            else:
                kind = type(value).__name__
                unusable[one] = f"is of type {kind}, and not part of a program"
        self.definitions[key] = Definition(key, text, node, constants, functions, unusable)
        return key

    def _read(self, function: Function) -> tuple[Text, ast.FunctionDef]:
        source = source_of(function)
        if source.name not in self.texts:
            text = Text(source)
            self.texts[source.name] = text, tree(text)
        text, module = self.texts[source.name]
        line, name = function.__code__.co_firstlineno, function.__name__
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                if line in (first, node.lineno):
                    return text, node
        start = text.offset(line, 0)
        error = SourceError(
            "E509",
            f"`{name}` is not defined with `def`",
            Span(text.source, start, start + 1),
            hint="write `def name(mem): …`",
        )
        raise ModelErrors([error])


def _seen(function: Function) -> Mapping[str, Any]:
    """Return what the names mean that a function does not bind: those around it, then globals."""
    around = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            around[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    return {**function.__globals__, **around}
