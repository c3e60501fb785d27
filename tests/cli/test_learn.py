"""`learn`, `show`, `run` and `compile` on a small model, from the files to the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group

MODEL = """\
n = Hyper()
op = Param(3)
x = Input(n)
y = Input(n)
z = Output(n)

@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
@Runtime([n, n], n)
def SUB(a, b): return (a - b) % n
@Runtime([n, n], n)
def MAX(a, b): return max(a, b)

if op == 0:
    z.set_to(ADD(x, y))
elif op == 1:
    z.set_to(SUB(x, y))
else:
    z.set_to(MAX(x, y))
"""


def instances(first: int, last: int, shift: int = 0) -> list[dict[str, int]]:
    pairs = [(x, y) for x in range(first, last) for y in range(4)]
    return [{"x": x, "y": y, "z": (x - y + shift * (x == y)) % 4} for x, y in pairs]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    batches = [
        {"batch_name": "test", "hypers": "four", "instances": instances(2, 4)},
        {"batch_name": "train", "hypers": "four", "instances": instances(0, 2)},
        {"batch_name": "larger", "hypers": "five", "instances": []},
    ]
    impossible = [{"instances": instances(0, 4, shift=1), "hypers": "four"}]
    new = [{"batch_name": "new", "instances": [{"x": 3, "y": 1}, {"x": 0, "y": 3, "z": 0}]}]
    hypers = {"five": {"n": 5}, "four": {"n": 4}}
    (tmp_path / "model.py").write_text(MODEL)
    contents = {"data": batches, "impossible": impossible, "new": new, "hypers": hypers}
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def neuralc(arguments: str) -> Result:
    return CliRunner().invoke(group, arguments.split())


def learned(data: str = "data", options: str = "") -> Result:
    return neuralc(
        f"learn model.py --hypers hypers.json --data {data}.json --restarts 8 --steps 60 {options}"
    )


@pytest.mark.usefixtures("folder")
def test_learn_show_run() -> None:
    done = learned(options="--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == 0, done.stderr
    assert "batch 'larger' is left out" in done.stderr
    assert 0 < found["solved"] <= found["restarts"] == 8
    assert (found["train_exact"], found["test_accuracy"]) == (True, 1.0)
    assert (found["out"], found["seconds"] > 0) == ("runs/model", True)

    shown = neuralc("show runs/model")
    assert (shown.exit_code, shown.stdout.strip()) == (0, found["program"].strip())
    again = json.loads(neuralc("show runs/model --json").stdout)
    assert again == found

    ran = json.loads(neuralc("run runs/model --data new.json --json").stdout)
    assert ran["batches"] == [
        {"batch": "new", "examples": 2, "observed": 1, "right": 0, "outputs": {"z": [2, 1]}}
    ]
    assert ran["test_accuracy"] == 0
    text = neuralc("run runs/model --data new.json").stdout
    assert text.splitlines() == [
        "batch 'new': 2 examples, 0 of 1 right", '  0: {"z": 2}', '  1: {"z": 1}',
    ]  # fmt: skip


@pytest.mark.usefixtures("folder")
def test_the_answer_for_people() -> None:
    done = learned(options="--out here")
    assert done.exit_code == 0
    assert "exact restarts: " in done.stdout
    assert "held-out examples right: 100.0%" in done.stdout
    assert done.stdout.endswith("saved in here\n")


@pytest.mark.usefixtures("folder")
def test_exit_code_3_where_no_program_is_exact() -> None:
    done = learned("impossible", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["solved"], found["train_exact"]) == (3, 0, False)
    assert found["program"]


@pytest.mark.usefixtures("folder")
def test_bad_data_and_damaged_solutions(folder: Path) -> None:
    (folder / "wide.json").write_text(
        '[{"instances": [{"x": 7, "y": 0, "z": 0}], "hypers": "four"}]'
    )
    wide = learned("wide")
    assert (wide.exit_code, wide.stdout) == (2, "")
    assert "instance 0" in wide.stderr
    assert not (folder / "runs").exists()

    assert learned(options="--out saved").exit_code == 0
    for file in (folder / "saved").glob("solution*"):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        for command in ("show saved", "run saved --data new.json"):
            done = neuralc(command)
            assert (done.exit_code, done.stdout) == (2, ""), file
            assert done.stderr
        file.write_bytes(whole)
    missing = neuralc("show nothing")
    assert (missing.exit_code, missing.stdout) == (2, "")


@pytest.mark.usefixtures("folder")
def test_compile() -> None:
    printed = neuralc("compile model.py --hypers hypers.json --set four")
    assert printed.exit_code == 0
    compile(printed.stdout, "emitted", "exec")  # it is Python; it is not run here
    written = neuralc("compile model.py --hypers hypers.json --set four --out emitted.py")
    assert written.stdout == "written to emitted.py\n"
    assert Path("emitted.py").read_text().strip() == printed.stdout.strip()
