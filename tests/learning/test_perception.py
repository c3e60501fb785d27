"""How networks are trained: what they are shown, their average, and runs that go on as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import neuralc as nc
from neuralc.errors import NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning.perception import NetworkTraining, Recipe, images_of, vary
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from neuralc.learning.train import Trainer
from tests.learning.tasks import assert_same, image_data, see

PICTURES = """
@Learn([Tensor(size, size)], 3, hid_sizes=[7])
def look(image): pass

size = Hyper()
image = InputTensor(size, size)[2]
row = InputTensor(5)
out = Output(3)
out.set_to(look(image[0]))
"""


def pictures(size: int = 8, net: str | None = None) -> nc.Model:
    text = PICTURES.replace("size = Hyper()\n", "")
    return nc.load(nc.Source("pictures.py", f"size = Hyper()\n{text}"), {"size": size}, net=net)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def batch(size: int = 8) -> dict[str, Tensor]:
    images = torch.rand(6, 2, size * size, generator=generator())
    return {"image": images, "row": torch.ones(6, 5)}


# ---- what they are shown


def test_nothing_is_changed_and_nothing_is_drawn_without_need() -> None:
    source = generator()
    shown = vary(pictures().program, batch(), Recipe(), source)
    assert all(
        shown[name] is not None and torch.equal(shown[name], x) for name, x in batch().items()
    )
    assert torch.equal(source.get_state(), generator().get_state())


def test_images_are_augmented_and_nothing_else() -> None:
    given = batch()
    shown = vary(pictures().program, given, Recipe(augment=True), generator())
    assert shown["image"].shape == given["image"].shape
    assert ((shown["image"] - given["image"]).flatten(2).abs().amax(2) > 0.01).all()
    assert torch.equal(shown["row"], given["row"])
    assert torch.equal(given["image"], batch()["image"])  # left as they were
    assert images_of(pictures().program) == {"image": (8, 8)}


def test_noise_has_the_size_that_was_asked_for() -> None:
    given = batch()
    shown = vary(pictures().program, given, Recipe(input_noise=0.3), generator())
    for name, count in (("image", 768), ("row", 30)):
        noise = (shown[name] - given[name]).flatten()
        assert len(noise) == count
        assert 0.2 < noise.std() < 0.4


def test_without_images_there_is_nothing_to_augment() -> None:
    with pytest.raises(NeuralcError, match="no input of images"):
        nc.learn(see, image_data(), augment=True)
    with pytest.raises(NeuralcError, match="no input of images"):
        Trainer(pictures(3).compile(), bind_pictures(3), Settings(restarts=1, augment=True))


def bind_pictures(size: int) -> Any:
    rng = np.random.default_rng(0)
    images = rng.random((12, 2, size, size), dtype=np.float32)
    rows = np.zeros((12, 5), np.float32)
    data = {"image": images, "row": rows, "out": rng.integers(0, 3, 12)}
    return bind(pictures(size).program, data, where="pictures")


# ---- steps and the average


def trained(recipe: Recipe, steps: int) -> tuple[nn.Linear, NetworkTraining, list[Tensor]]:
    """Return a network after some steps, and its weights after each of them."""
    torch.manual_seed(0)
    network = nn.Linear(3, 2)
    training, seen = NetworkTraining({"net": network}, recipe), []
    for k in range(steps):
        training.clear()
        (network(torch.full((1, 3), float(k))) - k).square().sum().backward()
        training.step()
        seen.append(network.weight.detach().clone())
    return network, training, seen


def test_the_average_is_that_of_the_last_steps() -> None:
    network, training, seen = trained(Recipe(0.1, average=0.5), 30)
    now = network.weight.detach().clone()
    wanted = sum(w * 0.5 ** (len(seen) - k) for k, w in enumerate(seen[10:], 10))
    with training.averaged():
        torch.testing.assert_close(network.weight.detach(), wanted, atol=1e-4, rtol=0)
        assert not torch.equal(network.weight, now)
    assert torch.equal(network.weight, now)
    training.take_average()
    torch.testing.assert_close(network.weight.detach(), wanted, atol=1e-4, rtol=0)


def test_the_average_begins_short() -> None:
    """Where training began is soon forgotten."""
    network, training, seen = trained(Recipe(0.1, average=0.999), 20)
    with training.averaged():
        assert (network.weight - seen[-1]).abs().max() < (network.weight - seen[0]).abs().max()


def test_without_an_average_the_weights_are_those_of_the_last_step() -> None:
    network, training, seen = trained(Recipe(0.1), 5)
    training.take_average()
    with training.averaged():
        assert torch.equal(network.weight, seen[-1])
    assert not [name for name in training.state()[0] if ".mean." in name]


def test_only_the_networks_that_are_named_make_a_step() -> None:
    networks = {name: nn.Linear(1, 1) for name in "ab"}
    training = NetworkTraining(networks, Recipe(average=0.9), {"b": 0.5})
    before = {name: network.weight.item() for name, network in networks.items()}
    for network in networks.values():
        network(torch.ones(1, 1)).sum().backward()
    training.step(["b"])
    assert networks["a"].weight.item() == before["a"]
    assert networks["b"].weight.item() == pytest.approx(before["b"] - 0.5)  # its own rate
    training.begin("b")
    assert training.steps == {"a": 0, "b": 0}
    assert not training.optimizers["b"].state


def test_a_network_without_weights_is_nothing_to_train() -> None:
    training = NetworkTraining({"fixed": nn.ReLU()}, Recipe())
    training.step()
    assert training.state() == ({}, {"steps": {}})


# ---- runs

FULL = Settings(
    restarts=3, steps=40, batch=7, network_rate=0.02, input_noise=0.2, average=0.8, check_every=5,
)  # fmt: skip


def test_a_run_goes_on_as_it_would_have() -> None:
    examples = bind(see.program, image_data(), where="images")

    def trainer() -> Trainer:
        return Trainer(see.compile(restarts=3, seed=0), examples, FULL)

    one, two = trainer(), trainer()
    for _ in range(15):
        one.step()
    two.restore(*one.state())
    for _ in range(10):
        one.step()
        two.step()
    for name, value in one.state()[0].items():
        assert torch.equal(value, two.state()[0][name]), name
    assert one.state()[1] == two.state()[1]


@pytest.mark.parametrize("net", [None, "cnn"])
def test_learning_with_everything(net: str | None, tmp_path: Any) -> None:
    """The solution has the averaged networks, and comes back from its folder as it was."""
    examples = bind_pictures(8)
    settings = Settings(restarts=2, steps=30, batch=6, augment=True, input_noise=0.1, average=0.9)
    solution = nc.learn(pictures(net=net), examples, settings=settings, out=tmp_path)
    again = Solution.load(tmp_path)
    assert_same(again, solution, history=False)
    assert again.model.net == net
    assert again.model.program.network["look"].body == (net or "mlp")
    np.testing.assert_array_equal(again.run(examples)["out"], solution.run(examples)["out"])


def test_what_is_kept_is_the_average() -> None:
    examples = bind_pictures(8)
    settings = Settings(restarts=1, steps=5, check_every=5, batch=6, average=0.9)
    solution = nc.learn(pictures(), examples, settings=settings)
    module = pictures().compile(seed=0)
    trainer = Trainer(module, examples, settings)
    for _ in range(5):
        trainer.step()
    name = "networks.look.weights.0"
    last = dict(module.named_parameters())[name].detach().clone()
    with trainer.perception.averaged():
        assert torch.equal(dict(module.named_parameters())[name], solution.weights[name])
    assert not torch.equal(last, solution.weights[name])


def test_another_net_is_another_run(tmp_path: Any) -> None:
    """A checkpoint of one body is nothing for the other."""
    examples = bind_pictures(8)
    for net in ("mlp", "cnn"):

        def stop(done: int, total: int, remark: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            nc.learn(pictures(net=net), examples, restarts=1, steps=20, out=tmp_path, progress=stop)
    solution = nc.learn(pictures(net="cnn"), examples, restarts=1, steps=20, out=tmp_path)
    assert solution.model.net == "cnn"


@pytest.mark.parametrize(
    "change", [{"average": 1.0}, {"average": -0.1}, {"input_noise": -1.0}, {"augment": "yes"},
               {"input_noise": "0.1"}],
)  # fmt: skip
def test_settings_that_mean_nothing(change: dict[str, Any]) -> None:
    with pytest.raises(NeuralcError, match=next(iter(change))):
        Settings(**change)


# ---- another body


def test_bodies_by_name() -> None:
    network = pictures(net="cnn").program.network["look"]
    assert (network.body, network.hidden) == ("cnn", ())
    assert pictures(net="mlp").program == pictures().program


@pytest.mark.parametrize(
    ("size", "net", "words"),
    [(8, "rnn", "mlp or cnn"), (3, "cnn", r"look\(\[Tensor\(3, 3\)\]\) cannot be convolutional")],
)
def test_bodies_that_cannot_be(size: int, net: str, words: str) -> None:
    with pytest.raises(NeuralcError, match=words):
        pictures(size, net)


def test_no_body_without_a_function() -> None:
    with pytest.raises(NeuralcError, match="no neural function"):
        nc.load(nc.Source("m.py", "out = Output(2)\nout.set_to(1)\n"), net="cnn")
