"""Examples that contradict each other: seen at once where inputs are equal, told as an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from neuralc.errors import Contradiction
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
_MANY = 12  # instances that are named
_LONG = 300  # characters of an instance that are shown
_HINT = "  hint: correct the examples, or let the model do more: more steps, choices or values"


def check_equal_inputs(program: Program, examples: Examples) -> None:
    """Refuse two examples with equal inputs that want different values of the same output.

    Says nothing of programs with networks: what those are given is learned to be different, and
    some of it may be wrong.

    Raises:
        Contradiction: it names both instances.

    """
    pair = None if program.networks else _disagreement(examples)
    if pair is not None:
        raise Contradiction(
            f"instances {pair[0]} and {pair[1]} have equal inputs, and their outputs differ:\n"
            f"{_shown(examples, pair)}\n  hint: correct one of them, or leave it out",
            pair,
        )


def impossible(program: Program, examples: Examples, core: Sequence[int]) -> Contradiction:
    """Return the error for examples of which it is proved that no program is right on all.

    Args:
        program: the program with its open choices.
        examples: all of them.
        core: numbers of examples that already contradict each other, or the model.

    """
    if not core:
        words = f"no program of {_name(program)} is right, whatever the examples are\n"
        return Contradiction(words + "  hint: what it observes cannot hold", ())
    if len(core) == 1:
        words = f"no program of {_name(program)} is right on instance {core[0]}:"
    else:
        some = list(core[:_MANY])
        listed = ", ".join(map(str, some[:-1])) + f" and {some[-1]}"
        if len(core) > _MANY:
            listed = f"0 to {examples.count - 1}" if len(core) == examples.count else f"{listed}, …"
        words = f"no program of {_name(program)} is right on instances {listed} at once:"
    return Contradiction(f"{words}\n{_shown(examples, core[:_MANY])}\n{_HINT}", core)


def _name(program: Program) -> str:
    """Return the name of a model: that of its file, without the folder."""
    return PurePath(program.name).stem or program.name


def _disagreement(examples: Examples) -> tuple[int, int] | None:
    """Return the first example that disagrees with an earlier one, after that one."""
    inputs, outputs = (
        _rows(examples.inputs, examples.count),
        _rows(examples.outputs, examples.count),
    )
    known: dict[bytes, tuple[Array, Array]] = {}  # the outputs so far, and who said so
    for k, (row, wanted) in enumerate(zip(inputs, outputs, strict=True)):
        key = row.tobytes()
        if key not in known:
            known[key] = wanted.copy(), np.full(len(wanted), k)
            continue
        values, owners = known[key]
        differs = (values >= 0) & (wanted >= 0) & (values != wanted)
        if differs.any():
            return int(owners[differs.argmax()]), k
        new = (values < 0) & (wanted >= 0)
        values[new], owners[new] = wanted[new], k
    return None


def _rows(arrays: dict[str, Array], count: int) -> Array:
    flat = [np.asarray(array).reshape(count, -1) for array in arrays.values()]
    return np.concatenate(flat, axis=1) if flat else np.zeros((count, 0), np.int64)


def _shown(examples: Examples, instances: Sequence[int]) -> str:
    lines = []
    for k in instances:
        given = {name: array[k].tolist() for name, array in examples.inputs.items()}
        wanted = {
            name: _nulls(array[k].tolist())
            for name, array in examples.outputs.items()
            if (array[k] >= 0).any()
        }
        text = f"{json.dumps(given)} -> {json.dumps(wanted)}"
        lines.append(f"  instance {k}: {text if len(text) <= _LONG else text[: _LONG - 1] + '…'}")
    return "\n".join(lines)


def _nulls(value: Any) -> Any:
    """Return nested lists with null for what is not observed."""
    if isinstance(value, list):
        return [_nulls(item) for item in value]
    return None if value < 0 else value
