"""Solutions: called, saved, loaded; whatever happens to the files, nothing is lost or run."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralc import saved
from neuralc.errors import DataError, FileError, SolutionError
from neuralc.learning import learn
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from tests.learning.tasks import assert_same, contradictory_data, image_data, line_data, lines, see

SMALL = Settings(restarts=8, steps=40)


@pytest.fixture(scope="module")
def program() -> Solution:
    """Return a solution without networks."""
    return learn(lines, line_data(), settings=SMALL)


@pytest.fixture(scope="module")
def network() -> Solution:
    """Return a solution with a network."""
    return learn(see, image_data(), settings=SMALL, restarts=3, network_rate=0.02, steps=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, network: Solution) -> Path:
    """Return a folder with a saved solution, for tests that only read it."""
    path = tmp_path_factory.mktemp("solution")
    network.save(path)
    return path


# ---- called


def test_the_three_forms_of_inputs(program: Solution) -> None:
    rows = [{"x": row["x"]} for row in line_data()]
    wanted = [row["z"] for row in line_data()]
    assert program(rows)["z"].tolist() == wanted
    columns = np.array([row["x"] for row in rows])
    assert program({"x": columns})["z"].tolist() == wanted
    assert program({"x": torch.from_numpy(columns)})["z"].tolist() == wanted
    assert program({"x": columns.tolist()})["z"].tolist() == wanted
    for row, one in zip(rows, wanted, strict=True):
        alone = program(row)["z"]
        assert alone.shape == ()
        assert alone == one
    assert program([])["z"].shape == (0,)


def test_the_three_forms_of_inputs_with_images(network: Solution) -> None:
    data = image_data(9, seed=4)
    images = data["images"]
    wanted = network({"images": images})["total"]
    assert wanted.tolist() == data["total"].tolist()
    assert network([{"images": image} for image in images])["total"].tolist() == wanted.tolist()
    assert network({"images": torch.from_numpy(images)})["total"].tolist() == wanted.tolist()
    assert network({"images": images[3]})["total"] == wanted[3]
    assert network({"images": torch.from_numpy(images[3])})["total"].shape == ()


@pytest.mark.parametrize(
    "inputs",
    [{}, {"y": [0, 0]}, {"x": [0, 4]}, {"x": [0]}, {"x": [[0, 0, 0]]}, {"x": 3}, {"x": [0.5, 1]},
     [{"x": [0, 0]}, {"x": [0, -1]}], [{"x": None}], {"x": [0, 0], "w": 1}, [[0, 0]]],
    ids=str,
)  # fmt: skip
def test_inputs_that_do_not_fit(program: Solution, inputs: Any) -> None:
    with pytest.raises(DataError):
        program(inputs)


def sure(solution: Solution) -> Any:
    """Return the module with choices that are certain, in float64."""
    module = solution.module().double()
    decls = module.program.of("param")
    rows = {d.name: 1e4 * np.eye(d.type.size)[solution.choices[d.name]][None] for d in decls}  # type: ignore[union-attr]
    module.logits.data = torch.from_numpy(module.choices.join(rows))
    return module


def test_the_module_agrees_with_the_program(program: Solution, network: Solution) -> None:
    columns = np.array([row["x"] for row in line_data()])
    with torch.no_grad():
        found = sure(program)({"x": columns})["z"][0].numpy()
        np.testing.assert_allclose(found, np.eye(4)[program({"x": columns})["z"]], atol=1e-12)
        images = image_data(20, seed=5)["images"]
        found = sure(network)({"images": images})["total"][0].numpy()
        assert found.argmax(-1).tolist() == network({"images": images})["total"].tolist()
        learned = program.module()({"x": columns})["z"][0]
        assert learned.argmax(-1).tolist() == program({"x": columns})["z"].tolist()


def test_the_module_holds_what_was_learned(network: Solution) -> None:
    module = network.module()
    assert module.restarts == 1
    for name, value in module.named_parameters():
        assert torch.equal(value, network.weights[name])
    chances = {name: p[0].amax(-1).numpy(force=True) for name, p in module.probabilities().items()}
    for name, value in chances.items():
        np.testing.assert_allclose(value, network.probabilities[name], atol=1e-6)
    with torch.no_grad():
        module.logits.zero_()
    assert not torch.equal(module.logits, network.weights["logits"]), "it is a copy"


# ---- saved and loaded


def test_saved_and_loaded(program: Solution, network: Solution, tmp_path: Path) -> None:
    for k, solution in enumerate([program, network]):
        solution.save(tmp_path / str(k))
        loaded = Solution.load(tmp_path / str(k))
        assert_same(loaded, solution, history=False)
        assert loaded.model.source == solution.model.source
        assert loaded.model.program == solution.model.program
        text = (tmp_path / str(k) / "program.txt").read_text()
        assert text == solution.program + "\n"
        history = json.loads((tmp_path / str(k) / "history.json").read_text())
        assert history == solution.history
    columns = np.array([row["x"] for row in line_data()])
    loaded = Solution.load(tmp_path / "0")
    assert loaded({"x": columns})["z"].tolist() == program({"x": columns})["z"].tolist()


def test_saved_over_another(program: Solution, network: Solution, tmp_path: Path) -> None:
    for solution in (program, network, network, program):
        solution.save(tmp_path)
        assert_same(Solution.load(tmp_path), solution, history=False)
        assert len(list(tmp_path.glob("*.safetensors"))) == 1
        assert len(list(tmp_path.iterdir())) == 5


def failing(monkeypatch: pytest.MonkeyPatch, what: str, at: int) -> None:
    """Let the disk be full at one call of `os.fsync`, or of `Path.replace`."""
    owner: Any = os if what == "fsync" else Path
    real: Callable[..., Any] = getattr(owner, what)
    count = iter(range(1000))

    def full(*args: Any) -> Any:
        if next(count) == at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args)

    monkeypatch.setattr(owner, what, full)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("what", ["fsync", "replace"])
def test_a_full_disk(
    what: str, at: int, program: Solution, network: Solution, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The old solution stays until the new one is whole; no half-written file is left."""
    program.save(tmp_path)
    with monkeypatch.context() as patch:
        failing(patch, what, at)
        with pytest.raises(FileError, match="no space left on device"):
            network.save(tmp_path)
    wanted = program if at < 2 else network
    assert_same(Solution.load(tmp_path), wanted, history=False)
    assert not list(tmp_path.glob(".*")), "no temporary files"
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    network.save(tmp_path)
    assert_same(Solution.load(tmp_path), network, history=False)


@pytest.mark.parametrize("at", range(5))
def test_a_full_disk_while_learning(
    at: int, program: Solution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run can be repeated from its checkpoint, and the old solution is still there."""
    program.save(tmp_path)
    monkeypatch.setattr("neuralc.learning.gradient.SAVE_EVERY", -1.0)
    with monkeypatch.context() as patch:
        failing(patch, "fsync", at)
        with pytest.raises(FileError, match="no space left"):
            learn(lines, contradictory_data(), settings=SMALL, out=tmp_path)
    assert_same(Solution.load(tmp_path), program, history=False)
    found = learn(lines, contradictory_data(), settings=SMALL, out=tmp_path)
    assert_same(found, learn(lines, contradictory_data(), settings=SMALL))


def test_a_folder_that_cannot_be(program: Solution, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(FileError, match="file"):
        program.save(tmp_path / "file")
    with pytest.raises(FileError, match="file"):
        Solution.load(tmp_path / "file")
    with pytest.raises(FileError, match="nowhere"):
        Solution.load(tmp_path / "nowhere")


# ---- damaged


def changed(folder: Path, copy: Path, change: Callable[[Any], Any], *, honest: bool) -> Path:
    """Copy a solution with its JSON changed; `honest`: with a checksum that fits."""
    copy.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    content = json.loads((copy / "solution.json").read_text())
    content = change(content) or content
    if honest and isinstance(content, dict):
        content.pop("checksum", None)
        try:
            content["checksum"] = saved._checksum(content)
        except RecursionError:
            pass
    (copy / "solution.json").write_text(json.dumps(content))
    return copy


def put(*path: Any) -> Callable[[Any], Callable[[Any], None]]:
    """Return a change: set one place of the JSON to a value."""

    def to(value: Any) -> Callable[[Any], None]:
        def change(content: Any) -> None:
            for key in path[:-1]:
                content = content[key]
            content[path[-1]] = value

        return change

    return to


DAMAGED: dict[str, Callable[[Any], Any]] = {
    "no object": lambda content: [content],
    "a number": lambda content: 7,
    "newer": put("version")(99),
    "no version": lambda content: content.pop("version") and None,
    "a version that is a word": put("version")("1"),
    "no choices": lambda content: content.pop("choices") and None,
    "no choice of one": lambda content: content["choices"].pop("pick") and None,
    "a choice out of range": put("choices", "pick")([0, 3]),
    "a choice below zero": put("choices", "pick")([0, -1]),
    "a huge choice": put("choices", "pick")([0, 10**30]),
    "a choice that is no integer": put("choices", "pick")([0, 1.5]),
    "a choice that is a word": put("choices", "pick")([0, "1"]),
    "a choice that is null": put("choices", "pick")([0, None]),
    "choices of another shape": put("choices", "pick")([0, 1, 2]),
    "ragged choices": put("choices", "pick")([[0], 1]),
    "probabilities of another shape": put("probabilities", "pick")([0.5]),
    "a probability above one": put("probabilities", "pick")([0.5, 2.0]),
    "a huge probability": put("probabilities", "pick")([0.5, 10**400]),
    "a probability that is no number": put("probabilities", "pick")([0.5, float("nan")]),
    "no model": lambda content: content.pop("model") and None,
    "another model": put("model", "text")("x = Input(2)\ny = Output(2)\ny.set_to(x)\n"),
    "a model with an error": put("model", "text")("x = Input(2)\ny.set_to(x)\n"),
    "a model that is no text": put("model", "text")([1]),
    "a model with a null": put("model", "text")("x = Input(2)\x00"),
    "an unknown hyper": put("model", "hypers")({"n": 3}),
    "hypers that are a list": put("model", "hypers")([3]),
    "a report without a figure": lambda content: content["report"].pop("steps") and None,
    "a report with more": put("report", "more")(1),
    "a report of words": put("report", "seconds")("fast"),
    "dead choices of nobody": put("dead")([["nobody", [0]]]),
    "dead choices out of range": put("dead")([["pick", [9]]]),
    "dead choices that are a number": put("dead")(3),
    "other weights": put("weights")("0" * 64),
    "weights elsewhere": put("weights")("../../etc/passwd"),
    "no weights": lambda content: content.pop("weights") and None,
}


@pytest.mark.parametrize("honest", [False, True], ids=["as it is", "checksum put right"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_solution(name: str, honest: bool, folder: Path, tmp_path: Path) -> None:
    copy = changed(folder, tmp_path / "copy", DAMAGED[name], honest=honest)
    missing = "weights" in name and honest  # then the file is looked for, and not found
    with pytest.raises((SolutionError, FileError) if missing else SolutionError) as caught:
        Solution.load(copy)
    assert "copy" in str(caught.value)
    assert ("newer neuralc" in str(caught.value)) == (name == "newer")


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[" * 100_000, "1" * 5000, '{"version": ' + "9" * 5000 + "}",
             '{"version": 1e999}', '{"version": -1}', '"\\ud800"', "\ufeff{}", "\x00"],
)  # fmt: skip
def test_what_is_no_solution(text: str, folder: Path, tmp_path: Path) -> None:
    copy = changed(folder, tmp_path / "copy", lambda content: content, honest=False)
    (copy / "solution.json").write_text(text)
    with pytest.raises(SolutionError):
        Solution.load(copy)


def test_weights_that_do_not_fit(network: Solution, tmp_path: Path) -> None:
    changes: list[Callable[[dict[str, torch.Tensor]], Any]] = [
        lambda w: w.pop("logits"),
        lambda w: w.update(more=torch.zeros(1)),
        lambda w: w.update(logits=torch.zeros(1, 5)),
        lambda w: w.update(logits=torch.zeros(2, *w["logits"].shape[1:])),
        lambda w: w.clear(),
    ]
    network.save(tmp_path)
    content, _ = saved.read(tmp_path, "solution")
    del content["version"], content["weights"]
    for change in changes:
        weights = {name: value.clone() for name, value in network.weights.items()}
        change(weights)
        saved.write(tmp_path, "solution", content, weights)
        with pytest.raises(SolutionError, match="damaged"):
            Solution.load(tmp_path)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_random_bytes(folder: Path, network: Solution, tmp_path: Path, data: st.DataObject) -> None:
    copy = changed(folder, tmp_path / "copy", lambda content: content, honest=False)
    names = [file.name for file in sorted(copy.iterdir()) if file.name.startswith("solution")]
    file = copy / data.draw(st.sampled_from(names))
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content)))
    content[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=10))
    file.write_bytes(bytes(content))
    try:
        found = Solution.load(copy)
    except (SolutionError, FileError):
        return
    assert_same(found, network, history=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.integers(10**15, 10**40),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in a JSON."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    found = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += places(value, (*path, key))
    return found


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_random_values(
    folder: Path, network: Solution, tmp_path: Path, data: st.DataObject
) -> None:
    """Also with the checksum put right: an error of ours, or a solution that runs."""
    content = json.loads((folder / "solution.json").read_text())
    path = data.draw(st.sampled_from(places(content)))
    value = data.draw(JSON)
    honest = data.draw(st.booleans())
    copy = changed(folder, tmp_path / "copy", put(*path)(value), honest=honest)
    try:
        found = Solution.load(copy)
    except (SolutionError, FileError):
        return
    if not honest:
        assert_same(found, network, history=False)
    images = image_data(3)["images"]
    assert found({"images": images})["total"].shape == (3,)
    assert found.program
