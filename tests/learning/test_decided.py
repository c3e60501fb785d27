"""Programs found with networks that are known: searched for, not trained."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.errors import Declined, NeuralcError
from neuralc.learning import learn
from neuralc.learning.decided import likelihoods, with_networks
from neuralc.learning.score import class_tables, log_likelihoods
from neuralc.learning.solution import Solution
from tests.learning.tasks import image_data, see
from tests.soft.models import CHAIN, LOOK, model


@pytest.fixture(scope="module")
def trained() -> Solution:
    solution = learn(see, image_data(), restarts=8, steps=150, network_rate=0.02)
    assert solution.report.train_exact
    return solution


def test_search_with_networks_that_are_known(trained: Solution) -> None:
    found = learn(
        see, image_data(seed=3), test=image_data(seed=4), networks=trained.weights,
        solver="search", timeout=30, threads=1,
    )  # fmt: skip
    assert (found.report.solver, found.report.status) == ("search", "found")
    assert found.report.test_accuracy == 1
    assert sorted(found.choices["pick"].tolist()) == [0, 1]
    for name in trained.weights.keys() - {"logits"}:
        np.testing.assert_array_equal(found.weights[name], trained.weights[name])
    data = image_data(seed=4)
    softly = found.module()({"images": data["images"]})["total"][0].detach().numpy()
    assert (softly.argmax(-1) == data["total"]).all()


def test_networks_that_are_not_known(trained: Solution) -> None:
    with pytest.raises(Declined):
        learn(see, image_data(), solver="search")
    wrong = {name: value[:, :1] for name, value in trained.weights.items()}
    with pytest.raises(NeuralcError, match="is of shape"):
        learn(see, image_data(), solver="search", networks=wrong)
    module = with_networks(see, {})
    some = dict(list(trained.weights.items())[:2])
    assert likelihoods(module, some, None) == ()  # type: ignore[arg-type]


def test_likelihoods_are_those_of_the_classes() -> None:
    loaded = model(LOOK)
    module = loaded.compile(seed=0)
    images = np.random.default_rng(0).normal(size=(600, 3, 2, 3)).astype(np.float32)
    (found,) = log_likelihoods(module, {"images": images})
    assert found.shape == (600, 3, 4)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, rtol=1e-5)
    (classes,) = class_tables(module, {"images": images}).values()
    np.testing.assert_array_equal(found.argmax(-1), classes[0])


def test_whole_numbers_among_the_arguments() -> None:
    text = CHAIN.split("images = ")[0] + "\n    image = InputTensor(3)\n    k = Param(3)\n"
    text += "    out = Output(5)\n    out.set_to(READ(image, k))\n"
    module = model(text).compile(seed=0)
    (found,) = log_likelihoods(module, {"image": np.zeros((7, 3), np.float32)})
    assert found.shape == (7, 3, 5)
    (classes,) = class_tables(module, {"image": np.zeros((7, 3), np.float32)}).values()
    np.testing.assert_array_equal(found.argmax(-1), classes[0])
