"""Python functions as programs: still callable, compiled from their text, helpers found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neuralc.errors import FileError, ModelErrors
from neuralc.lang import pyasm
from neuralc.lang.pyasm import Program
from neuralc.source import Source
from tests.pyasm import other_programs
from tests.pyasm.other_programs import double, shifted
from tests.pyasm.plain import run

STEP = 3
TABLE = [1, 2, 3]
size = 7


def plain_helper(mem, at):  # type: ignore[no-untyped-def]
    return mem[at] + STEP


@pyasm.program
def second(mem):  # type: ignore[no-untyped-def]
    """Write what the helpers give."""
    mem[0] = plain_helper(mem, 1)
    mem[1] = double(mem[2])
    mem[2] = shifted(mem[3])


@pyasm.program
def factorial(n):  # type: ignore[no-untyped-def]
    if n == 0:
        return 1
    return other_product(n, factorial(n - 1))


@pyasm.program
def other_product(a, b):  # type: ignore[no-untyped-def]
    total = 0
    for _ in range(a):
        total += b
    return total


@pyasm.program
def with_a_table(mem):  # type: ignore[no-untyped-def]
    mem[0] = TABLE + totl  # noqa: F821


@pyasm.program
def of_a_module(mem):  # type: ignore[no-untyped-def]
    mem[0] = other_programs.double(mem[1])


def cells(program: Program, memory: int, *values: int) -> list[int]:
    start = [*values, *[0] * (memory - len(values))]
    return run(program.compile(memory).assembly, start)[0]


def test_it_can_be_called() -> None:
    memory = [0, 4, 5, 6]
    second(memory)
    assert memory == [7, 10, 16, 6]
    assert factorial(4) == 24
    assert second.__name__ == "second"
    assert second.__doc__ == "Write what the helpers give."


def test_helpers_are_found_where_python_finds_them() -> None:
    """Also where constants of two files have the same name."""
    assert cells(second, 20, 0, 4, 5, 6)[:4] == [7, 10, 16, 6]
    assert other_programs.STEP != STEP
    assert cells(factorial, 60, 4)[0] == 24


def test_lines_point_into_the_right_file() -> None:
    lines = second.compile(20).assembly.lines
    spans = [line.span for line in lines if line.span is not None]
    assert {span.source.name.rsplit("/", 1)[-1] for span in spans} == {
        "test_function.py", "other_programs.py",
    }  # fmt: skip
    assert any(span.text == "mem[at] + STEP" for span in spans)
    assert second.source.text.startswith('"""Python functions as programs')


def made(step: int) -> Program:
    @pyasm.program
    def climb(mem):  # type: ignore[no-untyped-def]
        mem[0] += step

    return climb


def test_values_around_a_function() -> None:
    assert cells(made(2), 10, 1)[0] == 3
    assert cells(made(5), 10, 1)[0] == 6


def test_the_same_as_from_a_file() -> None:
    text = "def f(mem):\n    mem[0] = mem[1] + 2\n"
    names: dict[str, Any] = {}
    exec(text, names)  # only for the comparison: compiling reads the text
    assert pyasm.compile(Source("f.py", text), memory=9).assembly == made_here().assembly


def made_here() -> pyasm.Compiled:
    @pyasm.program
    def f(mem):  # type: ignore[no-untyped-def]
        mem[0] = mem[1] + 2

    return f.compile(memory=9)


def test_other_names_are_errors() -> None:
    with pytest.raises(ModelErrors) as caught:
        with_a_table.compile(memory=10)
    assert [error.code for error in caught.value.errors] == ["E501", "E501"]
    assert "`TABLE` is of type list, and not part of a program" in str(caught.value)
    with pytest.raises(ModelErrors, match="only functions with a name are called"):
        of_a_module.compile(memory=10)


@pytest.mark.parametrize("function", [len, lambda mem: None])
def test_what_has_no_text(function: Callable[..., Any]) -> None:
    with pytest.raises((FileError, ModelErrors)):
        pyasm.program(function).compile(memory=10)


def test_a_function_from_nowhere() -> None:
    names: dict[str, Any] = {}
    exec(compile("def f(mem):\n    mem[0] = 1\n", "<prompt>", "exec"), names)
    with pytest.raises(FileError, match="put the function into a file"):
        pyasm.program(names["f"]).compile(memory=10)
