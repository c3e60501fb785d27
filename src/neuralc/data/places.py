"""Where data sets that do not come with the package are looked for, and how arrays are read."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.errors import FileError
from neuralc.files import read_bytes


def find(file: Path) -> Path | None:
    """Return a file of a data set in the first folder that has it, or None.

    Looked for in the folder `NEURALC_DATA`, if that is set, else in `../shared/data` beside the
    current directory and beside the repository.

    Args:
        file: its place in the folder, such as `signs/signs.npz`.

    """
    named = os.environ.get("NEURALC_DATA")
    if named:
        places = [Path(named) / file, Path(named) / file.name]
    else:
        bases = (Path.cwd(), Path(__file__).parents[3])
        places = [base.parent / "shared" / "data" / file for base in bases]
    return next((path for path in places if path.is_file()), None)


def load_arrays_of(
    file: Path, what: str, names: Sequence[str], check: Callable[..., None]
) -> list[NDArray[Any]]:
    """Return arrays of an `.npz` of a data set.

    Args:
        file: see `find`.
        what: what it holds, for the message.
        names: of the arrays.
        check: called with the arrays; raises ValueError where they are not what is wanted.

    Raises:
        FileError: the file is in none of the folders, or damaged.

    """
    path = find(file)
    if path is None:
        raise FileError(
            f"there is no file {file.name} with {what}\n"
            f"  hint: set NEURALC_DATA to a folder that holds {file.as_posix()}"
        )
    content = io.BytesIO(read_bytes(path))  # numpy leaves a file open that it cannot read
    try:
        with np.load(content, allow_pickle=False) as loaded:
            arrays = [loaded[name] for name in names]
        check(*arrays)
    except Exception as error:  # noqa: BLE001  (zipfile, zlib and numpy raise a dozen kinds)
        raise FileError(f"{path} is damaged: {error}") from None
    return arrays
