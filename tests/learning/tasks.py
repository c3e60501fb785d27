"""Small models with data that are learned in a fraction of a second."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any

import numpy as np

from neuralc.learning.solution import Solution
from tests.soft.models import LINES, model

SEE = """
    @Learn([Tensor(3)], 3, hid_sizes=[8])
    def SEE(image): pass

    @Runtime([3, 3], 3)
    def ADD(a, b): return (a + b) % 3

    images = InputTensor(3)[3]
    pick = Param(3)[2]
    total = Output(3)
    seen = Var(3)[2]

    for k in range(2):
        with pick[k] as i:
            seen[k].set_to(SEE(images[i]))
    total.set_to(ADD(seen[0], seen[1]))
"""

lines = model(LINES, n=4)
see = model(SEE)


def line_data() -> list[dict[str, Any]]:
    """Return max((a + b) % 4, a) for all a and b: two instructions with an argument each."""
    return [{"x": [a, b], "z": max((a + b) % 4, a)} for a, b in product(range(4), repeat=2)]


def contradictory_data() -> list[dict[str, Any]]:
    """Return examples that no program fits: one is wrong, so restarts decide and are not right."""
    first, *rest = line_data()
    return [{**first, "z": 3}, *rest]


def image_data(count: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return noisy images of three classes, and the sum of the classes of the first two."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, (count, 3))
    images = np.eye(3)[classes] * 2 + rng.normal(size=(count, 3, 3)) * 0.2
    return {"images": images, "total": classes[:, :2].sum(1) % 3}


def assert_same(found: Solution, wanted: Solution, *, history: bool = True) -> None:
    """Compare everything but the time."""
    for name, value in wanted.choices.items():
        np.testing.assert_array_equal(found.choices[name], value)
        np.testing.assert_array_equal(found.probabilities[name], wanted.probabilities[name])
    assert found.weights.keys() == wanted.weights.keys()
    for name, tensor in wanted.weights.items():
        np.testing.assert_array_equal(found.weights[name].numpy(), tensor.numpy())
    assert dataclasses.replace(found.report, seconds=0) == dataclasses.replace(
        wanted.report, seconds=0
    )
    assert found.dead == wanted.dead
    assert found.program == wanted.program
    if history:
        assert found.history == wanted.history
        assert found.population.keys() == wanted.population.keys()
        for name, value in wanted.population.items():
            np.testing.assert_array_equal(found.population[name], value)
