"""On which paths an element is set, and how to say so to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Set, Value, symbols
from neuralc.ir.text import show_value


class Missing(NamedTuple):
    """The branches of a gate or switch on `value` in which an element is not set.

    `env` are the loop and gate variables around it; `inner` is set if these branches set the
    element on some of their own paths only.
    """

    value: Value
    env: Mapping[str, int | range]
    values: tuple[int, ...]
    inner: Missing | None

    def at(self, name: str, number: int) -> Missing:
        """Return the same with another value of a variable around it."""
        inner = None if self.inner is None else self.inner.at(name, number)
        return Missing(self.value, {**self.env, name: number}, self.values, inner)


class Mark(NamedTuple):
    """Where an element was set, and on which paths it was not (None: it is set on all)."""

    place: Set
    missing: Missing | None

    def line(self) -> int | None:
        """Return the line of the model text where it was set, if known."""
        span = self.place.target.span or self.place.span
        return span.line if span is not None else None

    def at(self, name: str, number: int) -> Mark:
        """Return the same mark with another value of a variable around it."""
        return Mark(self.place, None if self.missing is None else self.missing.at(name, number))


def first_missing(
    value: Value,
    env: Mapping[str, int | range],
    cases: Sequence[tuple[int, ...]],
    marks: Sequence[Mark | None],
) -> Missing:
    """Return which branches do not set an element that some of them set.

    Args:
        value: what is branched on, and `env` the variables around it.
        env: see above.
        cases: the values of `value` for each branch.
        marks: what each branch did to the element; None: nothing. Not all are complete.

    """
    arms = list(zip(cases, marks, strict=True))
    absent = tuple(k for case, mark in arms if mark is None for k in case)
    if absent or any(mark is None for mark in marks):
        return Missing(value, env, absent, None)
    case, inner = next((c, m.missing) for c, m in arms if m is not None and m.missing is not None)
    return Missing(value, env, case, inner)


def cause_of(missing: Missing) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return which branches in the text are to blame, whichever turn of a loop it is."""
    inner = () if missing.inner is None else cause_of(missing.inner)
    return ((id(missing.value), missing.values), *inner)


def missing_text(missing: Missing) -> str:
    """Return `isHalted[t] == 1 (t = 0)`, with `and` where branches are nested."""
    conditions: list[str] = []
    at: dict[str, int] = {}
    level: Missing | None = missing
    while level is not None:
        values = [str(value) for value in level.values[:4]]
        if len(level.values) > 4:
            values.append("...")
        conditions.append(f"{show_value(level.value)} == {' or '.join(values)}")
        for name in sorted(symbols(level.value)):
            number = level.env.get(name)
            if isinstance(number, int):
                at[name] = number
        level = level.inner
    where = ", ".join(f"{name} = {number}" for name, number in at.items())
    return " and ".join(conditions) + (f" ({where})" if where else "")


def where_text(at: Mapping[str, int]) -> str:
    """Return `when t = 4, p = 0`, or nothing without variables."""
    return "when " + ", ".join(f"{name} = {number}" for name, number in at.items()) if at else ""


def name_of(element: Element) -> str:
    """Return `tape[0, 3]`."""
    name, index = element
    return f"{name}[{', '.join(map(str, index))}]" if index else name
