"""Several programs for the same examples: all of them, each told apart, and a proof in the end."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from neuralc.backends.exact import Executor
from neuralc.cli import group
from neuralc.ir.examples import bind
from neuralc.learning.alternatives import alternatives
from neuralc.learning.model import Model
from neuralc.learning.run import learn
from neuralc.source import Source

pytest.importorskip("pysat")

TEXT = """
x = Input(4)
y = Input(4)
z = Output(4)
op = Param(5)
spare = Param(3)

@Runtime([4, 4], 4)
def ADD(a, b): return (a + b) % 4
@Runtime([4, 4], 4)
def SUB(a, b): return (a - b) % 4
@Runtime([4, 4], 4)
def MAX(a, b): return max(a, b)

if op == 0:
    z.set_to(ADD(x, y))
elif op == 1:
    z.set_to(SUB(x, y))
elif op == 2:
    z.set_to(MAX(x, y))
elif op == 3:
    z.set_to(ADD(x, ADD(y, y)))
else:
    if spare == 0:
        z.set_to(MAX(y, x))
    elif spare == 1:
        z.set_to(x)
    else:
        z.set_to(ADD(y, x))
"""


def behaviours(model: Model, data: list[dict[str, int]]) -> set[bytes]:
    """Return what all programs that fit the examples do on all inputs."""
    executor = Executor(model.program, jit=False)
    pairs = np.array(list(itertools.product(range(4), repeat=2)))
    choices = np.array(list(itertools.product(range(5), range(3))))
    params = {"op": choices[:, 0], "spare": choices[:, 1]}
    fits = executor.score(params, bind(model.program, data, where="data")).all(1)
    found = executor.run(params, {"x": pairs[:, 0], "y": pairs[:, 1]})["z"]
    return {row.tobytes() for row in found[fits]}


@pytest.mark.parametrize("data", [
    [{"x": 1, "y": 0, "z": 1}], [{"x": 1, "y": 0, "z": 1}, {"x": 1, "y": 2, "z": 3}],
    [{"x": 2, "y": 1, "z": 3}, {"x": 0, "y": 3, "z": 3}], [{"x": 3, "y": 2, "z": 3}],
])  # fmt: skip
def test_all_behaviours_are_found_and_told_apart(data: list[dict[str, int]]) -> None:
    model = Model.load(Source("ops", TEXT))
    wanted = behaviours(model, data)
    solution = learn(model, data, solver="sat")
    train = bind(model.program, data, where="data")
    found = alternatives(solution, train, 20)
    assert found.complete
    assert len(found.programs) == len(wanted)
    pairs = np.array(list(itertools.product(range(4), repeat=2)))
    shown = [one.solution({"x": pairs[:, 0], "y": pairs[:, 1]})["z"] for one in found.programs]
    assert {z.astype(np.int16).tobytes() for z in shown} == {
        np.frombuffer(z, np.int16).tobytes() for z in wanted
    }
    first, *others = found.programs
    for one in others:
        assert one.first["z"] != one.this["z"]
        assert first.solution(one.inputs)["z"] == one.first["z"]
        assert one.solution(one.inputs)["z"] == one.this["z"]
    assert [one.size for one in found.programs] == sorted(one.size for one in found.programs)


def test_no_more_than_asked_for() -> None:
    model = Model.load(Source("ops", TEXT))
    data = [{"x": 1, "y": 0, "z": 1}]
    train = bind(model.program, data, where="data")
    found = alternatives(learn(model, data, solver="sat"), train, 2)
    assert len(found.programs) == 2
    assert not found.complete


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ops.py").write_text(TEXT)
    instances = [{"x": 1, "y": 0, "z": 1}, {"x": 1, "y": 2, "z": 3}]
    Path("data.json").write_text(
        json.dumps([{"batch_name": "train", "hypers": "", "instances": instances}])
    )
    call = "learn ops.py --data data.json --solver sat --all 9"
    done = CliRunner().invoke(group, [*call.split(), "--json"])
    assert done.exit_code == 0, done.stderr
    data = json.loads(done.stdout)
    model = Model.load(Source("ops", TEXT))
    assert len(data["programs"]) == len(behaviours(model, instances)) > 1
    assert data["complete"] is True
    text = CliRunner().invoke(group, call.split()).stdout
    assert "program 2: 1 choices matter" in text or "program 2: 2 choices matter" in text
    assert "differs from program 1 on" in text
    assert "proved: every other program" in text
