"""Restarts in a batch do what each of them does alone: results, gradients, training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import Precision
from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model
from neuralc.learning.networks import load_weights, row_weights
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer, negative_log_likelihood
from tests.soft.models import CHAIN, LINES, LOOK, model

RESTARTS, EXAMPLES = 5, 7
MODELS = {
    "lines": model(LINES, n=4),
    "networks": model(LOOK),
    "chain": model(CHAIN),
    "convolution": model(
        LOOK.replace("hid_sizes=[5]", "hid_sizes=[5], net='cnn'").replace("(2, 3)", "(8, 8)")
    ),
    "turing": Model.load(
        "turing", {"tapeLength": 3, "numTimesteps": 3, "numHeadStates": 2, "numTapeSymbols": 3}
    ),
}


def examples_of(one: Model) -> Examples:
    """Return random examples."""
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {}
    for decl in (*one.program.of("input"), *one.program.of("output")):
        shape = (EXAMPLES, *decl.shape)
        size = getattr(decl.type, "size", None)
        data[decl.name] = (
            rng.normal(size=(*shape, *decl.type.shape)) if size is None  # type: ignore[union-attr]
            else rng.integers(0, size, shape)
        )  # fmt: skip
    return bind(one.program, data)


def batch_and_alone(name: str, precision: Precision) -> tuple[SoftModule, list[SoftModule]]:
    """Return one module with all restarts, and one for each of them with the same parameters."""
    together = MODELS[name].compile(restarts=RESTARTS, dtype="float64", precision=precision, seed=3)
    generator = torch.Generator().manual_seed(1)
    together.logits.data = torch.randn(together.logits.shape, generator=generator).double()
    alone = []
    for p in range(RESTARTS):
        single = MODELS[name].compile(dtype="float64", precision=precision)
        load_weights(single, row_weights(together, p))
        alone.append(single)
    return together, alone


def close(found: torch.Tensor, wanted: torch.Tensor, where: str) -> None:
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11, msg=lambda m: f"{where}: {m}")


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("name", MODELS)
def test_results_and_gradients(name: str, precision: Precision) -> None:
    together, alone = batch_and_alone(name, precision)
    examples = examples_of(MODELS[name])
    targets = {k: torch.from_numpy(v) for k, v in examples.outputs.items()}
    outputs = together(examples.inputs)
    loss = negative_log_likelihood(together, together.prepare(examples.inputs), targets)
    loss.sum().backward()
    grads = {k: v.grad for k, v in together.named_parameters() if v.grad is not None}
    for p, single in enumerate(alone):
        for key, found in single(examples.inputs).items():
            close(outputs[key][p], found[0], key)
        own = negative_log_likelihood(single, single.prepare(examples.inputs), targets)
        own.sum().backward()
        close(loss[p], own[0], "loss")
        for key, value in single.named_parameters():
            if value.grad is not None:
                close(grads[key].chunk(RESTARTS)[p], value.grad, key)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(restarts=RESTARTS),
        Settings(restarts=RESTARTS, optimizer="adam", batch=3, clip=0.05, rate=0.3),
        Settings(restarts=RESTARTS, entropy=0.3, network_rate=0.05, batch=4),
        Settings(restarts=RESTARTS, precision="log"),
    ],
    ids=["rmsprop", "adam", "entropy", "log"],
)
@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps(name: str, settings: Settings) -> None:
    """The optimisers' state belongs to a restart, clipping too."""
    together, alone = batch_and_alone(name, settings.precision)
    examples = examples_of(MODELS[name])
    trainers = []
    for module in (together, *alone):
        logits = module.logits.detach().clone()
        changed = Settings(**{**vars(settings), "restarts": module.restarts})
        trainers.append(Trainer(module, examples, changed))
        module.logits.data = logits
    for trainer in trainers:
        for _ in range(20):
            trainer.step()
    for p, single in enumerate(alone):
        assert not torch.equal(single.logits, batch_and_alone(name, "linear")[1][p].logits)
        close(trainers[0].loss[p], trainers[p + 1].loss[0], "loss")
        for key, value in row_weights(together, p).items():
            wanted = dict(single.named_parameters())[key].detach()
            torch.testing.assert_close(value, wanted, rtol=1e-6, atol=1e-7, msg=key)


def test_one_broken_restart_leaves_the_others_alone() -> None:
    """A restart whose gradient is not finite stops, and nobody else does."""
    together, alone = batch_and_alone("lines", "linear")
    examples = examples_of(MODELS["lines"])
    start = together.logits.detach().clone()
    start[2] = torch.nan
    trainer = Trainer(together, examples, Settings(restarts=RESTARTS))
    together.logits.data = start
    other = Trainer(alone[3], examples, Settings(restarts=1))
    alone[3].logits.data = start[3:4].clone()
    for _ in range(20):
        trainer.step()
        other.step()
    close(together.logits.detach()[3], alone[3].logits.detach()[0], "logits")
    assert torch.isfinite(together.logits[[0, 1, 3, 4]]).all()


def test_a_restart_that_is_replaced_goes_on_as_a_fresh_one() -> None:
    """Nothing of the optimiser's state is left of the one before it."""
    for optimizer in ("rmsprop", "adam"):
        settings = Settings(restarts=RESTARTS, optimizer=optimizer, decay=0.99)  # type: ignore[arg-type]
        together, alone = batch_and_alone("lines", "linear")
        examples = examples_of(MODELS["lines"])
        trainer = Trainer(together, examples, settings)
        logits = trainer.fresh(1)
        for _ in range(10):
            trainer.step()
        trainer.replace(torch.tensor([2]), logits)
        assert not trainer.mean_square[2].any()
        assert not trainer.momentum[2].any()
        other = Trainer(alone[0], examples, settings)
        alone[0].logits.data = logits.clone()
        other.mean_square, other.momentum = (torch.zeros_like(logits) for _ in range(2))
        other.step_number = trainer.step_number  # only Adam looks at it
        for _ in range(5):
            trainer.step()
            other.step()
        close(together.logits.detach()[2], alone[0].logits.detach()[0], "logits")


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    together, _ = batch_and_alone("lines", "linear")
    trainer = Trainer(together, examples_of(MODELS["lines"]), Settings(restarts=RESTARTS))
    before = together.logits.detach().clone()
    gradient = torch.ones_like(before)
    gradient[1, 0], gradient[2, 0] = torch.nan, torch.inf
    together.logits.grad = gradient
    trainer.clip()
    trainer.descend()
    assert torch.isfinite(together.logits).all()
    assert (together.logits[:, 0] != before[:, 0]).tolist() == [True, False, False, True, True]
