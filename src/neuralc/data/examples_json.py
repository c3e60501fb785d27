"""Batches of examples and sets of hyper-parameters from JSON files, as TerpreT publishes them.

Arrays too large for JSON lie beside it: `{"npz": "grids.npz", "key": "images"}` or
`{"npy": "images.npy"}` stands for a value of one instance or for a column of a whole batch.
Knows no models: names, shapes and ranges are checked by `ir.examples.bind`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from neuralc.errors import DataError, FileError, HyperError
from neuralc.files import read_text
from neuralc.source import Source, Span

Instances = Sequence[Mapping[str, Any]] | Mapping[str, Any]
Arrays = dict[tuple[str, str], Any]
"""Arrays beside the JSON file by file and key; the key of an `.npy` is empty."""

MAX_LINE = 200  # characters of a line that an error message still shows


@dataclass(frozen=True)
class Batch:
    """One batch of a data file.

    `instances`: one mapping per example (name to number, nested lists or array), or one mapping
    of whole columns whose first axis is the example. `hypers`: the name of the set of
    hyper-parameters that the batch is for; None where the file does not say.
    """

    name: str
    hypers: str | None
    instances: Instances


def read_batches(path: str | Path) -> list[Batch]:
    """Read a data file: a list of `{"batch_name": …, "hypers": …, "instances": […]}`.

    `instances` may also be an object of whole columns, `{"images": {"npz": …, "key": …}, …}`.

    Raises:
        FileError: a file that is missing or is no JSON (with line and column) or no `.npz`.
        DataError: another structure; the message says where.

    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, list):
        _wrong(path, "the file", content, "a list of batches")
    return [_batch(path, number, item) for number, item in enumerate(content)]


def read_hypers(path: str | Path, name: str | None = None) -> dict[str, int]:
    """Read one set of hyper-parameters from a file of named sets, `{NAME: {hyper: integer}}`.

    Args:
        path: the file; it may also be one bare set, `{hyper: integer}`, whose name is not asked.
        name: the set that is wanted, as the batch names it. None: the only set of the file.

    Raises:
        FileError: a file that is missing or is no JSON (with line and column).
        HyperError: no such set, several sets and no name, or a value that is not an integer.

    """
    path = Path(path)
    content = _read_json(path)
    if not isinstance(content, dict):
        _wrong(path, "the file", content, "an object of named sets of hyper-parameters")
    if not content and name is None:
        return {}
    if content and not any(isinstance(value, dict) for value in content.values()):
        return _hyper_set(path, "the file", content)
    if name is None and len(content) == 1:
        (name,) = content
    known = ", ".join(map(repr, content)) or "none"
    if name is None:
        raise HyperError(
            f"{path}: holds {len(content)} sets of hyper-parameters, one must be named\n"
            f"  hint: the sets are {known}"
        )
    if name not in content:
        raise HyperError(
            f"{path}: there is no set of hyper-parameters {name!r}\n  hint: the sets are {known}"
        )
    return _hyper_set(path, f"set {name!r}", content[name])


# ---- JSON, with places


def _read_json(path: Path) -> Any:
    """Return the parsed file; double names and numbers such as NaN are refused."""
    text = read_text(path)
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: _object(path, pairs),
            parse_constant=lambda word: _not_a_number(path, word),
        )
    except json.JSONDecodeError as error:
        message = f"{path}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}"
        raise FileError(message + _excerpt(path, text, error)) from None
    except RecursionError:
        raise FileError(f"{path}: the lists in this file are nested too deeply") from None
    except ValueError as error:  # an integer with more digits than Python accepts
        raise FileError(f"{path}: {error}") from None


def _excerpt(path: Path, text: str, error: json.JSONDecodeError) -> str:
    """Return the line with a caret; nothing where the whole file is one very long line."""
    start, end = text.rfind("\n", 0, error.pos), text.find("\n", error.pos)
    if (end if end >= 0 else len(text)) - start > MAX_LINE:
        return ""
    shown = Span(Source(str(path), text), error.pos, error.pos + 1).shown()
    return "\n" + shown.split("\n", 1)[1]  # the place is in the message already


def _object(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise DataError(f"{path}: {name!r} stands twice in one object; only one can be meant")
        found[name] = value
    return found


def _not_a_number(path: Path, word: str) -> NoReturn:
    raise DataError(f"{path}: found {word}, wanted a finite number, or null for 'not observed'")


def _wrong(path: Path, place: str, found: Any, wanted: str) -> NoReturn:
    text = json.dumps(found)
    short = text if len(text) <= 50 else text[:47] + "..."
    raise DataError(f"{path}: {place}: wanted {wanted}, found {short}")


# ---- the parts of the files


def _batch(path: Path, number: int, item: Any) -> Batch:
    place = f"batch {number}"
    if not isinstance(item, dict):
        _wrong(path, place, item, 'an object {"batch_name": …, "hypers": …, "instances": […]}')
    unknown = item.keys() - {"batch_name", "hypers", "instances"}
    if "instances" not in item or unknown:
        what = f"has no use for {sorted(unknown)[0]!r}" if unknown else "has no 'instances'"
        raise DataError(
            f"{path}: {place}: {what}\n  hint: a batch has 'batch_name', 'hypers' and 'instances'"
        )
    name, hypers = item.get("batch_name", f"batch {number}"), item.get("hypers")
    if not isinstance(name, str):
        _wrong(path, f"{place}: batch_name", name, "a string")
    if not isinstance(hypers, str | None):
        _wrong(path, f"{place}: hypers", hypers, "the name of a set of hyper-parameters")
    return Batch(name, hypers, _instances(path, f"{place} ({name!r})", item["instances"]))


def _instances(path: Path, place: str, found: Any) -> Instances:
    arrays: Arrays = {}  # each .npz is opened once for a batch
    if isinstance(found, dict):
        return {n: _value(path, f"{place}: {n}", v, arrays) for n, v in found.items()}
    if not isinstance(found, list):
        _wrong(path, f"{place}: instances", found, "a list of instances or an object of columns")
    result: list[Mapping[str, Any]] = []
    for number, instance in enumerate(found):
        here = f"{place}, instance {number}"
        if not isinstance(instance, dict):
            _wrong(path, here, instance, "an object that gives each variable its value")
        result.append({n: _value(path, f"{here}: {n}", v, arrays) for n, v in instance.items()})
    return result


def _value(path: Path, place: str, value: Any, arrays: Arrays) -> Any:
    """Return a value as it is, or the array of another file that it stands for."""
    if not isinstance(value, dict):
        return value
    match value:
        case {"npz": str(name), "key": str(key), **rest} if not rest:
            pass
        case {"npy": str(name), **rest} if not rest:
            key = ""
        case _:
            _wrong(path, place, value, 'a number, a list, {"npz": file, "key": name} or {"npy": …}')
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataError(f"{path}: {place}: {name!r} must lie in the folder of the JSON file")
    if (name, key) not in arrays:
        arrays.update(load_arrays(path.parent / name, name))
    if (name, key) not in arrays:
        known = ", ".join(repr(k) for n, k in arrays if n == name)
        raise DataError(f"{path}: {place}: {name} holds no array {key!r}\n  hint: it holds {known}")
    return arrays[name, key]


def load_arrays(file: Path, name: str) -> Arrays:
    """Return the arrays of an `.npz` or `.npy` by (name, key); objects are never unpickled.

    Raises:
        FileError: there is no such file, or it is damaged.

    """
    if not file.is_file():
        raise FileError(f"there is no file {file}")
    try:
        with file.open("rb") as opened:  # numpy itself leaves a damaged file open
            loaded = np.load(opened, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return {(name, ""): loaded}
            with loaded:
                return {(name, key): loaded[key] for key in loaded.files}
    except Exception as error:  # noqa: BLE001  (zipfile, zlib and numpy raise a dozen kinds)
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"cannot read arrays from {file}: {first}") from None


def _hyper_set(path: Path, place: str, found: Any) -> dict[str, int]:
    if not isinstance(found, dict):
        _wrong(path, place, found, "an object {hyper: integer}")
    for name, value in found.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise HyperError(f"{path}: {place}: {name} is {value!r}, an integer is needed")
    return dict(found)
