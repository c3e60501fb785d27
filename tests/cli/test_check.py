"""`neuralc check`: what a model declares, or all that is wrong with it."""

from __future__ import annotations

import json
from math import log10
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from neuralc.cli import group

MODEL = """\
n = Hyper()
choice = Param(3)[n, 2]
other = Param(5)
x = Input(3)
y = Output(3)

@Runtime([3, 3], 3)
def ADD(a, b): return (a + b) % 3

choice[0, 0].set_to_constant(1)
with other as i:
    if i == 0:
        y.set_to(ADD(x, choice[0, 1]))
    else:
        y.set_to(x)
"""


def check(folder: Path, model: str, hypers: Any = None, *options: str) -> Result:
    (folder / "m.py").write_text(model)
    arguments = ["check", str(folder / "m.py")]
    if hypers is not None:
        (folder / "h.json").write_text(json.dumps(hypers))
        arguments += ["--hypers", str(folder / "h.json")]
    return CliRunner().invoke(group, [*arguments, *options])


def test_ok(tmp_path: Path) -> None:
    done = check(tmp_path, MODEL, {"small": {"n": 2}})
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == ["programs: 10^2.1 (4 open choices)", "ok"]
    for line in ("param    choice  3[2, 2]", "output   y       3", "function ADD     (3, 3) -> 3"):
        assert f"  {line}\n" in done.stdout


def test_ok_as_json(tmp_path: Path) -> None:
    done = check(
        tmp_path, MODEL, {"small": {"n": 2}, "large": {"n": 4}}, "--set", "large", "--json"
    )
    found = json.loads(done.stdout)
    assert (found["ok"], found["errors"]) == (True, [])
    assert found["log10_programs"] == pytest.approx(7 * log10(3) + log10(5))
    assert found["hypers"] == {"n": 4}
    assert [row["name"] for row in found["declarations"]] == ["choice", "other", "x", "y", "ADD"]
    assert found["declarations"][0] == {
        "kind": "param", "name": "choice", "type": "3[4, 2]", "shape": [4, 2],
    }  # fmt: skip


BROKEN = MODEL.replace("set_to(x)", "set_to(z)").replace("ADD(x,", "AD(x,")


def test_all_errors_at_once(tmp_path: Path) -> None:
    done = check(tmp_path, BROKEN, {"small": {"n": 2}})
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{tmp_path}/m.py:13:" in done.stderr
    assert f"{tmp_path}/m.py:15:" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_errors_as_json(tmp_path: Path) -> None:
    done = check(tmp_path, BROKEN, {"small": {"n": 2}}, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["ok"], found["log10_programs"]) == (2, False, None)
    assert [(e["line"], e["text"]) for e in found["errors"]] == [(13, "AD"), (15, "z")]
    assert all(e["hint"] and e["message"] and e["code"] for e in found["errors"])


@pytest.mark.parametrize(
    ("hypers", "options", "message"),
    [
        (None, [], "n"),
        ({"small": {"m": 2}}, [], "m"),
        ({"a": {"n": 2}, "b": {"n": 3}}, [], "'a', 'b'"),
        ({"a": {"n": 2}}, ["--set", "b"], "'a'"),
        ({"a": {"n": "x"}}, [], "an integer"),
    ],
)
def test_wrong_hypers(tmp_path: Path, hypers: Any, options: list[str], message: str) -> None:
    done = check(tmp_path, MODEL, hypers, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    found = check(tmp_path, MODEL, hypers, *options, "--json")
    assert json.loads(found.stdout)["errors"][0]["message"]
    assert found.exit_code == 2


def test_a_missing_model(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["check", str(tmp_path / "no.py")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no file" in done.stderr
