"""`neuralc compile MODEL --emit WHAT`: print what a model compiles to.

`torch`: the PyTorch code that the soft execution runs. `smt2`: the question that the solver smt
asks, in SMT-LIB 2, for any solver.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralc.cli.inputs import FILE, hypers_of, hypers_options, model_text, training_batch
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.ir.nodes import Program


@neuralc_command
@click.argument("model", type=FILE)
@hypers_options
@click.option(
    "--emit",
    type=click.Choice(["torch", "smt2"]),
    default="torch",
    show_default=True,
    help="What to print.",
)
@click.option(
    "--data",
    type=FILE,
    metavar="FILE",
    help="With smt2: JSON file with the examples that the choices must be right on.",
)
@click.option("--out", type=FILE, metavar="FILE", help="Write it there instead.")
def command(
    model: Path, hypers: Path | None, set_name: str | None, emit: str, data: Path | None,
    out: Path | None,
) -> Answer:  # fmt: skip
    """Print what MODEL compiles to, readable and complete.

    torch is the code that runs it softly. smt2 is a question in SMT-LIB 2 (QF_BV): which choices
    are right on the batch named train, or the first, of the data? Without data, choices and inputs
    are both unknown: the program as definitions, to which conditions can be added.
    """
    if data is not None and emit != "smt2":
        raise NeuralcError(f"--emit {emit} takes no examples\n  hint: leave out --data")
    batch = None if data is None else _batch(data)
    chosen = hypers_of(hypers, set_name or (batch.hypers if batch else None))

    from neuralc.files import write_atomic
    from neuralc.learning.model import Model

    loaded = Model.load(model_text(model), chosen)
    source = loaded.torch_source() if emit == "torch" else _smt2(loaded.program, batch)
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
