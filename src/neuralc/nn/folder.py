"""Compiled programs on disk: the weights of a register machine, and what its program was.

A folder holds `machine.json` and a file of tensors, see `saved.py`. Whoever wrote them is a
stranger: sizes, names and numbers are all checked, and nothing is executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch
from torch import Tensor

from neuralc import saved
from neuralc.errors import NeuralcError, SolutionError
from neuralc.ir.assembly import OPERATIONS, Assembly
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import FIELDS, Halting, Mixing
from neuralc.nn.weights import read
from neuralc.source import Source

NAME = "machine"
Parsed = TypeVar("Parsed")
DTYPES = (torch.float32, torch.float64)
DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError,
          ArithmeticError)  # fmt: skip


@dataclass(frozen=True, eq=False)
class SavedMachine:
    """A machine from a folder.

    Attributes:
        machine: with the weights as they were saved.
        assembly: the most probable program of the first restart, with the names of registers and
            lines, and the text, of the program that it was made from.
        note: what else whoever saved it wanted to say, for example how it was adapted.
        trap: of a program that can run out of its stack: `lines` are those where it then stops,
            `status_cell` the cell that says which call it was, `calls` what its values mean.

    """

    machine: RegisterMachine
    assembly: Assembly
    note: Mapping[str, Any] = field(default_factory=dict)
    trap: Mapping[str, Any] | None = None

    @property
    def memory(self) -> int:
        """M, the number of cells, values and lines."""
        return self.machine.memory


def save(
    machine: RegisterMachine, folder: str | Path, *, assembly: Assembly | None = None,
    note: Mapping[str, Any] | None = None, trap: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write a machine into a folder; what was there before is replaced whole or not at all.

    Args:
        machine: with all its restarts.
        folder: made where it is missing.
        assembly: where names, labels and text of the program are taken from; its lines are not,
            since the weights say what they are.
        note: anything that JSON can hold.
        trap: see `SavedMachine`.

    Raises:
        FileError: it cannot be written.
        NeuralcError: the folder is that of a learned solution.

    """
    folder = Path(folder)
    if (folder / "solution.json").exists():
        raise NeuralcError(
            f"{folder} holds a learned solution\n  hint: choose another folder, or remove that one"
        )
    source = assembly.source if assembly else None
    content = {
        "memory": machine.memory,
        "registers": machine.registers,
        "restarts": machine.restarts,
        "max_steps": machine.max_steps,
        "threshold": machine.turns.threshold,
        "mixing": machine.turns.mixing,
        "halting": machine.turns.halting,
        "names": list(assembly.names) if assembly else [],
        "labels": [[line, name] for line, name in assembly.labels.items()] if assembly else [],
        "source": {"name": source.name, "text": source.text} if source else None,
        "note": dict(note or {}),
        "trap": None if trap is None else dict(trap),
    }
    weights = {name: (w.detach() * machine.scale).cpu() for name, w in machine.weights().items()}
    saved.write(folder, NAME, content, weights)


def is_saved(folder: str | Path) -> bool:
    """Tell whether a folder holds a compiled program, be it damaged or not."""
    return (Path(folder) / f"{NAME}.json").exists()


def load(folder: str | Path) -> SavedMachine:
    """Read a folder that `save` has written.

    Raises:
        FileError: there is none.
        SolutionError: it is damaged, or was written by a newer version.

    """
    return read_parsed(folder, NAME, _parsed)


def read_parsed(
    folder: str | Path, name: str, parse: Callable[[dict[str, Any], dict[str, Tensor]], Parsed]
) -> Parsed:
    """Read a pair of files and parse them; what does not fit is a damaged file.

    Raises:
        FileError: there is none.
        SolutionError: it is damaged, or was written by a newer version.

    """
    folder = Path(folder)
    content, weights = saved.read(folder, name)
    try:
        return parse(content, weights)
    except (*DAMAGE, NeuralcError) as error:
        reason = str(error) if isinstance(error, ValueError | NeuralcError) else repr(error)
        raise SolutionError(f"{folder / name}.json is damaged: {reason}") from None


def _parsed(content: Mapping[str, Any], weights: Mapping[str, Tensor]) -> SavedMachine:
    restarts, memory, registers = (
        whole(content, name, 1) for name in ("restarts", "memory", "registers")
    )
    _check_weights(weights, restarts, memory, registers)  # first: they bound what is allocated
    threshold = content["threshold"]
    if type(threshold) not in (int, float) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold!r}, not a number from 0 to 1")
    machine = RegisterMachine(
        memory, registers, max_steps=whole(content, "max_steps", 1), restarts=restarts,
        mixing=one_of(content, "mixing", Mixing), halting=one_of(content, "halting", Halting),
        threshold=threshold,
    ).to(weights[FIELDS[0]].dtype)  # fmt: skip
    with torch.no_grad():
        for name, parameter in machine.weights().items():
            parameter.copy_(weights[name])
    program = replace(
        read(machine), names=_names(content["names"], registers),
        labels=_labels(content["labels"], memory), source=_source(content["source"]),
    )  # fmt: skip
    note = content["note"]
    if not isinstance(note, dict):
        raise TypeError("the note is no object")
    return SavedMachine(machine, program, note, _trap(content["trap"], memory))


def whole(content: Mapping[str, Any], name: str, least: int) -> int:
    """Return a whole number from `least` on of what a file says, or raise ValueError."""
    value = content[name]
    if type(value) is not int or value < least:
        raise ValueError(f"{name} is {value!r}, not a whole number from {least} on")
    return value


def one_of(content: Mapping[str, Any], name: str, kind: Any) -> Any:
    """Return one of the values of a Literal of what a file says, or raise ValueError."""
    value = content[name]
    if value not in get_args(kind):
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(get_args(kind))}")
    return value


def _check_weights(
    weights: Mapping[str, Tensor], restarts: int, memory: int, registers: int
) -> None:
    sizes: dict[str, tuple[int, ...]] = dict.fromkeys(FIELDS, (restarts, memory, registers))
    sizes["instruction"] = (restarts, memory, len(OPERATIONS))
    sizes["initial_line"] = (restarts, memory)
    sizes["initial_registers"] = (restarts, registers, memory)
    if weights.keys() != sizes.keys():
        raise ValueError(f"the weights are {', '.join(sorted(weights)) or 'missing'}")
    dtypes = {weight.dtype for weight in weights.values()}
    if len(dtypes) > 1 or not dtypes & set(DTYPES):
        raise ValueError(f"the weights are of type {', '.join(sorted(map(str, dtypes)))}")
    for name, size in sizes.items():
        if tuple(weights[name].shape) != size:
            raise ValueError(f"{name} is of shape {tuple(weights[name].shape)}, not {size}")
        if not weights[name].isfinite().all():
            raise ValueError(f"{name} holds a number that is not finite")


def _names(value: Any, registers: int) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > registers:
        raise ValueError(f"there are other names than those of {registers} registers")
    return tuple(_text(name) for name in value)


def _labels(value: Any, memory: int) -> dict[int, str]:
    found = {_number(line, memory): _text(name) for line, name in value}
    if len(found) < len(value):
        raise ValueError("a line has two labels")
    return found


def _source(value: Any) -> Source | None:
    return None if value is None else Source(_text(value["name"]), _text(value["text"]))


def _trap(value: Any, memory: int) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "lines": [_number(line, memory) for line in value["lines"]],
        "status_cell": _number(value["status_cell"], memory),
        "calls": {int(number): _text(text) for number, text in value["calls"].items()},
    }


def _number(value: Any, size: int) -> int:
    if type(value) is not int or not 0 <= value < size:
        raise ValueError(f"{value!r} is not a number from 0 to {size - 1}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
