"""`neuralc disasm FOLDER`: the weights of a compiled program as a listing."""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError


@neuralc_command
@click.argument("folder", type=FILE)
@click.option(
    "--restart",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which of several programs in the folder.",
)
@click.option(
    "--certain",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="P",
    help="Probability that counts as certain.",
)
def command(folder: Path, restart: int, certain: float) -> Answer:
    """Print the program that the weights in FOLDER mean.

    It is assembly again, with what is not certain as remarks. Type 1: every choice that matters is
    certain; 2: all but where jumps lead, printed as a chain of conditions; 3: any other. The
    confidence is that of the least certain choice that matters.
    """
    from neuralc.inspect.disassemble import MEANING, disassemble
    from neuralc.nn.folder import load

    saved = load(folder)
    count = saved.machine.restarts
    if restart >= count:
        raise NeuralcError(f"there is no restart {restart}, {folder} holds {count} (from 0 on)")
    found = disassemble(saved.machine, restart, names=saved.assembly, certain=certain)
    heading = f"# type {found.kind}: {MEANING[found.kind]}; confidence {found.confidence:.3f}"
    return Answer(
        f"{heading}\n\n{found.text.rstrip()}",
        {
            "program": found.text,
            "type": found.kind,
            "confidence": found.confidence,
            "doubts": [
                {"place": doubt.place, "values": dict(doubt.values)} for doubt in found.doubts
            ],
            "memory": saved.memory,
            "registers": saved.machine.registers,
            "note": saved.note,
        },
    )
