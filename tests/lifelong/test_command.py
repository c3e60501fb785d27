"""`neuralc lifelong`: a small lifetime from the file to the report, with a library."""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group
from neuralc.learning.library.library import Library
from neuralc.learning.lifelong.programs import ProgramLearner

CLASSES = 3
MODEL = """
@Learn([Tensor(6)], 3, hid_sizes=[16])
def net_0(row): pass
row = InputTensor(6)
given = Input(3)
z = Output(3)
use = Param(2)
@Runtime([3, 3], 3)
def ADD(a, b): return (a + b) % 3
if use == 0:
    z.set_to(net_0(row))
else:
    z.set_to(ADD(net_0(row), given))
"""
LIFE = """
steps = 160
batch = 16
evaluate_every = 40
accept = 0.9
library = "shelf"

[settings]
restarts = 4
network_rate = 0.01
check_every = 10
input_noise = 0.1
average = 0.9

[[task]]
name = "plain"
model = "model.py"
data = "plain.npz"
held_out = 60
schedule = [[0, 1.0], [70, 1.0], [90, 0.0]]

[[task]]
name = "added"
model = "model.py"
data = "added.npz"
held_out = 60
from = 70
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, 6)) * 2
    for name in ("plain", "added"):
        kind, given = rng.integers(CLASSES, size=(2, 200))
        row = centres[kind] + 0.2 * rng.normal(size=(200, 6))
        z = kind if name == "plain" else (kind + given) % CLASSES
        np.savez(f"{name}.npz", row=row.astype(np.float32), given=given, z=z)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "life.toml").write_text(LIFE)
    return tmp_path


def neuralc(*arguments: str) -> Result:
    return CliRunner().invoke(group, ["lifelong", *arguments])


def told(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = neuralc(*arguments, "--json")
    assert done.exit_code == code, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in ("seconds", "library")}


def digests(path: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in path.rglob("*") if p.is_file()}  # fmt: skip


def test_from_file_to_report(folder: Path) -> None:
    done = neuralc("life.toml")
    assert done.exit_code == 0, done.stderr
    assert "plain:" in done.stdout
    assert "library shelf: net_0 version 1" in done.stdout
    out = folder / "runs" / "life"
    assert "# Lifelong run life" in (out / "report.md").read_text("utf-8")
    assert {"life.json", "begun_with.json", "curves.csv"} <= {path.name for path in out.iterdir()}
    library = Library(folder / "shelf")
    assert list(library.tasks) == ["plain", "added"]
    assert library.functions["net_0"].version == 1
    assert all(score.change == 0 and score.now >= 0.9 for score in library.check())
    before = digests(folder / "shelf")
    answer = told("life.toml")  # read back: saved once, not again
    assert digests(folder / "shelf") == before
    assert answer["library"] == {"folder": "shelf", "saved": {}}
    assert answer["steps"] == 160
    assert answer["missed"] == []
    assert set(answer["final"]) == {"plain", "added"} == set(answer["programs"])
    counts = answer["counts"]["added"]
    assert counts["count"] == 60
    assert answer["final"]["added"] == counts["right"] / 60 >= 0.9
    assert answer["history"][-1]["step"] == 160
    for name, task in library.tasks.items():
        assert task.held_out
        assert task.accuracy == answer["final"][name]  # what is saved is what was measured


def test_a_call_that_goes_on_ends_like_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the second task, with programs, averages and a library."""
    whole = told("life.toml", "--out", "whole")
    saved = Library(folder / "shelf")["net_0"].weights()
    (folder / "life.toml").write_text(LIFE.replace("shelf", "other"))
    plain_step = ProgramLearner.step
    steps: list[int] = []

    def step(self: ProgramLearner, task: str, rows: Any) -> float:
        loss = plain_step(self, task, rows)
        steps.append(1)
        if len(steps) in (45, 100):
            signal.raise_signal(signal.SIGINT)
        return loss

    monkeypatch.setattr(ProgramLearner, "step", step)
    for at in (45, 100):
        assert told("life.toml", "--out", "parts", code=130) == {"error": "interrupted"}
        assert len(steps) == at
        assert not (folder / "other").exists()
    parts = told("life.toml", "--out", "parts")
    assert len(steps) == 160
    names = {"files"}
    assert {k: v for k, v in without_times(parts).items() if k not in names} == {
        k: v for k, v in without_times(whole).items() if k not in names
    }
    for name, value in Library(folder / "other")["net_0"].weights().items():
        assert value.equal(saved[name])


def test_a_library_goes_on(folder: Path) -> None:
    told("life.toml")
    again = LIFE.replace('name = "plain"', 'name = "plain 2"').replace('"added"', '"added 2"')
    (folder / "next.toml").write_text(again)
    answer = told("next.toml", "--out", "next")
    assert answer["library"]["saved"] == {"net_0": 2}
    library = Library(folder / "shelf")
    assert list(library.tasks) == ["plain", "added", "plain 2", "added 2"]
    assert answer["history"][0]["accuracy"]["plain 2"] >= 0.9  # it can read from the beginning
    (folder / "clash.toml").write_text(LIFE + "\n# another description\n")
    before = digests(folder / "shelf")
    done = neuralc("clash.toml", "--out", "clash")
    assert done.exit_code == 2
    assert "task 'plain': a task of this name is in the library shelf already" in done.stderr
    assert digests(folder / "shelf") == before
    assert not (folder / "clash").exists()


def test_a_library_that_another_process_changed(folder: Path) -> None:
    plain = Library.save_tasks

    def late(self: Library, functions: Any, tasks: Any, **more: Any) -> Any:
        if tasks:  # what else would be saved in between
            name, (network, weights) = next(iter(functions.items()))
            plain(self, {name: (network, {k: v + 1 for k, v in weights.items()})}, [])
        return plain(self, functions, tasks, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Library, "save_tasks", late)
        done = neuralc("life.toml")
    assert done.exit_code == 2
    assert "another process has saved" in done.stderr
    assert list(Library(folder / "shelf").tasks) == []


def test_not_found(folder: Path) -> None:
    """A task whose labels mean nothing is not found, and is not saved."""
    with np.load("added.npz") as old:
        noise = np.random.default_rng(1).integers(CLASSES, size=200)
        np.savez("added.npz", row=old["row"], given=old["given"], z=noise)
    done = neuralc("life.toml")
    assert done.exit_code == 3
    assert "not found: added" in done.stdout
    assert list(Library(folder / "shelf").tasks) == ["plain"]


@pytest.mark.parametrize("learner", ["indep", "pnn", "mtnn-1", "mtnn-2"])
def test_learners_without_programs(folder: Path, learner: str) -> None:
    first, _, tasks = LIFE.partition("[settings]")
    text = first.replace('library = "shelf"', f'learner = "{learner}"').replace("0.9", "0.05")
    path = folder / "plain.toml"
    path.write_text(text + "[[task]]" + tasks.partition("[[task]]")[2])
    answer = told("plain.toml", "--seed", "5")
    assert answer["learner"] == learner
    assert answer["seed"] == 5
    assert answer["programs"] == {}
    assert answer["final"]["plain"] >= 0.9
    assert "## Programs" not in (folder / "runs" / "plain" / "report.md").read_text("utf-8")


def test_bad_input(folder: Path) -> None:
    (folder / "life.toml").write_text(LIFE.replace("steps", "stepz"))
    done = neuralc("life.toml")
    assert done.exit_code == 2
    assert "did you mean 'steps'?" in done.stderr
    assert not (folder / "runs").exists()
    assert told("none.toml", code=2)["error"].startswith("there is no file none.toml")


def test_without_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (folder / "life.toml").write_text(LIFE.replace("160", "80").replace("0.9\nlib", "0.01\nlib"))
    done = neuralc("life.toml")
    assert done.exit_code == 0, done.stderr
    assert "no picture: the picture of a lifetime needs the package 'matplotlib'" in done.stderr
    assert "curves.png" not in done.stdout
