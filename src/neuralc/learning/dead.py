"""Which choices of a program cannot influence any output on some examples.

Follows one exact run for each example; a choice that no output depends on there may have any value.
Knows nothing of how choices were found or how they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.ir.algebras import Dependencies, NetworkFunction, Traced, no_networks
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Decl, Int, Program
from neuralc.ir.space import open_choices

Array = np.ndarray[Any, Any]
Values = dict[Element, Any]


def dead_choices(
    program: Program,
    choices: Mapping[str, Array],
    examples: Examples,
    networks: NetworkFunction = no_networks,
    limit: int = 32,
) -> set[Element]:
    """Return the open choices that no output and no observation depends on.

    Args:
        program: a checked program.
        choices: the chosen value of every element, int [*shape] for each `Param`.
        examples: what the program is run on; their outputs are not looked at.
        networks: gives the class that a network finds, for one example.
        limit: only so many examples are run, evenly spread.

    Returns:
        Elements such as `("arg2", (0,))`. Changing one of them, or all, changes no output on these
        examples. With no example at all nothing is known to be dead.

    Cost:
        One run of the plain interpreter for each example.

    """
    open_: set[Element] = {(name, at) for name, at, _ in open_choices(program)}
    shown = {
        element: (value, frozenset((element,)) if element in open_ else frozenset())
        for element, value in chosen_elements(program, choices).items()
    }
    count = min(limit, examples.count)
    if count == 0:
        return set()
    outputs = {decl.name for decl in program.of("output")}
    alive: set[Element] = set()
    for k in np.linspace(0, examples.count - 1, count).astype(int):
        given: dict[Element, Traced] = {
            element: (value, frozenset())
            for element, value in input_elements(program, examples, int(k)).items()
        }
        found = evaluate(program, {**shown, **given}, Dependencies(networks))
        for (name, _), (_, because) in found.items():
            if name in outputs or name.startswith("observe "):
                alive |= because
    return open_ - alive


def chosen_elements(program: Program, choices: Mapping[str, Array]) -> Values:
    """Return arrays of choices as elements, for the plain interpreter."""
    return {
        (decl.name, at): int(np.asarray(choices[decl.name])[at])
        for decl in program.of("param")
        for at in np.ndindex(decl.shape)
    }


def input_elements(program: Program, examples: Examples, k: int) -> Values:
    """Return the inputs of example `k` as elements: integers, and arrays where real-valued."""
    return {
        (decl.name, at): _element(decl, examples.inputs[decl.name][k], at)
        for decl in program.of("input")
        for at in np.ndindex(decl.shape)
    }


def _element(decl: Decl, array: Array, at: tuple[int, ...]) -> Any:
    return int(array[at]) if isinstance(decl.type, Int) else array[at]
