"""Programs from a file to weights and back: compile, run, disasm, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from neuralc.cli import group
from neuralc.nn import folder as saved
from neuralc.nn.machine import RegisterMachine
from tests.nn.programs import randomise

LIST = "3 1 2 5 2 7 1 9 13"  # its first element is 2
DOUBLE = """\
# Doubles cell 0 and stops, unless it is 0: then it goes round for ever.
var cell = 0
var value = ?
var again = @loop
var junk = 0
loop: value = READ cell
      junk = JEZ value again
      value = ADD value value
      junk = WRITE cell value
      junk = STOP
"""
FUNCTION = """\
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def square(n):
    total = 0
    for _ in range(n):
        total = total + n
    return total
"""
SAMPLES = {
    "memory": 10,
    "samples": [
        {"in": [3, 7], "out": [6, 7]},
        {"in": [4, None, 1], "out": [8, None, 2]},
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "double.asm").write_text(DOUBLE)
    (tmp_path / "functions.py").write_text(FUNCTION)
    (tmp_path / "samples.json").write_text(json.dumps(SAMPLES))
    (tmp_path / "model.py").write_text("x = Input(2)\ny = Output(2)\ny.set_to(x)\n")
    return tmp_path


def neuralc_(*arguments: str) -> Result:
    words = [word for text in arguments[:1] for word in text.split()]
    done = CliRunner().invoke(group, [*words, *arguments[1:]])
    assert "Traceback" not in done.stderr
    return done


def fine(*arguments: str) -> str:
    done = neuralc_(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def one_object(*arguments: str, code: int = 0) -> dict[str, Any]:
    done = neuralc_(*arguments, "--json")
    assert (done.exit_code, done.stdout.count("\n")) == (code, 1), done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def refused(message: str, *arguments: str) -> None:
    done = neuralc_(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


# ---- there and back


@pytest.mark.usefixtures("folder")
def test_compile_run_and_read() -> None:
    written = fine("compile listk --memory 20 --out runs/listk")
    assert "listk: 10 lines, 7 registers, a memory of 20 cells\nwritten to runs/listk\n" in written
    assert fine("run runs/listk --memory", LIST) == (
        f"memory      {LIST}{' 0' * 11}\n"
        "steps       9\niterations  10\nsoftly      the same, confidence 1.000\n"
    )
    listing = fine("disasm runs/listk")
    assert listing.startswith("# type 1: every choice that matters is certain; confidence 1.000\n")
    assert "2: loop: r0 = READ  r0     # node = READ node\n" in listing

    Path("again.asm").write_text(listing)
    fine("compile again.asm --memory 20 --out runs/again")
    one, other = (saved.load(f"runs/{name}").machine.weights() for name in ("listk", "again"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.usefixtures("folder")
def test_the_same_as_json() -> None:
    written = one_object("compile double.asm --memory 10 --out here --registers 6 --max-steps 50")
    assert written == {
        "out": "here", "lines": 5, "registers": 6, "memory": 10, "max_steps": 50,
        "sharpness": 1000.0,
    }  # fmt: skip
    ran = one_object("run here --memory 3,0,7")
    assert (ran["memory"], ran["steps"], ran["iterations"]) == ([6, 0, 7] + [0] * 7, 5, 6)
    assert (ran["halted"], ran["trap"]) == (True, None)
    assert ran["soft"] == {
        "memory": ran["memory"], "steps": 5, "stopped": 1.0, "confidence": 1.0, "same": True,
    }  # fmt: skip
    read = one_object("disasm here")
    assert (read["type"], read["confidence"], read["doubts"]) == (1, 1.0, [])
    assert "var r5 = ?\n" in read["program"]
    assert (read["memory"], read["registers"]) == (10, 6)


@pytest.mark.usefixtures("folder")
def test_soft_weights() -> None:
    fine("compile swap --memory 10 --sharpness 3 --out soft")
    ran = one_object("run soft --memory", "0 2 1 1 6")
    assert ran["memory"][2:5] == [6, 1, 1], "the most probable program is right"
    assert not ran["soft"]["same"]
    assert 0 < ran["soft"]["confidence"] < 0.9
    assert "softly      another memory: 0 2" in fine("run soft --memory", "0 2 1 1 6")
    read = one_object("disasm soft")
    assert read["type"] == 3
    assert read["doubts"][0] == {
        "place": "first line", "values": {"0": pytest.approx(0.69, abs=0.01)}
    }  # fmt: skip
    assert "READ 0.67" in fine("disasm soft")


@pytest.mark.usefixtures("folder")
def test_any_value() -> None:
    fine("compile double.asm --memory 10 --out here")
    ran = one_object("run here --memory", "3 ? 1")
    assert ran["memory"][:3] == [6, 0, 1]
    assert (ran["soft"]["same"], ran["soft"]["confidence"]) == (True, 1.0)
    ran = one_object("run here --memory ? --max-steps 9", code=3)
    assert not ran["soft"]["same"] or ran["soft"]["confidence"] < 1


@pytest.mark.usefixtures("folder")
def test_samples() -> None:
    fine("compile double.asm --memory 10 --out here")
    done = fine("run here --data samples.json")
    assert done == (
        "2 samples, 1 right; softly 1 right, confidence 1.000\n"
        "steps 5.00, iterations 6.00 (mean)\n"
        "  0: 6 7 0 0 0 0 0 0 0 0  right, 5 steps\n"
        "  1: 8 0 1 0 0 0 0 0 0 0  wrong, 5 steps\n"
    )
    assert fine("run here --memory @samples.json") == done
    found = one_object("run here --data samples.json")
    assert (found["right"], found["iterations"], len(found["runs"])) == (1, 6.0, 2)
    assert [run["right"] for run in found["runs"]] == [True, False]


@pytest.mark.usefixtures("folder")
def test_python_functions() -> None:
    written = fine("compile functions.py --entry fib --memory 64 --out fib")
    assert "function fib: arguments in the first cells (1), then its result in cell 0" in written
    assert one_object("run fib --memory 7")["memory"][0] == 13
    fine("compile functions.py --entry square --memory 64 --out square")
    assert one_object("run square --memory 7")["memory"][0] == 49


@pytest.mark.usefixtures("folder")
def test_a_stack_that_is_full() -> None:
    fine("compile functions.py --entry fib --memory 64 --stack 8 --out fib")
    assert one_object("run fib --memory 3")["memory"][0] == 2
    done = neuralc_("run fib --memory 12")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "stack overflow: line 4: fib(n - 1)\n" in done.stderr
    assert "hint: compile it with a larger --memory, or --stack" in done.stderr
    line = int(done.stderr.partition("in line ")[2].split()[0])
    assert f"{line}:" in fine("disasm fib")
    found = one_object("run fib --memory 12", code=2)
    assert found["error"] == found["trap"]


@pytest.mark.usefixtures("folder")
def test_a_run_that_does_not_stop() -> None:
    fine("compile double.asm --memory 10 --out here --max-steps 30")
    done = neuralc_("run here --memory 0")
    assert done.exit_code == 3
    assert done.stderr == (
        "it did not stop within 30 instructions\n"
        "  hint: give --max-steps 300; if that is not enough, it may never stop on this memory\n"
    )
    assert "so far      0 0" in done.stdout
    assert "steps       30\n" in done.stdout
    assert "not stopped (chance 0.000)" in done.stdout
    assert not one_object("run here --memory 0 --max-steps 4", code=3)["halted"]
    assert one_object("run here --memory 2 --max-steps 5")["halted"]
    endless = {"memory": 10, "samples": [{"in": [1], "out": [2]}, {"in": [0], "out": [0]}]}
    Path("endless.json").write_text(json.dumps(endless))
    done = neuralc_("run here --data endless.json")
    assert done.exit_code == 3
    assert "sample 1: it did not stop within 30" in done.stderr
    assert "1: 0 0 0 0 0 0 0 0 0 0  no end, 30 steps" in done.stdout


@pytest.mark.usefixtures("folder")
def test_several_programs_in_a_folder() -> None:
    saved.save(randomise(RegisterMachine(5, 2, restarts=3), 1), "several")
    found = [one_object(f"disasm several --restart {k}")["program"] for k in range(3)]
    assert len(set(found)) == 3
    refused("there is no restart 3, several holds 3 (from 0 on)", "disasm several --restart 3")


# ---- what goes wrong


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("compile double.asm --memory 10", "--out is missing"),
        ("compile double.asm --memory 4 --out a", "use a memory of at least 5 cells"),
        ("compile double.asm --memory 1 --out a", "1 is not in the range"),
        ("compile double.asm --memory 10 --registers 3 --out a", "this program needs 4"),
        ("compile double.asm --memory 10 --sharpness 0 --out a", "0.0 is not in the range"),
        ("compile double.asm --memory 10 --sharpness nan --out a", "--sharpness nan"),
        ("compile double.asm --memory 10 --entry fib --out a", "--entry is for programs in Python"),
        ("compile double.asm --memory 10 --stack 3 --out a", "--stack is for programs in Python"),
        ("compile double.asm --memory 10 --emit torch --out a", "which takes no --emit"),
        ("compile double.asm --memory 10 --hypers h.json --out a", "which takes no --hypers"),
        ("compile double.asm --memory 10 --data d.json --out a", "which takes no --data"),
        ("compile double.asm", "double.asm is a program, not a model"),
        ("compile listk", "listk is a program, not a model"),
        ("compile model.py --sharpness 3", "which takes no --sharpness"),
        ("compile model.py --stack 3", "which takes no --stack"),
        ("compile model.py --max-steps 3", "which takes no --max-steps"),
        ("compile none.asm --memory 10 --out a", "there is no file none.asm"),
        ("compile lisst --memory 10 --out a", "there is no file and no program 'lisst'"),
        ("compile none.py --memory 10 --out a", "there is no file none.py"),
        ("compile functions.py --memory 64 --entry f --out a", "there is no function `f`"),
        ("compile functions.py --memory 64 --entry fib --stack 2 --out a", "E522"),
        ("compile functions.py --memory 9 --entry fib --out a", "E521"),
        ("compile model.py --memory 10 --out a", "model.py:1"),
        ("compile double.asm --memory 10 --out samples.json", "cannot write samples.json"),
        ("run here", "a compiled program needs a memory, or samples"),
        ("run here --memory 1 --data samples.json", "a compiled program needs a memory, or"),
        ("run here --memory 1,x", "--memory, cell 1: found 'x', wanted a number from 0 to 9"),
        ("run here --memory 1,-1", "cell 1: found '-1'"),
        ("run here --memory 10", "cell 0: found '10'"),
        ("run here --memory ²", "cell 0: found '²'"),
        (f"run here --memory {'9' * 5000}", "cell 0: found '99999999999999999999'"),
        (f"run here --memory {'1,' * 11}", "--memory has 11 cells, this program has 10"),
        ("run here --memory @none.json", "there is no file none.json"),
        ("run here --data model.py", "model.py:1:1: this is not JSON"),
        ("run here --data wide.json", "the samples have 11 cells, this program has 10"),
        ("run here --memory 1 --max-steps 0", "0 is not in the range"),
        ("run solution --memory 1", "solution holds no compiled program, --memory is for one"),
        ("run solution --max-steps 3", "--max-steps is for one"),
        ("run both --memory 1", "both holds a learned program and a compiled one"),
        ("run damaged --memory 1", "is damaged"),
        ("disasm damaged", "is damaged"),
        ("disasm none", "there is no file none/machine.json"),
        ("disasm here --certain 2", "2.0 is not in the range"),
        ("compile double.asm --memory 10 --out solution", "solution holds a learned solution"),
    ],
)
def test_refused(folder: Path, command: str, message: str) -> None:
    machine = RegisterMachine(10, 2)
    for name in ("here", "damaged", "both"):
        saved.save(machine, folder / name)
    for name in ("both", "solution"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "solution.json").write_text("{}")
    path = folder / "damaged" / "machine.json"
    path.write_text(path.read_text()[:-30])
    wide = {"memory": 11, "samples": [{"in": [1], "out": [1]}]}
    (folder / "wide.json").write_text(json.dumps(wide))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    refused(message, command)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
