"""Restarts that share one copy of their networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import neuralc as nc
from neuralc.errors import NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning.networks import load_weights, row_weights, shared_bodies, spread_weights
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

TEXT = """
@Learn([Tensor(4)], 3, hid_sizes=[8])
def net(x): pass
xs = InputTensor(4)[2]
pick = Param(2)
out = Output(3)
with pick as i:
    out.set_to(net(xs[i]))
"""


@pytest.fixture(name="model")
def _model() -> nc.Model:
    return nc.load(nc.Source("pick.py", TEXT))


def data(seed: int = 0, count: int = 60) -> dict[str, np.ndarray]:
    """Return points whose class is the largest of three numbers; the second one is to be picked."""
    xs = np.random.default_rng(seed).normal(size=(count, 2, 4)).astype(np.float32)
    return {"xs": xs, "out": xs[:, 1, :3].argmax(-1)}


def test_all_restarts_see_the_same_network(model: nc.Model) -> None:
    module = model.compile(restarts=3, seed=0, bodies=shared_bodies(model.program))
    module.logits.data = torch.tensor([[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]])
    out = module({"xs": data()["xs"]})["out"]
    assert torch.equal(out[1], out[2])
    assert not torch.allclose(out[0], out[1])
    assert sum(p.numel() for p in module.networks.parameters()) == 4 * 8 + 8 + 8 * 3 + 3


def test_a_restart_reads_as_a_module_of_its_own(model: nc.Model) -> None:
    module = model.compile(restarts=3, seed=0, bodies=shared_bodies(model.program))
    module.logits.data = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    single = model.compile()
    load_weights(single, row_weights(module, 2))
    inputs = {"xs": data()["xs"]}
    assert torch.allclose(single(inputs)["out"][0], module(inputs)["out"][2], atol=1e-6)


def test_weights_spread_to_shared_networks(model: nc.Model) -> None:
    source = model.compile(seed=1)
    module = model.compile(restarts=3, seed=0, bodies=shared_bodies(model.program))
    spread_weights(module, row_weights(source, 0))
    found = row_weights(module, 1)
    for name, value in row_weights(source, 0).items():
        assert name == "logits" or torch.equal(value, found[name])
    with pytest.raises(NeuralcError, match="a tensor of shape"):
        spread_weights(module, {"networks.net.weights.0": torch.zeros(1, 2, 2)})


def test_choices_move_as_if_alone(model: nc.Model) -> None:
    """What a restart has to say to the networks does not change the step of its choices."""
    examples = bind(model.program, data())
    steps = []
    for restarts in (1, 4):
        module = model.compile(restarts=restarts, seed=0, bodies=shared_bodies(model.program))
        trainer = Trainer(module, examples, Settings(restarts=restarts, shared=True, clip=1e3))
        module.logits.data = torch.tensor([[0.3, -0.2], [2.0, 0.0], [0.0, 2.0], [0.0, 0.1]])[
            :restarts
        ]
        trainer.step()
        steps.append(module.logits.detach()[0])
    assert torch.allclose(steps[0], steps[1], atol=1e-4)


def test_the_better_program_has_more_say(model: nc.Model) -> None:
    trainer = Trainer(
        model.compile(restarts=2, seed=0, bodies=shared_bodies(model.program)),
        bind(model.program, data()), Settings(restarts=2, shared=True),
    )  # fmt: skip
    weight = trainer.weigh(torch.tensor([1.0, 2.0]))
    assert weight[0] > 0.9 > 0.1 > weight[1] > 0
    alone = Trainer(
        model.compile(restarts=2, seed=0), bind(model.program, data()), Settings(restarts=2)
    )
    assert alone.weigh(torch.tensor([1.0, 2.0])).tolist() == [1.0, 1.0]


def test_learn_with_shared_networks(model: nc.Model, tmp_path: Path) -> None:
    solution = nc.learn(
        model, data(count=200), test=data(1, 200), restarts=6, steps=300, seed=0, shared=True,
        accept=0.9, network_rate=0.01, out=tmp_path,
    )  # fmt: skip
    assert solution.choices["pick"] == 1
    assert solution.report.test_right >= 180
    again = nc.load_solution(tmp_path)
    assert torch.equal(
        again.weights["networks.net.weights.0"], solution.weights["networks.net.weights.0"]
    )
    assert again.weights["networks.net.weights.0"].shape == (1, 4, 8)


def test_shared_is_yes_or_no() -> None:
    with pytest.raises(NeuralcError, match="shared is True or False, found 1"):
        Settings(shared=1)  # type: ignore[arg-type]
