"""Routines as text that `parse` reads back to equal ones."""

from __future__ import annotations

from collections.abc import Iterable

from neuralc.ir.alm import FORMS, Code, Line


def text(codes: Iterable[Code]) -> str:
    """Return the text of routines, one behind another."""
    return "\n".join(_routine(code) for code in codes)


def _routine(code: Code) -> str:
    labels: dict[int, list[str]] = {}
    for name, at in code.labels.items():
        labels.setdefault(at, []).append(f"{name}:")
    rows = [" ".join(["routine", code.name, *code.operands])]
    wide = max((len(" ".join(found)) for found in labels.values()), default=0)
    for k, line in enumerate(code.lines):
        rows.append(f"{' '.join(labels.get(k, [])):{wide}}    {_line(line)}".rstrip())
    return "\n".join(rows) + "\n"


def _line(line: Line) -> str:
    words = [line.operation]
    for part in FORMS[line.operation]:
        word = getattr(line, part)
        if word is not None and not (line.operation == "jump" and part == "value" and word == 1):
            words.append(str(word))
    return " ".join(words)
