"""The loss against sums by hand, and what polishing may change."""

from __future__ import annotations

from math import log
from typing import Any, Literal

import numpy as np
import pytest
import torch

from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import bind
from neuralc.learning import learn
from neuralc.learning.settings import Settings
from neuralc.learning.train import negative_log_likelihood
from tests.learning.tasks import image_data, see
from tests.soft.models import model

TEXT = """
    p = Param(2)
    q = Param(3)
    x = Input(3)
    y = Output(3)
    z = Output(2)[2]
    w = Var(3)

    @Runtime([3, 3], 3)
    def ADD(a, b): return (a + b) % 3

    y.set_to(ADD(x, q))
    for k in range(2):
        z[k].set_to(p)
    w.set_to(ADD(x, q))
    w.observe_value(2)
"""
P = ([0.25, 0.75], [0.5, 0.5])  # of each restart
Q = ([0.2, 0.3, 0.5], [0.6, 0.3, 0.1])
PRECISIONS: list[Literal["linear", "log"]] = ["linear", "log"]


def loss_of(data: Any, precision: Literal["linear", "log"], text: str = TEXT) -> list[float]:
    """Return the loss of both restarts on some data."""
    loaded = model(text)
    module = loaded.compile(restarts=2, dtype="float64", precision=precision)
    logits = module.choices.join({"p": np.log(np.array(P)), "q": np.log(np.array(Q))})
    module.logits.data = torch.as_tensor(logits).to(module.logits)
    examples = bind(loaded.program, data)
    targets = {name: torch.as_tensor(t) for name, t in examples.outputs.items()}
    loss: list[float] = negative_log_likelihood(
        module, module.prepare(examples.inputs), targets
    ).tolist()
    return loss


@pytest.mark.parametrize("precision", PRECISIONS)
def test_by_hand(precision: Literal["linear", "log"]) -> None:
    """Sum over outputs that are observed, mean over all examples; `w` is observed in each."""
    data = [
        {"x": 0, "y": 1, "z": [0, 1]},  # q = 1, p = 0 and p = 1; w is 2 where q = 2
        {"x": 1, "y": None, "z": [1, None]},  # p = 1; w is 2 where q = 1
        {"x": 2, "y": 1, "z": None},  # q = 2; w is 2 where q = 0
    ]
    for found, p, q in zip(loss_of(data, precision), P, Q, strict=True):
        wanted = (
            -(log(q[1]) + log(p[0]) + log(p[1]) + log(q[2])),
            -(log(p[1]) + log(q[1])),
            -(log(q[2]) + log(q[0])),
        )
        assert found == pytest.approx(sum(wanted) / 3, rel=1e-9)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_nothing_but_what_must_be(precision: Literal["linear", "log"]) -> None:
    """Where no target is known, only `observe_value` speaks; without it, nothing does."""
    data = [{"x": 0, "y": None, "z": None}, {"x": 1, "y": None, "z": None}]
    wanted = [-(log(q[2]) + log(q[1])) / 2 for q in Q]
    assert loss_of(data, precision) == pytest.approx(wanted, rel=1e-9)
    silent = TEXT.replace("w.observe_value(2)", "")
    assert loss_of(data, precision, silent) == [0, 0]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_targets_that_are_not_observed_have_no_gradient(
    precision: Literal["linear", "log"],
) -> None:
    loaded = model(TEXT.replace("w.observe_value(2)", ""))
    module = loaded.compile(restarts=2, precision=precision, seed=0)
    examples = bind(loaded.program, [{"x": 0, "y": None, "z": [1, None]}])
    targets = {name: torch.as_tensor(t) for name, t in examples.outputs.items()}
    loss = negative_log_likelihood(module, module.prepare(examples.inputs), targets)
    loss.sum().backward()
    assert module.logits.grad is not None
    parts = module.choices.split(module.logits.grad)
    assert torch.isfinite(module.logits.grad).all()
    assert not parts["q"].any()
    assert parts["p"].any()


def test_an_observation_decides_what_is_learned() -> None:
    """`y` is never given: `w.observe_value` alone says what `q` is."""
    data = [{"x": 1, "y": None, "z": [1, None]}]
    solution = learn(model(TEXT), data, restarts=4, steps=60)
    assert solution.report.solved > 0
    assert (int(solution.choices["p"]), int(solution.choices["q"])) == (1, 1)


# ---- polishing


def test_polishing_changes_only_the_networks() -> None:
    """The choices, how sure they are and the search are the same; the networks are better."""
    settings = Settings(restarts=3, steps=40, batch=10, network_rate=0.01)
    plain = learn(see, image_data(), settings=settings)
    polished = learn(see, image_data(), settings=settings, polish=30)
    assert polished.history == plain.history
    for name, value in plain.choices.items():
        np.testing.assert_array_equal(polished.choices[name], value)
        np.testing.assert_array_equal(polished.probabilities[name], plain.probabilities[name])
    assert torch.equal(polished.weights["logits"], plain.weights["logits"])
    networks = [name for name in plain.weights if name != "logits"]
    assert networks
    for name in networks:
        assert not torch.equal(polished.weights[name], plain.weights[name])
    assert (polished.report.restarts, polished.report.attempts, polished.report.steps) == (
        plain.report.restarts, plain.report.attempts, plain.report.steps,
    )  # fmt: skip


def test_polishing_lowers_the_loss_through_the_program() -> None:
    settings = Settings(restarts=3, steps=40, network_rate=0.01)
    losses = []
    for polish in (0, 60):
        solution = learn(see, image_data(), settings=settings, polish=polish)
        losses.append(certain_loss(solution.module()))
    assert losses[1] < losses[0]


@torch.no_grad()
def certain_loss(module: SoftModule) -> float:
    """Return the loss where every choice is the most likely one."""
    parts = module.choices.split(module.logits.detach())
    hot = {name: np.eye(p.shape[-1])[p.argmax(-1)] * 40.0 for name, p in parts.items()}
    module.logits.data = torch.as_tensor(module.choices.join(hot)).to(module.logits)
    examples = bind(see.program, image_data())
    targets = {name: torch.as_tensor(t) for name, t in examples.outputs.items()}
    return float(negative_log_likelihood(module, module.prepare(examples.inputs), targets)[0])
