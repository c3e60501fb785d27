"""Neural functions on the command line: another body, how they are trained, how well they read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group
from neuralc.learning.solution import Solution

MODEL = """\
@Learn([Tensor(6, 6)], 3, hid_sizes=[5])
def look(image): pass

image = InputTensor(6, 6)
out = Output(3)
out.set_to(look(image))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a model, and images whose class is the row that is bright."""
    monkeypatch.chdir(tmp_path)
    classes = np.arange(30) % 3
    images = np.zeros((30, 6, 6), np.float32)
    images[np.arange(30), classes * 2] = 1.0
    np.savez("rows.npz", images=images, labels=classes)
    columns = {name: {"npz": "rows.npz", "key": key}
               for name, key in (("image", "images"), ("out", "labels"))}  # fmt: skip
    batch = {"batch_name": "train", "hypers": "none", "instances": columns}
    Path("data.json").write_text(json.dumps([batch]))
    Path("hypers.json").write_text('{"none": {}}')
    Path("look.py").write_text(MODEL)
    return tmp_path


def call(words: str) -> Result:
    return CliRunner().invoke(group, words.split())


LEARN = "learn look.py --hypers hypers.json --data data.json --restarts 2 --out found"


def test_another_body_is_trained_saved_and_told_of(folder: Path) -> None:
    how = "--net cnn --augment --input-noise 0.05 --average 0.9 --network-rate 0.02 --steps 150"
    done = call(f"{LEARN} {how} --json")
    assert done.exit_code == 0, done.output
    solution = Solution.load(folder / "found")
    assert solution.model.net == "cnn"
    assert any("kernels" in name for name in solution.weights)
    shown = call("show found --labels look=rows.npz")
    assert shown.exit_code == 0
    assert "look: 100.00% of 30 images" in shown.output
    told = json.loads(call("show found --labels look=rows.npz --json").output)
    assert told["functions"]["look"]["confusion"] == [[10, 0, 0], [0, 10, 0], [0, 0, 10]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("look", "such as net_0=digits.npz"),
        ("look=none.npz", "none.npz"),
        ("look=look.py", "cannot read arrays"),
        ("look=other.npz", "holds no array 'labels'"),
        ("take=rows.npz", "there are: look"),
        ("look=large.npz", "shape"),
    ],
)
def test_labels_that_cannot_be_used(folder: Path, words: str, message: str) -> None:
    assert call(f"{LEARN} --steps 2").exit_code in (0, 3)
    np.savez("other.npz", images=np.zeros((2, 6, 6)))
    np.savez("large.npz", images=np.zeros((2, 9, 9)), labels=np.zeros(2, int))
    done = call(f"show found --labels {words}")
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [("--net rnn", "rnn"), ("--average 1", "average"), ("--input-noise -1", "input_noise")],
)
def test_training_that_cannot_be(folder: Path, words: str, message: str) -> None:
    done = call(f"{LEARN} --steps 2 {words}")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (folder / "found").exists()


def test_a_body_that_a_function_cannot_have(folder: Path) -> None:
    Path("look.py").write_text(MODEL.replace("Tensor(6, 6)", "Tensor(36)"))
    done = call(f"{LEARN} --net cnn")
    assert done.exit_code == 2
    assert "cannot be convolutional" in done.stderr
