"""Controllers on disk: their weights, and how the machine runs that they emit programs for.

A folder holds `controller.json` and a file of tensors, see `saved.py`. Whoever wrote them is a
stranger: sizes, names and numbers are all checked, and nothing is executed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from neuralc import saved
from neuralc.errors import NeuralcError
from neuralc.nn.contextual import ContextualMachine, Controller
from neuralc.nn.folder import DTYPES, one_of, read_parsed, whole
from neuralc.nn.turns import Halting, Mixing

NAME = "controller"
OTHERS = {"solution.json": "a learned solution", "machine.json": "a compiled program"}


@dataclass(frozen=True, eq=False)
class SavedController:
    """A machine with its controller from a folder, and what else whoever saved it said of it."""

    machine: ContextualMachine
    note: Mapping[str, Any] = field(default_factory=dict)


def save(
    machine: ContextualMachine, folder: str | Path, *, note: Mapping[str, Any] | None = None
) -> None:
    """Write a machine and its controller; what was there before is replaced whole or not at all.

    Args:
        machine: its controller has the body that comes with it.
        folder: made where it is missing.
        note: anything that JSON can hold, such as what the integers z stand for.

    Raises:
        FileError: it cannot be written.
        NeuralcError: the controller has a body of one's own, or the folder holds something else.

    """
    folder, controller, turns = Path(folder), machine.controller, machine.turns
    if not controller.plain_body:
        raise NeuralcError(
            "a controller with a body of your own is not saved: no file can say what that is\n"
            "  hint: save its state_dict() beside your code"
        )
    for name, what in OTHERS.items():
        if (folder / name).exists():
            raise NeuralcError(
                f"{folder} holds {what}\n  hint: choose another folder, or remove that one"
            )
    content = {
        "memory": controller.memory,
        "registers": controller.registers,
        "inputs": controller.inputs,
        "width": controller.width,
        "max_steps": machine.max_steps,
        "scale": machine.scale,
        "threshold": turns.threshold,
        "mixing": turns.mixing,
        "halting": turns.halting,
        "note": dict(note or {}),
    }
    weights = {name: w.detach().cpu() for name, w in controller.state_dict().items()}
    saved.write(folder, NAME, content, weights)


def is_saved(folder: str | Path) -> bool:
    """Tell whether a folder holds a controller, be it damaged or not."""
    return (Path(folder) / f"{NAME}.json").exists()


def load(folder: str | Path) -> SavedController:
    """Read a folder that `save` has written.

    Raises:
        FileError: there is none.
        SolutionError: it is damaged, or was written by a newer version.

    """
    return read_parsed(folder, NAME, _parsed)


def _parsed(content: Mapping[str, Any], weights: Mapping[str, Tensor]) -> SavedController:
    memory, registers, inputs, width = (
        whole(content, name, 1) for name in ("memory", "registers", "inputs", "width")
    )
    with torch.device("meta"):  # nothing is allocated before the weights are known to be as large
        shapes = Controller(memory, registers, inputs, width=width).state_dict()
    _check_weights(weights, {name: tuple(w.shape) for name, w in shapes.items()})
    controller = Controller(memory, registers, inputs, width=width)
    controller.to(weights["places"].dtype).load_state_dict(weights)
    machine = ContextualMachine(
        controller, max_steps=whole(content, "max_steps", 1),
        scale=_number(content, "scale", math.inf), threshold=_number(content, "threshold", 1),
        mixing=one_of(content, "mixing", Mixing), halting=one_of(content, "halting", Halting),
    )  # fmt: skip
    note = content["note"]
    if not isinstance(note, dict):
        raise TypeError("the note is no object")
    return SavedController(machine, note)


def _check_weights(weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    if weights.keys() != shapes.keys():
        raise ValueError(f"the weights are {', '.join(sorted(weights)) or 'missing'}")
    dtypes = {weight.dtype for weight in weights.values()}
    if len(dtypes) > 1 or not dtypes & set(DTYPES):
        raise ValueError(f"the weights are of type {', '.join(sorted(map(str, dtypes)))}")
    for name, shape in shapes.items():
        if tuple(weights[name].shape) != shape:
            raise ValueError(f"{name} is of shape {tuple(weights[name].shape)}, not {shape}")
        if not weights[name].isfinite().all():
            raise ValueError(f"{name} holds a number that is not finite")


def _number(content: Mapping[str, Any], name: str, most: float) -> float:
    value = content[name]
    if type(value) not in (int, float) or not 0 <= value <= most or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}, not a number from 0 to {most}")
    return float(value)
