"""From `learn` to a saved solution and back: the keys of `--json`, Ctrl-C, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import neuralc
from neuralc.cli import group
from neuralc.learning.train import Trainer
from tests.cli.test_learn import MODEL, instances

LEARN = "learn model.py --hypers hypers.json --data data.json --restarts 6 --steps 60"
KEYS = {"solved", "restarts", "train_exact", "test_accuracy", "seconds", "solver", "program", "out"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a model, data that it can and cannot explain, and new data."""
    monkeypatch.chdir(tmp_path)
    train = {"batch_name": "train", "hypers": "four", "instances": instances(0, 2)}
    test = {"batch_name": "test", "hypers": "four", "instances": instances(2, 4)}
    (tmp_path / "model.py").write_text(MODEL)
    put("data", [train, test])
    put("alone", [train])
    put("impossible", [{"hypers": "four", "instances": instances(0, 4, shift=1)}])
    put("new", [{"batch_name": "new", "instances": [{"x": 3, "y": 1}, {"x": 0, "y": 3}]}])
    put("hypers", {"four": {"n": 4}})
    return tmp_path


def put(name: str, content: Any) -> None:
    Path(f"{name}.json").write_text(json.dumps(content))


def neuralc_(arguments: str) -> Result:
    return CliRunner().invoke(group, arguments.split())


def one_object(arguments: str, code: int = 0) -> dict[str, Any]:
    """Run a command with `--json`: stdout is one object on one line, and nothing else."""
    done = neuralc_(f"{arguments} --json")
    assert done.exit_code == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.endswith("}\n")
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


# ---- what every command says as JSON


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("data", "code", "solved", "accuracy"),
    [("data", 0, True, 1.0), ("alone", 0, True, None), ("impossible", 3, False, None)],
)
def test_learn_and_show(data: str, code: int, solved: bool, accuracy: float | None) -> None:
    found = one_object(LEARN.replace("data.json", f"{data}.json"), code)
    assert found.keys() >= KEYS
    assert isinstance(found["solved"], int)
    assert (found["solved"] > 0, found["train_exact"]) == (solved, solved)
    assert (found["restarts"], found["test_accuracy"]) == (6, accuracy)
    assert found["seconds"] > 0
    assert found["solver"] == "gradient"
    assert found["out"] == "runs/model"
    assert neuralc.load_solution("runs/model").program == found["program"]
    assert one_object("show runs/model") == found


@pytest.mark.usefixtures("folder")
def test_run_and_compile() -> None:
    assert neuralc_(f"{LEARN} --out here").exit_code == 0
    ran = one_object("run here --data new.json")
    assert ran.keys() >= {"test_accuracy", "seconds", "batches"}
    assert ran["test_accuracy"] is None, "nothing in the data says what is right"
    assert [batch["outputs"] for batch in ran["batches"]] == [{"z": [2, 1]}]
    assert one_object("run here --data data.json")["test_accuracy"] == 1.0

    source = one_object("compile model.py --hypers hypers.json")
    assert source["out"] is None
    assert (
        source["source"].strip() == neuralc_("compile model.py --hypers hypers.json").stdout.strip()
    )
    written = one_object("compile model.py --hypers hypers.json --out emitted.py")
    assert (written["out"], Path("emitted.py").read_text()) == ("emitted.py", source["source"])


@pytest.mark.usefixtures("folder")
def test_what_is_written() -> None:
    assert neuralc_(f"{LEARN} --out here").exit_code == 0
    assert {"solution.json", "program.txt", "history.json"} <= {
        p.name for p in Path("here").iterdir()
    }
    history = json.loads(Path("here/history.json").read_text())
    assert history[-1]["solved"] > 0
    assert not list(Path("here").glob("checkpoint*"))


# ---- Ctrl-C

STALLED = """
import sys, time
from pathlib import Path
from neuralc.cli import main
from neuralc.learning import gradient

def stalled(self):
    Path("begun").touch()
    time.sleep(600)

gradient.GradientRun.remark = stalled  # the first report of progress never comes to its end
sys.argv = ["neuralc", *sys.argv[1:]]
main()
"""


def interrupted(arguments: str) -> tuple[int, str, str]:
    """Run a command in a process of its own that gets Ctrl-C at its first progress."""
    command = [sys.executable, "-c", STALLED, *arguments.split()]
    package = str(Path(neuralc.__file__).parents[1])  # also where it is not installed
    environment = {**os.environ, "PYTHONPATH": package}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            for _ in range(1200):
                if Path("begun").exists() or process.poll() is not None:
                    break
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert Path("begun").exists(), stderr
    return process.returncode, stdout, stderr


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
def test_ctrl_c_and_the_same_command_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learn = LEARN.replace("data.json", "impossible.json")
    code, stdout, stderr = interrupted(f"{learn} --json")
    assert (code, stderr) == (130, "interrupted\n")
    assert json.loads(stdout) == {"error": "interrupted"}
    saved = json.loads(Path("runs/model/checkpoint.json").read_text())
    assert saved["trainer"]["step"] == 10
    assert not Path("runs/model/solution.json").exists()

    steps = iter(range(1000))
    step = Trainer.step

    def counted(self: Trainer) -> None:
        next(steps)
        step(self)

    monkeypatch.setattr(Trainer, "step", counted)
    resumed = one_object(learn, code=3)
    assert next(steps) == 50, "it goes on where it was"
    whole = one_object(f"{learn} --out whole", code=3)
    assert next(steps) == 50 + 1 + 60
    for found in (resumed, whole):
        del found["seconds"], found["out"]
    assert resumed == whole
    assert Path("runs/model/history.json").read_text() == Path("whole/history.json").read_text()
    assert sorted(p.name for p in Path("runs/model").iterdir()) == sorted(
        p.name for p in Path("whole").iterdir()
    )


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
@pytest.mark.usefixtures("folder")
def test_ctrl_c_keeps_the_solution_that_was_there() -> None:
    before = one_object(LEARN)
    code, stdout, stderr = interrupted(f"{LEARN} --seed 1")
    assert (code, stdout, stderr) == (130, "", "interrupted\n")
    assert one_object("show runs/model") == before


# ---- what goes wrong


def cut(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def newer(path: Path) -> None:
    path.write_text(path.read_text().replace('"version": 1', '"version": 99'))


def hypers(content: Any) -> Callable[[], None]:
    return lambda: put("hypers", content)


def data(*rows: Any) -> Callable[[], None]:
    return lambda: put("data", [{"hypers": "four", "instances": list(rows)}])


GOOD = {"x": 0, "y": 0, "z": 0}
WRONG: dict[str, tuple[Callable[[], None], str]] = {
    "unknown hyper": (hypers({"four": {"n": 4, "mm": 2}}), "mm"),
    "missing hyper": (hypers({"four": {}}), "needs a value for the hyper-parameter `n`"),
    "hyper that is a word": (hypers({"four": {"n": "4"}}), "an integer is needed"),
    "no such set of hypers": (hypers({"five": {"n": 5}}), "'five'"),
    "data too deep": (data(GOOD, {**GOOD, "y": [0, 1]}), "instance 1: y: found shape (2,)"),
    "data out of range": (
        data(GOOD, GOOD, {**GOOD, "x": 4}),
        "instance 2: x: found 4, wanted 0..3",
    ),
    "data of a fraction": (data({**GOOD, "x": 0.5}), "instance 0: x: found 0.5, wanted an integer"),
    "data without an input": (data({"x": 0, "z": 0}), "instance 0: input 'y' is missing"),
    "data with a typing slip": (data({**GOOD, "zz": 0}), "did you mean 'z'?"),
    "data that are a number": (data(7), "instance 0"),
    "no data": (data(), "there is no training example"),
    "a huge number": (data({**GOOD, "x": 10**30}), "instance 0: x: found 1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_learn_refuses(name: str, folder: Path) -> None:
    change, message = WRONG[name]
    change()
    refused(LEARN, message)
    assert not (folder / "runs").exists()


def refused(command: str, message: str) -> None:
    """See that the message is there in both forms: once on stderr, once as the object."""
    done = neuralc_(command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count(message) == 1
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert message in one_object(command, code=2)["error"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("solution.json", cut, "solution.json is damaged"),
        ("solution.json", newer, "newer neuralc"),
        ("solution.json", Path.unlink, "there is no file"),
        ("solution-*.safetensors", cut, "is damaged"),
        ("solution-*.safetensors", Path.unlink, "there is no file"),
    ],
)
def test_a_damaged_solution(file: str, damage: Callable[[Path], None], message: str) -> None:
    assert neuralc_(f"{LEARN} --out here").exit_code == 0
    (path,) = Path("here").glob(file)
    damage(path)
    for command in ("show here", "run here --data new.json"):
        refused(command, message)


@pytest.mark.usefixtures("folder")
def test_a_damaged_checkpoint() -> None:
    before = one_object(LEARN)
    Path("runs/model/checkpoint.json").write_text('{"version": 1, "trainer":')
    refused(LEARN, "checkpoint.json is damaged")
    assert one_object("show runs/model") == before
    Path("runs/model/checkpoint.json").unlink()
    again = one_object(LEARN)
    assert again["program"] == before["program"]


@pytest.mark.usefixtures("folder")
def test_inputs_for_another_model() -> None:
    assert neuralc_(f"{LEARN} --out here").exit_code == 0
    put("new", [{"batch_name": "new", "instances": [{"x": 3, "y": 4}]}])
    refused("run here --data new.json", "instance 0: y: found 4, wanted 0..3")
    put("new", [{"batch_name": "new", "instances": [{"x": 3}]}])
    refused("run here --data new.json", "input 'y' is missing")


@pytest.mark.usefixtures("folder")
def test_a_folder_that_cannot_be_written() -> None:
    Path("taken").write_text("a file")
    refused(f"{LEARN} --out taken", "taken")
    assert Path("taken").read_text() == "a file"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--rate 0", "rate must be positive, found 0"),
        ("--rate nan", "rate must be finite and at most 1e+30, found nan"),
        ("--seed -1", "seed must not be negative, found -1"),
        ("--seed 9223372036854775808", "seed must be below 2 ** 63"),
        ("--restarts 1000000000000", "there is not enough memory for this"),
        ("--device nowhere", "cannot compute on 'nowhere'"),
    ],
)
def test_settings_that_cannot_mean_anything(option: str, message: str) -> None:
    refused(f"{LEARN} {option}", message)
