"""A library of routines as JSON, and back: everything is text that is parsed again.

What is read may come from a stranger: nothing of it is evaluated, and sizes are bounded before
anything is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuralc.errors import HyperError, SolutionError
from neuralc.ir.text import read, show
from neuralc.lang import alm
from neuralc.nn.library.assembly import AssemblyRoutine
from neuralc.nn.library.models import ModelRoutine
from neuralc.nn.library.routine import Routine
from neuralc.nn.library.sources import Translated
from neuralc.source import Source

KIND, VERSION = "neuralc routines", 1


def to_json(
    sizes: Mapping[str, int], routines: Mapping[str, Routine], whole: frozenset[str]
) -> dict[str, Any]:
    """Return a library as what JSON can hold.

    Args:
        sizes: what the library was made with.
        routines: all of them.
        whole: the names of those with a memory of n cells.

    """
    rows: list[dict[str, Any]] = []
    for name, routine in routines.items():
        match routine:
            case AssemblyRoutine(code=code):
                rows.append({"name": name, "text": alm.text([code]), "memory": name in whole})
            case ModelRoutine(program=program, choices=choices):
                made = {key: value.tolist() for key, value in choices.items()}
                rows.append({"name": name, "model": show(program), "choices": made})
    return {"kind": KIND, "version": VERSION, **sizes, "routines": rows}


def from_json(
    content: Any,
) -> tuple[dict[str, int], list[Translated | ModelRoutine]]:
    """Return the sizes and the routines of what `to_json` returned.

    Raises:
        SolutionError: it is something else, damaged, or of a newer version.
        ModelErrors, SourceError: a text is not what it should be.

    """
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise SolutionError("this is no library of routines")
    version = content.get("version")
    if isinstance(version, int) and version > VERSION:
        raise SolutionError(
            f"the library was written by a newer neuralc (format {version}, this one reads up to "
            f"{VERSION})\n  hint: pip install --upgrade neuralc"
        )
    try:
        sizes = {key: content[key] for key in ("n", "cells", "depth", "max_steps")}
        rows = [dict(row) for row in content["routines"]]
        return sizes, [_routine(row, sizes["n"]) for row in rows]
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise SolutionError(f"the library of routines is damaged: {error!r}") from None


def _routine(row: dict[str, Any], n: Any) -> Translated | ModelRoutine:
    if isinstance(n, bool) or not isinstance(n, int):
        raise HyperError(f"n is a whole number, found {n!r}")
    name = row["name"]
    if not isinstance(name, str):
        raise TypeError("a name is text")
    if "model" in row:
        return ModelRoutine(name, read(str(row["model"]), name), dict(row["choices"]), n=n)
    (code,) = alm.parse(Source(name, str(row["text"])), name)
    if code.name != name:
        raise ValueError(f"{name} is called {code.name}")
    return Translated(code, whole_memory=bool(row["memory"]))
