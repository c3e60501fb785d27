"""`neuralc learn --library` and `neuralc library`: from the files to the exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import neuralc
from neuralc.cli import group
from neuralc.learning.library.library import Library
from tests.library.models import LARGER, larger_data, state


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments])


@pytest.fixture
def place(learned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a library `lib`, a model, and data."""
    shutil.copytree(learned, tmp_path / "lib")
    text = "\n".join(line.removeprefix("    ") for line in LARGER.splitlines())
    (tmp_path / "larger.py").write_text(text)
    data = larger_data()
    rows = [
        {"images": images.tolist(), "total": int(total)}
        for images, total in zip(data["images"], data["total"], strict=True)
    ]
    (tmp_path / "data.json").write_text(json.dumps([{"batch_name": "train", "instances": rows}]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


LEARN = ["learn", "larger.py", "--data", "data.json", "--library", "lib", "--restarts", "3",
         "--steps", "40", "--accept", "0.9"]  # fmt: skip


def spoil(folder: Path) -> None:
    """Let the function see nothing any more."""
    library = Library(folder)
    see = library["SEE"]
    library.add("SEE", (see.network, {k: torch.zeros_like(v) for k, v in see.weights().items()}))


def test_learn(place: Path) -> None:
    done = run(*LEARN, "--library-rate", "0.002")
    assert done.exit_code == 0, done.stderr
    assert "library: task 'larger' is saved in lib: SEE version 2" in done.stdout
    assert list(Library(place / "lib").tasks) == ["sum", "larger"]
    before = state(place / "lib")
    again = run(*LEARN, "--json")
    assert again.exit_code == 2
    assert "a task 'larger' is in lib already" in json.loads(again.stdout)["error"]
    assert state(place / "lib") == before
    assert run(*LEARN, "--task", "once more").exit_code == 0
    replaced = run(*LEARN, "--replace-task", "--json")
    assert "SEE version 4" in json.loads(replaced.stdout)["library"]


def test_learn_unsolved(place: Path) -> None:
    (batch,) = json.loads((place / "data.json").read_text())
    for k, row in enumerate(batch["instances"]):
        row["total"] = k % 3
    (place / "data.json").write_text(json.dumps([batch]))
    before = state(place / "lib")
    done = run(*LEARN)
    assert done.exit_code == 3
    assert "library: not solved: lib is unchanged" in done.stdout
    assert state(place / "lib") == before


def test_show(place: Path) -> None:
    done = run("library", "show", "lib")
    assert done.exit_code == 0
    assert "SEE([Tensor(3)]) -> 3, mlp, hidden sizes [8]" in done.stdout
    assert "version 1: sum" in done.stdout
    assert "of 30 held-out examples, with SEE version 1" in done.stdout
    data = json.loads(run("library", "show", "lib", "--json").stdout)
    assert data["functions"]["SEE"]["versions"] == [{"number": 1, "task": "sum"}]
    assert data["tasks"]["sum"]["functions"] == {"SEE": 1}


def test_check(place: Path) -> None:
    assert run("library", "check", "lib").exit_code == 0
    assert "no task has become worse" in run("library", "check", "lib").stdout
    spoil(place / "lib")
    before = state(place / "lib")
    done = run("library", "check", "lib", "--json")
    assert done.exit_code == 1
    data = json.loads(done.stdout)
    assert data["worse"] == ["sum"]
    assert data["tasks"]["sum"]["functions"] == {"SEE": {"learned": 1, "now": 2}}
    assert data["tasks"]["sum"]["change"] < -0.3
    assert "worse: sum" in run("library", "check", "lib").stdout
    assert run("library", "check", "lib", "--tolerance", "1").exit_code == 0
    assert state(place / "lib") == before


def test_export_and_remove(place: Path) -> None:
    done = run("library", "export", "lib", "SEE", "see.safetensors")
    assert (done.exit_code, done.stdout) == (0, "SEE version 1 is written to see.safetensors\n")
    assert (place / "see.safetensors").exists()
    refused = run("library", "remove", "lib", "SEE")
    assert refused.exit_code == 2
    assert "SEE is used by 1 task: sum" in refused.stderr
    done = run("library", "remove", "lib", "SEE", "--force", "--json")
    assert json.loads(done.stdout) == {"functions": ["SEE"], "tasks": ["sum"]}
    assert run("library", "remove", "lib", "sum", "--task").exit_code == 2
    assert "no function\nno task" in run("library", "show", "lib").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "none"], "there is no library in none"),
        (["check", "larger.py"], "larger.py is a file"),
        (["export", "lib", "SEA", "x.safetensors"], "there is no function 'SEA' in lib"),
        (["export", "lib", "SEE", "x.pt"], "name a file .safetensors"),
        (["export", "lib", "SEE", "x.safetensors", "--version", "2"], "SEE has no version 2"),
        (["remove", "lib", "none", "--task"], "there is no task 'none' in lib"),
        (["check", "lib", "--tolerance", "2"], "2.0 is not in the range"),
    ],
)
def test_bad_input(place: Path, arguments: list[str], message: str) -> None:
    before = state(place)
    done = run("library", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert state(place) == before


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_newer_library(place: Path, command: str) -> None:
    path = place / "lib" / "library.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))
    before = state(place)
    done = run("library", command, "lib")
    assert done.exit_code == 2
    assert "written by a newer neuralc (format 2" in done.stderr
    assert run(*LEARN).exit_code == 2
    assert state(place) == before


def test_help_is_light() -> None:
    code = (
        "import sys\n"
        "from neuralc.cli import group\n"
        "group.main(['library', 'check', '--help'], standalone_mode=False)\n"
        "assert not {'torch', 'numpy', 'numba'} & set(sys.modules)\n"
    )
    package = str(Path(neuralc.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": package},
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "--tolerance" in done.stdout
    assert "--json" in done.stdout
