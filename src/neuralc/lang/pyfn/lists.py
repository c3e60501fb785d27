"""Operators, functions and lists on solver terms: the same as `operations`, path by path."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from neuralc.lang.pyfn import operations
from neuralc.lang.pyfn.branches import Branches, Item
from neuralc.lang.pyfn.memory import NOWHERE, List, Optional, Spoilt, Value
from neuralc.lang.pyfn.operations import Undefined
from neuralc.lang.pyfn.reference import Node, Reference
from neuralc.lang.pyfn.terms import Bool, Number, Unencodable

_SIGNS: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
MOST_TURNS = 1000
"""Of a loop over a range whose end depends on the inputs."""


class Lists(Branches):
    """Evaluates everything but statements and the functions of the file."""

    def __init__(self, reference: Reference) -> None:
        """Name the functions."""
        super().__init__(reference)
        self.loops = {
            "range": self._range, "enumerate": self._enumerate, "reversed": self._reversed,
            "zip": self._zip,
        }  # fmt: skip
        self.many: dict[str, Callable[[Node, Iterator[Item]], Value]] = {
            "sum": self._sum, "any": self._any, "all": self._all, "sorted": self._sorted,
            "list": self._list,
            "tuple": lambda node, items: tuple(self.certain(items)),
        }  # fmt: skip
        self.few: dict[str, Callable[[Node, Value], Value]] = {
            "len": self._len, "abs": self._abs, "int": lambda node, a: self.number(node, "int", a),
            "bool": lambda node, a: self.terms.boolean(self.truth(a)),
        }  # fmt: skip

    # ---- numbers and conditions

    def number(self, node: Node, sign: str, value: Value) -> Value:
        """Return a number; what is none is a failure, and then 0."""
        if isinstance(value, Optional):
            self.fail(self.terms.negated(value.given), f"`{sign}` does not work on None", node)
            return value.value
        if not isinstance(value, int | Number):
            if value is not NOWHERE:
                self.fail(True, f"`{sign}` does not work on {_kind(value)}", node)
            return 0
        return value

    def truth(self, value: Value) -> Bool:
        """Return whether Python takes a value for true."""
        if isinstance(value, Optional):
            return self.terms.both(value.given, self.terms.truth(value.value))
        if isinstance(value, int | Number):
            return self.terms.truth(value)
        if isinstance(value, List):
            return bool(self.state.contents(value))
        return bool(value) if isinstance(value, tuple) else False

    def unary(self, node: Node, op: type[ast.unaryop], value: Value) -> Value:
        """Return an operator of one value."""
        if op is ast.Not:
            return self.terms.boolean(self.terms.negated(self.truth(value)))
        number = self.number(node, _SIGNS[op], value)
        if isinstance(number, int):
            return operations.UNARY[op](number)
        if op is ast.UAdd:
            return number
        negative = self.terms.negative(number)
        return negative if op is ast.USub else self.binary(node, ast.Sub, negative, 1)

    def binary(self, node: Node, op: type[ast.operator], a: Value, b: Value) -> Value:
        """Return an operator of two values."""
        if op is ast.Add and type(a) is type(b) and isinstance(a, List | tuple):
            both = (*self._parts(a), *self._parts(b))
            return self.state.new(both) if isinstance(a, List) else both
        if op is ast.Mult and isinstance(a, List | tuple) != isinstance(b, List | tuple):
            many, count = (a, b) if isinstance(a, List | tuple) else (b, a)
            if not isinstance(count, int):
                raise Unencodable("the length of a list depends on the inputs")
            parts = self._parts(many) * count
            return self.state.new(parts) if isinstance(many, List) else parts
        a, b = self.number(node, "+", a), self.number(node, "+", b)
        if isinstance(a, int) and isinstance(b, int):
            try:
                return operations.BINARY[op](a, b)
            except Undefined as problem:
                self.fail(True, str(problem), node)
                return 0
        self.place = node
        return self.terms.binary(op, a, b)

    def compare(self, node: Node, op: type[ast.cmpop], a: Value, b: Value) -> Bool:
        """Return a comparison."""
        if op in (ast.Is, ast.IsNot, ast.Eq, ast.NotEq):
            same = self.equal(a, b)
            return same if op in (ast.Is, ast.Eq) else self.terms.negated(same)
        if op in (ast.In, ast.NotIn):
            found: Bool = False
            for _, element in self.each(node, b):
                found = self.terms.either(found, self.equal(a, element))
            return found if op is ast.In else self.terms.negated(found)
        a, b = self.number(node, "<", a), self.number(node, "<", b)
        return self.terms.compare(op, a, b)

    def equal(self, a: Value, b: Value) -> Bool:
        """Return `a == b`, of lists element by element."""
        terms = self.terms
        for value in (a, b):
            if isinstance(value, Spoilt):
                raise Unencodable(value.reason)
        if isinstance(a, int | Number) and isinstance(b, int | Number):
            return terms.equal(a, b)
        if type(a) is type(b) and isinstance(a, List | tuple):
            return self._equal_parts(self._parts(a), self._parts(b))
        if isinstance(b, Optional):
            a, b = b, a
        if isinstance(a, Optional):
            if b is None:
                return terms.negated(a.given)
            if isinstance(b, Optional):
                neither = terms.both(terms.negated(a.given), terms.negated(b.given))
                given = terms.both(a.given, b.given)
                return terms.either(neither, terms.both(given, terms.equal(a.value, b.value)))
            return terms.both(a.given, self.equal(a.value, b))
        return a is None and b is None

    def _equal_parts(self, a: Sequence[Value], b: Sequence[Value]) -> Bool:
        if len(a) != len(b):
            return False
        found: Bool = True
        for x, y in zip(a, b, strict=True):
            found = self.terms.both(found, self.equal(x, y))
        return found

    # ---- elements

    def subscript(self, node: ast.Subscript) -> Value:
        """Return an element or a slice of a list."""
        places = self.places(node.value)
        return self.chosen(node, places, self.index(node.slice))

    def places(self, node: ast.expr) -> list[tuple[Bool, Value]]:
        """Return the lists that `a[i]` may be, each with its condition: none of them is copied."""
        if not isinstance(node, ast.Subscript) or isinstance(node.slice, ast.Slice):
            return [(True, self.value(node))]
        found = []
        places = self.places(node.value)
        at = self.index(node.slice)
        for condition, of in places:
            if not isinstance(of, List | tuple):
                self.fail(condition, "it has no elements", node)
                continue
            parts = self._parts(of)
            for here, k in self.positions(node, at, len(parts)):
                found.append((self.terms.both(condition, here), parts[k]))
        return found

    def chosen(self, node: Node, places: Sequence[tuple[Bool, Value]], index: Value) -> Value:
        """Return the element of the one list whose condition holds."""
        found: Value = NOWHERE
        for condition, of in reversed(places):
            element = self.only_if(condition, partial(self.element, node, of, index))
            found = element if found is NOWHERE else self.pick(condition, element, found)
        return found

    def element(self, node: Node, of: Value, index: Value) -> Value:
        """Return an element or a slice of a list."""
        if not isinstance(of, List | tuple):
            self.fail(True, f"{_kind(of)} has no elements", node)
            return 0
        parts = self._parts(of)
        if isinstance(index, slice):
            found = parts[self._slice(node, index)]
            return self.state.new(found) if isinstance(of, List) else found
        choices = self.positions(node, index, len(parts))
        if not choices:
            return 0
        found = parts[choices[-1][1]]
        for condition, k in reversed(choices[:-1]):
            found = self.pick(condition, parts[k], found)
        return found

    def positions(self, node: Node, index: Value, length: int) -> list[tuple[Bool, int]]:
        """Return the elements that an index may name, each with its condition."""
        terms, index = self.terms, self.number(node, "[]", index)
        low, high = (index, index) if isinstance(index, int) else (index.low, index.high)
        message = f"the index is out of range: there are {length} elements"
        if low < -length:
            self.fail(terms.less(index, -length), message, node)
        if high >= length:
            self.fail(terms.negated(terms.less(index, length)), message, node)
        return [
            (terms.equal(index, k), k % length)
            for k in range(max(low, -length), min(high, length - 1) + 1)
        ]

    def put(self, node: Node, condition: Bool, of: Value, index: Value, value: Value) -> None:
        """Do `of[index] = value` where a condition holds."""
        if not isinstance(of, List):
            self.fail(condition, f"the elements of {_kind(of)} cannot be set", node)
            return
        parts = list(self.state.contents(of))
        if isinstance(index, slice):
            if condition is not True or not isinstance(value, List | tuple):
                raise Unencodable("a slice is set whose place depends on the inputs")
            try:
                parts[self._slice(node, index)] = self._parts(value)
            except ValueError:
                self.fail(True, "a slice with a step is set to too few or too many", node)
        else:
            for here, k in self.positions(node, index, len(parts)):
                parts[k] = self.pick(self.terms.both(condition, here), value, parts[k])
        self.state.change(of, parts)

    def _slice(self, node: Node, index: slice) -> slice:
        if index.step == 0:
            self.fail(True, "the step of the slice is 0", node)
            return slice(index.start, index.stop)
        return index

    def _parts(self, value: Value) -> tuple[Value, ...]:
        found = self.state.contents(value) if isinstance(value, List) else value
        assert isinstance(found, tuple)
        return found

    # ---- what is looped over

    def _range(self, node: ast.Call) -> Iterator[Item]:
        args = [self.number(node, "range", self.value(arg)) for arg in node.args]
        start, stop = (0, args[0]) if len(args) == 1 else args[:2]
        step = args[2] if len(args) == 3 else 1
        if not isinstance(step, int):
            raise Unencodable("the step of a range depends on the inputs")
        if step == 0:
            self.fail(True, "the step of the range is 0", node)
            return
        if isinstance(start, int) and isinstance(stop, int):
            yield from ((True, k) for k in range(start, stop, step))
            return
        (low, _), (_, end) = (_ends(start), _ends(stop)) if step > 0 else (
            _ends(stop), _ends(start)
        )  # fmt: skip
        turns = max(0, -(-(end - low) // abs(step)))
        if turns > MOST_TURNS:
            raise Unencodable(f"a loop may take more than {MOST_TURNS} turns")
        for k in range(turns):
            item = self.binary(node, ast.Add, start, k * step)
            less = (item, stop) if step > 0 else (stop, item)
            yield self.terms.less(*less), item

    def _enumerate(self, node: ast.Call) -> Iterator[Item]:
        for k, (active, item) in enumerate(self.items(node.args[0])):
            if active is not True and not _is_range(node.args[0]):
                raise Unencodable("`enumerate` of a list whose length depends on the inputs")
            yield active, (k, item)

    def _reversed(self, node: ast.Call) -> Iterator[Item]:
        for item in reversed(self.certain(self.items(node.args[0]))):
            yield True, item

    def _zip(self, node: ast.Call) -> Iterator[Item]:
        for parts in zip(*[self.items(arg) for arg in node.args], strict=False):
            active: Bool = True
            for (given, _), arg in zip(parts, node.args, strict=True):
                if given is not True and not _is_range(arg):  # the next one may take its place
                    raise Unencodable("`zip` of a list whose length depends on the inputs")
                active = self.terms.both(active, given)
            yield active, tuple(item for _, item in parts)

    # ---- functions

    def builtin(self, node: ast.Call, name: str) -> Value:
        """Return what a function of Python gives."""
        if name in self.many:
            return self.many[name](node, self.items(node.args[0]) if node.args else iter(()))
        if name in ("min", "max"):
            if len(node.args) == 1:
                return self._extreme(node, name, self.items(node.args[0]))
            return self._extreme(node, name, iter([(True, self.value(a)) for a in node.args]))
        return self.few[name](node, self.value(node.args[0]))

    def _list(self, node: Node, items: Iterator[Item]) -> Value:
        found = self.certain(items)  # first: it may replace the state
        return self.state.new(found)

    def _len(self, node: Node, value: Value) -> Value:
        if isinstance(value, List | tuple):
            return len(self._parts(value))
        self.fail(True, f"{_kind(value)} has no length", node)
        return 0

    def _abs(self, node: Node, value: Value) -> Value:
        number = self.number(node, "abs", value)
        negative = self.terms.less(number, 0)
        return self.pick(negative, self.terms.negative(number), number)

    def _sum(self, node: Node, items: Iterator[Item]) -> Value:
        total: Value = 0
        for active, item in items:
            value = self.number(node, "sum", item)
            total = self.binary(node, ast.Add, total, self.pick(active, value, 0))
        return total

    def _any(self, node: Node, items: Iterator[Item]) -> Value:
        return self.terms.boolean(self._decided(items, sought=True))

    def _all(self, node: Node, items: Iterator[Item]) -> Value:
        return self.terms.boolean(self.terms.negated(self._decided(items, sought=False)))

    def _decided(self, items: Iterator[Item], *, sought: bool) -> Bool:
        """Return whether some element is (sought) or is not true; the later ones are not needed."""
        terms = self.terms
        found: Bool = False
        while True:
            step = self.only_if(terms.negated(found), lambda: _Turn(next(items, None)))
            if not isinstance(step, _Turn) or step.item is None:
                return found
            active, value = step.item
            truth = self.truth(value)
            holds = truth if sought else terms.negated(truth)
            found = terms.either(found, terms.both(active, holds))

    def _extreme(self, node: Node, name: str, items: Iterator[Item]) -> Value:
        """Return the least or the largest; `given` is whether there has been one at all."""
        found: Value = NOWHERE
        given: Bool = False
        for active, item in items:
            value = self.number(node, name, item)
            if found is NOWHERE:
                found = value
            else:
                pair = (value, found) if name == "min" else (found, value)
                wins = self.terms.either(self.terms.negated(given), self.terms.less(*pair))
                found = self.pick(self.terms.both(active, wins), value, found)
            given = self.terms.either(given, active)
        self.fail(self.terms.negated(given), f"`{name}` of an empty list", node)
        return 0 if found is NOWHERE else found

    def _sorted(self, node: Node, items: Iterator[Item]) -> Value:
        """Sort by exchanges of neighbours, the same ones whatever the numbers are."""
        row = [self.number(node, "sorted", item) for item in self.certain(items)]
        for end in range(len(row) - 1, 0, -1):
            for k in range(end):
                swap = self.terms.less(row[k + 1], row[k])
                a, b = row[k], row[k + 1]
                row[k], row[k + 1] = self.pick(swap, b, a), self.pick(swap, a, b)
        return self.state.new(row)

    def method(self, node: ast.Call, name: str, owner: Value, args: list[Value]) -> Value:
        """Return what a method of a list gives."""
        if not isinstance(owner, List):
            self.fail(True, f"`{name}` is for lists, not for {_kind(owner)}", node)
            return 0
        parts = list(self.state.contents(owner))
        if name == "copy":
            return self.state.new(parts)
        if name == "append":
            self.state.change(owner, [*parts, args[0]])
            return None
        index = args[0] if args else -1
        if not isinstance(index, int):
            raise Unencodable("the index of `pop` depends on the inputs")
        if not -len(parts) <= index < len(parts):
            self.fail(True, f"`pop` of the index {index}: there are {len(parts)} elements", node)
            return 0
        found = parts.pop(index)
        self.state.change(owner, parts)
        return found


class _Turn:
    """One turn of a loop, or its end: kept apart from values, which meet where paths do."""

    def __init__(self, item: Item | None) -> None:
        self.item = item


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range"


def _ends(value: Value) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value.low, value.high)


def _kind(value: Any) -> str:
    if isinstance(value, List):
        return "a list"
    return "a number" if isinstance(value, int | Number) else operations.kind(value)
