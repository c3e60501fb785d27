"""Examples as arrays: what the inputs of a program are, and what its outputs should be.

Binds data of any make (JSON instances, arrays, tensors) to the names, shapes and ranges of a
program; a misfit is a `DataError` that says which instance. Knows no files and no tensor library.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from neuralc.errors import DataError
from neuralc.ir.nodes import Decl, Int, Program

Array = np.ndarray[Any, Any]
Instances = Sequence[Mapping[str, Any]] | Mapping[str, Any]
NOT_OBSERVED = -1


@dataclass(frozen=True, eq=False)
class Examples:
    """`count` examples; the first axis of every array is the example.

    `inputs`: int64 [E, *shape] of an `Int` input, float32 [E, *shape, *tensor shape] of a `Real`
    one. `outputs`: int64 [E, *shape] of every `Int` output, -1 where it is not observed.
    """

    inputs: dict[str, Array]
    outputs: dict[str, Array]
    count: int

    def take(self, indices: Any) -> Examples:
        """Return some of the examples: `indices` is an integer array, a mask, a list or a slice."""
        if not isinstance(indices, slice):
            indices = np.asarray(indices)
            indices = indices.astype(np.int64) if not indices.size else indices
        count = len(np.arange(self.count)[indices])
        return Examples(
            {name: array[indices] for name, array in self.inputs.items()},
            {name: array[indices] for name, array in self.outputs.items()},
            count,
        )


def bind(
    program: Program, instances: Instances, *, where: str = "data", outputs: bool = True
) -> Examples:
    """Fit data to the inputs and outputs of a program.

    Args:
        program: the program whose `input` and `output` declarations decide.
        instances: one mapping per example (name to number, nested lists, array or tensor), or
            one mapping of whole arrays whose first axis is the example. `None` in outputs, and -1
            in outputs that are whole arrays, means not observed. So does an output that no example
            mentions, if there is another one. Arrays may be shared, not copied.
        where: the name of the batch, for messages.
        outputs: False: outputs may be left out, and are then not observed.

    Raises:
        DataError: a name that is unknown or missing, a shape, a value that is not an integer or
            out of range; the message says which instance (from 0).

    """
    wanted = {d.name: d for d in (*program.of("input"), *_observable(program))}
    if isinstance(instances, Mapping):
        _check_names(program, instances, where, _needed(program, [instances], outputs))
        columns = {name: _sequence(f"{where}: {name}", value) for name, value in instances.items()}
        count = _count(columns, where)
    else:
        instances = _rows(where, instances)
        count = len(instances)
        needed = _needed(program, instances, outputs)
        for k, instance in enumerate(instances):
            if not isinstance(instance, Mapping):
                found = type(instance).__name__
                raise DataError(
                    f"{where}: instance {k} is of type {found}, wanted a mapping of names"
                )
            _check_names(program, instance, f"{where}: instance {k}", needed)
        columns = {n: [one.get(n) for one in instances] for n in wanted if count}
    bound = {name: _column(decl, columns.get(name), count, where) for name, decl in wanted.items()}
    return Examples(
        {name: bound[name] for name, decl in wanted.items() if decl.kind == "input"},
        {name: bound[name] for name, decl in wanted.items() if decl.kind == "output"},
        count,
    )


def _rows(where: str, instances: Any) -> Sequence[Any]:
    """Return examples one by one; a generator is run to its end."""
    try:
        return instances if isinstance(instances, list | tuple) else list(instances)
    except TypeError:  # nothing to loop over
        raise DataError(
            f"{where}: found {_short(instances)}, wanted one mapping for each example, or one "
            "mapping of whole arrays"
        ) from None


def _observable(program: Program) -> tuple[Decl, ...]:
    return tuple(decl for decl in program.of("output") if isinstance(decl.type, Int))


def _needed(program: Program, instances: Sequence[Any], outputs: bool) -> list[str]:
    """Return the outputs that every example must give: those that some example gives."""
    if not outputs:
        return []
    given = {name for one in instances if isinstance(one, Mapping) for name in one}
    targets = [decl.name for decl in _observable(program)]
    return [name for name in targets if name in given] or targets


def _check_names(
    program: Program, found: Mapping[str, Any], place: str, needed: Sequence[str]
) -> None:
    """Complain of the first name that is unknown or missing; `needed` are outputs."""
    inputs = [decl.name for decl in program.of("input")]
    targets = [decl.name for decl in _observable(program)]
    known = {*inputs, *targets}
    for name in found:
        if name not in known:
            _unknown(program, str(name), sorted(known), place)
    for name in (*inputs, *needed):
        if name not in found:
            kind = program.decl[name].kind
            hint = "" if kind == "input" else ", or null for a target that is not observed"
            raise DataError(
                f"{place}: {kind} {name!r} is missing, found {sorted(map(str, found))}\n"
                f"  hint: give {name!r}: {_wanted(program.decl[name])}{hint}"
            )


def _unknown(program: Program, name: str, known: Sequence[str], place: str) -> NoReturn:
    decl = program.decl.get(name)
    close = difflib.get_close_matches(name, known, 1)
    if decl is not None and decl.kind == "output":
        hint = f"{name!r} is real-valued, and real values cannot be targets: leave it out"
    elif decl is not None:
        hint = f"{name!r} is a {decl.kind} of the model; data give inputs and outputs: {known}"
    elif close:
        hint = f"did you mean {close[0]!r}?"
    else:
        hint = f"the inputs and outputs are {known}"
    raise DataError(f"{place}: {name!r} is no input or output of {program.name}\n  hint: {hint}")


def _sequence(place: str, value: Any) -> Any:
    """Return a whole column as something with a length: an array or a list."""
    array = _plain(value)
    if not isinstance(array, list | tuple) and np.ndim(array) == 0:
        raise DataError(
            f"{place}: found {_short(value)}, wanted an array whose first axis is the example"
        )
    return array


def _count(columns: Mapping[str, Any], where: str) -> int:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{where}: the numbers of examples differ: {lengths}")
    return next(iter(lengths.values()), 0)


def _plain(value: Any) -> Any:
    """Replace tensors, also inside lists, by arrays; other values are returned as they are."""
    if isinstance(value, list | tuple):
        leaf: Any = value
        while isinstance(leaf, list | tuple) and leaf:
            leaf = leaf[0]
        return [_plain(item) for item in value] if hasattr(leaf, "numpy") else value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point():
            value = value.float()  # numpy does not know bfloat16
    return value.numpy() if hasattr(value, "numpy") else value


def _shape(decl: Decl) -> tuple[int, ...]:
    return decl.shape if isinstance(decl.type, Int) else decl.shape + decl.type.shape


def _wanted(decl: Decl) -> str:
    shape = _shape(decl)
    shaped = f" of shape {shape}" if shape else ""
    if isinstance(decl.type, Int):
        return f"integers 0..{decl.type.size - 1}{shaped}" if shape else (
            f"an integer in 0..{decl.type.size - 1}"
        )  # fmt: skip
    return f"real numbers{shaped}"


def _column(decl: Decl, column: Any, count: int, where: str) -> Array:
    """Return one name of all examples, checked; the slow way finds the one that is wrong."""
    dtype = np.int64 if isinstance(decl.type, Int) else np.float32
    shape = (count, *_shape(decl))
    if column is None:
        return np.full(shape, NOT_OBSERVED, dtype)
    whole = isinstance(column, np.ndarray)
    try:
        array = np.asarray(_plain(column))
    except ValueError:  # ragged: some instance is wrong, or wholly unobserved
        array = np.empty(0, object)
    if array.dtype.kind not in "iub" + "f" * (dtype is np.float32) or array.shape != shape:
        rows = [_one(decl, item, f"{where}: instance {k}", whole) for k, item in enumerate(column)]
        return np.stack(rows).astype(dtype) if rows else np.empty(shape, dtype)
    low = NOT_OBSERVED if whole and decl.kind == "output" else 0
    for k in _misfits(decl, array, low):
        _one(decl, column[k], f"{where}: instance {k}", whole)
    return array.astype(dtype, copy=False)


def _misfits(decl: Decl, array: Array, low: int) -> list[int]:
    """Return the first example (if any) with a value out of range."""
    if isinstance(decl.type, Int):
        wrong = (array < low) | (array >= decl.type.size)
    elif array.dtype.kind == "f" and not np.isfinite(array.sum()):
        wrong = ~np.isfinite(array)
    else:
        return []
    rows = wrong.any(axis=tuple(range(1, wrong.ndim)))
    return [int(k) for k in np.flatnonzero(rows)[:1]]


def _one(decl: Decl, value: Any, place: str, whole: bool) -> Array:
    """Return one name of one example, checked with care."""
    shape, place = _shape(decl), f"{place}: {decl.name}"
    integer, output = isinstance(decl.type, Int), decl.kind == "output"
    if value is None and output:
        return np.full(shape, NOT_OBSERVED)
    try:
        array = np.asarray(_plain(value), dtype=object if integer else np.float32)
    except (ValueError, TypeError):
        raise DataError(f"{place}: found {_short(value)}, wanted {_wanted(decl)}") from None
    if array.shape != shape:
        raise DataError(
            f"{place}: found shape {array.shape}, wanted {shape}: {_wanted(decl)}\n"
            f"  found: {_short(value)}"
        )
    if not integer:
        if not np.isfinite(array).all():
            raise DataError(f"{place}: found a number that is not finite, wanted {_wanted(decl)}")
        return array
    return _integers(decl, array, place, NOT_OBSERVED if output and whole else 0)


def _integers(decl: Decl, array: Array, place: str, low: int) -> Array:
    assert isinstance(decl.type, Int)
    result = np.empty(array.shape, np.int64)
    for index in np.ndindex(array.shape):
        number = array[index]
        number = number.item() if isinstance(number, np.generic) else number
        at = f"{place}{list(index) if index else ''}"
        if number is None and decl.kind == "output":
            number = NOT_OBSERVED
        elif number is None:
            raise DataError(f"{at}: found null, wanted an integer: only outputs may be unknown")
        elif not isinstance(number, int):
            raise DataError(f"{at}: found {_short(number)}, wanted an integer")
        elif not low <= number < decl.type.size:
            raise DataError(f"{at}: found {number}, wanted 0..{decl.type.size - 1}")
        result[index] = number
    return result


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
