"""Compiled programs on disk: what is written comes back, and damage is told, never a traceback."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from neuralc import saved
from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.ir.assembly import Assembly
from neuralc.lang import asm
from neuralc.nn import folder
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.weights import read, write
from neuralc.source import Source
from tests.nn.programs import randomise

TEXT = """\
var place = 0
var total = ?
loop: total = ADD place total
      _ = JEZ place back
      STOP
var back = @loop
"""
TRAP = {"lines": [2], "status_cell": 3, "calls": {2: "line 4: f(n - 1)"}}


@pytest.fixture
def program() -> Assembly:
    return asm.parse(Source("sum.asm", TEXT))


@pytest.fixture
def machine(program: Assembly) -> RegisterMachine:
    made = RegisterMachine(
        5, len(program.registers) + 1, max_steps=17, mixing="logits", halting="reference",
        threshold=0.8,
    )  # fmt: skip
    return write(made, program, sharpness=6.0)


def test_what_is_written_comes_back(
    tmp_path: Path, machine: RegisterMachine, program: Assembly
) -> None:
    note = {"method": "hybrid", "seeds": [1, 2], "rate": 0.5}
    folder.save(machine, tmp_path / "a" / "b", assembly=program, note=note, trap=TRAP)
    found = folder.load(tmp_path / "a" / "b")
    for name, weight in machine.weights().items():
        assert torch.equal(found.machine.weights()[name], weight)
    assert (found.memory, found.machine.registers, found.machine.max_steps) == (5, 4, 17)
    turns = found.machine.turns
    assert (turns.mixing, turns.halting, turns.threshold) == ("logits", "reference", 0.8)
    assert found.assembly == read(machine)
    assert found.assembly.lines == program.lines
    assert found.assembly.names == ("place", "total", "back")
    assert found.assembly.labels == {0: "loop"}
    assert found.assembly.source == program.source
    assert (found.note, found.trap) == (note, TRAP)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_trained_machines(tmp_path: Path, dtype: torch.dtype) -> None:
    machine = randomise(RegisterMachine(4, 3, restarts=3).to(dtype), 1)
    machine.scale = 2.0
    folder.save(machine, tmp_path)
    found = folder.load(tmp_path)
    assert (found.machine.restarts, found.assembly.source, found.trap) == (3, None, None)
    cells = torch.tensor([[0, 1, 2, 3], [3, 3, 1, 0]])
    with torch.no_grad():
        ours, theirs = machine(cells), found.machine(cells)
    assert ours.memory.dtype == dtype
    assert torch.equal(ours.memory, theirs.memory)
    assert torch.equal(ours.steps, theirs.steps)


def test_saving_again_replaces_all(tmp_path: Path, machine: RegisterMachine) -> None:
    folder.save(machine, tmp_path, trap=TRAP)
    before = sorted(tmp_path.iterdir())
    folder.save(randomise(machine, 2), tmp_path)
    assert folder.load(tmp_path).trap is None
    assert len(before) == len(list(tmp_path.iterdir())) == 2


def test_a_failure_keeps_what_was_there(
    tmp_path: Path, machine: RegisterMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save(machine, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path: Path, content: str | bytes) -> None:
        if path.suffix == ".json":
            raise FileError(f"cannot write {path}: no space left on device")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    monkeypatch.setattr(saved, "write_atomic", full)
    with pytest.raises(FileError, match="no space left"):
        folder.save(randomise(machine, 3), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_solutions_are_not_overwritten(tmp_path: Path, machine: RegisterMachine) -> None:
    (tmp_path / "solution.json").write_text("{}")
    with pytest.raises(NeuralcError, match="holds a learned solution"):
        folder.save(machine, tmp_path)
    assert not folder.is_saved(tmp_path)


# ---- damage


def set_to(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def drop(name: str) -> Callable[[Any], None]:
    return lambda content: content.pop(name)


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "memory of another size": (set_to("memory", value=6), "of shape (1, 5, 11), not (1, 6, 11)"),
    "a huge memory": (set_to("memory", value=10**9), "not (1, 1000000000, 11)"),
    "no memory": (set_to("memory", value=0), "memory is 0"),
    "memory that is true": (set_to("registers", value=True), "registers is True"),
    "registers that are a fraction": (set_to("registers", value=4.0), "registers is 4.0"),
    "restarts that are text": (set_to("restarts", value="1"), "restarts is '1'"),
    "no steps": (set_to("max_steps", value=0), "max_steps is 0"),
    "a threshold beyond 1": (set_to("threshold", value=1.5), "threshold is 1.5"),
    "a threshold that is no number": (set_to("threshold", value=float("nan")), "threshold is nan"),
    "another mixing": (set_to("mixing", value="cells"), "mixing is 'cells'"),
    "mixing that is a list": (set_to("mixing", value=[]), "mixing is []"),
    "another halting": (set_to("halting", value=None), "halting is None"),
    "too many names": (set_to("names", value=["a"] * 5), "other names"),
    "names that are numbers": (set_to("names", value=[1]), "1 is no text"),
    "a label behind the end": (set_to("labels", value=[[5, "a"]]), "5 is not a number from 0 to 4"),
    "labels that are a number": (set_to("labels", value=3), "damaged"),
    "a line with two labels": (set_to("labels", value=[[0, "a"], [0, "b"]]), "two labels"),
    "a source without text": (set_to("source", value={"name": "a"}), "text"),
    "a source that is text": (set_to("source", value="a"), "damaged"),
    "a note that is a list": (set_to("note", value=[1]), "the note is no object"),
    "a trap without lines": (set_to("trap", value={}), "lines"),
    "a trap far away": (set_to("trap", "status_cell", value=99), "99 is not a number"),
    "a trap of other calls": (set_to("trap", "calls", value={"a": "b"}), "damaged"),
    "no note": (drop("note"), "note"),
    "no names": (drop("names"), "names"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_damaged_content(
    name: str, tmp_path: Path, machine: RegisterMachine, program: Assembly
) -> None:
    """Whoever changes a file can also correct its checksum."""
    change, message = CHANGES[name]
    folder.save(machine, tmp_path, assembly=program, trap=TRAP)
    content, weights = saved.read(tmp_path, "machine")
    change(content)
    saved.write(tmp_path, "machine", {k: v for k, v in content.items() if k != "weights"}, weights)
    with pytest.raises(SolutionError) as error:
        folder.load(tmp_path)
    assert "machine.json is damaged" in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("first"), "the weights are"),
        (lambda w: w.update(more=torch.zeros(1)), "the weights are"),
        (lambda w: w.update(first=w["first"].double()), "the weights are of type"),
        (lambda w: w.update({k: v.half() for k, v in w.items()}), "of type torch.float16"),
        (lambda w: w["target"].fill_(float("nan")), "target holds a number that is not finite"),
        (lambda w: w.update(second=torch.zeros(1, 5, 3)), "second is of shape (1, 5, 3)"),
        (lambda w: w.clear(), "the weights are missing"),
    ],
)
def test_damaged_weights(
    change: Callable[[Any], None], message: str, tmp_path: Path, machine: RegisterMachine
) -> None:
    folder.save(machine, tmp_path)
    content, weights = saved.read(tmp_path, "machine")
    change(weights)
    saved.write(tmp_path, "machine", {k: v for k, v in content.items() if k != "weights"}, weights)
    with pytest.raises(SolutionError) as error:
        folder.load(tmp_path)
    assert message in str(error.value)


def test_damaged_files(tmp_path: Path, machine: RegisterMachine) -> None:
    with pytest.raises(FileError, match="there is no file"):
        folder.load(tmp_path / "none")
    folder.save(machine, tmp_path)
    json_file, weights = tmp_path / "machine.json", next(tmp_path.glob("*.safetensors"))
    whole, numbers = json_file.read_bytes(), weights.read_bytes()
    assert folder.is_saved(tmp_path)
    for content in (b"", b"[]", whole[:50], whole.replace(b'"max_steps": 17', b'"max_steps": 18'),
                    whole.replace(b'"version": 1', b'"version": 99')):  # fmt: skip
        json_file.write_bytes(content)
        with pytest.raises(SolutionError):
            folder.load(tmp_path)
    json_file.write_bytes(whole)
    weights.write_bytes(numbers[:-1])
    with pytest.raises(SolutionError, match="damaged or belongs to another"):
        folder.load(tmp_path)
    weights.unlink()
    with pytest.raises(FileError, match="there is no file"):
        folder.load(tmp_path)


def test_weights_that_are_no_tensors(tmp_path: Path, machine: RegisterMachine) -> None:
    folder.save(machine, tmp_path)
    content, _ = saved.read(tmp_path, "machine")
    data = safetensors.torch.save({"first": torch.zeros(1)})[:20]
    content["weights"] = hashlib.sha256(data).hexdigest()
    (tmp_path / f"machine-{content['weights'][:16]}.safetensors").write_bytes(data)
    text = json.dumps(content, sort_keys=True)
    content["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "machine.json").write_text(json.dumps(content))
    with pytest.raises(SolutionError, match="is damaged"):
        folder.load(tmp_path)
