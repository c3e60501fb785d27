"""`learn --solver`: the answer in both forms, exit codes, Ctrl-C, and what `--verbose` says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group
from neuralc.learning import portfolio
from tests.cli.test_learn import MODEL, instances

FAKES = "tests.learning.fakes"
LEARN = "learn model.py --hypers hypers.json --data data.json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    train = {"batch_name": "train", "hypers": "four", "instances": instances(0, 2)}
    test = {"batch_name": "test", "hypers": "four", "instances": instances(2, 4)}
    (tmp_path / "model.py").write_text(MODEL)
    put("data", [train, test])
    put("impossible", [{"hypers": "four", "instances": instances(0, 4, shift=1)}])
    twice = [{"x": 1, "y": 2, "z": 3}, {"x": 0, "y": 2, "z": 2}, {"x": 1, "y": 2, "z": 0}]
    put("twice", [{"hypers": "four", "instances": twice}])
    put("hypers", {"four": {"n": 4}})
    names = dict.fromkeys(portfolio.SOLVERS, f"{FAKES}.unwilling")
    names |= {"search": f"{FAKES}.brute", "smt": f"{FAKES}.missing", "cp": f"{FAKES}.silent"}
    monkeypatch.setattr(portfolio, "SOLVERS", names)
    monkeypatch.setattr(
        portfolio, "_order", lambda problem: (("smt", "cp", "search", "sat"), "a test")
    )
    return tmp_path


def put(name: str, content: Any) -> None:
    Path(f"{name}.json").write_text(json.dumps(content))


def neuralc(arguments: str) -> Result:
    return CliRunner().invoke(group, arguments.split())


def one_object(arguments: str, code: int) -> dict[str, Any]:
    done = neuralc(f"{arguments} --json")
    assert (done.exit_code, done.stdout.count("\n")) == (code, 1), done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_answer_as_json() -> None:
    found = one_object(f"{LEARN} --solver auto --threads 2 --timeout 60", 0)
    assert (found["solver"], found["status"], found["train_exact"]) == ("search", "found", True)
    assert (found["solved"], found["restarts"], found["test_accuracy"]) == (1, 1, 1.0)
    others = {row["solver"]: row for row in found["others"]}
    assert list(others["smt"]) == ["solver", "status", "right", "seconds", "note"]
    assert (others["smt"]["status"], others["smt"]["note"]) == ("skipped", "not installed")
    assert (others["cp"]["status"], others["cp"]["right"]) == ("unknown", 0)
    assert others["sat"]["note"] == "it is Sunday; it is late"
    assert one_object("show runs/model", 0) == found


def test_the_answer_for_people() -> None:
    done = neuralc(f"{LEARN} --solver auto --threads 2 --out here")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "examples right: 8 of 8" in lines
    assert "held-out examples right: 100.0%" in lines
    assert any(line.startswith("time: ") and line.endswith(" s (search)") for line in lines)
    table = lines[lines.index(next(line for line in lines if line.startswith("solver "))) :]
    assert [line.split()[:2] for line in table[1:5]] == [
        ["search", "found"], ["smt", "skipped"], ["cp", "unknown"], ["sat", "skipped"],
    ]  # fmt: skip
    assert "8 of 8" in table[1]
    assert table[2].endswith("not installed")
    assert lines[-1] == "saved in here"
    assert done.stderr == ""


def test_verbose_tells_what_was_chosen() -> None:
    said = neuralc(f"{LEARN} --solver auto --threads 2 --timeout 60 --verbose").stderr
    assert "auto: 10^0.5 programs, 8 examples: a test\n" in said
    assert "sat skipped: it is Sunday; it is late\n" in said
    assert "smt skipped: not installed\n" in said
    assert re.search(r"^search: started for up to \d\d s$", said, re.M)
    assert "search: 8 of 8 right, " in said


def test_one_solver() -> None:
    done = neuralc(f"{LEARN} --solver search")
    assert done.exit_code == 0
    assert "solver  status" not in done.stdout
    found = one_object(f"{LEARN} --solver cp --timeout 0.5", 3)
    assert (found["solver"], found["status"], found["solved"]) == ("cp", "unknown", 0)
    assert one_object("show runs/model", 0) == found, "the best so far is saved"


def test_the_timeout_of_gradients() -> None:
    learn = LEARN.replace("data.json", "impossible.json")
    found = one_object(f"{learn} --steps 1000000 --restarts 4 --timeout 0.5", 3)
    assert (found["solver"], found["status"], found["others"]) == ("gradient", "unknown", [])


@pytest.mark.parametrize("solver", ["search", "auto"])
def test_examples_that_no_program_fits(solver: str) -> None:
    learn = LEARN.replace("data.json", "impossible.json")
    found = one_object(f"{learn} --solver {solver} --threads 2", 3)
    assert found["status"] == "impossible"
    (k,) = found["instances"]
    assert f"no program of model is right on instance {k}:\n" in found["error"]
    done = neuralc(f"{learn} --solver {solver} --threads 2")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == found["error"] + "\n"


@pytest.mark.parametrize("solver", ["gradient", "cp", "auto"])
def test_equal_inputs_with_different_outputs(solver: str) -> None:
    learn = LEARN.replace("data.json", "twice.json")
    found = one_object(f"{learn} --solver {solver}", 3)
    assert (found["status"], found["instances"]) == ("impossible", [0, 2])
    assert '  instance 2: {"x": 1, "y": 2} -> {"z": 0}' in found["error"]
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--solver smt", 'pip install "neuralc[smt]"'),
        ("--solver sat", "cannot run this model: it is Sunday; it is late"),
        ("--solver magic", "'magic' is not one of"),
        ("--timeout 0", "--timeout"),
        ("--timeout inf", "timeout is a positive number of seconds, found inf"),
        ("--threads 0", "--threads"),
    ],
)
def test_what_is_refused(options: str, message: str) -> None:
    done = neuralc(f"{LEARN} {options}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.output
    assert "Traceback" not in done.output
    assert not Path("runs").exists()


# ---- Ctrl-C

COMMAND = """
import sys
from neuralc.cli import main
from neuralc.learning import portfolio
portfolio.SOLVERS |= {"search": "tests.learning.fakes.slow", "sat": "tests.learning.fakes.slow"}
portfolio.SOLVERS |= {name: "tests.learning.fakes.unwilling" for name in ("smt", "cp")}
sys.argv = ["neuralc", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends the signal of Ctrl-C")
@pytest.mark.parametrize("solver", ["search", "auto"])
def test_ctrl_c(solver: str, folder: Path) -> None:
    """The signal goes to all processes that the terminal knows, as that of a keyboard does."""
    numbers = folder / "numbers"
    numbers.mkdir()
    arguments = f"{LEARN} --solver {solver} --threads 2 --json --verbose".split()
    said = folder / "said"
    count = 2 if solver == "auto" else 1
    with said.open("w") as errors, subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=errors,
        env={
            **os.environ, "NUMBERS": str(numbers),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
    ) as process:  # fmt: skip
        try:
            for _ in range(1200):
                told = len(list(numbers.iterdir())) == count and " of 8 right" in said.read_text()
                if told or process.poll() is not None:
                    break
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            stdout, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.read_text().splitlines()[-1] == "interrupted"
    assert "Traceback" not in said.read_text()
    found = json.loads(stdout)
    assert (found["status"], found["solved"]) == ("unknown", 0)
    assert found["program"]
    assert one_object("show runs/model", 0) == found
    assert len(list(numbers.iterdir())) == count
    for path in numbers.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)
