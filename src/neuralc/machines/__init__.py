"""Interpreters written in the model language, as files to be read.

The other files of this folder are models, not Python: they are parsed by `lang/model/`
and must never be imported. This module only says where they are; it does not know what is in them.
"""

from __future__ import annotations

from pathlib import Path

from neuralc.errors import FileError

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of all machines, sorted: `assembly`, `basic_block` and so on."""
    return tuple(sorted(p.stem for p in _FOLDER.glob("*.py") if p.stem != "__init__"))


def path(name: str) -> Path:
    """Return the file of a machine.

    Args:
        name: one of `names()`.

    Raises:
        FileError: there is no machine of this name.

    """
    if name not in names():
        raise FileError(
            f"there is no machine {name!r}\n  hint: the machines are {', '.join(names())}"
        )
    return _FOLDER / f"{name}.py"
