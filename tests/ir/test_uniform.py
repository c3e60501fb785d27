"""Loops whose turns are all the same are checked by a few turns, with the same result."""

from __future__ import annotations

import re

import pytest

from neuralc import machines
from neuralc.errors import ModelErrors
from neuralc.ir import flow
from neuralc.lang.model import parse
from neuralc.source import Source

LONG = """
x = Input(3)
y = Output(3)
a = Var(3)[{n} + 1]
b = Var(3)[{n}]
a[0].set_to(x)
for t in range({n}):
    if a[t] == 1:
        b[t].set_to(a[t])
        a[t + 1].set_to(2)
    else:
        {other}
{after}
"""
RIGHT = ("a[t + 1].set_to(a[t])", "y.set_to(a[{n}])")
CASES = [
    RIGHT,
    ("b[t].set_to(0)", "y.set_to(a[{n}])"),  # a is not set on every path
    ("a[t].set_to(1)", "y.set_to(a[{n}])"),  # set twice
    ("a[t + 2].set_to(1)", "y.set_to(a[{n}])"),
    ("a[t + 1].set_to(b[t + 1])", "y.set_to(a[{n}])"),  # read before it is set
    ("a[t + 1].set_to(a[t])", "y.set_to(b[{n} - 3])"),  # set on some paths, long ago
    ("a[t + 1].set_to(a[t])", "y.set_to(b[2])"),
    ("a[t + 1].set_to(a[t])", "y.set_to(b[{n} - 1])"),
    ("a[t + 1].set_to(a[t])", "y.set_to(a[{n}])\nfor t in range(3):\n    a[t + 1].set_to(0)"),
    ("a[t + 1].set_to(t)", "y.set_to(a[{n}])"),  # not the same in all turns
]


def errors(text: str) -> list[str]:
    try:
        parse(Source("m", text), {})
    except ModelErrors as found:
        return [str(error) for error in found.errors]
    return []


@pytest.mark.parametrize(("other", "after"), CASES)
def test_the_errors_are_those_of_all_turns(
    other: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = LONG.replace("{other}", other).replace("{after}", after).replace("{n}", "12")
    short = errors(text)
    monkeypatch.setattr(flow, "_FEW", 1000)
    assert short == errors(text)
    assert bool(short) == ((other, after) != RIGHT)


def test_a_turn_may_find_the_arrays_set_already() -> None:
    text = """
x = Input(3)
y = Output(3)
a = Var(3)[13]
a[0].set_to(x)
a[9].set_to(x)
for t in range(12):
    a[t + 1].set_to(a[t])
y.set_to(a[12])
"""
    (error,) = errors(text)
    assert re.search(r"`a\[9\]` is set twice", error)


def test_many_turns_take_no_longer() -> None:
    text = machines.path("ram").read_text(encoding="utf-8")
    hypers = {"memory_size": 8, "num_registers": 3, "max_steps": 20_000}
    parse(Source("ram", text), hypers)  # turn by turn it would take two minutes
