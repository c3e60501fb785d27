"""Building static expressions: constants are folded at once, everything else is kept.

Knows nothing of names; arithmetic that has no integer result is reported as `ArithmeticSlipError`.
"""

from __future__ import annotations

import ast

from neuralc.ir import static
from neuralc.ir.nodes import Num, Op, Static
from neuralc.source import Span

LIMIT = 2**62
"""Constants of this magnitude or more are refused."""

TRUTHS = ("<", "<=", ">", ">=", "==", "!=", "not", "and", "or")
BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Div: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class ArithmeticSlipError(Exception):
    """Constants whose combination is not an integer, or a far too large one."""


def fold(op: str, args: tuple[Static, ...], span: Span | None = None) -> Static:
    """Return an operator applied to static expressions, as a number where all are numbers.

    Raises:
        ArithmeticSlipError: the numbers have no integer result of reasonable size.

    """
    if op == "ifelse" and isinstance(args[0], Num):
        return args[1] if args[0].value else args[2]
    if op in ("and", "or"):
        kept = tuple(arg for arg in args if not isinstance(arg, Num) or decisive(op, arg))
        if len(kept) == 1 and not isinstance(kept[0], Num) and is_truth(kept[0]):
            return kept[0]
        if any(isinstance(arg, Num) for arg in kept) or not kept:
            return Num(int((op == "or") == bool(kept)), span)
    node = Op(op, args, span)
    if not all(isinstance(arg, Num) for arg in args):
        return node
    numbers = [arg.value for arg in args if isinstance(arg, Num)]
    if op == "**" and abs(numbers[0]) > 1 and numbers[1] >= 62:
        raise ArithmeticSlipError(f"{numbers[0]} ** {numbers[1]} is too large")
    try:
        result = static.value(node, {})
    except ZeroDivisionError:
        raise ArithmeticSlipError(f"{numbers[0]} {op} 0 divides by zero") from None
    except ValueError as problem:
        raise ArithmeticSlipError(str(problem)) from None
    if abs(result) >= LIMIT:
        raise ArithmeticSlipError(f"the result of `{op}` is too large")
    return Num(result, span)


def decisive(op: str, arg: Num) -> bool:
    """Return whether a known argument decides an `and` or an `or` on its own."""
    return bool(arg.value) == (op == "or")


def is_truth(expression: Static) -> bool:
    """Return whether an expression can only be 0 or 1."""
    match expression:
        case Num(value=number):
            return number in (0, 1)
        case Op(op=op):
            return op in TRUTHS
        case _:
            return False


def lazy(op: str, args: tuple[Static, ...], span: Span | None = None) -> Static:
    """Return Python's `and` or `or`, whose result is the deciding argument itself."""
    if all(map(is_truth, args)):
        return fold(op, args, span)
    result = args[-1]
    for arg in reversed(args[:-1]):
        order = (arg, result, arg) if op == "and" else (arg, arg, result)
        result = fold("ifelse", order, span)
    return result


def negated(condition: Static) -> Static:
    """Return the opposite of a condition."""
    return fold("not", (condition,), condition.span)
