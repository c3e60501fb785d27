"""The experiment on MATH: its parts on made-up images, and the program on longer tapes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from neuralc.backends.search import likelihood
from neuralc.backends.soft.networks import build_network
from neuralc.cli import group
from neuralc.data.digits import Digits
from neuralc.data.expressions import find_operators, results_of
from neuralc.data.mnist import find_mnist
from neuralc.errors import HyperError, NeuralcError
from neuralc.experiments import ntpt_math
from neuralc.experiments.ntpt_math import Size, run_ntpt_math
from neuralc.experiments.ntpt_math_read import by_length, perfectly
from neuralc.experiments.ntpt_math_search import (
    Reading,
    expressions,
    math_model,
    read_once,
)
from neuralc.experiments.ntpt_math_start import averaged_weights, fixed_trainer, starting_networks
from neuralc.experiments.ntpt_math_table import draw
from neuralc.ir.nodes import Int, Network, Real
from neuralc.learning.decided import decided, with_networks
from neuralc.learning.library.library import Library
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Report, Solution
from neuralc.learning.train import Trainer, negative_log_likelihood
from tests.machines.test_math import LISTING, SOLUTION

SIDE = 5


def made_up(name: str, classes: int, seed: int, count: int = 3000) -> Digits:
    """Return noisy 5x5 images of classes that a small network learns to tell apart."""
    rng = np.random.default_rng(seed)
    shapes = rng.random((classes, SIDE, SIDE))

    def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(classes, size=number)
        images = shapes[labels] + rng.normal(0, 0.1, size=(number, SIDE, SIDE))
        return images.astype(np.float32), labels

    return Digits(name, *drawn(count), *drawn(500))


@pytest.fixture(scope="module")
def images() -> tuple[Digits, Digits]:
    return made_up("digits", 10, 0), made_up("operators", 4, 1)


@pytest.fixture(scope="module")
def weights(images: tuple[Digits, Digits]) -> dict[str, torch.Tensor]:
    return starting_networks(*images, share=0.2)


@pytest.fixture(scope="module")
def solution(images: tuple[Digits, Digits], weights: dict[str, torch.Tensor]) -> Solution:
    model = math_model(images[0])
    choices = {name: np.array(value) for name, value in SOLUTION.items()}
    train = expressions(model, *images, 50, seed=0)
    report = Report("search", 0, 1, 1, 1, 0, 50, 50, 0, 0, 0.0)
    return decided(model, with_networks(model, weights), choices, train, report)


def test_networks_learn_from_results_of_known_programs(
    images: tuple[Digits, Digits], weights: dict[str, torch.Tensor]
) -> None:
    module = with_networks(math_model(images[0]), weights)
    assert module is not None
    for name, data in zip(("net_0", "net_1"), images, strict=True):
        said = module.networks[name](torch.from_numpy(data.test_images).flatten(1), restarts=False)
        assert (said[0].argmax(-1).numpy() == data.test_labels).mean() > 0.8


def test_a_program_runs_on_longer_tapes(solution: Solution, images: tuple[Digits, Digits]) -> None:
    shares = by_length(solution, *images, tested=40, sizes=(2, 6))
    assert list(shares) == ["2", "6"]
    assert shares["2"] > 0.7
    longer = solution.resized({"length": 31, "num_steps": 48})
    assert longer.model.hypers == {"image_size": SIDE, "length": 31, "num_steps": 48}
    assert longer.choices is solution.choices
    assert longer.program.splitlines()[: len(LISTING.splitlines())] == LISTING.splitlines()
    assert solution.model.hypers["length"] == 3


def test_longer_means_the_same_networks_and_choices(solution: Solution) -> None:
    """Images of class c that the digit network reads as c: the value is that of the symbols."""
    rng = np.random.default_rng(3)
    pool = rng.normal(size=(300, SIDE, SIDE)).astype(np.float32)
    module = solution.module()
    flat = torch.from_numpy(pool).flatten(1)
    with torch.no_grad():
        said = [module.networks[name](flat, restarts=False)[0].argmax(-1).numpy()
                for name in ("net_0", "net_1")]  # fmt: skip
    rows = rng.integers(300, size=(20, 9))
    symbols = np.where(np.arange(9) % 2 == 0, said[0][rows], said[1][rows])
    found = solution.resized({"length": 9, "num_steps": 15})({"tape": pool[rows]})
    assert (found["result"] == results_of(symbols)).all()
    assert found["is_halted"].all()


@pytest.mark.parametrize(
    ("hypers", "error", "said"),
    [
        ({"lenght": 31}, HyperError, "lenght"),
        ({"image_size": 6}, NeuralcError, "networks depend"),
    ],
)
def test_what_cannot_be_resized(
    solution: Solution, hypers: dict[str, int], error: type[NeuralcError], said: str
) -> None:
    with pytest.raises(error, match=said):
        solution.resized(hypers)


def test_run_with_other_hyper_parameters(solution: Solution, tmp_path: Path) -> None:
    solution.save(tmp_path / "found")
    tape = np.random.default_rng(0).normal(size=(2, 5, SIDE, SIDE)).round(3)
    instances = [{"tape": one.tolist()} for one in tape]
    batch = {"batch_name": "longer", "hypers": "h", "instances": instances}
    (tmp_path / "data.json").write_text(json.dumps([batch]))
    (tmp_path / "hypers.json").write_text(json.dumps({"length": 5, "num_steps": 9}))
    asked = ["run", str(tmp_path / "found"), "--data", str(tmp_path / "data.json"), "--json"]
    refused = CliRunner().invoke(group, asked)
    assert refused.exit_code == 2
    done = CliRunner().invoke(group, [*asked, "--hypers", str(tmp_path / "hypers.json")])
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)["batches"]
    wanted = solution.resized({"length": 5, "num_steps": 9})({"tape": tape.astype(np.float32)})
    assert row["outputs"]["result"] == wanted["result"].tolist()


def test_readings_stand_for_the_images(
    images: tuple[Digits, Digits], weights: dict[str, torch.Tensor]
) -> None:
    model = math_model(images[0])
    examples = expressions(model, *images, 12, seed=1)
    readings = read_once(model, weights, examples)
    assert readings.inputs["tape"].shape == (12, 3, 14)
    own = with_networks(model, weights)
    assert own is not None
    bodies = {"net_0": lambda n: Reading(0, 10, n), "net_1": lambda n: Reading(10, 4, n)}
    cached = model.compile(restarts=3, seed=0, bodies=bodies)
    trainer = Trainer(cached, readings, Settings(restarts=3))
    own.logits.data = cached.logits.data[1:2].clone()
    targets = {name: torch.from_numpy(value) for name, value in examples.outputs.items()}
    expected = negative_log_likelihood(own, own.prepare(examples.inputs), targets)
    found = negative_log_likelihood(cached, trainer.inputs, trainer.targets)
    torch.testing.assert_close(found[1:2], expected)


def test_training_through_a_program_leaves_the_program(
    images: tuple[Digits, Digits], weights: dict[str, torch.Tensor]
) -> None:
    model = math_model(images[0])
    examples = expressions(model, *images, 12, seed=1)
    trainer = fixed_trainer(model, SOLUTION, Settings(restarts=1), examples=examples,
                            weights=weights)  # fmt: skip
    start = averaged_weights(trainer)
    assert all(torch.equal(start[name], weights[name]) for name in weights)
    before = trainer.module.logits.detach().clone()
    trainer.step()
    assert torch.equal(trainer.module.logits.detach(), before)
    after = averaged_weights(trainer, "net_0")
    assert set(after) < set(start)
    assert any(not torch.equal(after[name], start[name]) for name in after)


def test_perfect_networks_to_two_hundred_digits() -> None:
    found = perfectly(SOLUTION, SIDE)
    assert found["exact"] == {"16": True, "50": True, "100": True, "200": True}
    wrong = perfectly({**SOLUTION, "arg1": [0, 0, 0]}, SIDE, sizes=[4])
    assert wrong["exact"] == {"4": False}


def test_the_whole_experiment_in_small(
    images: tuple[Digits, Digits], weights: dict[str, torch.Tensor], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(ntpt_math, "GRADIENT", dataclasses.replace(ntpt_math.GRADIENT, steps=3))
    monkeypatch.setattr(ntpt_math, "AUTO", dataclasses.replace(ntpt_math.AUTO, steps=2, polish=20))
    monkeypatch.setattr(ntpt_math, "EXPRESSIONS", 200)
    monkeypatch.setattr(likelihood, "CHAINS", 100)
    size = Size(batches=1, restarts=2, seeds=1, nets=("mlp",), share=0.005, sequence_steps=1,
                tested=5, starting=0.01)  # fmt: skip
    told: list[tuple[int, int, str]] = []
    result = run_ntpt_math(
        *images, size=size, networks=weights, out=tmp_path,
        progress=lambda *one: told.append(one),
    )  # fmt: skip
    data = result.data
    assert data["auto"][0]["found"]
    assert data["gradient"][0]["restarts"] == 2
    assert list(data["reading"][0]["exact"]) == [str(size) for size in range(2, 17)]
    assert all(data["perfect"]["exact"].values())
    assert "1 of 1 seeds exact" in result.text
    assert data["auto"][0]["program"] in result.text
    assert told[-1][:2] == (5, 5)
    assert [row["images"] for row in data["sequences"]] == [True] * 4 + [False] * 4
    assert "neural-gpu" in result.text
    again = run_ntpt_math(*images, size=size, networks=weights, out=tmp_path)
    assert again.data["auto"] == data["auto"]  # with its seconds: it was not done again
    assert again.data["reading"] == data["reading"]
    kept = Solution.load(tmp_path / "solution-mlp")
    assert {name: value.tolist() for name, value in kept.choices.items()} == data["auto"][0][
        "choices"
    ]
    others = run_ntpt_math(
        *images, size=dataclasses.replace(size, seeds=0, nets=(), sequence_steps=0), out=tmp_path
    )
    assert others.data["gradient"][0]["cpu_seconds"] != data["gradient"][0]["cpu_seconds"]
    assert (tmp_path / "networks-mlp-0.json").exists()
    pytest.importorskip("matplotlib")
    draw(data, tmp_path / "math.png")
    assert (tmp_path / "math.png").read_bytes().startswith(b"\x89PNG")


def test_a_library_without_the_networks_is_refused(tmp_path: Path) -> None:
    if find_mnist() is None or find_operators() is None:
        pytest.skip("no images here")
    library = Library(tmp_path / "library")
    network = Network("read", (Real((2, 2)),), Int(3), (4,))
    torch.manual_seed(0)
    body = build_network(network, 1)
    library.add("read", (network, dict(body.named_parameters())))
    done = CliRunner().invoke(
        group, ["reproduce", "ntpt-math", "--quick", "--library", str(tmp_path / "library")]
    )
    assert done.exit_code == 2
    assert "has no function net_0\n  hint: neuralc lifelong" in done.stderr
