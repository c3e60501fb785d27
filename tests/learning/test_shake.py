"""Noise on the choices, with which each step tries nearly discrete programs."""

from __future__ import annotations

import math

import pytest
import torch

from neuralc.errors import NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning import learn
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer
from tests.learning.tasks import assert_same, line_data, lines


def trainer(**settings: float) -> Trainer:
    """Return a trainer whose choices hardly move."""
    module = lines.compile(restarts=3, seed=0)
    how = Settings(restarts=3, rate=1e-7, **settings)  # type: ignore[arg-type]
    return Trainer(module, bind(lines.program, line_data()), how)


def test_it_is_taken_off_after_the_step() -> None:
    losses = []
    for scale in (0.0, 2.0):
        one = trainer(shake=scale)
        before = one.module.logits.detach().clone()
        one.step()
        torch.testing.assert_close(one.module.logits.detach(), before, atol=1e-5, rtol=0)
        losses.append(one.loss)
    assert (losses[0] != losses[1]).all()


def test_its_scale_falls_with_the_steps() -> None:
    one = trainer(shake=2.0, shake_decay=0.1)
    state = one.generator.get_state()
    first = one.shaken()
    one.step_number = 10
    one.generator.set_state(state)
    torch.testing.assert_close(one.shaken(), first * math.exp(-1))
    # Gumbel: the mean is Euler's constant times the scale
    one.step_number = 0
    mean = torch.stack([one.shaken() for _ in range(400)]).mean()
    assert float(mean) == pytest.approx(2 * 0.5772, abs=0.15)


def test_a_choice_that_is_made_is_not_shaken() -> None:
    one = trainer(shake=2.0)
    one.fix({name: value[0] for name, value in one.module.choices.best(one.module.logits).items()})
    before = one.generator.get_state()
    one.step()
    assert torch.equal(one.generator.get_state(), before)


def test_the_same_seed_gives_the_same_result() -> None:
    how = Settings(restarts=6, steps=60, shake=1.0)
    assert_same(learn(lines, line_data(), settings=how), learn(lines, line_data(), settings=how))


def test_bad_values() -> None:
    with pytest.raises(NeuralcError, match="shake must not be negative"):
        Settings(shake=-1.0)
