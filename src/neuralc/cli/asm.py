"""`neuralc asm FILE`: a program of the register machine as a listing with numbers."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command
from neuralc.cli.programs import load_program

if TYPE_CHECKING:
    from neuralc.ir.assembly import Assembly

PYTHON = 256  # cells that a Python program is compiled for, where nobody says


@neuralc_command
@click.argument("file", type=FILE)
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    metavar="M",
    help="Check that it fits a memory of M cells; show constants as its values. For Python what it "
    f"is compiled for  [default: {PYTHON}].",
)
def command(file: Path, memory: int | None) -> Answer:
    """Print the lines, registers and constants of a program in assembly.

    FILE is an assembly file, a file of the Python subset, or the name of a program that comes with
    neuralc: `listk`, … What is printed is assembly again.
    """
    from neuralc.lang import asm

    python = PYTHON if file.suffix == ".py" else None
    assembly = load_program(file, memory or python).assembly
    if memory is not None:
        values = (None if value is None else value % memory for value in assembly.registers)
        assembly = replace(assembly, registers=tuple(values))
    least = asm.smallest_memory(assembly)
    listing = asm.text(assembly)
    counts = f"{_count(assembly.lines, 'line')}, {_count(assembly.registers, 'register')}"
    size = f"a memory of {memory} cells" if memory else f"a memory of {least} cells or more"
    heading = f"# {file.stem}: {counts}, for {size}"
    warnings = list(_warnings(assembly))
    data = {**_data(assembly), "memory": memory, "smallest_memory": least, "listing": listing,
            "warnings": warnings}  # fmt: skip
    return Answer(f"{heading}\n{listing.rstrip()}", data, problem="\n".join(warnings))


def _count(things: tuple[Any, ...], name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"


def _warnings(assembly: Assembly) -> list[str]:
    if any(line.operation == "STOP" for line in assembly.lines):
        return []
    return ["warning: no line is STOP; a run ends only behind the last line, if at all"]


def _data(assembly: Assembly) -> dict[str, Any]:
    """Return the program as data: lines with numbers of registers, registers with their start."""
    lines = []
    for k, line in enumerate(assembly.lines):
        row = asdict(replace(line, span=None))
        row.pop("span")
        lines.append({"line": k, "label": assembly.labels.get(k), **row})
    registers = [
        {"register": r, "name": assembly.names[r], "start": value}
        for r, value in enumerate(assembly.registers)
    ]
    return {"lines": lines, "registers": registers, "start": assembly.start}
