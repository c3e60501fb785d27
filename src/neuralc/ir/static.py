"""The value of static expressions, on Python integers or elementwise on numpy arrays alike."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from neuralc.ir.nodes import Num, Op, Static, Sym

_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def value(expression: Static, env: Mapping[str, int]) -> int:
    """Return the integer that a static expression stands for.

    Raises:
        KeyError: a loop or gate variable is not in `env` (a defect: the checker rules it out).
        ZeroDivisionError, ValueError: the arithmetic has no integer result.

    """
    match expression:
        case Num(value=number):
            return number
        case Sym(name=name):
            return env[name]
        case Op(op="ifelse", args=(condition, then, orelse)):
            return value(then if value(condition, env) else orelse, env)
        case Op(op="and", args=args):
            return int(all(value(arg, env) for arg in args))
        case Op(op="or", args=args):
            return int(any(value(arg, env) for arg in args))
        case Op(op=op, args=args):
            numbers = [value(arg, env) for arg in args]
            if op == "not":
                return int(not numbers[0])
            if op in ("min", "max"):
                return (min if op == "min" else max)(numbers)
            if op == "-" and len(numbers) == 1:
                return -numbers[0]
            if op == "**" and numbers[1] < 0:
                raise ValueError(f"{numbers[0]} ** {numbers[1]} is not an integer")
            return int(reduce(_TWO[op], numbers))


def values(expression: Static, env: Mapping[str, int | np.ndarray]) -> Any:
    """Return a static expression on a whole grid: variables are broadcastable integer arrays.

    Both arms of an `ifelse` are computed; a division by zero anywhere gives 0 there, so take
    only entries that `value` would accept.
    """
    match expression:
        case Num(value=number):
            return number
        case Sym(name=name):
            return env[name]
        case Op(op=op, args=args):
            parts = [np.asarray(values(arg, env)) for arg in args]
    with np.errstate(divide="ignore", invalid="ignore"):
        match op:
            case "ifelse":
                return np.where(parts[0] != 0, parts[1], parts[2])
            case "and":
                return reduce(np.logical_and, parts).astype(np.int64)
            case "or":
                return reduce(np.logical_or, parts).astype(np.int64)
            case "not":
                return (parts[0] == 0).astype(np.int64)
            case "min":
                return reduce(np.minimum, parts)
            case "max":
                return reduce(np.maximum, parts)
            case "-" if len(parts) == 1:
                return -parts[0]
            case "**":
                return parts[0] ** np.maximum(parts[1], 0)
            case _:
                return np.asarray(reduce(_TWO[op], parts)).astype(np.int64)
