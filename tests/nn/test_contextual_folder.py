"""Controllers on disk: what is written comes back, and damage is told, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neuralc import saved
from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.nn import contextual_folder, folder
from neuralc.nn.contextual import ContextualMachine, Controller
from neuralc.nn.machine import RegisterMachine

M, R, D, WIDTH = 5, 3, 4, 8


def machine(seed: int = 0) -> ContextualMachine:
    return ContextualMachine(
        Controller(M, R, D, width=WIDTH, seed=seed), max_steps=9, scale=2.5, threshold=0.7,
        mixing="logits", halting="reference",
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_written_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    made, note = machine(3).to(dtype), {"words": ["copy", "swap"]}
    contextual_folder.save(made, tmp_path / "a" / "b", note=note)
    assert contextual_folder.is_saved(tmp_path / "a" / "b")
    found = contextual_folder.load(tmp_path / "a" / "b")
    assert found.note == note
    turns = found.machine.turns
    assert (found.machine.max_steps, found.machine.scale) == (9, 2.5)
    assert (turns.mixing, turns.halting, turns.threshold) == ("logits", "reference", 0.7)
    z, cells = torch.randn(2, D), torch.tensor([[0, 1, 2, 3, 4]])
    with torch.no_grad():
        ours, theirs = made(z, cells), found.machine(z, cells)
    assert ours.memory.dtype == dtype
    assert torch.equal(ours.memory, theirs.memory)


def test_saving_again_replaces_all(tmp_path: Path) -> None:
    contextual_folder.save(machine(0), tmp_path)
    contextual_folder.save(machine(1), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    places = contextual_folder.load(tmp_path).machine.controller.places
    assert torch.equal(places, machine(1).controller.places)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    own = Controller(M, R, D, width=WIDTH, body=nn.Linear(D, WIDTH))
    with pytest.raises(NeuralcError, match="a body of your own"):
        contextual_folder.save(ContextualMachine(own), tmp_path)
    folder.save(RegisterMachine(M, R), tmp_path)
    with pytest.raises(NeuralcError, match="holds a compiled program"):
        contextual_folder.save(machine(), tmp_path)
    assert not contextual_folder.is_saved(tmp_path)
    with pytest.raises(FileError, match="there is no file"):
        contextual_folder.load(tmp_path)


def set_to(name: str, value: Any) -> Callable[[Any], None]:
    return lambda content: content.update({name: value})


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "memory of another size": (set_to("memory", 6), "of shape (9, 8), not (10, 8)"),
    "a huge memory": (set_to("memory", 10**9), "not (1000000004, 8)"),
    "a memory beyond all numbers": (set_to("memory", 10**30), "damaged"),
    "no memory": (set_to("memory", 0), "memory is 0"),
    "registers that are true": (set_to("registers", True), "registers is True"),
    "a huge width": (set_to("width", 10**8), "is of shape"),
    "other inputs": (set_to("inputs", 5), "body.0.weight is of shape (8, 4), not (8, 5)"),
    "no steps": (set_to("max_steps", 0), "max_steps is 0"),
    "a scale below 0": (set_to("scale", -1), "scale is -1"),
    "a scale that is no number": (set_to("scale", float("nan")), "scale is nan"),
    "a scale without end": (set_to("scale", float("inf")), "scale is inf"),
    "a threshold beyond 1": (set_to("threshold", 1.5), "threshold is 1.5"),
    "another mixing": (set_to("mixing", ["rows"]), "mixing is ['rows']"),
    "another halting": (set_to("halting", None), "halting is None"),
    "a note that is a list": (set_to("note", [1]), "the note is no object"),
    "no note": (lambda content: content.pop("note"), "note"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_damaged_content(name: str, tmp_path: Path) -> None:
    """Whoever changes a file can also correct its checksum."""
    change, message = CHANGES[name]
    contextual_folder.save(machine(), tmp_path)
    content, weights = saved.read(tmp_path, "controller")
    change(content)
    rest = {k: v for k, v in content.items() if k != "weights"}
    saved.write(tmp_path, "controller", rest, weights)
    with pytest.raises(SolutionError) as error:
        contextual_folder.load(tmp_path)
    assert "controller.json is damaged" in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("places"), "the weights are"),
        (lambda w: w.update(more=torch.zeros(1)), "the weights are"),
        (lambda w: w.clear(), "the weights are missing"),
        (lambda w: w.update(places=w["places"].double()), "the weights are of type"),
        (lambda w: w.update({k: v.half() for k, v in w.items()}), "of type torch.float16"),
        (lambda w: w["places"].fill_(float("inf")), "places holds a number that is not finite"),
        (lambda w: w.update(places=torch.zeros(9, 7)), "places is of shape (9, 7)"),
    ],
)
def test_damaged_weights(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    contextual_folder.save(machine(), tmp_path)
    content, weights = saved.read(tmp_path, "controller")
    change(weights)
    rest = {k: v for k, v in content.items() if k != "weights"}
    saved.write(tmp_path, "controller", rest, weights)
    with pytest.raises(SolutionError) as error:
        contextual_folder.load(tmp_path)
    assert message in str(error.value)
