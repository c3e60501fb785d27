"""Programs as assembly files to be read: fourteen generic ones, and the standard library.

`lang/asm` parses the programs of adaptive neural compilation, docs/assembly.md describes their
language; the standard library is for `lang/alm`, docs/routines.md. This module only says where
the files are; it does not know what is in them.

Source: the tasks of Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, and of
the program code published with it; written anew from their descriptions.
"""

from __future__ import annotations

from pathlib import Path

from neuralc.errors import FileError

_FOLDER = Path(__file__).parent


def names() -> tuple[str, ...]:
    """Return the names of all routines, sorted: `access`, `addition` and so on."""
    return tuple(sorted(p.stem for p in _FOLDER.glob("*.asm")))


def standard() -> Path:
    """Return the file of the standard library of the machine with subroutines."""
    return _FOLDER / "standard.alm"


def path(name: str) -> Path:
    """Return the file of a routine.

    Args:
        name: one of `names()`.

    Raises:
        FileError: there is no routine of this name.

    """
    if name not in names():
        raise FileError(
            f"there is no routine {name!r}\n  hint: the routines are {', '.join(names())}"
        )
    return _FOLDER / f"{name}.asm"
