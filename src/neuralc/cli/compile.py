"""`neuralc compile`: what a model compiles to, printed; or a program as weights, in a folder.

With `--memory` it is a program of the register machine (`programs.py`), else a model. `torch`: the
PyTorch code that the soft execution runs. `kernel`: the machine-independent code (of LLVM) that
the engine native makes for learning, or PTX with `--device cuda`. `smt2`: the question that the
solver smt asks, in SMT-LIB 2, for any solver.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE, hypers_of, hypers_options, model_text, training_batch
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.ir.nodes import Program

MAX_STEPS = 1000


@neuralc_command
@click.argument("file", type=FILE)
@hypers_options
@click.option(
    "--emit",
    type=click.Choice(["torch", "kernel", "smt2"]),
    help="What to print of a model  [default: torch].",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="With kernel: what it is for; for cuda it is PTX, with a GPU or without  [default: cpu].",
)
@click.option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="With smt2: JSON file with the examples that the choices must be right on.",
)
@click.option(
    "--out",
    type=FILE,
    metavar="PATH",
    help="Of a model: write it there instead. Of a program: the folder.",
)
@click.option(
    "--memory",
    type=click.IntRange(min=2),
    metavar="M",
    help="FILE is a program: compile it for a memory of M cells.",
)
@click.option(
    "--sharpness",
    type=click.FloatRange(min=0, min_open=True, max=1e6),
    metavar="NATS",
    help="How sure the weights are; 2 to 6 is soft  [default: exact].",
)
@click.option(
    "--registers",
    type=click.IntRange(min=1),
    metavar="R",
    help="More registers than the program needs.",
)
@click.option(
    "--max-steps",
    type=click.IntRange(min=1),
    metavar="T",
    help=f"Instructions after which a run is cut off  [default: {MAX_STEPS}].",
)
@click.option("--entry", metavar="NAME", help="Of a Python file: the function to run.")
@click.option(
    "--stack",
    type=click.IntRange(min=0),
    metavar="CELLS",
    help="Of a recursive Python function: cells for its stack  [default: half].",
)
def command(
    file: Path, hypers: Path | None, set_name: str | None, emit: str | None, device: str | None,
    data: Path | None, out: Path | None, memory: int | None, max_steps: int | None, **settings: Any,
) -> Answer:  # fmt: skip
    """Print what a model compiles to, or compile a program to weights.

    A model is printed, readable and complete: torch is the code that runs it softly; kernel
    is what the engine native compiles for this processor, with the lines of the model; smt2 is a
    question in SMT-LIB 2 (QF_BV): which choices are right on the batch named train, or the first,
    of the data? Without data, choices and inputs are both unknown.

    With --memory, FILE is a program: assembly, a .py file of the Python subset, or the name of a
    program that comes with neuralc. Its weights are written into the folder --out.
    """
    of_model = {"--hypers": hypers, "--set": set_name, "--emit": emit, "--data": data,
                "--device": device}  # fmt: skip
    of_program = {"--max-steps": max_steps, **{f"--{k}": value for k, value in settings.items()}}
    if memory is None:
        _refuse(of_program, f"{file} is taken for a model", "a program needs --memory M, too")
        _refuse_program(file)
        return _model(file, hypers, set_name, emit or "torch", device, data, out)
    _refuse(of_model, "--memory says that this is a program", "leave out one of the two")
    if out is None:
        raise NeuralcError("--out is missing: a program is written into a folder\n"
                           f"  hint: --out runs/{file.stem}")  # fmt: skip
    from neuralc.cli.programs import compile_program

    return compile_program(file, out, memory=memory, max_steps=max_steps or MAX_STEPS, **settings)


def _refuse(options: dict[str, Any], reason: str, hint: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise NeuralcError(f"{reason}, which takes no {name}\n  hint: {hint}")


def _refuse_program(file: Path) -> None:
    """Refuse what can only be a program, before it is read as a model."""
    from neuralc import machines, routines

    name = str(file)
    if file.suffix == ".asm" or name in set(routines.names()) - set(machines.names()):
        raise NeuralcError(
            f"{file} is a program, not a model\n  hint: give --memory M and --out DIR, too"
        )


def _model(
    file: Path, hypers: Path | None, set_name: str | None, emit: str, device: str | None,
    data: Path | None, out: Path | None,
) -> Answer:  # fmt: skip
    """Print a model, or write what would be printed into a file."""
    if data is not None and emit != "smt2":
        raise NeuralcError(f"--emit {emit} takes no examples\n  hint: leave out --data")
    if device is not None and emit != "kernel":
        raise NeuralcError(f"--emit {emit} is the same on all devices\n  hint: leave out --device")
    batch = None if data is None else _batch(data)
    chosen = hypers_of(hypers, set_name or (batch.hypers if batch else None))

    from neuralc.files import write_atomic
    from neuralc.learning.model import Model

    loaded = Model.load(model_text(file), chosen)
    if emit == "smt2":
        source = _smt2(loaded.program, batch)
    else:
        torch = emit == "torch"
        source = loaded.torch_source() if torch else loaded.kernel_source(device or "cpu")
    answer = {"emit": emit, "source": source, "out": out}
    if out is None:
        return Answer(source.rstrip(), answer)
    write_atomic(out, source)
    return Answer(f"written to {out}", answer)


def _batch(data: Path) -> Batch:
    from neuralc.data.examples_json import read_batches

    return training_batch(read_batches(data), data)


def _smt2(program: Program, batch: Batch | None) -> str:
    from neuralc.backends.smt.emit import smt2
    from neuralc.ir.examples import bind

    if batch is None:
        return smt2(program)
    return smt2(program, bind(program, batch.instances, where=f"batch {batch.name!r}"))
