"""`neuralc verify`: the verdict in words and as JSON, and the exit codes 0, 1, 3 and 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group
from tests.inspect.programs import WIDE, model, of, solution
from tests.machines.solved import INVERT, SWAP

REFERENCE = """\
def helper(a, b):
    return [b, a]

def swap(initial_wires):
    a, b, c = initial_wires
    return {"final_wires": helper(a, b)}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    of(SWAP).save("right")
    of(SWAP, out=[0, 1, 1]).save("wrong")
    of(INVERT).save("invert")
    solution(model(WIDE), {"p": 0}).save("wide")
    (tmp_path / "swap.py").write_text(REFERENCE)
    (tmp_path / "slow.py").write_text(
        "def slow(x):\n    left = sum(x)\n    while left > 0:\n        left -= 1\n"
        "    return list(reversed(x))\n"
    )
    (tmp_path / "broken.py").write_text(REFERENCE.replace("a, b, c =", "a, b ="))
    (tmp_path / "unknown.py").write_text(REFERENCE.replace("b, a]", "b, d]"))
    return tmp_path


def verify(arguments: str, *more: str) -> Result:
    return CliRunner().invoke(group, ["verify", *arguments.split(), *more])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("right --against swap.py", 0, "proved for all 8 inputs\n"),
        ("right --against swap.py:swap", 0, "proved for all 8 inputs\n"),
        ("right --against right", 0, "proved for all 8 inputs\n"),
        ("right --against wrong", 1, ("refuted by initial_wires = [0, 1, 0]\n"
         "  found:  final_wires = [1, 0]\n  wanted: final_wires = [1, 1]\n")),
        ("wide --property y[0]==x[8] --samples 7", 0,
         "proved for all 1000000000 inputs\n  by SMT\n"),
        ("wide --against slow.py --samples 7", 3, "not decided: tested 7 of 1000000000\n"),
        ("wide --property y[0]==x[0] --samples 7", 1, "refuted by x = "),
        ("right --property 1 --where initial_wires[0]==1", 0, "proved for all 4 inputs\n"),
    ],
)  # fmt: skip
def test_verdicts(arguments: str, code: int, text: str) -> None:
    done = verify(arguments)
    assert (done.exit_code, done.stderr) == (code, "")
    assert done.stdout.startswith(text)


def one_object(arguments: str) -> dict[str, Any]:
    done = verify(arguments, "--json")
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("seconds", 1) > 0
    return found


@pytest.mark.usefixtures("folder")
def test_json() -> None:
    assert one_object("right --against swap.py") == {
        "verdict": "proved", "inputs": 8, "tested": 8, "counterexample": None, "counted": True,
        "how": "exhaustive", "note": "",
    }  # fmt: skip
    refuted = one_object("wrong --against swap.py")
    assert (refuted["verdict"], refuted["inputs"], refuted["tested"]) == ("refuted", 8, 3)
    assert refuted["counterexample"] == {
        "inputs": {"initial_wires": [0, 1, 0]},
        "found": {"final_wires": [1, 1]},
        "wanted": {"final_wires": [1, 0]},
    }
    undecided = one_object("wide --against slow.py --samples 7")
    assert (undecided["verdict"], undecided["tested"]) == ("undecided", 7)
    violated = one_object("wrong --property final_wires[0]==initial_wires[1]==0")
    assert violated["counterexample"]["wanted"] is None
    assert "E301" in one_object("right --against unknown.py")["error"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nowhere --against swap.py", "there is no file nowhere"),
        ("right --against nowhere.py", "there is no file nowhere.py"),
        ("right --against swap.py:swop", "there is no function `swop` in this file"),
        ("right", "give one of --against and --property"),
        ("right --against swap.py --property 1", "give one of --against and --property"),
        ("right --against invert", "have different inputs"),
        ("right --against unknown.py", "unknown.py:2:16"),
        ("right --against broken.py", "broken.py:5:5"),
        ("right --property final_wires[0", "property:1:12"),
        ("right --property final_wires[5]", "the index 5 is out of range"),
        ("right --property 1 --where final_wires[0]", "nothing is called `final_wires`"),
        ("right --property 1 --samples -1", "is not in the range"),
        ("right --property 1 --timeout 0", "is not in the range"),
    ],
)
def test_bad_input(arguments: str, message: str) -> None:
    done = verify(arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
