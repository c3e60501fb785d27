"""`neuralc bench terpret`: the table, the figures, and that a wrong program does not count."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group
from neuralc.errors import Declined, NeuralcError
from neuralc.experiments import terpret
from neuralc.experiments.terpret_table import REPORT
from neuralc.ir.space import log10_size
from neuralc.learning.model import Model
from neuralc.tasks import TASKS
from tests.tasks.programs import CHOICES

Learn = Callable[..., Any]


def bench(arguments: str) -> Result:
    return CliRunner().invoke(group, ["bench", "terpret", *arguments.split()])


def knowing(calls: list[dict[str, Any]] | None = None, **changes: Any) -> Learn:
    """Return a stand-in for `learn` that knows programs; `changes` spoil the choices.

    "hopeless" finds nothing, "picky" declines, any other solver gives the known program.
    """

    def learn(model: Model, data: Any, **options: Any) -> Any:
        if calls is not None:
            calls.append({"examples": data.count, **options})
        if options["solver"] == "picky":
            raise Declined("picky", ["it is Monday"])
        known = next(
            (CHOICES[name] for name, task in TASKS.items() if task.hypers == model.hypers),
            {"bits": np.zeros(model.hypers.get("numBits", 0), int)},
        )
        choices = {name: np.array(value) for name, value in known.items()}
        for name, (place, value) in changes.items():
            choices[name][place] = value
        exact = options["solver"] != "hopeless"
        report = SimpleNamespace(
            solver="stub",
            train_exact=exact,
            train_right=data.count if exact else 1,
            note="" if exact else "ran out of ideas",
        )
        return SimpleNamespace(model=model, choices=choices, report=report, program="text")

    return learn


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terpret, "learn", knowing())
    return tmp_path


def test_all_tasks(folder: Path) -> None:
    done = bench("--json --timeout 5 --threads 1")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == 0, done.stderr
    assert [row["task"] for row in found["tasks"]] == list(TASKS)
    for row in found["tasks"]:
        assert (row["solver"], row["winner"], row["solved"]) == ("auto", "stub", True)
        assert row["checked"] == f"proved for all {len(TASKS[row['task']].domain())} inputs"
    assert [row["bits"] for row in found["parity"]] == [4, 8, 16, 32, 64, 128]
    assert {row["checked"] for row in found["parity"]} == {"proved for all constraints"}
    assert len(done.stderr.splitlines()) == 18  # a line for each
    saved = json.loads((folder / "runs/bench-terpret/terpret.json").read_text())
    assert saved["tasks"] == found["tasks"]
    assert (folder / "runs/bench-terpret/terpret.md").read_text().startswith("| task |")
    assert Path(found["picture"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("folder")
def test_the_table() -> None:
    done = bench("--task block-access --task parity-8 --solver good --solver hopeless")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    head, row = (line.strip("| ").split(" | ") for line in (lines[0], lines[2]))
    assert head[4:6] == ["good", "hopeless"]
    assert row[:4] == ["block-access", "14", "20", "1875"]
    assert float(row[4]) < 60
    assert row[5:] == ["—", "15 / 50", "98", "14.4", "4.4"]
    assert "Solved: good 1 of 1, hopeless 0 of 1." in lines
    assert "| parity chain, bits | good | hopeless |" in lines


@pytest.mark.usefixtures("folder")
def test_not_found_and_declined() -> None:
    done = bench("--task circuit-shift --solver hopeless --solver picky --json")
    first, second = json.loads(done.stdout)["tasks"]
    assert done.exit_code == 3
    assert (first["solved"], first["checked"], first["right"]) == (False, "not found", 1)
    assert "circuit-shift, hopeless: not found, " in done.stderr
    assert " s: ran out of ideas" in done.stderr
    assert (second["solved"], second["checked"]) == (False, "not found")
    assert "it is Monday" in second["note"]
    assert "it is Monday" in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_program_that_is_right_on_the_examples_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terpret, "learn", knowing(condReg=(4, 1), thenBlock=(4, 4)))
    done = bench("--task block-access --json")
    (row,) = json.loads(done.stdout)["tasks"]
    assert done.exit_code == 3
    assert not row["solved"]
    assert row["checked"] == "wrong on 1500 of 1875"  # right where the element is 0
    text = bench("--task block-access").stdout
    assert "Right on the examples only: block-access by auto: wrong on 1500 of 1875." in text


@pytest.mark.usefixtures("folder")
def test_seeds_and_limits_reach_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(terpret, "learn", knowing(calls))
    done = bench("--task turing-invert --seed 7 --seeds 2 --timeout 9 --threads 3 --solver smt")
    assert done.exit_code == 0
    common = {"examples": 14, "solver": "smt", "timeout": 9.0, "threads": 3, "stop": "first"}
    assert calls == [{**common, "seed": 7}, {**common, "seed": 8}]
    assert "turing-invert, smt (stub), seed 8: proved for all 30 inputs" in done.stderr


@pytest.mark.usefixtures("folder")
def test_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(terpret, "learn", knowing(calls))
    assert bench("--quick").exit_code == 0
    assert len(calls) == len(terpret.QUICK_TASKS)
    assert {call["timeout"] for call in calls} == {20.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--task turing-inverse", "did you mean 'turing-invert'?"),
        ("--task xyz", "the tasks are turing-invert, "),
        ("--timeout 0", "0.0 is not in the range"),
        ("--seed -1", "-1 is not in the range"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_bad_input(arguments: str, message: str) -> None:
    done = bench(arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_an_unknown_solver_ends_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def learn(*_: Any, **__: Any) -> Any:
        raise NeuralcError("there is no solver 'x'")

    monkeypatch.setattr(terpret, "learn", learn)
    done = bench("--solver x")
    assert (done.exit_code, done.stderr) == (2, "there is no solver 'x'\n")
    assert not (folder / "runs").exists()


def test_an_interrupt_keeps_what_was_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = knowing()

    def learn(model: Model, data: Any, **options: Any) -> Any:
        if "numGates" in model.hypers:
            raise KeyboardInterrupt
        return known(model, data, **options)

    monkeypatch.setattr(terpret, "learn", learn)
    assert bench("--out there").exit_code == 130
    saved = json.loads((folder / "there/terpret.json").read_text())
    assert [row["task"] for row in saved["tasks"]] == list(TASKS)[:3]


def test_without_matplotlib(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = bench("--task parity-4 --json --out there")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["picture"] is None
    assert 'pip install "neuralc[demo]"' in done.stderr
    assert {path.name for path in (folder / "there").iterdir()} == {"terpret.json", "terpret.md"}


def test_the_gradient_solver_for_real(tmp_path: Path) -> None:
    done = bench(f"--task turing-invert --solver gradient --timeout 60 --out {tmp_path} --json")
    (row,) = json.loads(done.stdout)["tasks"]
    assert done.exit_code == 0, done.stderr
    assert (row["solved"], row["checked"]) == (True, "proved for all 30 inputs")
    assert row["winner"] == "gradient"
    assert "state 1, reads 0: write 1" in row["program"]
    assert 0 < row["seconds"] < 60


def test_the_figures_of_the_report_belong_to_the_tasks() -> None:
    assert REPORT.keys() == TASKS.keys()
    for name, task in TASKS.items():
        program = Model.load(task.machine, task.hypers).program
        assert round(log10_size(program)) == REPORT[name].digits
