"""Static expressions as Python text that plain Python and numba understand alike.

Names are given by the caller; operators keep the meaning that `ir/static.py` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.ir import static
from neuralc.ir.nodes import Num, Op, Static, Sym

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "//": 2, "%": 2, "**": 4}
_ATOM, _SIGN = 9, 3
_COMPARE = ("<", "<=", ">", ">=", "==", "!=")


def flat_index(index: tuple[Static, ...], shape: tuple[int, ...]) -> Static:
    """Return the position of an element in the flattened array, the last index fastest."""
    flat: Static = Num(0)
    for part, size in zip(index, shape, strict=True):
        flat = fold(Op("+", (fold(Op("*", (flat, Num(size)))), fold(part))))
    return flat


def fold(expression: Static) -> Static:
    """Compute what is known: constants, and sums and products with 0 and 1."""
    if not isinstance(expression, Op):
        return expression
    args = tuple(fold(arg) for arg in expression.args)
    op = expression.op
    if all(isinstance(arg, Num) for arg in args):
        try:
            return Num(static.value(Op(op, args), {}))
        except (ZeroDivisionError, ValueError):
            return Op(op, args)
    match op, args:
        case ("+", (Num(value=0), other)) | ("+" | "-", (other, Num(value=0))):
            return other
        case ("*", (Num(value=1), other)) | ("*", (other, Num(value=1))):
            return other
        case ("*", (Num(value=0), _)) | ("*", (_, Num(value=0))):
            return Num(0)
    return Op(op, args)


def text(expression: Static, names: Mapping[str, str]) -> str:
    """Return the number that a static expression stands for, as Python text."""
    return _number(fold(expression), names)[0]


def truth(expression: Static, names: Mapping[str, str]) -> str:
    """Return the truth of a static expression, as Python text."""
    match expression:
        case Op(op=op, args=args) if op in ("and", "or"):
            return f" {op} ".join(f"({truth(arg, names)})" for arg in args)
        case Op(op="not", args=(arg,)):
            return f"not ({truth(arg, names)})"
        case Op(op=op, args=(left, right)) if op in _COMPARE:
            return f"{_inside(left, names, 1)} {op} {_inside(right, names, 1)}"
        case _:
            return f"{_inside(expression, names, 1)} != 0"


def _inside(expression: Static, names: Mapping[str, str], at_least: int) -> str:
    found, strength = _number(expression, names)
    return found if strength >= at_least else f"({found})"


def _number(expression: Static, names: Mapping[str, str]) -> tuple[str, int]:
    """Return text and how strongly it binds."""
    match expression:
        case Num(value=number):
            return str(number), _ATOM if number >= 0 else _SIGN
        case Sym(name=name):
            return names[name], _ATOM
        case Op(op="ifelse", args=(condition, then, orelse)):
            parts = _inside(then, names, 1), truth(condition, names), _inside(orelse, names, 1)
            return "({} if {} else {})".format(*parts), _ATOM
        case Op(op=op, args=args) if op in ("min", "max") and len(args) > 1:
            return f"{op}({', '.join(_number(arg, names)[0] for arg in args)})", _ATOM
        case Op(op="-", args=(arg,)):
            return f"-{_inside(arg, names, _SIGN + 1)}", _SIGN
        case Op(op=op, args=(left, right)) if op in _PRECEDENCE:
            strength = _PRECEDENCE[op]
            # a power binds its right side first, the others their left side
            sides = (strength + 1, strength) if op == "**" else (strength, strength + 1)
            parts2 = _inside(left, names, sides[0]), _inside(right, names, sides[1])
            return f"{parts2[0]} {op} {parts2[1]}", strength
        case Op(op=op, args=(arg,)) if op not in ("and", "or", "not"):
            return _number(arg, names)
        case Op(op=op, args=args) if op in (*_PRECEDENCE, *_COMPARE) and len(args) > 2:
            return _number(Op(op, (Op(op, args[:-1]), args[-1])), names)
        case _:
            return f"(1 if {truth(expression, names)} else 0)", _ATOM
