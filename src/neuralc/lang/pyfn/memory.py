"""The names and lists of a symbolic run, and what becomes of them where two paths meet.

Lists are changed in place and may have several names, as in Python: names hold references, the
contents lie in a heap. Where paths that hold different lists meet, a new list is made; if the old
ones can still be reached, none of the three may be changed from then on (`frozen`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from neuralc.lang.pyfn.terms import Bool, Number, Terms, Unencodable

Value = Any
"""A Python integer, a truth value, None, a `Number`, `List`, `Optional`, `Spoilt`, or a tuple."""
Contents = tuple[Value, ...]


@dataclass(frozen=True)
class List:
    """A reference to a list of the heap."""

    ident: int


@dataclass(frozen=True, eq=False)
class Optional:
    """A number where `given` holds, else None."""

    given: Any
    value: Value


@dataclass(frozen=True, eq=False)
class Perhaps:
    """What a name holds that has got a value only where `given` holds."""

    given: Any
    value: Value


@dataclass(frozen=True)
class Spoilt:
    """What paths left behind that no single value stands for; to use it is not possible."""

    reason: str


class Nowhere:
    """What comes from a path that is not possible, or has failed: any value will do."""


NOWHERE = Nowhere()


@dataclass
class State:
    """All names and lists on one path."""

    constants: dict[str, Value] = field(default_factory=dict)
    frames: list[dict[str, Value]] = field(default_factory=list)
    heap: dict[int, Contents | Spoilt] = field(default_factory=dict)
    frozen: frozenset[int] = frozenset()
    idents: Any = field(default_factory=count)

    def copy(self) -> State:
        """Return a state of its own, with the same values."""
        frames = [dict(frame) for frame in self.frames]
        return State(dict(self.constants), frames, dict(self.heap), self.frozen, self.idents)

    def new(self, contents: Iterable[Value]) -> List:
        """Return a new list."""
        made = List(next(self.idents))
        self.heap[made.ident] = tuple(contents)
        return made

    def contents(self, of: List) -> Contents:
        """Return the elements of a list."""
        found = self.heap[of.ident]
        if isinstance(found, Spoilt):
            raise Unencodable(found.reason)
        return found

    def change(self, of: List, contents: Iterable[Value]) -> None:
        """Give a list other elements."""
        if of.ident in self.frozen:
            raise Unencodable("a list is changed that has several names on some paths only")
        self.heap[of.ident] = tuple(contents)

    def reachable(self, extra: Iterable[Value] = ()) -> set[int]:
        """Return the lists that a name, or a value of `extra`, leads to."""
        found: set[int] = set()
        todo = [*self.constants.values(), *extra]
        for frame in self.frames:
            todo += frame.values()
        while todo:
            value = todo.pop()
            if isinstance(value, Perhaps):
                todo.append(value.value)
            elif isinstance(value, tuple):
                todo += value
            elif isinstance(value, List) and value.ident not in found:
                found.add(value.ident)
                inner = self.heap[value.ident]
                if isinstance(inner, tuple):
                    todo += inner
        return found


class Meeting:
    """Two paths that meet: the first one is taken where a condition holds."""

    def __init__(self, terms: Terms, condition: Any, first: State, second: State) -> None:
        """Merge all names and lists; `state` is what comes of it."""
        self.terms, self.condition, self.first, self.second = terms, condition, first, second
        self.state = State(idents=first.idents, frozen=first.frozen | second.frozen)
        self.state.heap = {**second.heap, **first.heap}
        self._made: dict[tuple[int, int], List] = {}
        for ident in first.heap.keys() & second.heap.keys():
            mine, other = first.heap[ident], second.heap[ident]
            if mine is not other:
                self.state.heap[ident] = self._contents(mine, other)
        self.state.constants = self._names(first.constants, second.constants)
        self.state.frames = [
            self._names(mine, other)
            for mine, other in zip(first.frames, second.frames, strict=True)
        ]

    def value(self, a: Value, b: Value) -> Value:
        """Return the value that is a on the first path and b on the second."""
        if a is b or a == b and isinstance(a, List | Spoilt):
            return a
        if a is NOWHERE or b is NOWHERE:
            return b if a is NOWHERE else a
        if isinstance(a, int | Number) and isinstance(b, int | Number):
            return self.terms.choose(self.condition, a, b)
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            return tuple(self.value(x, y) for x, y in zip(a, b, strict=True))
        if isinstance(a, List) and isinstance(b, List):
            return self._list(a, b)
        for value in (a, b):
            if isinstance(value, Spoilt):
                return value
        if _may_be_none(a) and _may_be_none(b):
            return self._optional(a, b)
        return Spoilt("a value is of one kind on some paths and of another kind on others")

    def finish(self, extra: Iterable[Value] = ()) -> State:
        """Freeze the lists that were merged and can still be reached; return the state."""
        if self._made:
            alive = self.state.reachable(extra)
            mine = Counter(a for a, _ in self._made)
            other = Counter(b for _, b in self._made)
            for (a, b), made in self._made.items():
                shared = mine[a] > 1 or other[b] > 1 or not self.state.frozen.isdisjoint((a, b))
                if shared or a in alive or b in alive:
                    self.state.frozen |= {a, b, made.ident}
        return self.state

    def _names(self, mine: dict[str, Value], other: dict[str, Value]) -> dict[str, Value]:
        return {
            name: mine[name] if name in mine and mine[name] is other.get(name)
            else self._name(mine.get(name), other.get(name), name in mine, name in other)
            for name in mine | other
        }  # fmt: skip

    def _name(self, a: Value, b: Value, has_a: bool, has_b: bool) -> Value:
        """Merge a name that may have no value on one of the paths."""
        given_a: Bool = a.given if isinstance(a, Perhaps) else has_a
        given_b: Bool = b.given if isinstance(b, Perhaps) else has_b
        a = a.value if isinstance(a, Perhaps) else a
        b = b.value if isinstance(b, Perhaps) else b
        value = self.value(a, b) if has_a and has_b else a if has_a else b
        if given_a is True and given_b is True:
            return value
        terms, condition = self.terms, self.condition
        given = terms.either(
            terms.both(condition, given_a), terms.both(terms.negated(condition), given_b)
        )
        return Perhaps(given, value)

    def _contents(self, mine: Contents | Spoilt, other: Contents | Spoilt) -> Contents | Spoilt:
        if isinstance(mine, Spoilt) or isinstance(other, Spoilt):
            return mine if isinstance(mine, Spoilt) else other
        if len(mine) != len(other):
            return Spoilt("the length of a list depends on the inputs")
        return tuple(self.value(x, y) for x, y in zip(mine, other, strict=True))

    def _list(self, a: List, b: List) -> List:
        key = (a.ident, b.ident)
        if key not in self._made:
            self._made[key] = made = List(next(self.state.idents))
            contents = self._contents(self.first.heap[a.ident], self.second.heap[b.ident])
            self.state.heap[made.ident] = contents
        return self._made[key]

    def _optional(self, a: Value, b: Value) -> Value:
        terms = self.terms
        parts = [(_given(v), v.value if isinstance(v, Optional) else v) for v in (a, b)]
        (given_a, x), (given_b, y) = parts
        given = terms.either(
            terms.both(self.condition, given_a),
            terms.both(terms.negated(self.condition), given_b),
        )
        x, y = (y if x is None else x), (x if y is None else y)
        return Optional(given, terms.choose(self.condition, x, y))


def _may_be_none(value: Value) -> bool:
    return value is None or isinstance(value, int | Number | Optional)


def _given(value: Value) -> Bool:
    if isinstance(value, Optional):
        return value.given
    return value is not None
