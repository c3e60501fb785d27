"""What `compile --memory` does: a program in assembly or in the Python subset, into a folder."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralc.cli.output import Answer
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.ir.assembly import Assembly
    from neuralc.source import Source


@dataclass(frozen=True)
class Loaded:
    """A program that fits its memory; `trap` is described in `nn/folder.py`."""

    assembly: Assembly
    about: dict[str, Any] = field(default_factory=dict)
    trap: dict[str, Any] | None = None


def load_program(
    file: Path, memory: int | None, *, entry: str | None = None, stack: int | None = None
) -> Loaded:
    """Read a program: a file of the Python subset, an assembly file, or the name of a routine.

    Args:
        file: the file or the name.
        memory: M; None, for assembly only: it is not asked whether the program fits.
        entry, stack: see `lang.pyasm.compile`.

    Raises:
        FileError: there is no such file.
        ModelErrors: what is wrong with it, or does not fit the memory.
        NeuralcError: options that mean nothing here.

    """
    if file.suffix == ".py":
        assert memory is not None
        return _python(file, memory, entry, stack)
    for name, value in (("--entry", entry), ("--stack", stack)):
        if value is not None:
            raise NeuralcError(f"{name} is for programs in Python\n  hint: leave it out")
    from neuralc.lang import asm

    assembly = asm.parse(_assembly_text(file))
    if memory is not None:
        asm.fit(assembly, memory)
    return Loaded(assembly)


def _assembly_text(file: Path) -> Source:
    """Return the text of an assembly file, or of a program that comes with neuralc.

    Raises:
        FileError: there is neither.

    """
    from neuralc import routines
    from neuralc.errors import FileError
    from neuralc.files import read_text
    from neuralc.source import Source

    name = str(file)
    if name in routines.names():
        return Source(f"{name}.asm", read_text(routines.path(name)))
    if not file.exists() and name.isidentifier():  # a name rather than a path
        raise FileError(
            f"there is no file and no program {name!r}\n"
            f"  hint: the programs that come with neuralc are {', '.join(routines.names())}"
        )
    return Source(name, read_text(file))


def _python(file: Path, memory: int, entry: str | None, stack: int | None) -> Loaded:
    from neuralc.files import read_text
    from neuralc.lang import pyasm
    from neuralc.source import Source

    source = Source(str(file), read_text(file))
    found = pyasm.compile(source, memory=memory, entry=entry, stack=stack)
    calls = {
        number: f"line {call.line}: {' '.join(call.text.split())}"
        for number, call in found.calls.items()
    }
    trap = None
    if found.status is not None:
        trap = {"lines": sorted(found.traps), "status_cell": found.status, "calls": calls}
    about = {"entry": found.entry, "arguments": found.arguments, "stack": found.stack}
    return Loaded(found.assembly, about, trap)


def compile_program(
    file: Path, out: Path, *, memory: int, sharpness: float | None, registers: int | None,
    max_steps: int, entry: str | None, stack: int | None,
) -> Answer:  # fmt: skip
    """Compile a program to weights, and write them into a folder."""
    from neuralc.nn import folder
    from neuralc.nn.compile import compile
    from neuralc.nn.weights import SHARP

    if sharpness is not None and not math.isfinite(sharpness):
        raise NeuralcError(f"--sharpness {sharpness} is no number\n  hint: 2 to 6 is soft")
    program = load_program(file, memory, entry=entry, stack=stack)
    assembly = program.assembly
    least = len(assembly.registers)
    if registers is not None and registers < least:
        raise NeuralcError(
            f"--registers {registers}: this program needs {least}\n  hint: give {least} or more"
        )
    machine = compile(
        assembly, memory, sharpness=SHARP if sharpness is None else sharpness,
        registers=registers, max_steps=max_steps,
    )  # fmt: skip
    folder.save(machine, out, assembly=assembly, note=program.about, trap=program.trap)
    data = {
        "out": out, "lines": len(assembly.lines), "registers": machine.registers,
        "memory": memory, "max_steps": max_steps, "sharpness": sharpness or SHARP, **program.about,
    }  # fmt: skip
    text = (
        f"{file.stem}: {len(assembly.lines)} lines, {machine.registers} registers, "
        f"a memory of {memory} cells\n{_about(program.about)}written to {out}\n\n"
        f'run it:   neuralc run {out} --memory "1 2 3"\nread it:  neuralc disasm {out}'
    )
    return Answer(text, data)


def _about(about: dict[str, Any]) -> str:
    """Return what there is to know of a Python function before it is run."""
    if not about:
        return ""
    said = f"function {about['entry']}"
    if about["arguments"] is not None:
        said += f": arguments in the first cells ({about['arguments']}), then its result in cell 0"
    if about["stack"]:
        said += f"; the last {about['stack']} cells are its stack"
    return f"{said}\n"
