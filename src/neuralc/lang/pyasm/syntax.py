"""The text of a program as a syntax tree, what its names mean, and where its nodes stand.

Knows nothing of what is part of the subset.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from neuralc.errors import ModelErrors, SourceError
from neuralc.source import Source, Span

MEMORY = "mem"
"""The parameter of that name is the memory of the machine."""

Node = ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias
MOST_BITS = 4096
"""Of a constant, on the way: what is larger is an error, not a full memory."""


class Text:
    """A source whose nodes can be pointed at."""

    def __init__(self, source: Source) -> None:
        """Find the lines."""
        self.source = source
        text = source.text
        self._starts = [0, *(row.end() for row in re.compile(r"\r\n|\r|\n").finditer(text))]
        self._mark = text.startswith("\ufeff")  # not counted: taken off before parsing

    def span(self, node: Node) -> Span:
        """Return the characters of an expression, or of the header of a statement."""
        last: Node = node
        match node:
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                start = self.offset(node.lineno, node.col_offset)
                named = re.compile(rf"\b{re.escape(node.name)}\b")
                found = named.search(self.source.text, start)
                start = found.start() if found else start
                return Span(self.source, start, start + len(node.name))
            case ast.For(iter=expression) | ast.While(test=expression) | ast.If(test=expression):
                last = expression
            case ast.With(items=[*_, item]):
                last = item.context_expr
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(last.end_lineno or node.lineno, last.end_col_offset or 0)
        return Span(self.source, start, max(start + 1, end))

    def offset(self, line: int, column: int) -> int:
        """Return the position of a 1-based line and a 0-based column in UTF-8 bytes."""
        if line > len(self._starts):
            return len(self.source.text)
        start = self._starts[line - 1]
        skip = 1 if self._mark and start == 0 else 0
        row = self.source.text[start + skip : start + skip + column]  # bytes >= characters
        characters = row.encode()[:column].decode(errors="ignore")
        return min(start + skip + len(characters), len(self.source.text))

    def line(self, position: int) -> int:
        """Return the 1-based line of a position."""
        return bisect_right(self._starts, position)

    def error(
        self, code: str, message: str, node: Node, *, hint: str, label: str = ""
    ) -> SourceError:
        """Return an error at a node."""
        return SourceError(code, message, self.span(node), label=label, hint=hint)


@dataclass(frozen=True, eq=False)
class Definition:
    """A function, and what the names mean that it does not bind itself.

    Attributes:
        key: its name, made different where functions of several files are called alike.
        text: the file.
        node: its syntax.
        constants: names of numbers.
        functions: names of functions, with their keys.
        unusable: names that exist, each with the reason why they cannot be used.

    """

    key: str
    text: Text
    node: ast.FunctionDef
    constants: Mapping[str, int]
    functions: Mapping[str, str]
    unusable: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, the memory among them."""
        return tuple(arg.arg for arg in (*self.node.args.posonlyargs, *self.node.args.args))

    @property
    def has_memory(self) -> bool:
        """Whether it sees the memory."""
        return MEMORY in self.parameters

    @cached_property
    def gives(self) -> bool:
        """Whether it has a result."""
        nodes = ast.walk(self.node)
        return any(isinstance(node, ast.Return) and node.value is not None for node in nodes)

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that the function binds: parameters and variables."""
        stored = (
            node.id
            for node in ast.walk(self.node)
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
        )
        every = (*self.node.args.kwonlyargs, self.node.args.vararg, self.node.args.kwarg)
        others = (arg.arg for arg in every if arg is not None)
        return frozenset((*self.parameters, *others, *stored))

    def calls(self) -> Iterator[str]:
        """Yield the keys of the functions that are called, in the order of the text."""
        for node in ast.walk(self.node):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name not in self.bound:
                    if name in self.functions:
                        yield self.functions[name]


def tree(text: Text) -> ast.Module:
    """Return the syntax tree of a file.

    Raises:
        ModelErrors: it is not Python.

    """
    source = text.source
    try:
        with warnings.catch_warnings():  # invalid escapes and such are not worth a word
            warnings.simplefilter("ignore")
            return ast.parse(source.text.removeprefix("\ufeff"), source.name)
    except SyntaxError as problem:
        raise ModelErrors([_syntax_error(text, problem)]) from None
    except (ValueError, MemoryError) as problem:
        error = SourceError(
            "E500",
            f"this is not a text that can be read: {problem}",
            Span(source, 0, 1),
            hint="save the file as plain UTF-8 text",
        )
        raise ModelErrors([error]) from None


def too_deep(source: Source) -> ModelErrors:
    """Return the error for a text that Python's own stack does not hold."""
    error = SourceError(
        "E510",
        "the text is nested too deeply",
        Span(source, 0, 1),
        hint="split long expressions and deep nests of statements",
    )
    return ModelErrors([error])


def _syntax_error(text: Text, problem: SyntaxError) -> SourceError:
    line = max(problem.lineno or 1, 1)
    start = text.offset(line, 0) + max((problem.offset or 1) - 1, 0)  # counted in characters
    end = start + 1
    if problem.end_lineno == line:
        end = max(end, start + (problem.end_offset or 0) - (problem.offset or 0))
    last = max(len(text.source.text), 1)
    place = Span(text.source, min(start, last - 1), min(end, last))
    message = problem.msg or "invalid syntax"
    hint = "programs use the syntax of Python 3"
    if "Maybe you meant '=='" in message:
        hint = "write `==` to compare"
    elif "expected ':'" in message:
        hint = "end the line with `:`"
    elif "indent" in message:
        hint = "indent every block by four spaces"
    return SourceError("E500", message, place, hint=hint)


def constant(node: ast.expr, names: Mapping[str, int], memory: int | None = None) -> int | None:
    """Return the value of an expression of constants, as a whole number of any size, or None.

    Args:
        node: an expression.
        names: the constants that it may use.
        memory: M, the value of `len(mem)`; None: not known here.

    """
    match node:
        case ast.Constant(value=bool() | int() as value):
            return int(value)
        case ast.Name(id=name):
            return names.get(name)
        case ast.Call(func=ast.Name("len"), args=[ast.Name(id=name)]) if name == MEMORY:
            return memory
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            inner = constant(operand, names, memory)
            return -inner if inner is not None and isinstance(sign, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            a, b = constant(left, names, memory), constant(right, names, memory)
            return None if a is None or b is None else _arithmetic(op, a, b)
    return None


def _arithmetic(op: ast.operator, a: int, b: int) -> int | None:
    if max(a.bit_length(), b.bit_length()) > MOST_BITS:
        return None
    match op:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.FloorDiv():
            return a // b if b else None
        case ast.Mod():
            return a % b if b else None
    return None
