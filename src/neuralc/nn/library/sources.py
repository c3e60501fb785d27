"""What can become a routine: texts in three languages, parsed programs, and Python functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from neuralc.errors import NeuralcError
from neuralc.ir.alm import Code
from neuralc.ir.assembly import OPERATIONS, Assembly
from neuralc.lang import alm, asm, pyasm
from neuralc.lang.pyasm.compiled import Compiled
from neuralc.lang.pyasm.function import Program
from neuralc.nn.library.translate import translate
from neuralc.source import Source

_COMMENT = re.compile(r"(#|//).*")
_PYTHON = re.compile(r"^\s*(def |@|import |from )", re.M)
_CAPITALS = re.compile(rf"\b({'|'.join(OPERATIONS)})\b")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Translated:
    """A routine, and whether it needs a memory of as many cells as there are values."""

    code: Code
    whole_memory: bool = False


def routines_of(
    program: Any, name: str | None, values: int, *, stack: int | None = None
) -> list[Translated]:
    """Return the routines of a program, the one that is meant first.

    Args:
        program: see `RoutineLibrary.add`.
        name: of the routine that is meant; None: as it is called in the text.
        values: n, the size of the memory of programs for the register machine.
        stack: of Python programs that call themselves.

    Raises:
        ModelErrors: what is wrong with a text.
        NeuralcError: it is something else, or there is no routine of this name in it.

    """
    if name is not None:
        checked_name(name)
    if isinstance(program, str):
        program = Source(name or "program", program)
    if isinstance(program, Source):
        text = _COMMENT.sub("", program.text)
        if _PYTHON.search(text):
            compiled = pyasm.compile(program, memory=values, stack=stack)
            return [_compiled(compiled, name or compiled.entry, values)]
        if not _CAPITALS.search(text):
            return _written(program, name)
        program = asm.parse(program)
    if isinstance(program, Program):
        compiled = program.compile(values, stack=stack)
        return [_compiled(compiled, name or compiled.entry, values)]
    if isinstance(program, Compiled):
        return [_compiled(program, name or program.entry, values)]
    if isinstance(program, Assembly):
        asm.fit(program, values)
        return [Translated(translate(name or "program", program, values), whole_memory=True)]
    raise NeuralcError(
        f"{type(program).__name__} cannot become a routine\n"
        "  hint: give a text, a function with @nc.program, or a solution"
    )


def checked_name(name: str) -> str:
    """Return a name that a routine can have, so that others can call it; else NeuralcError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise NeuralcError(
            f"a routine cannot be called {name!r}\n  hint: give a name of letters and digits (name)"
        )
    return name


def _written(source: Source, name: str | None) -> list[Translated]:
    codes = list(alm.parse(source, name or "program"))
    if name is not None and len(codes) == 1:
        codes = [_renamed(codes[0], name)]
    if name is not None and name not in [code.name for code in codes]:
        raise NeuralcError(
            f"{source.name} has no routine {name!r}\n"
            f"  hint: it has {', '.join(code.name for code in codes)}"
        )
    codes.sort(key=lambda code: code.name != name)
    return [Translated(code) for code in codes]


def _renamed(code: Code, name: str) -> Code:
    """Return a routine under another name; if it calls itself, it still does."""
    if code.name == name:
        return code
    inner = set(map(id, code.calls()))
    lines = tuple(
        replace(line, label=name) if id(line) in inner and line.label == code.name else line
        for line in code.lines
    )
    return replace(code, name=name, lines=lines)


def _compiled(compiled: Compiled, name: str, values: int) -> Translated:
    code = translate(
        name, compiled.assembly, values, arguments=compiled.arguments,
        targets=sorted(compiled.assembly.labels), traps=compiled.traps,
    )  # fmt: skip
    return Translated(code, whole_memory=True)
