"""`neuralc compile MODEL --emit torch`: print the PyTorch code that the soft execution runs."""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE, hypers_of, hypers_options, model_text
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command


@neuralc_command
@click.argument("model", type=FILE)
@hypers_options
@click.option(
    "--emit",
    type=click.Choice(["torch"]),
    default="torch",
    show_default=True,
    help="What to print.",
)
@click.option("--out", type=FILE, metavar="FILE", help="Write it there instead.")
def command(
    model: Path, hypers: Path | None, set_name: str | None, emit: str, out: Path | None
) -> Answer:
    """Print the code that MODEL compiles to, readable and complete."""
    chosen = hypers_of(hypers, set_name)

    from neuralc.files import write_atomic
    from neuralc.learning.model import Model

    source = Model.load(model_text(model), chosen).torch_source()
    data = {"emit": emit, "source": source, "out": out}
    if out is None:
        return Answer(source.rstrip(), data)
    write_atomic(out, source)
    return Answer(f"written to {out}", data)
