"""Labelled images from an `.npz` file with the arrays `images` and `labels`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuralc.data.examples_json import load_arrays
from neuralc.errors import FileError

Array = np.ndarray[Any, Any]


def read_labelled(path: Path) -> tuple[Array, Array]:
    """Return images and labels as they are in the file; whether they fit is seen when used.

    Raises:
        FileError: there is no such file, it is damaged, or one of the arrays is missing.

    """
    arrays = {key: array for (_, key), array in load_arrays(path, path.name).items()}
    for name in ("images", "labels"):
        if name not in arrays:
            known = ", ".join(repr(key) for key in arrays if key) or "none with a name"
            raise FileError(
                f"{path} holds no array {name!r}: {known}\n"
                "  hint: write it with np.savez(path, images=…, labels=…)"
            )
    return arrays["images"], arrays["labels"]
