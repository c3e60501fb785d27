"""What reading a Python function gives: its syntax, checked, with all that it refers to.

Knows nothing of how it is executed; both executions, on numbers and on solver terms, take it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from neuralc.errors import SourceError
from neuralc.source import Source, Span

Node = ast.expr | ast.stmt | ast.arg | ast.keyword | ast.comprehension


@dataclass(frozen=True, eq=False)
class Reference:
    """A function of the subset, with the functions and constants of its file that it reaches.

    Attributes:
        source: the whole text.
        main: the function itself.
        helpers: the functions that it calls, or that these call, by name.
        constants: the values of the file that they read, by name, in the order of the text.
        what: how messages call it: "function `invert`", "property".

    """

    source: Source
    main: ast.FunctionDef
    helpers: Mapping[str, ast.FunctionDef]
    constants: Mapping[str, ast.expr]
    what: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return parameters(self.main)

    def error(
        self, code: str, message: str, node: Node, *, hint: str, label: str = ""
    ) -> SourceError:
        """Return an error at a node of the text."""
        return SourceError(code, message, span(self.source, node), label=label, hint=hint)


def too_deep(source: Source) -> SourceError:
    """Return the error for a text that Python's own stack does not hold."""
    return SourceError(
        "E310",
        "the text is nested too deeply",
        Span(source, 0, 1),
        hint="split long expressions and deep nests of statements",
    )


def parameters(function: ast.FunctionDef) -> tuple[str, ...]:
    """Return the names of the parameters of a function."""
    return tuple(arg.arg for arg in (*function.args.posonlyargs, *function.args.args))


def span(source: Source, node: Node) -> Span:
    """Return the characters of an expression, or of the header of a statement."""
    first = last = node.target if isinstance(node, ast.comprehension) else node
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            start = _offset(source, node.lineno, node.col_offset)
            found = re.compile(rf"\b{re.escape(node.name)}\b").search(source.text, start)
            start = found.start() if found else start
            return Span(source, start, start + len(node.name))
        case ast.For(iter=expression) | ast.While(test=expression) | ast.If(test=expression):
            last = expression
        case ast.With(items=[*_, item]):
            last = item.context_expr
    start = _offset(source, first.lineno, first.col_offset)
    end = _offset(source, last.end_lineno or first.lineno, last.end_col_offset or 0)
    return Span(source, start, max(start + 1, end))


def _offset(source: Source, line: int, column: int) -> int:
    """Return the position of a 1-based line and a 0-based column in UTF-8 bytes, as `ast` counts.

    A byte order mark is not counted: it is taken off before the text is parsed.
    """
    text = source.text
    rows = re.compile(r"\r\n|\r|\n").finditer(text)
    start = 0
    for _ in range(line - 1):
        row = next(rows, None)
        if row is None:
            return len(text)
        start = row.end()
    skip = 1 if text.startswith("\ufeff") and start == 0 else 0
    characters = text[start + skip :].encode()[:column].decode(errors="ignore")
    return min(start + skip + len(characters), len(text))
