"""From the text of a model to a program: the entry of the front end.

The text is parsed with Python's `ast` and never run.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from neuralc.errors import HyperError, ModelErrors, SourceError
from neuralc.ir.check import check
from neuralc.ir.nodes import Network, Program, Statement, Table
from neuralc.lang.model.bind import Bindings
from neuralc.lang.model.collect import Collector
from neuralc.lang.model.context import Context
from neuralc.lang.model.expressions import Expressions
from neuralc.lang.model.listing import closed, validate
from neuralc.lang.model.lower import Lowering
from neuralc.lang.model.names import Known, Scope, kind_of, nearest
from neuralc.lang.model.places import Places
from neuralc.lang.model.tables import numbers, tabulate
from neuralc.source import Source, Span


@dataclass(frozen=True)
class Parsed:
    """A model: its program, the body of its `@Listing` function, and warnings."""

    program: Program
    listing: tuple[ast.stmt, ...] | None = None
    warnings: tuple[str, ...] = ()


def parse(source: Source, hypers: Mapping[str, int] | None = None) -> Parsed:
    """Return the program that a model text means.

    Args:
        source: the text.
        hypers: a number for each hyper-parameter that the text declares.

    Raises:
        ModelErrors: the text has errors; all of them.
        HyperError: a hyper-parameter is missing, unknown or not an integer.

    """
    try:
        return _parse(source, hypers or {})
    except RecursionError:
        raise ModelErrors([_too_deep(source)]) from None


def hyper_names(source: Source) -> tuple[str, ...]:
    """Return the names of the hyper-parameters that a text declares, in order.

    Raises:
        ModelErrors: the text is not Python.

    """
    try:
        return _hyper_names(_tree(source))
    except RecursionError:
        raise ModelErrors([_too_deep(source)]) from None


def _parse(source: Source, hypers: Mapping[str, int]) -> Parsed:
    tree = _tree(source)
    names = _hyper_names(tree)
    _check_hypers(source, names, hypers)
    ctx = Context(source, Places(source), later=_top_names(tree))
    expressions = Expressions(ctx)
    bindings = Bindings(ctx, expressions)
    collector = Collector(ctx, expressions, bindings, hypers)
    module = Scope()
    collector.body(tree.body, module)
    collector.declarations.finish()
    tables = _tables(ctx, module)
    lowering = Lowering(ctx, expressions, bindings)
    body: list[Statement] = []
    for statement, scope in collector.deferred:
        body += lowering.body([statement], scope)
    collector.declarations.forget_empty()
    if ctx.errors:
        raise ModelErrors(ctx.errors)
    assert not ctx.silenced, "a statement was dropped without an error"
    program = Program(
        source.name,
        tuple(ctx.arrays.values()),
        tables,
        tuple(f for f in ctx.functions.values() if isinstance(f, Network)),
        tuple(ctx.fixed),
        tuple(body),
        tuple((name, hypers[name]) for name in names),
        source,
    )
    _check(program)
    listing = collector.definitions.listing
    if listing is not None:
        listing = closed(listing, numbers(module.names))
        errors = validate(program, listing, source)
        if errors:
            raise ModelErrors(errors)
    return Parsed(program, listing, tuple(ctx.warnings))


def _tables(ctx: Context, module: Scope) -> tuple[Table, ...]:
    found: dict[str, Table] = {}
    for function in ctx.functions.values():
        if isinstance(function, Known):
            constants = {**numbers(module.names), **numbers(function.scope.names)}
            try:
                found[function.name] = tabulate(ctx, function, constants, found)
            except SourceError as error:
                ctx.errors.append(error)
    return tuple(found.values())


def _check(program: Program) -> None:
    """Raise the errors of the checker."""
    errors = check(program)
    if errors:
        raise ModelErrors(errors)


def _tree(source: Source) -> ast.Module:
    try:
        with warnings.catch_warnings():  # invalid escapes and such are not worth a word
            warnings.simplefilter("ignore")
            return ast.parse(source.text.removeprefix("\ufeff"), source.name)
    except SyntaxError as problem:
        raise ModelErrors([_syntax_error(source, problem)]) from None
    except (ValueError, MemoryError) as problem:
        error = SourceError(
            "E100",
            f"this is not a text that can be read: {problem}",
            Span(source, 0, 1),
            hint="save the file as plain UTF-8 text",
        )
        raise ModelErrors([error]) from None


def _syntax_error(source: Source, problem: SyntaxError) -> SourceError:
    places = Places(source)
    line, column = problem.lineno or 1, max((problem.offset or 1) - 1, 0)
    start = min(places.starts[min(line, len(places.starts)) - 1] + column, len(source.text))
    end = start + 1
    if problem.end_lineno == line and problem.end_offset:
        end = max(end, start + problem.end_offset - 1 - column)
    message = problem.msg or "invalid syntax"
    hint = "a model uses the syntax of Python 3"
    if "print" in message:
        hint = "a model prints nothing; remove the line"
    elif "Maybe you meant '=='" in message:
        hint = "write `==` to compare"
    elif "expected ':'" in message:
        hint = "end the line with `:`"
    elif "indent" in message:
        hint = "indent every block by four spaces"
    return SourceError("E100", message, Span(source, start, end), hint=hint)


def _too_deep(source: Source) -> SourceError:
    return SourceError(
        "E122",
        "the text is nested too deeply",
        Span(source, 0, 1),
        hint="split long expressions and deep nests of statements",
    )


def _top_level(tree: ast.Module) -> list[ast.Assign]:
    """Return the assignments at the top level and under its `if`s and loops."""
    return [
        node
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Assign)
    ]


def _top_names(tree: ast.Module) -> dict[str, ast.Assign]:
    found: dict[str, ast.Assign] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, statement)
    return found


def _hyper_names(tree: ast.Module) -> tuple[str, ...]:
    found = [
        node.targets[0].id
        for node in _top_level(tree)
        if kind_of(node.value) == "Hyper" and isinstance(node.targets[0], ast.Name)
    ]
    return tuple(dict.fromkeys(found))


def _check_hypers(source: Source, names: tuple[str, ...], hypers: Mapping[str, int]) -> None:
    declared = ", ".join(f"`{name}`" for name in names) or "none"
    for name, value in hypers.items():
        if name not in names:
            hint = nearest(name, names)
            raise HyperError(
                f"{source.name} has no hyper-parameter `{name}`{': ' + hint if hint else ''}\n"
                f"  it declares {declared}"
            )
        if isinstance(value, bool) or not isinstance(value, int):
            raise HyperError(
                f"the hyper-parameter `{name}` of {source.name} must be a whole number, "
                f"and {value!r} is not"
            )
    missing = [name for name in names if name not in hypers]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise HyperError(
            f"{source.name} needs a value for the hyper-parameter"
            f"{'' if len(missing) == 1 else 's'} {listed}\n  it declares {declared}"
        )
