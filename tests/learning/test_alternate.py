"""Networks and program are learned by turns, on images of four pixels."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
import torch

from neuralc.errors import Declined
from neuralc.ir.examples import Examples, bind
from neuralc.learning.alternate import APART, Alternated, alternate
from neuralc.learning.model import Model
from neuralc.learning.score import Judge
from neuralc.learning.settings import Settings
from neuralc.source import Source

CELLS = 6
TEXT = """
@Learn([Tensor(2, 2)], 4, hid_sizes=[16])
def SEE(image): pass

@Runtime([4, 4], 7)
def ADD(a, b): return a + b

images = InputTensor(2, 2)[6]
first = Param(6)
second = Param(6)
unused = Param(3)[2]
unused[0].set_to_constant(2)
total = Output(7)

a = Var(4)
b = Var(4)
with first as i:
    a.set_to(SEE(images[i]))
with second as i:
    b.set_to(SEE(images[i]))
total.set_to(ADD(a, b))
"""
SETTINGS = Settings(restarts=4, steps=10, polish=150, batch=50, rate=0.05, network_rate=0.01)


def toy() -> Model:
    return Model.load(Source("toy.model", TEXT))


def sums(model: Model, seed: int, count: int = 300) -> Examples:
    """Draw images with as many bright pixels as their class says; the cells 2 and 5 are added."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(4, size=(count, CELLS))
    bright = np.arange(4) < classes[..., None]
    images = 0.8 * bright + rng.normal(0, 0.1, size=bright.shape)
    data = {"images": images.reshape(count, CELLS, 2, 2), "total": classes[:, 2] + classes[:, 5]}
    return bind(model.program, data)


def share(model: Model, found: Any, examples: Examples) -> float:
    """Return the share of examples that choices and networks get right."""
    module = model.compile()
    state = {**module.state_dict(), **found.weights}
    module.load_state_dict(state)
    batch = {name: np.asarray(value)[None] for name, value in found.choices.items()}
    return float(Judge(model.program, examples, jit=False).right(batch, module)[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_program_and_network_are_learned(seed: int) -> None:
    model = toy()
    train, test = sums(model, 10 + seed), sums(model, 20 + seed)
    settings = dataclasses.replace(SETTINGS, seed=seed)
    alone = alternate(model, train, settings, rounds=0)
    assert alone.right < 0.9 * train.count  # so the turns have something to do
    told: list[str] = []
    found = alternate(model, train, settings, tell=told.append)
    assert {int(found.choices["first"]), int(found.choices["second"])} == {2, 5}
    assert found.choices["unused"][0] == 2
    assert found.right >= 0.95 * train.count
    assert share(model, found, train) == found.right / train.count
    assert share(model, found, test) >= 0.9
    assert told[0] == f"gradients: {alone.right} of 300 right"
    assert told[1].startswith("round 1: ")


def test_it_ends_when_enough_is_right() -> None:
    model = toy()
    train = sums(model, 10)
    told: list[str] = []
    settings = dataclasses.replace(SETTINGS, accept=0.05)
    alternate(model, train, settings, tell=told.append)
    assert len(told) == 1


def test_known_networks_and_the_deadline() -> None:
    model = toy()
    train = sums(model, 10)
    good = alternate(model, train, SETTINGS)
    settings = dataclasses.replace(SETTINGS, steps=1, polish=1, seed=5)
    found = alternate(model, train, settings, networks=good.weights)
    assert {int(found.choices["first"]), int(found.choices["second"])} == {2, 5}
    began = time.monotonic()
    late = alternate(model, train, SETTINGS, deadline=began)
    assert late.choices["first"].shape == ()
    assert time.monotonic() - began < 5


def test_a_model_without_networks() -> None:
    text = "x = Input(2)\np = Param(2)\ny = Output(2)\ny.set_to(p)\n"
    model = Model.load(Source("plain.model", text))
    train = bind(model.program, [{"x": 0, "y": 1}])
    with pytest.raises(Declined, match="calls no network"):
        alternate(model, train, SETTINGS)


def test_it_is_begun_anew_where_no_round_is_enough() -> None:
    model, train = toy(), sums(toy(), 10)
    settings = dataclasses.replace(SETTINGS, steps=1, polish=1, accept=1.0)
    told: list[str] = []
    kept: list[Alternated] = []
    found = alternate(
        model, train, settings, rounds=1, attempts=3, tell=told.append, keep=kept.append
    )
    starts = [line for line in told if line.startswith("gradients")]
    assert len(starts) == 3
    assert len(told) == 6, "a start and a round for each attempt"
    assert [one.right for one in kept] == sorted(one.right for one in kept)
    assert found is kept[-1]
    assert found.starts == 3


def test_another_attempt_draws_other_numbers() -> None:
    model, train = toy(), sums(toy(), 10)
    settings = dataclasses.replace(SETTINGS, steps=1, polish=1, accept=1.0)
    one = alternate(model, train, settings, rounds=1, attempts=1)
    again = alternate(model, train, settings, rounds=1, attempts=1)
    assert all(torch.equal(again.weights[name], value) for name, value in one.weights.items())
    told: list[list[str]] = [[], []]
    for k, seed in enumerate((0, APART)):
        changed = dataclasses.replace(settings, seed=seed)
        alternate(model, train, changed, rounds=1, attempts=2 - k, tell=told[k].append)
    assert told[0][2:] == told[1], "the second attempt is what that seed gives alone"
