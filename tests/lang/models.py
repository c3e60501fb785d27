"""Small models from text, run by the interpreter: what the tests of lowering share."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from neuralc.errors import ModelErrors
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Program, walk
from neuralc.lang.model import Parsed, parse
from neuralc.source import Source


def model(text: str, **hypers: int) -> Parsed:
    return parse(Source("test.model", textwrap.dedent(text)), hypers)


def given(program: Program, **values: Any) -> dict[tuple[str, tuple[int, ...]], Any]:
    found = {}
    for name, value in values.items():
        array = np.array(value)
        for index in np.ndindex(array.shape):
            found[name, index] = int(array[index])
    return found


def run(text: str, **values: Any) -> dict[tuple[str, tuple[int, ...]], int]:
    program = model(text).program
    return evaluate(program, given(program, **values), Integers())


def errors_of(text: str) -> list[str]:
    try:
        model(text)
    except ModelErrors as found:
        return [error.code for error in found.errors]
    return []


def kinds(program: Program) -> list[str]:
    return [type(statement).__name__ for statement in walk(program.body)]


INCREMENT = """
@Runtime([4], 4)
def INC(a): return (a + 1) % 4

"""
