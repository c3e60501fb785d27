"""Random well-formed programs, tiny ones, for tests of everything that runs or rewrites programs.

One generator (`random_generator.py`) draws either from hypothesis (`programs()`, which shrinks)
or from a seed (`random_program(seed)`). It draws no networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import Int, Program
from tests.random_generator import Features, Generator, limit_of

__all__ = ["Features", "assignments", "given_elements", "limit_of", "programs",
           "random_assignment", "random_distributions", "random_program"]  # fmt: skip

T = TypeVar("T")


class Seeded:
    """Choices from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def integers(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def choice(self, items: Sequence[T]) -> T:
        return self.random.choice(items)


class Drawn:
    """Choices from hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def integers(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def choice(self, items: Sequence[T]) -> T:
        return items[self.draw(st.integers(0, len(items) - 1))]


def given_elements(program: Program) -> dict[Element, int]:
    """Return all elements of params and inputs, with the number of their values."""
    return {
        (decl.name, index): limit_of(decl, index)
        for decl in (*program.of("param"), *program.of("input"))
        for index in product(*map(range, decl.shape))
    }


def random_program(seed: int, features: Features | None = None) -> Program:
    """Return a random well-formed program; the same for the same seed."""
    return Generator(Seeded(seed), features or Features()).program()


@st.composite
def programs(draw: st.DrawFn, features: Features | None = None) -> Program:
    """Draw a random well-formed program."""
    return Generator(Drawn(draw), features or Features()).program()


@st.composite
def assignments(draw: st.DrawFn, program: Program) -> dict[Element, int]:
    """Draw a value for every element of params and inputs, the fixed ones as they are fixed."""
    fixed = {(item.name, item.index): item.value for item in program.fixed}
    return {
        element: fixed.get(element, draw(st.integers(0, size - 1)))
        for element, size in given_elements(program).items()
    }


def random_assignment(program: Program, seed: int) -> dict[Element, int]:
    """Return a random value for every element of params and inputs."""
    fixed = {(item.name, item.index): item.value for item in program.fixed}
    random = Random(seed)
    found = {e: random.randrange(size) for e, size in given_elements(program).items()}
    return {**found, **fixed}


def random_distributions(program: Program, seed: int) -> dict[Element, np.ndarray[Any, Any]]:
    """Return random distributions: float64 [size] for every element of params and inputs.

    An element with a limit has probability 0 from there on.
    """
    rng = np.random.default_rng(seed)
    found: dict[Element, np.ndarray[Any, Any]] = {}
    for (name, index), limit in given_elements(program).items():
        kind = program.decl[name].type
        assert isinstance(kind, Int)
        found[name, index] = np.pad(rng.dirichlet(np.ones(limit)), (0, kind.size - limit))
    return found
