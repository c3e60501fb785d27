"""From a text, or from a Python function, to a `Reference`. Nothing is imported or executed.

Only the chosen function and what it refers to are looked at: the rest of a file may be anything.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from neuralc.errors import FileError, ModelErrors, SourceError
from neuralc.lang.pyfn.check import Checker, Scope
from neuralc.lang.pyfn.reference import Reference, span, too_deep
from neuralc.lang.pyfn.words import nearest
from neuralc.source import Source, Span


def read(source: Source, name: str = "", like: str = "") -> Reference:
    """Return a function of a file.

    Args:
        source: the text of the file.
        name: the function; "": the one called `like`, else the last one of the file.
        like: the name of the model.

    Raises:
        ModelErrors: all that is wrong with it.

    """
    return _guarded(source, lambda: _read(source, name, like))


def from_function(function: Callable[..., Any]) -> Reference:
    """Return a Python function object as a reference; it is read, never called.

    Raises:
        FileError: its text cannot be found, as for one typed at a prompt.
        ModelErrors: all that is wrong with it.

    """
    function = inspect.unwrap(function)
    try:
        lines, _ = inspect.findsource(function)
        name = inspect.getsourcefile(function) or function.__code__.co_filename
        first = function.__code__.co_firstlineno
    except (OSError, TypeError, AttributeError) as problem:
        raise FileError(
            f"the text of {function!r} cannot be found: {problem}\n"
            "  hint: put the function into a file"
        ) from None
    source = Source(name, "".join(lines))
    return _guarded(source, lambda: _find(source, function.__name__, first))


def read_expression(text: str, what: str) -> Reference:
    """Return a condition on names, such as "final[0] == 0", as a function of these names.

    Args:
        text: an expression of the subset.
        what: how messages call it: "property".

    Raises:
        ModelErrors: all that is wrong with it.

    """
    source = Source(what, text)
    return _guarded(source, lambda: _expression(source, what))


def _guarded(source: Source, work: Callable[[], Reference]) -> Reference:
    try:
        return work()
    except RecursionError:
        raise ModelErrors([too_deep(source)]) from None


def _read(source: Source, name: str, like: str) -> Reference:
    tree = _tree(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if (name and name not in functions) or not functions:
        what = f"there is no function `{name}`" if name else "there is no function"
        known = ", ".join(f"`{known}`" for known in functions)
        error = SourceError(
            "E309",
            f"{what} in this file",
            Span(source, 0, 1),
            hint=nearest(name, functions)
            or (f"it has {known}" if known else "write `def name(inputs): … return outputs`"),
        )
        raise ModelErrors([error])
    chosen = functions.get(name or like) or list(functions.values())[-1]
    return _checked(source, chosen, [tree], f"`{chosen.name}`")


def _find(source: Source, name: str, line: int) -> Reference:
    """Return the function that begins in a line, wherever it is nested."""
    tree = _tree(source)
    found: list[tuple[ast.FunctionDef, list[Scope]]] = []
    _nested(tree, [tree], found)
    for node, scopes in found:
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        if node.name == name and line in (first, node.lineno):
            return _checked(source, node, scopes, f"`{name}`")
    error = SourceError(
        "E309",
        f"`{name}` is not defined with `def`",
        Span(source, source.offset(line, 0), source.offset(line, 0) + 1),
        hint=f"write `def {name}(inputs): … return outputs`",
    )
    raise ModelErrors([error])


def _nested(
    node: ast.AST, scopes: list[Scope], found: list[tuple[ast.FunctionDef, list[Scope]]]
) -> None:
    """Collect all functions with the scopes that they see, outermost first."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.FunctionDef):
            found.append((inner, scopes))
            _nested(inner, [*scopes, inner], found)
        else:
            _nested(inner, scopes, found)


def _expression(source: Source, what: str) -> Reference:
    expression = _tree(source, "eval").body
    names = dict.fromkeys(
        node.id
        for node in ast.walk(expression)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    bound = {
        node.id
        for node in ast.walk(expression)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    called = {
        node.func.id
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    free = [name for name in names if name not in bound and name not in called]
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(name, lineno=1, col_offset=0) for name in free],
        kwonlyargs=[], kw_defaults=[], defaults=[],
    )  # fmt: skip
    result = ast.copy_location(ast.Return(expression), expression)
    main = ast.FunctionDef(
        name=what, args=arguments, body=[result], decorator_list=[], lineno=1, col_offset=0
    )
    return _checked(source, main, [], f"the {what}")


def _checked(
    source: Source, main: ast.FunctionDef, scopes: Sequence[Scope], what: str
) -> Reference:
    checker = Checker(source, scopes)
    helpers, constants = checker.check(main)
    if checker.errors:
        raise ModelErrors(checker.errors)
    return Reference(source, main, helpers, constants, what)


def _tree(source: Source, mode: str = "exec") -> Any:
    text = source.text.removeprefix("\ufeff")
    try:
        with warnings.catch_warnings():  # invalid escapes and such are not worth a word
            warnings.simplefilter("ignore")
            return ast.parse(text, source.name, mode)
    except SyntaxError as problem:
        raise ModelErrors([_syntax_error(source, problem)]) from None
    except (ValueError, MemoryError) as problem:
        error = SourceError(
            "E300",
            f"this is not a text that can be read: {problem}",
            Span(source, 0, 1),
            hint="save the file as plain UTF-8 text",
        )
        raise ModelErrors([error]) from None


def _syntax_error(source: Source, problem: SyntaxError) -> SourceError:
    place = ast.Pass(
        lineno=max(problem.lineno or 1, 1),
        col_offset=max((problem.offset or 1) - 1, 0),
        end_lineno=max(problem.lineno or 1, 1),
        end_col_offset=max((problem.end_offset or 1) - 1, 0),
    )
    message = problem.msg or "invalid syntax"
    hint = "references use the syntax of Python 3"
    if "Maybe you meant '=='" in message:
        hint = "write `==` to compare"
    elif "expected ':'" in message:
        hint = "end the line with `:`"
    elif "indent" in message:
        hint = "indent every block by four spaces"
    return SourceError("E300", message, span(source, place), hint=hint)
