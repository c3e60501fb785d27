"""A program all of whose choices are made: a solution, or a model that leaves none open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import declines
from neuralc.errors import Declined, NeuralcError
from neuralc.ir.nodes import Decl, Int, Program
from neuralc.ir.space import open_choices
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution

Array = np.ndarray[Any, Any]
Runnable = Solution | Model | str | Path
"""A solution, its folder, or a model whose choices are all constants (or its file)."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A program and its choices, [*shape] for each param."""

    program: Program
    choices: Mapping[str, Array]

    @property
    def inputs(self) -> tuple[Decl, ...]:
        """The inputs."""
        return self.program.of("input")

    @property
    def outputs(self) -> tuple[Decl, ...]:
        """The outputs."""
        return self.program.of("output")

    def executor(self, runs: int) -> Executor:
        """Return the exact execution; it is compiled where that pays for so many runs."""
        return Executor(self.program, jit=runs > 2000)

    def run(self, executor: Executor, inputs: Mapping[str, Array], count: int) -> dict[str, Array]:
        """Return for each output integers [count, *shape]; inputs are [count, *shape]."""
        choices = {name: value[None] for name, value in self.choices.items()}
        found = executor.run(choices, inputs)
        return {  # without any input there is one result for all
            name: value[0] if value.shape[1] == count else np.repeat(value[0], count, 0)
            for name, value in found.items()
        }


def subject(given: Runnable) -> Subject:
    """Return the program of a solution, of its folder, or of a model without open choices.

    Raises:
        Declined: its inputs are not finitely many, or it has networks.
        NeuralcError: it cannot be read, or leaves choices open.

    """
    if isinstance(given, str | Path):
        given = Solution.load(given) if Path(given).is_dir() else Model.load(given)
    if isinstance(given, Solution):
        found = Subject(given.model.program, given.choices)
    elif isinstance(given, Model):
        count = sum(1 for _ in open_choices(given.program))
        if count:
            raise NeuralcError(
                f"{given.program.name} leaves {count} choices open, so it is no single program\n"
                "  hint: fix them with `set_to_constant`, or give a solution"
            )
        found = Subject(given.program, {})
    else:
        raise NeuralcError(
            f"{given!r} is no program that can be run\n"
            "  hint: give a solution, its folder, or a model without open choices"
        )
    reasons = _reasons(found.program)
    if reasons:
        raise Declined("verification", reasons)
    return found


def _reasons(program: Program) -> list[str]:
    real = [
        f"input {decl.name} is a {decl.type}: not finitely many"
        for decl in program.of("input")
        if not isinstance(decl.type, Int)
    ]
    networks = [f"what network {network.name} gives is not proved" for network in program.networks]
    return [*real, *networks] or declines(program)
