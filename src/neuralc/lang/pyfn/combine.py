"""Closures of operators, elements and assignments, made of closures of their parts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from neuralc.lang.pyfn.machine import Closure, Frame, Setter, Stop
from neuralc.lang.pyfn.operations import COMPARE, FAST_COMPARE, Undefined, read, unpack, write
from neuralc.lang.pyfn.reference import Node


def none(frame: Frame) -> None:
    """Return None, the end of a slice that is left out."""
    return


def attempt(node: Node, work: Callable[..., Any], *args: Any) -> Any:
    """Return what an operation gives; where it gives nothing, stop at a node."""
    try:
        return work(*args)
    except Undefined as problem:
        raise Stop(node, str(problem)) from None


def applied(node: Node, work: Callable[..., Any], args: Sequence[Closure]) -> Closure:
    """Return the closure of a function of values; one and two arguments are the usual case."""
    first = args[0] if args else none
    second = args[1] if len(args) > 1 else none

    def one(frame: Frame) -> Any:
        value = first(frame)
        try:
            return work(value)
        except Undefined as problem:
            raise Stop(node, str(problem)) from None

    def two(frame: Frame) -> Any:
        a, b = first(frame), second(frame)
        try:
            return work(a, b)
        except Undefined as problem:
            raise Stop(node, str(problem)) from None

    def several(frame: Frame) -> Any:
        return attempt(node, work, *[arg(frame) for arg in args])

    return {1: one, 2: two}.get(len(args), several)


def with_number(
    node: Node, fast: Callable[[Any, Any], Any], slow: Callable[[Any, Any], Any], a: Closure, y: int
) -> Closure:
    """Return the closure of an operator whose right side is a number of the text, as in `i + 1`."""

    def run(frame: Frame) -> Any:
        x = a(frame)
        if x.__class__ is int:
            return fast(x, y)
        return attempt(node, slow, x, y)

    return run


def number_of(node: ast.expr) -> int | None:
    """Return the number that an expression is, if it is one (and no truth value)."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None


def lazy(is_and: bool, parts: Sequence[Closure]) -> Closure:
    """Return the closure of `and` or `or`: the part that decides."""
    *first, last = parts

    def run(frame: Frame) -> Any:
        for part in first:
            value = part(frame)
            if bool(value) is not is_and:
                return value
        return last(frame)

    return run


def compared(node: Node, op: type[ast.cmpop], a: Closure, b: Closure) -> Closure:
    """Return the closure of one comparison."""
    fast, slow = FAST_COMPARE.get(op), COMPARE[op]
    if fast is None:
        return applied(node, slow, [a, b])
    quick = fast

    def run(frame: Frame) -> Any:
        x, y = a(frame), b(frame)
        if x.__class__ is int and y.__class__ is int:
            return quick(x, y)
        return attempt(node, slow, x, y)

    return run


def read_at(node: Node, value: Closure, index: Closure) -> Closure:
    """Return the closure of `value[index]`."""

    def run(frame: Frame) -> Any:
        x, k = value(frame), index(frame)
        if k.__class__ is int and x.__class__ is list and 0 <= k < len(x):
            return x[k]
        return attempt(node, read, x, k)

    return run


def written(node: Node, value: Closure, index: Closure) -> Setter:
    """Return what sets `value[index]`."""

    def put(frame: Frame, element: Any) -> None:
        x, k = value(frame), index(frame)
        if k.__class__ is int and x.__class__ is list and 0 <= k < len(x):
            x[k] = element
        else:
            attempt(node, write, x, k, element)

    return put


def unpacked(node: Node, setters: Sequence[Setter]) -> Setter:
    """Return what sets several targets to the elements of one value."""
    count = len(setters)

    def put(frame: Frame, value: Any) -> None:
        for setter, part in zip(setters, attempt(node, unpack, value, count), strict=True):
            setter(frame, part)

    return put
