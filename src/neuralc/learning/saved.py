"""Tensors and JSON side by side in a folder: written atomically, checked when read.

`NAME.json` holds everything but tensors, a version, and the checksum of `NAME.safetensors`, so
that two files of different runs are never taken for one. Nothing is unpickled or evaluated.
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

from neuralc.errors import SolutionError
from neuralc.files import read_bytes, read_text, write_atomic

VERSION = 1


def write(
    folder: Path, name: str, content: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write both files; whoever reads in between sees the old pair or a mismatch, never a mix.

    Raises:
        FileError: they cannot be written.

    """
    data = save({key: value.contiguous() for key, value in tensors.items()})
    head = {"version": VERSION, "weights": hashlib.sha256(data).hexdigest()}
    text = json.dumps({**head, **content}, indent=1)
    write_atomic(folder / f"{name}.safetensors", data)
    write_atomic(folder / f"{name}.json", text + "\n")


def read(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read both files.

    Raises:
        FileError: one of them is missing or cannot be read.
        SolutionError: they are damaged, do not belong together, or are of a newer version.

    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError):
        raise SolutionError(f"{path} is damaged: it is no JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise SolutionError(f"{path} is damaged: it has no version")
    if content["version"] > VERSION:
        raise SolutionError(
            f"{path} was written by a newer neuralc (format {content['version']}, this one reads "
            f"up to {VERSION})\n  hint: pip install --upgrade neuralc"
        )
    weights = folder / f"{name}.safetensors"
    data = read_bytes(weights)
    if hashlib.sha256(data).hexdigest() != content.get("weights"):
        raise SolutionError(f"{weights} is damaged or belongs to another {name}.json")
    try:
        return content, load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise SolutionError(f"{weights} is damaged: {error}") from None
