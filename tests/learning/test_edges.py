"""Odd arguments and forged files: an error of ours that names the thing, never another one."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuralc import saved
from neuralc.errors import DataError, FileError, NeuralcError, SolutionError
from neuralc.learning import learn
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from tests.learning.tasks import assert_same, contradictory_data, image_data, line_data, lines, see
from tests.soft.models import model

SMALL = Settings(restarts=4, steps=20)


@pytest.fixture(scope="module")
def network() -> Solution:
    return learn(see, image_data(), settings=SMALL)


# ---- data and inputs that are none


@pytest.mark.parametrize(
    "data",
    [None, 7, "data.json", [None], np.zeros((3, 2)), torch.zeros(3, 2), {1, 2},
     [{"instances": 3}], [{"instances": None}], [{"instances": line_data()}, 7]],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_data(data: Any) -> None:
    with pytest.raises(DataError):
        learn(lines, data, settings=SMALL)
    with pytest.raises(DataError):
        learn(lines, line_data(), test=data if data is not None else 7, settings=SMALL)


def test_a_generator_is_data_too() -> None:
    wanted = learn(lines, line_data(), settings=SMALL)
    assert_same(learn(lines, iter(line_data()), settings=SMALL), wanted)
    assert wanted(iter([{"x": [0, 1]}]))["z"].shape == (1,)  # type: ignore[arg-type]


@pytest.mark.parametrize("inputs", [None, 7, "x", {"x": [[0], 1]}, {"x": [[0, 1], [1]]}], ids=str)
def test_what_are_no_inputs(inputs: Any) -> None:
    solution = learn(lines, line_data(), settings=SMALL)
    with pytest.raises(DataError):
        solution(inputs)


def test_tensors_of_all_makes(network: Solution) -> None:
    images = torch.as_tensor(image_data(4)["images"])
    wanted = network({"images": images})["total"].tolist()
    grown = images.clone().requires_grad_()
    for form in (grown, list(grown), images.bfloat16(), images.half().numpy()):
        assert network({"images": form})["total"].tolist() == wanted
    rows: list[dict[str, Any]] = [{"images": list(image)} for image in grown]
    assert network(rows)["total"].tolist() == wanted
    assert network({"images": list(grown[1])})["total"] == wanted[1]


def test_a_program_without_inputs_has_a_result_for_each_example() -> None:
    text = "p = Param(3)[2]\ny = Output(3)[2]\nfor i in range(2):\n    y[i].set_to(p[i])\n"
    solution = learn(model(text), [{"y": [2, 1]}], settings=SMALL)
    assert solution({})["y"].tolist() == [2, 1]
    for count in (0, 1, 3):
        assert solution([{}] * count)["y"].tolist() == [[2, 1]] * count


# ---- settings and networks


@pytest.mark.parametrize("name", ["restarts", "steps", "patience", "check_every", "threads"])
def test_whole_numbers_that_are_too_large(name: str) -> None:
    with pytest.raises(NeuralcError, match=rf"{name} must be below 2 \*\* 63"):
        Settings(**{name: 10**20})


@pytest.mark.parametrize("value", [1e300, 10**400, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["rate", "network_rate", "noise", "entropy", "clip"])
def test_numbers_that_are_too_large(name: str, value: Any) -> None:
    with pytest.raises(NeuralcError, match=rf"{name} must be finite"):
        Settings(**{name: value})


def test_networks_that_do_not_fit(network: Solution) -> None:
    def given(change: Callable[[torch.Tensor], Any]) -> None:
        changed = {name: change(value) for name, value in network.weights.items()}
        learn(see, image_data(), settings=SMALL, networks=changed)

    for change in (lambda value: value[..., :1], lambda value: None, lambda value: value.numpy()):
        with pytest.raises(NeuralcError, match=r"networks\.SEE"):
            given(change)
    given(lambda value: value.double().requires_grad_())


def test_networks_that_are_parameters_can_be_checkpointed(
    network: Solution, tmp_path: Path
) -> None:
    networks = dict(network.module().named_parameters())
    wanted = learn(see, image_data(), settings=SMALL, networks=networks)
    with pytest.raises(KeyboardInterrupt):
        learn(see, image_data(), settings=SMALL, networks=networks, out=tmp_path, progress=stop)
    found = learn(see, image_data(), settings=SMALL, networks=networks, out=tmp_path)
    assert_same(found, wanted)


def stop(done: int, total: int, remark: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "changes",
    [{"stop": "first"}, {"precision": "log"}, {"optimizer": "adam", "concentration": 1.0}],
    ids=str,
)
def test_other_settings_are_resumed_too(changes: dict[str, Any], tmp_path: Path) -> None:
    how = Settings(restarts=8, steps=80, rate=0.02)
    wanted = learn(lines, line_data(), settings=how, **changes)
    with pytest.raises(KeyboardInterrupt):
        learn(lines, line_data(), settings=how, out=tmp_path, progress=stop, **changes)
    found = learn(lines, line_data(), settings=how, out=tmp_path, **changes)
    assert_same(found, wanted)


# ---- checkpoints that somebody changed, with a checksum that fits

FORGED = [None, True, -1, 7, 10**30, 10**400, float("nan"), "x", [], [9] * 3, [-5] * 8, {}, [[0]]]
RUNS: dict[str, tuple[Any, Any, Settings]] = {
    "program": (lines, line_data(), Settings(restarts=8, steps=30, rate=0.02)),
    "replaced": (
        lines, contradictory_data(),
        Settings(restarts=8, steps=30, replace="fresh", patience=5, rate=1.0),
    ),
    "network": (see, image_data(), Settings(restarts=3, steps=30, batch=7)),
}  # fmt: skip


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a JSON."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    found: list[tuple[Any, ...]] = []
    for key, value in items:
        found += [(*path, key)]
        found += places(value, (*path, key)) if isinstance(value, dict | list) else []
    return found


@pytest.mark.parametrize("name", RUNS)
def test_a_forged_checkpoint(name: str, tmp_path: Path) -> None:
    """An error of ours, or a run that goes on: what is in a file is never trusted."""
    program, data, how = RUNS[name]
    whole = tmp_path / "whole"
    with pytest.raises(KeyboardInterrupt):
        learn(program, data, settings=how, out=whole, progress=stop)
    text = (whole / "checkpoint.json").read_text()
    rng = random.Random(0)
    fixed = ("checksum", "weights", "version", "fingerprint")
    candidates = [path for path in places(json.loads(text)) if path[0] not in fixed]
    refused = 0
    for k in range(60):
        content = json.loads(text)
        del content["checksum"]
        *path, last = rng.choice(candidates)
        part = content
        for key in path:
            part = part[key]
        part[last] = rng.choice(FORGED)
        content["checksum"] = saved._checksum(content)
        copy = tmp_path / f"{k}"
        shutil.copytree(whole, copy)
        (copy / "checkpoint.json").write_text(json.dumps(content))
        try:
            learn(program, data, settings=how, out=copy)
        except (SolutionError, FileError) as error:
            refused += 1
            assert "checkpoint.json is damaged" in str(error)  # noqa: PT017
    assert refused > 20


@pytest.mark.parametrize("part", ["logits", "mean_square", "momentum", "generator", "queue"])
def test_a_checkpoint_with_tensors_of_another_shape(part: str, tmp_path: Path) -> None:
    program, data, how = RUNS["network"]
    with pytest.raises(KeyboardInterrupt):
        learn(program, data, settings=how, out=tmp_path, progress=stop)
    content, tensors = saved.read(tmp_path, "checkpoint")
    del content["version"], content["weights"]
    for other in ({}, {part: torch.zeros(2, 2)}):
        changed = {k: v for k, v in tensors.items() if k != part} | other
        saved.write(tmp_path, "checkpoint", content, changed)
        with pytest.raises(SolutionError, match=r"checkpoint\.json is damaged"):
            learn(program, data, settings=how, out=tmp_path)
