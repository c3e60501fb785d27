"""A model written as the body of a Python function: its text, with the true line numbers."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from neuralc.errors import FileError
from neuralc.source import Source


def from_function(function: Callable[..., Any]) -> Source:
    """Return the body of a function as the text of a model; the function is never called.

    The text is padded with empty lines, so that its line numbers are those of the file; columns
    are shifted by the indentation.

    Raises:
        FileError: the text of the function cannot be found, as for one typed at a prompt.

    """
    function = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(function)
        name = inspect.getsourcefile(function) or function.__code__.co_filename
    except (OSError, TypeError) as problem:
        raise FileError(
            f"the text of {function!r} cannot be found: {problem}\n"
            "  hint: put the model into a file"
        ) from None
    text = textwrap.dedent("".join(lines))
    tree = ast.parse(text)
    definition = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    start = min(body_start(node) for node in definition.body)
    rows = text.splitlines()
    if start == definition.lineno:  # `def model(): x = Var(2)`, all in one line
        column = definition.body[0].col_offset
        body = rows[start - 1].encode()[column:].decode() + "\n"
        return Source(name, "\n" * (first + start - 2) + body)
    body = textwrap.dedent("\n".join(rows[start - 1 : definition.end_lineno])) + "\n"
    return Source(name, "\n" * (first + start - 2) + body)


def body_start(node: ast.stmt) -> int:
    """Return the first line of a statement, decorators included."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
