"""Where a node of the Python syntax tree stands in the text.

Knows that `ast` counts columns in UTF-8 bytes and lines from 1; knows nothing of the language.
"""

from __future__ import annotations

import ast
import re

from neuralc.source import Source, Span

Node = ast.expr | ast.stmt | ast.arg | ast.keyword


class Places:
    """The lines of one source, to turn syntax nodes into spans quickly."""

    def __init__(self, source: Source) -> None:
        """Find the beginnings of the lines once."""
        self.source = source
        self.starts = [0] + [m.end() for m in re.finditer(r"\r\n|\r|\n", source.text)]

    def offset(self, line: int, column: int) -> int:
        """Return the position of a 1-based line and a 0-based column in UTF-8 bytes."""
        if line > len(self.starts):
            return len(self.source.text)
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.source.text)
        text = self.source.text[start:end]
        skip = len(text) - len(text.lstrip("\ufeff"))  # a byte order mark is not counted
        if text.isascii():
            return min(start + column, len(self.source.text))
        return start + skip + len(text[skip:].encode()[:column].decode(errors="ignore"))

    def span(self, node: Node) -> Span:
        """Return the characters of an expression, or of a statement's header."""
        start = self.offset(node.lineno, node.col_offset)
        last: Node = node
        match node:
            case ast.For(iter=expression) | ast.While(test=expression) | ast.If(test=expression):
                last = expression
            case ast.With(items=items):
                item = items[-1]
                last = item.optional_vars or item.context_expr
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                return self.name(node, node.name)
        end_line, end_column = last.end_lineno, last.end_col_offset
        if end_line is None or end_column is None:
            return Span(self.source, start, start + 1)
        return Span(self.source, start, max(start + 1, self.offset(end_line, end_column)))

    def name(self, node: Node, name: str) -> Span:
        """Return the first place of a name at or after the start of a node."""
        start = self.offset(node.lineno, node.col_offset)
        found = re.compile(rf"\b{re.escape(name)}\b").search(self.source.text, start)
        first = found.start() if found else start
        return Span(self.source, first, first + len(name))
