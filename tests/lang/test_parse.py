"""The entry of the front end: hyper-parameters, hostile texts, models in Python functions."""

from __future__ import annotations

import pytest

from neuralc.errors import FileError, HyperError, ModelErrors
from neuralc.lang.model import from_function, hyper_names, parse
from neuralc.source import Source

TEXT = """from dummy import Hyper
n = Hyper()
if True:
    length = Hyper()
x = Output(n)[length]
for i in range(length):
    x[i].set_to(n - 1)
"""


def test_hyper_names() -> None:
    assert hyper_names(Source("a.model", TEXT)) == ("n", "length")


@pytest.mark.parametrize(
    ("hypers", "words"),
    [
        ({"n": 3}, ["needs a value", "`length`", "it declares `n`, `length`"]),
        ({}, ["`n`, `length`"]),
        ({"n": 3, "lenght": 2}, ["no hyper-parameter `lenght`", "did you mean `length`?"]),
        ({"n": 3, "length": 2.5}, ["`length`", "whole number", "2.5"]),
        ({"n": True, "length": 2}, ["`n`", "True"]),
    ],
)
def test_wrong_hypers(hypers: dict[str, int], words: list[str]) -> None:
    with pytest.raises(HyperError) as caught:
        parse(Source("a.model", TEXT), hypers)
    for word in words:
        assert word in str(caught.value)


def test_hypers_become_constants() -> None:
    program = parse(Source("a.model", TEXT), {"n": 3, "length": 2}).program
    assert program.decl["x"].shape == (2,)
    assert program.hypers == (("n", 3), ("length", 2))


@pytest.mark.parametrize(
    "text",
    [
        "x = Var(2)\nx.set_to(" + "(" * 300 + "1" + ")" * 300 + ")",
        "x = Var(2)\nx.set_to(" + "-" * 5000 + "1)",
        "x = Var(2)\nx.set_to(" + "1 + " * 20000 + "1)",
        "x = 1\0",
        "x = Var(10 ** 30)",
        "x = Var(2)[100000, 100000]",
        "x = 9 ** 9 ** 9",
        "for i in range(1000000000):\n    p[i] = Param(2)",
        "t = 0\nx = Var(2)\nfor i in range(1000000000):\n    t = t + 1",
        "def f(:\n",
        "\\",
        "'''",
        "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    ],
)
def test_hostile_texts_are_refused_politely(text: str) -> None:
    with pytest.raises(ModelErrors):
        parse(Source("a.model", text))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_byte_order_marks(end: str) -> None:
    text = "\ufeffx = Output(2)\ny = Param(2)\nx.set_to(z)\n".replace("\n", end)
    with pytest.raises(ModelErrors) as caught:
        parse(Source("a.model", text))
    (error,) = caught.value.errors
    assert (error.span.line, error.span.column, error.span.text) == (3, 10, "z")


def decorated(function: object) -> object:
    return function


@decorated
def small_model() -> None:
    """A model in a Python function."""
    # a comment
    x = Input(3)  # type: ignore[name-defined]  # noqa: F821
    y = Output(3)  # type: ignore[name-defined]  # noqa: F821
    if x == 0:
        y.set_to(1)
    else:
        y.set_to(unknown)  # type: ignore[name-defined]  # noqa: F821


def test_a_model_in_a_function_keeps_its_place() -> None:
    source = from_function(small_model)
    assert source.name == __file__
    with pytest.raises(ModelErrors) as caught:
        parse(source)
    (error,) = caught.value.errors
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123
        line = file.read().splitlines()[error.span.line - 1]
    assert "y.set_to(unknown)" in line
    assert error.span.text == "unknown"


def test_a_function_without_a_text() -> None:
    with pytest.raises(FileError):
        from_function(len)
