"""What the constraint solvers share: unknown choices, examples as constants, demands on outputs.

Knows no solver; the values are those of the `Terms` that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, TypeVar

import numpy as np

from neuralc.backends.base.symbolic import Terms, run
from neuralc.ir.evaluate import Element
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Program
from neuralc.ir.space import open_choices

V = TypeVar("V")
Array = np.ndarray[Any, Any]


def unknown_choices(program: Program, terms: Terms[V]) -> dict[Element, V]:
    """Return an unknown for every open choice."""
    return {
        (name, index): terms.unknown(f"{name}{list(index) if index else ''}", size)
        for name, index, size in open_choices(program)
    }


def unknown_inputs(program: Program, terms: Terms[V]) -> dict[Element, V]:
    """Return an unknown for every element of every input: any input of the bounded domain."""
    found: dict[Element, V] = {}
    for decl in program.of("input"):
        assert isinstance(decl.type, Int), "declined before"
        for index in product(*map(range, decl.shape)):
            name = f"{decl.name}{list(index) if index else ''}"
            found[decl.name, index] = terms.unknown(name, decl.type.size)
    return found


def constant_inputs(
    program: Program, examples: Examples, k: int, terms: Terms[V]
) -> dict[Element, V]:
    """Return the inputs of one example."""
    return {
        (decl.name, index): terms.constant(int(examples.inputs[decl.name][(k, *index)]))
        for decl in program.of("input")
        for index in product(*map(range, decl.shape))
    }


def constant_choices(
    program: Program, choices: Mapping[str, Array], terms: Terms[V]
) -> dict[Element, V]:
    """Return given choices, [*shape] for each param."""
    return {
        (decl.name, index): terms.constant(int(choices[decl.name][index]))
        for decl in program.of("param")
        for index in product(*map(range, decl.shape))
    }


def demands(
    program: Program, given: Mapping[Element, V], examples: Examples, k: int, terms: Terms[V]
) -> list[tuple[V, int]]:
    """Run one example; return values with the numbers that they must be, see `wanted`."""
    store = run(program, {**given, **constant_inputs(program, examples, k, terms)}, terms)
    return wanted(program, store, examples, k)


def wanted(
    program: Program, store: Mapping[Element, V], examples: Examples, k: int
) -> list[tuple[V, int]]:
    """Return values of a run of one example with the numbers that they must be.

    These are the observed outputs, and what the program itself observes.
    """
    outputs = [
        (store[decl.name, index], int(examples.outputs[decl.name][(k, *index)]))
        for decl in program.of("output")
        for index in product(*map(range, decl.shape))
        if examples.outputs[decl.name][(k, *index)] >= 0
    ]
    return outputs + observations(store)


def observations(store: Mapping[Element, V]) -> list[tuple[V, int]]:
    """Return the observed values of a run with the numbers that they must be."""
    return [(v, index[0]) for (name, index), v in store.items() if name.startswith("observe ")]


def chosen(program: Program, numbers: Mapping[Element, int]) -> dict[str, Array]:
    """Return choices as arrays, [*shape] for each param, from those of the open ones."""
    found = {decl.name: np.zeros(decl.shape, np.int64) for decl in program.of("param")}
    for fixed in program.fixed:
        found[fixed.name][fixed.index] = fixed.value
    for (name, index), number in numbers.items():
        found[name][index] = number
    return found
