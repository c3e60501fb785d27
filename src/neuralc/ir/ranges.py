"""Whether every constant and every index is in range, for all values of loop and gate variables.

Knows nothing of what is set; it computes each expression once for each state of its variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from neuralc.ir import static
from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Int, Program, Ref, Static, Value, symbols
from neuralc.ir.path import where_text
from neuralc.ir.reporter import Placed, Reporter
from neuralc.ir.statements import span_of_values
from neuralc.ir.text import show_value

Env = Mapping[str, int | range]
"""Loop variables and enumerated gate variables are integers, the other gate variables ranges."""


class UnknownNumberError(Exception):
    """A number that cannot be computed, because of an error that is already reported."""


class Ranges:
    """The numbers of one program; remembers what it has computed."""

    def __init__(self, program: Program, reporter: Reporter) -> None:
        """Start without any memory."""
        self.program, self.reporter = program, reporter
        self.bound: dict[str, int] = {}  # which loop or gate binds a variable just now
        self._causes: set[object] = set()
        self._elements: dict[object, tuple[Element, ...]] = {}
        self._in_range: set[object] = set()
        self._symbols: dict[int, tuple[str, ...]] = {}

    def names(self, expression: Value) -> tuple[str, ...]:
        """Return the variables of an expression, sorted."""
        key = id(expression)
        if key not in self._symbols:
            self._symbols[key] = tuple(sorted(symbols(expression)))
        return self._symbols[key]

    def _cases(
        self, expression: Static, env: Env, outer: Placed, names: Iterable[str]
    ) -> Iterator[tuple[int, Mapping[str, int]]]:
        """Yield the values of an expression for all values of these variables."""
        names = tuple(names)
        if any(name not in env for name in names):
            raise UnknownNumberError
        known = [env[name] for name in names]
        ranges = [n if isinstance(n, range) else (n,) for n in known]
        for numbers in product(*ranges):
            at = dict(zip(names, numbers, strict=True))
            try:
                yield static.value(expression, at), at
            except (ArithmeticError, ValueError) as error:
                self.reporter.add(
                    "E219",
                    f"{show_value(expression)} has no value: {error}",
                    expression,
                    outer,
                    label=where_text(at),
                    hint="test for this case with an `if` before",
                )
                raise UnknownNumberError from None
            except (TypeError, AssertionError):
                raise UnknownNumberError from None  # a wrong number of operands, which is reported

    def number(self, expression: Static, env: Env, outer: Placed) -> int:
        """Return the one value of an expression."""
        if any(isinstance(env.get(name), range) for name in self.names(expression)):
            raise UnknownNumberError  # a loop over a gate variable, which is reported
        ((number, _),) = self._cases(expression, env, outer, self.names(expression))
        return number

    def constant(self, expression: Static, size: int, env: Env, outer: Placed) -> None:
        """Check that an expression that is a value is below `size`."""
        names = self.names(expression)
        key = id(expression), size, tuple(env.get(name) for name in names)
        if key in self._in_range:
            return
        self._in_range.add(key)
        for number, at in self._cases(expression, env, outer, names):
            if not 0 <= number < size:
                if not self._new(expression, number, at):
                    return
                self.reporter.add(
                    "E206",
                    f"{number} is used where {span_of_values(size)} is allowed",
                    expression,
                    outer,
                    label=_equals(expression, number, at),
                    hint=f"enlarge the domain to at least {number + 1} values"
                    if number >= size
                    else "values start at 0; test for this case with an `if` before",
                )
                return

    def elements(self, ref: Ref, env: Env, outer: Placed) -> tuple[Element, ...]:
        """Return all elements that a reference may mean (of a Param or Input: see below)."""
        key = id(ref), tuple(env.get(name) for name in self.names(ref))
        if key not in self._elements:
            self._elements[key] = tuple(self._find(ref, env, outer))
        return self._elements[key]

    def _find(self, ref: Ref, env: Env, outer: Placed) -> Iterator[Element]:
        decl = self.program.decl.get(ref.name)
        if decl is None or len(ref.index) != len(decl.shape):
            raise UnknownNumberError
        if isinstance(decl.type, Int) and decl.type.size < 1:
            message, hint = f"`{ref.name}` has no values", "do not use it when its size is 0"
            self.reporter.add("E200", message, ref, outer, hint=hint)
            raise UnknownNumberError
        choices: list[dict[int, None]] = []
        for axis, (index, length) in enumerate(zip(ref.index, decl.shape, strict=True)):
            found: dict[int, None] = {}
            for number, at in self._cases(index, env, outer, self.names(index)):
                if 0 <= number < length:
                    found[number] = None
                else:
                    self._outside(ref, axis, number, at, outer)
            choices.append(found)
        many = [s for i in ref.index for s in self.names(i) if isinstance(env[s], range)]
        if len(many) == len(set(many)) or (decl.kind in ("param", "input") and not decl.limits):
            # Every index varies by itself (or nobody asks which elements of an input are meant).
            yield from ((ref.name, index) for index in product(*choices))
            return
        names = self.names(ref)
        wide = [env[s] for s in names]
        for numbers in product(*(n if isinstance(n, range) else (n,) for n in wide)):
            at = dict(zip(names, numbers, strict=True))
            place = tuple(static.value(index, at) for index in ref.index)
            if all(i in found for i, found in zip(place, choices, strict=True)):
                yield ref.name, place

    def _new(self, expression: Static, number: int, at: Mapping[str, int]) -> bool:
        """Say whether a bad number has another cause than those reported.

        A loop that runs too far spoils many expressions: the same value of the same variable in
        the same loop is one cause.
        """
        cause = number, tuple((name, n, self.bound.get(name)) for name, n in at.items())
        if not at:
            cause = number, ((show_value(expression), number, id(expression)),)
        new = cause not in self._causes
        self._causes.add(cause)
        return new

    def _outside(
        self, ref: Ref, axis: int, number: int, at: Mapping[str, int], outer: Placed
    ) -> None:
        length = self.program.decl[ref.name].shape[axis]
        if not self._new(ref.index[axis], number, at):
            return
        which = "" if len(ref.index) == 1 else f" for index {axis + 1}"
        self.reporter.add(
            "E204",
            f"{show_value(ref)} is out of range: {number}, where {span_of_values(length)} is "
            f"allowed{which}"
            if length
            else f"{show_value(ref)} does not exist: the array has no elements",
            ref,
            outer,
            label=_equals(ref.index[axis], number, at),
            hint=f"declare `{ref.name}` larger, or stop the loop earlier"
            if number >= length
            else "indices start at 0; test for this case with an `if` before",
        )


def _equals(expression: Static, number: int, at: Mapping[str, int]) -> str:
    """Return `t + 1 is 5 when t = 4`, or nothing for a plain number."""
    return f"{show_value(expression)} is {number} {where_text(at)}" if at else ""
