"""A small evaluator for listings: loops, conditions, text, and what each line is due to.

It walks Python's syntax tree and never runs it as Python: what it does not know is an error.
Without choices it follows all branches, which is how a listing is checked before learning.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Program

Because = tuple[Element, ...]
MOST_STEPS, MOST_LINES, DEEPEST, LONGEST, LARGEST = 1_000_000, 100_000, 100, 10_000, 2**63

_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class Line(NamedTuple):
    """A line of a listing and the choices that it is due to, in the order of their first use."""

    text: str
    because: Because


class Known(NamedTuple):
    """A value; None is a number that depends on a choice which was not given."""

    value: int | str | None
    because: Because = ()


@dataclass
class ListingError(Exception):
    """Something that a listing may not contain or do."""

    node: ast.expr | ast.stmt
    message: str
    hint: str

    @property
    def line(self) -> int:
        """The 1-based line of the model text."""
        return self.node.lineno


class Printer:
    """Runs the body of a listing and collects its lines."""

    def __init__(
        self,
        program: Program,
        choices: Mapping[str, np.ndarray[Any, Any]] | None,
    ) -> None:
        """Take the values of all `Param`s, or None: follow all branches and collect `troubles`."""
        self.program, self.choices = program, choices
        self.names: dict[str, Known] = {name: Known(value) for name, value in program.hypers}
        self.lines: list[Line] = []
        self.troubles: list[ListingError] = []
        self.steps = self.depth = 0
        self.stop: ListingError | None = None

    # ---- statements

    def body(self, body: Sequence[ast.stmt], because: Because = ()) -> None:
        """Run statements that are reached because of some choices.

        Raises:
            ListingError: the first thing that is wrong, if choices were given.

        """
        if self.depth == DEEPEST:
            hint = "choose names by value: {p[k]:zero|one|two}"
            raise ListingError(body[0], "this statement is nested too deeply", hint)
        self.depth += 1
        for statement in body:
            try:
                self._count(statement)
                self._statement(statement, because)
            except ListingError as trouble:
                if self.choices is not None:
                    raise
                if trouble not in self.troubles:
                    self.troubles.append(trouble)
        self.depth -= 1

    def _count(self, node: ast.stmt) -> None:
        """Raise if a listing grows without end; after that nothing more is run."""
        self.steps += 1
        if self.steps > MOST_STEPS or len(self.lines) > MOST_LINES:
            message = "the listing does not come to an end"
            self.stop = self.stop or ListingError(node, message, "loop over fewer values")
            raise self.stop

    def _statement(self, statement: ast.stmt, because: Because) -> None:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="line"), args=[text], keywords=[])):
                known = self.value(text)
                if not isinstance(known.value, str):
                    message = "a line is a text, not a number"
                    raise ListingError(text, message, 'write line(f"{...}")')
                self.lines.append(Line(known.value, _join(because, known.because)))
            case ast.For(target=ast.Name(id=name), iter=loop, body=body, orelse=[]):
                turns, reason = self._range(loop)
                for turn in turns:
                    self._count(statement)
                    self.names[name] = Known(turn, reason)
                    self.body(body, _join(because, reason))
            case ast.If(test=test, body=then, orelse=orelse):
                condition = self.value(test)
                inner = _join(because, condition.because)
                if condition.value is None:
                    self.body(then, inner)
                    self.body(orelse, inner)
                else:
                    self.body(then if condition.value else orelse, inner)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                known = self.value(value)
                self.names[name] = Known(known.value, _join(because, known.because))
            case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                raise ListingError(
                    statement,
                    "a listing cannot contain this statement",
                    'use line(f"..."), name = ..., for ... in range(...), if/elif/else',
                )

    def _range(self, node: ast.expr) -> tuple[Sequence[int | None], Because]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=args, keywords=[]) if 1 <= len(args) <= 3:
                parts = [self._computed(node, lambda n: n, [self.value(arg)]) for arg in args]
                because = _join(*(part.because for part in parts))
                numbers = [part.value for part in parts if isinstance(part.value, int)]
                if len(numbers) < len(parts):  # depends on choices: one turn shows what is wrong
                    return [None], because
                if len(numbers) == 3 and numbers[2] == 0:
                    raise ListingError(
                        node, "the step of this loop is 0", "use a step other than 0"
                    )
                return range(*numbers), because
        raise ListingError(node, "a listing loops over numbers only", "write for k in range(n):")

    # ---- expressions

    def value(self, node: ast.expr) -> Known:
        """Return the value of an expression.

        Raises:
            ListingError: it has none.

        """
        if self.depth == DEEPEST:
            raise ListingError(node, "this expression is nested too deeply", "give its parts names")
        self.depth += 1
        try:
            return self._value(node)
        finally:
            self.depth -= 1

    def _value(self, node: ast.expr) -> Known:
        match node:
            case ast.Constant(value=bool() | int() | str() as constant):
                return Known(int(constant) if isinstance(constant, bool) else constant)
            case ast.JoinedStr(values=parts):
                return self._text(node, parts)
            case ast.Name(id=name):
                return self.names[name] if name in self.names else self._choice(node, name, [])
            case ast.Subscript(value=ast.Name(id=name), slice=index):
                inner = index.elts if isinstance(index, ast.Tuple) else [index]
                return self._choice(node, name, inner)
            case ast.IfExp(test=test, body=then, orelse=orelse):
                return self._either(test, then, orelse)
            case _:
                return self._operator(node)

    def _operator(self, node: ast.expr) -> Known:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._apply(node, lambda a: -a, operand)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._apply(node, lambda a: int(not a), operand)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._add(node, left, right)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self._apply(node, _BINARY[type(op)], left, right)
            case ast.BoolOp(op=op, values=parts):
                return self._logic(node, int(isinstance(op, ast.Or)), parts)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(
                type(op) in _COMPARE for op in ops
            ):
                tests = [_COMPARE[type(op)] for op in ops]

                def chain(*n: int) -> int:
                    return int(all(f(n[i], n[i + 1]) for i, f in enumerate(tests)))

                return self._apply(node, chain, left, *others)
            case ast.Call(func=ast.Name(id="min" | "max" as name), args=args, keywords=[]) if args:
                best = min if name == "min" else max
                return self._apply(node, lambda *n: best(n), *args)
        raise ListingError(
            node,
            f"`{ast.unparse(node)}` is nothing that a listing can compute",
            "use numbers, text, choices like p[i, j], + - * // % **, comparisons, min and max",
        )

    def _apply(self, node: ast.expr, function: Callable[..., int], *args: ast.expr) -> Known:
        return self._computed(node, function, [self.value(arg) for arg in args])

    def _computed(
        self, node: ast.expr, function: Callable[..., int], parts: Sequence[Known]
    ) -> Known:
        because = _join(*(part.because for part in parts))
        if any(isinstance(part.value, str) for part in parts):
            message = f"`{ast.unparse(node)}` computes with a text"
            raise ListingError(node, message, "texts can only be joined, with +")
        numbers = [part.value for part in parts if isinstance(part.value, int)]
        if len(numbers) < len(parts):
            return Known(None, because)
        if function is operator.pow and not 0 <= numbers[1] < 64:
            raise ListingError(node, f"{numbers[0]} ** {numbers[1]}", "exponents are 0 to 63 here")
        try:
            result = function(*numbers)
        except ZeroDivisionError:
            raise ListingError(node, f"`{ast.unparse(node)}` divides by 0", "test before") from None
        if abs(result) >= LARGEST:
            raise ListingError(node, f"`{ast.unparse(node)}` is too large", "stay below 2 ** 63")
        return Known(result, because)

    def _add(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Known:
        first, second = self.value(left), self.value(right)
        because = _join(first.because, second.because)
        if isinstance(first.value, str) and isinstance(second.value, str):
            return Known(self._short(node, first.value + second.value), because)
        return self._computed(node, operator.add, (first, second))

    def _either(self, test: ast.expr, then: ast.expr, orelse: ast.expr) -> Known:
        condition = self.value(test)
        if condition.value is None:
            arms = self.value(then).value, self.value(orelse).value
            text = next((arm for arm in arms if isinstance(arm, str)), None)
            return Known(text, condition.because)
        chosen = self.value(then if condition.value else orelse)
        return Known(chosen.value, _join(condition.because, chosen.because))

    def _logic(self, node: ast.expr, decisive: int, parts: Sequence[ast.expr]) -> Known:
        """Return `and` or `or`: the first part with the decisive truth is the last looked at."""
        because: Because = ()
        open_ = False
        for part in parts:
            known = self._computed(node, lambda a: int(bool(a)), [self.value(part)])
            because = _join(because, known.because)
            open_ = open_ or known.value is None
            if known.value == decisive:
                return Known(decisive, because)
        return Known(None if open_ else 1 - decisive, because)

    def _choice(self, node: ast.expr, name: str, indices: Sequence[ast.expr]) -> Known:
        """Return the chosen value of an element of a `Param`."""
        decl = self.program.decl.get(name)
        if decl is None:
            known = [*self.names, *(param.name for param in self.program.of("param"))]
            close = get_close_matches(name, known, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
            raise ListingError(node, f"`{name}` is not known in this listing", hint)
        if decl.kind != "param":
            hint = "a listing shows the choices: only what is declared as Param"
            raise ListingError(node, f"`{name}` is an {decl.kind}, not a choice", hint)
        if len(indices) != len(decl.shape):
            message = f"`{name}` takes {len(decl.shape)} indices, not {len(indices)}"
            raise ListingError(node, message, f"its shape is {list(decl.shape)}")
        parts = [self.value(index) for index in indices]
        because = _join(*(part.because for part in parts))
        for part, length in zip(parts, decl.shape, strict=True):
            if isinstance(part.value, str):
                raise ListingError(node, f"an index of `{name}` is a text", "indices are numbers")
            if part.value is not None and not 0 <= part.value < length:
                message = f"index {part.value} of `{name}` is out of range"
                raise ListingError(node, message, f"use 0..{length - 1}: its shape is {decl.shape}")
        index = tuple(part.value for part in parts if isinstance(part.value, int))
        if len(index) < len(parts) or self.choices is None:
            return Known(None, because)
        return Known(int(self.choices[name][index]), _join(because, ((name, index),)))

    # ---- text

    def _text(self, node: ast.expr, parts: Sequence[ast.expr]) -> Known:
        """Return an f-string; its parts have no reliable places of their own."""
        pieces: list[str] = []
        because: Because = ()
        for part in parts:
            try:
                known = self._piece(part)
            except ListingError as trouble:
                raise ListingError(node, trouble.message, trouble.hint) from None
            pieces.append(str(known.value))
            because = _join(because, known.because)
        return Known(self._short(node, "".join(pieces)), because)

    def _piece(self, part: ast.expr) -> Known:
        match part:
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.value(value)
            case ast.FormattedValue(
                value=value,
                conversion=-1,
                format_spec=ast.JoinedStr(values=[ast.Constant(value=str(names))]),
            ):
                known = self.value(value)
                if isinstance(known.value, str):
                    raise ListingError(
                        part, "names are chosen by a number", "write {k:zero|one|two}"
                    )
                listed = names.split("|")
                if known.value is None or not 0 <= known.value < len(listed):
                    return known  # a value without a name of its own is shown as a number
                return Known(listed[known.value], known.because)
            case ast.FormattedValue():
                hint = "write {value} or {value:zero|one|two}, the names of 0, 1, 2"
                raise ListingError(part, "a listing does not know this format", hint)
        return self.value(part)

    def _short(self, node: ast.expr, text: str) -> str:
        if len(text) > LONGEST:
            raise ListingError(node, "a text of this listing grows too long", "print several lines")
        return text


def _join(*parts: Because) -> Because:
    return tuple(dict.fromkeys(element for part in parts for element in part))
