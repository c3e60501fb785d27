"""A random program with choices and inputs, and what the plain interpreter makes of them.

Knows no execution but the plain interpreter, whose word is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import numpy as np

from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.nodes import Int, Program
from neuralc.ir.text import show
from tests.random_models import Features, random_assignment, random_program

Array = np.ndarray[Any, Any]
Assignment = Mapping[Element, int]
PROGRAMS, EXAMPLES = 2, 3
LARGE = [(2, 9), (2, 3, 3, 17)]  # beyond what solvers take as tables of few rows
SEEDS = 1000  # apart are the random numbers of two programs


class Mismatch(Exception):
    """Two executions of the same program differ; the message has both results."""


@dataclass(frozen=True, eq=False)
class Case:
    """A program with some choices and some inputs; every pair of these is run.

    Attributes:
        program: a checked program without networks.
        choices: for each of P programs the value of every element of every `param`.
        inputs: for each of E examples the value of every element of every `input`.
        seed: of whatever else a check draws.

    """

    program: Program
    choices: tuple[Assignment, ...]
    inputs: tuple[Assignment, ...]
    seed: int = field(default=0)

    @cached_property
    def truth(self) -> list[list[dict[Element, int]]]:
        """All elements by choices and example, as the plain interpreter sets them."""
        return [
            [evaluate(self.program, {**chosen, **example}, Integers()) for example in self.inputs]
            for chosen in self.choices
        ]

    def params(self) -> dict[str, Array]:
        """Return the choices as arrays, int64 [P, *shape]."""
        return {d.name: _stack(self.choices, d.name, d.shape) for d in self.program.of("param")}

    def examples(self) -> dict[str, Array]:
        """Return the inputs as arrays, int64 [E, *shape]."""
        return {d.name: _stack(self.inputs, d.name, d.shape) for d in self.program.of("input")}

    def outputs(self, p: int) -> dict[str, Array]:
        """Return the true outputs of one choice as arrays, int64 [E, *shape]."""
        return {d.name: _stack(self.truth[p], d.name, d.shape) for d in self.program.of("output")}

    def results(self, p: int, e: int) -> dict[Element, int]:
        """Return the elements of outputs, and what is observed, of one run."""
        outputs = {decl.name for decl in self.program.of("output")}
        found = self.truth[p][e].items()
        return {k: v for k, v in found if k[0] in outputs or k[0].startswith("observe ")}

    def text(self) -> str:
        """Return the program, the choices and the inputs for people."""
        lines = [show(self.program)]
        lines += [f"choices {p}: {named(one)}" for p, one in enumerate(self.choices)]
        lines += [f"inputs {e}: {named(one)}" for e, one in enumerate(self.inputs)]
        return "\n".join(lines)


def features_of(seed: int) -> Features:
    """Return what may occur in the program of a seed."""
    rng = Random(seed)
    return Features(
        statements=rng.choice([4, 8, 12, 16, 24]),
        tight=rng.random() < 0.4,
        sizes=rng.choice([(2, 3, 4), (2, 3, 4), (2, 3), (1, 2, 3), (2, 3, 7), (4, 5, 6), *LARGE]),
    )


def draw(seed: int) -> Case:
    """Return the program of a seed, with its choices and inputs."""
    return case_of(random_program(seed, features_of(seed)), seed)


def case_of(
    program: Program, seed: int, programs: int = PROGRAMS, examples: int = EXAMPLES
) -> Case:
    """Return a program with random choices and inputs."""
    drawn = [random_assignment(program, SEEDS * seed + k) for k in range(programs + examples)]
    choices = [_part(program, one, "param") for one in drawn[:programs]]
    inputs = [_part(program, one, "input") for one in drawn[programs:]]
    if not program.of("param"):
        choices = choices[:1]
    if not program.of("input"):
        inputs = inputs[:1]
    return Case(program, tuple(choices), tuple(inputs), seed)


def named(values: Mapping[Element, Any]) -> str:
    """Return `x[0] = 1, y = 2`."""
    return ", ".join(f"{name_of(element)} = {value}" for element, value in values.items())


def name_of(element: Element) -> str:
    """Return `x[0, 1]`."""
    name, index = element
    return f"{name}{list(index)}" if index else name


def size_of(program: Program, name: str) -> int:
    """Return the number of values of a variable."""
    kind = program.decl[name].type
    assert isinstance(kind, Int), "random programs have whole numbers only"
    return kind.size


def agree(found: Mapping[Element, Any], wanted: Mapping[Element, int], where: str) -> None:
    """Raise `Mismatch` where some of the elements that are wanted have other values, or none."""
    wrong = {k: (found.get(k), v) for k, v in wanted.items() if found.get(k) != v}
    if wrong:
        lines = [
            f"  {name_of(k)}: found {one}, wanted {other}" for k, (one, other) in wrong.items()
        ]
        raise Mismatch("\n".join([f"{where}:", *lines]))


def _part(program: Program, given: Assignment, kind: str) -> dict[Element, int]:
    return {element: v for element, v in given.items() if program.decl[element[0]].kind == kind}


def _stack(rows: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Return one variable of several assignments, int64 [rows, *shape]."""
    cells = [[row[name, at] for at in np.ndindex(shape)] for row in rows]
    return np.array(cells, np.int64).reshape(len(cells), *shape)
