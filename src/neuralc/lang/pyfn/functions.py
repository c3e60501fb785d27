"""What the functions and methods of the subset do, as in Python; see `operations`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from neuralc.lang.pyfn.operations import (
    MOST_ELEMENTS,
    Undefined,
    check_length,
    kind,
    whole_number,
)


def loop(value: Any) -> Iterable[Any]:
    """Return something to loop over."""
    if isinstance(value, int | None):
        raise Undefined(f"{kind(value)} cannot be looped over")
    found: Iterable[Any] = value
    return found


def _each(values: Any) -> Iterator[Any]:
    """Yield what a loop gives; refuse when it is too much."""
    for count, value in enumerate(loop(values), 1):
        if count > MOST_ELEMENTS:
            check_length(count)
        yield value


def take(values: Any) -> list[Any]:
    """Return a list of what a loop gives, if it is not too long."""
    found = list(islice(loop(values), MOST_ELEMENTS + 1))
    check_length(len(found))
    return found


def _numbers(name: str, values: Iterable[Any]) -> list[int]:
    found = take(values)
    for value in found:
        if not isinstance(value, int):
            raise Undefined(f"`{name}` works on numbers, not on {kind(value)}")
    return found


def _least(name: str, choose: Callable[[list[int]], int]) -> Callable[..., int]:
    def run(*args: Any) -> int:
        found = _numbers(name, args[0] if len(args) == 1 else args)
        if not found:
            raise Undefined(f"`{name}` of an empty list")
        return choose(found)

    return run


def _len(value: Any) -> int:
    if not isinstance(value, list | tuple):
        raise Undefined(f"{kind(value)} has no length")
    return len(value)


def _int(value: Any) -> int:
    return whole_number("int", value)


def _abs(value: Any) -> int:
    return abs(whole_number("abs", value))


def _sum(values: Iterable[Any]) -> int:
    return sum(_numbers("sum", values))


def _sorted(values: Iterable[Any]) -> list[int]:
    return sorted(_numbers("sorted", values))


def _tuple(values: Iterable[Any] = ()) -> tuple[Any, ...]:
    return tuple(take(values))


def _list(values: Iterable[Any] = ()) -> list[Any]:
    return take(values)


def _any(values: Any) -> bool:
    return any(_each(values))


def _all(values: Any) -> bool:
    return all(_each(values))


def _enumerate(values: Any) -> Iterable[Any]:
    return enumerate(loop(values))


def _zip(*values: Any) -> Iterable[Any]:
    return zip(*map(loop, values), strict=False)


def _range(*args: Any) -> range:
    for arg in args:
        if not isinstance(arg, int):
            raise Undefined(f"a range is made of numbers, not of {kind(arg)}")
    if len(args) == 3 and args[2] == 0:
        raise Undefined("the step of the range is 0")
    return range(*args)


def _reversed(values: Any) -> Iterable[Any]:
    if not isinstance(values, list | tuple | range):
        raise Undefined("only a list or a range can be reversed")
    return reversed(values)


CALLS: dict[str, Callable[..., Any]] = {
    "abs": _abs, "all": _all, "any": _any, "bool": bool, "enumerate": _enumerate, "int": _int,
    "len": _len, "list": _list, "max": _least("max", max), "min": _least("min", min),
    "range": _range, "reversed": _reversed, "sorted": _sorted, "sum": _sum, "tuple": _tuple,
    "zip": _zip,
}  # fmt: skip


# ---- methods


def _list_of(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Undefined(f"`{name}` is for lists, not for {kind(value)}")
    return value


def _append(value: Any, element: Any) -> None:
    found = _list_of("append", value)
    check_length(len(found) + 1)
    found.append(element)


def _pop(value: Any, index: Any = -1) -> Any:
    found = _list_of("pop", value)
    if not isinstance(index, int):
        raise Undefined(f"an index is a number, not {kind(index)}")
    if not -len(found) <= index < len(found):
        raise Undefined(f"`pop` of the index {index}: there are {len(found)} elements")
    return found.pop(index)


def _copy(value: Any) -> list[Any]:
    return list(_list_of("copy", value))


METHODS: dict[str, Callable[..., Any]] = {"append": _append, "copy": _copy, "pop": _pop}
