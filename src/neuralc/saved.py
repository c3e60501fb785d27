"""Tensors and JSON side by side in a folder: written atomically, checked when read.

`NAME.json` holds everything but tensors, a version, a checksum of itself, and that of its weights,
which lie in a file named after it: the JSON takes its place last, so a full disk or Ctrl-C at any
moment leaves the old pair or the new one. Nothing is unpickled or evaluated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neuralc.errors import FileError, SolutionError
from neuralc.files import read_bytes, read_text, write_atomic

VERSION = 1


def write(
    folder: Path, name: str, content: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write both files; whoever reads in between sees the old pair.

    Raises:
        FileError: they cannot be written; the old pair is still there.

    """
    data = save({key: value.contiguous() for key, value in tensors.items()})
    body = {"version": VERSION, "weights": hashlib.sha256(data).hexdigest(), **content}
    text = json.dumps({**body, "checksum": _checksum(body)}, indent=1)
    weights = _weights(folder, name, body["weights"])
    before = weights.exists()
    write_atomic(weights, data)
    try:
        write_atomic(folder / f"{name}.json", text + "\n")
    except FileError:
        if not before:
            weights.unlink(missing_ok=True)
        raise
    _clear(folder, name, kept=weights)


def read(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read both files.

    Raises:
        FileError: one of them is missing or cannot be read.
        SolutionError: they are damaged, do not belong together, or are of a newer version.

    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError):  # ValueError: also numbers of thousands of digits
        raise SolutionError(f"{path} is damaged: it is no JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise SolutionError(f"{path} is damaged: it has no version")
    if content["version"] > VERSION:
        raise SolutionError(
            f"{path} was written by a newer neuralc (format {content['version']}, this one reads "
            f"up to {VERSION})\n  hint: pip install --upgrade neuralc"
        )
    if content.pop("checksum", None) != _checksum(content):
        raise SolutionError(f"{path} is damaged: its checksum is another one")
    weights = _weights(folder, name, str(content.get("weights")))
    data = read_bytes(weights)
    if hashlib.sha256(data).hexdigest() != content.get("weights"):
        raise SolutionError(f"{weights} is damaged or belongs to another {name}.json")
    try:
        return content, load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise SolutionError(f"{weights} is damaged: {error}") from None


def remove(folder: Path, name: str) -> None:
    """Remove both files, if they are there."""
    (folder / f"{name}.json").unlink(missing_ok=True)
    _clear(folder, name)


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _weights(folder: Path, name: str, digest: str) -> Path:
    """Return the file of some weights; `digest` may come from a damaged file."""
    short = "".join(c for c in digest[:16] if c in "0123456789abcdef")
    return folder / f"{name}-{short}.safetensors"


def _clear(folder: Path, name: str, kept: Path | None = None) -> None:
    """Remove weights that no JSON refers to any more."""
    for path in folder.glob(f"{name}-*.safetensors"):
        if path != kept:
            path.unlink(missing_ok=True)
