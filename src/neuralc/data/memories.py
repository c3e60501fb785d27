"""The user's own samples for the register machine, as a JSON file.

    {"memory": 20, "samples": [{"in": [3, 1, 2], "out": [3, 1, 7], "mask": [0, 0, 1]}, ...]}

A list that is shorter than the memory goes on with 0. In "in", null or -1 stands for any value; in
"out", null for a cell that is not asked for. Without "mask", the numbers that "out" lists are
asked for. Knows no programs, and does not check that one solves the samples.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from neuralc.errors import DataError
from neuralc.files import read_text, write_atomic
from neuralc.ir.memories import Samples

T = TypeVar("T")

ANY = -1
_SHAPE = '{"memory": M, "samples": [{"in": [...], "out": [...]}, ...]}'
_LARGEST = 65_536  # cells; a typing error should not fill the computer's memory


def read(path: str | Path) -> Samples:
    """Read a file of samples.

    Raises:
        FileError: the file cannot be read.
        DataError: it is no JSON or has another structure, a value is no integer or out of range,
            a list is too long, there are no samples, or one asks for nothing. The message names
            the sample and the cell, both from 0.

    """
    content = _parsed(path)
    if not isinstance(content, dict):
        _wrong(path, "the file", content, f"an object {_SHAPE}")
    _check_names(path, "the file", content, needed=("memory", "samples"))
    memory, samples = content["memory"], content["samples"]
    if not _is_integer(memory) or not 2 <= memory <= _LARGEST:
        hint = "it is the number of cells, of values and of lines of the machine"
        _wrong(path, "memory", memory, f"an integer 2..{_LARGEST}", hint)
    if not isinstance(samples, list) or not samples:
        _wrong(path, "samples", samples, "a list of one sample or more")
    rows = [_sample(path, f"sample {k}", sample, memory) for k, sample in enumerate(samples)]
    given, wanted, asked = (np.array(column) for column in zip(*rows, strict=True))
    flat = given == ANY
    return Samples(np.where(flat, 0, given), wanted, asked, flat if flat.any() else None)


def write(path: str | Path, samples: Samples) -> None:
    """Write samples so that `read` gives them back; whole or not at all.

    Raises:
        FileError: the file cannot be written.

    """
    given = samples.given if samples.any is None else np.where(samples.any, ANY, samples.given)
    rows = zip(given.tolist(), samples.wanted.tolist(), samples.asked.tolist(), strict=True)
    lines = [
        json.dumps({"in": [None if v == ANY else v for v in row], "out": out, "mask": _bits(mask)})
        for row, out, mask in rows
    ]
    body = ",\n  ".join(lines)
    write_atomic(path, f'{{"memory": {samples.memory}, "samples": [\n  {body}\n]}}\n')


def _bits(mask: list[bool]) -> list[int]:
    return [int(bit) for bit in mask]


# ---- one sample


def _sample(
    path: str | Path, place: str, sample: Any, memory: int
) -> tuple[list[int], list[int], list[bool]]:
    """Return the memory before, the memory after and the cells asked for, `memory` of each."""
    if not isinstance(sample, dict):
        _wrong(path, place, sample, 'an object {"in": [...], "out": [...]}')
    _check_names(path, place, sample, needed=("in", "out"), allowed=("mask",))
    before = _cells(path, f'{place}: "in"', sample["in"], memory, any_value=True)
    after = _cells(path, f'{place}: "out"', sample["out"], memory)
    if "mask" in sample:
        mask = _mask(path, f'{place}: "mask"', sample["mask"], memory)
        for cell, value in enumerate(after):
            if mask[cell] and value is None:
                raise DataError(
                    f'{path}: {place}: "mask" asks for cell {cell}, but "out" says null there\n'
                    '  hint: say in "out" what the cell should hold, or put a 0 into "mask"'
                )
    else:
        mask = [value is not None for value in after]
    if not any(mask):
        raise DataError(
            f"{path}: {place}: nothing is asked for\n"
            '  hint: give "out" a number, or "mask" a 1, at a cell that matters'
        )
    return (
        _filled([ANY if value is None else value for value in before], 0, memory),
        _filled([value or 0 for value in after], 0, memory),
        _filled(mask, False, memory),
    )


def _filled(found: list[T], value: T, memory: int) -> list[T]:
    return found + [value] * (memory - len(found))


def _cells(
    path: str | Path, place: str, found: Any, memory: int, *, any_value: bool = False
) -> list[int | None]:
    """Return the cells of one list, checked; None stands for null, and for -1 where allowed."""
    cells: list[int | None] = []
    for cell, value in enumerate(_list(path, place, found, memory)):
        if value is None or (any_value and _is_integer(value) and value == ANY):
            cells.append(None)
            continue
        if not _is_integer(value) or not 0 <= value < memory:
            meaning = "a cell that may hold any value" if any_value else "a cell not asked for"
            hint = f'null stands for {meaning}; values are below the "memory", {memory}'
            _wrong(path, f"{place}, cell {cell}", value, f"an integer 0..{memory - 1}", hint)
        cells.append(value)
    return cells


def _mask(path: str | Path, place: str, found: Any, memory: int) -> list[bool]:
    mask = _list(path, place, found, memory)
    for cell, value in enumerate(mask):
        if not isinstance(value, bool) and not (_is_integer(value) and value in (0, 1)):
            _wrong(path, f"{place}, cell {cell}", value, "1 (the cell counts) or 0")
    return _filled([bool(value) for value in mask], False, memory)


def _list(path: str | Path, place: str, found: Any, memory: int) -> list[Any]:
    if not isinstance(found, list):
        _wrong(path, place, found, f"a list of up to {memory} numbers")
    if len(found) > memory:
        raise DataError(
            f'{path}: {place}: {len(found)} cells do not fit the "memory", {memory}\n'
            f'  hint: leave some out, or make "memory" {len(found)}'
        )
    return found


# ---- JSON


def _parsed(path: str | Path) -> Any:
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _object(path, pairs))
    except json.JSONDecodeError as error:
        reason = f"{path}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}"
    except RecursionError:
        reason = f"{path}: the lists in this file are nested too deeply"
    except ValueError as error:  # an integer with more digits than Python accepts
        reason = f"{path}: {error}"
    raise DataError(f"{reason}\n  hint: the file must read {_SHAPE}")


def _object(path: str | Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise DataError(f"{path}: {twice!r} stands twice in one object\n  hint: leave one out")
    return found


def _check_names(
    path: str | Path,
    place: str,
    found: dict[str, Any],
    *,
    needed: tuple[str, ...],
    allowed: tuple[str, ...] = (),
) -> None:
    hint = f"it has {', '.join(map(repr, needed))}" + "".join(f", maybe {a!r}" for a in allowed)
    for name in found:
        if name not in (*needed, *allowed):
            raise DataError(f"{path}: {place}: there is no use for {name!r}\n  hint: {hint}")
    for name in needed:
        if name not in found:
            raise DataError(f"{path}: {place}: {name!r} is missing\n  hint: {hint}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(path: str | Path, place: str, found: Any, wanted: str, hint: str = "") -> NoReturn:
    text = json.dumps(found)
    short = text if len(text) <= 50 else text[:47] + "..."
    tail = f"\n  hint: {hint}" if hint else ""
    raise DataError(f"{path}: {place}: wanted {wanted}, found {short}{tail}")
