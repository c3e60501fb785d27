"""`neuralc demo`: the main job on real handwritten digits, in one command.

From 2x2 grids of digits and one integer per grid, a digit classifier and a program are learned at
once; no digit is labelled, and the cells that matter are not told.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command

if TYPE_CHECKING:
    from neuralc.data.digits import Digits


@neuralc_command
@click.option(
    "--data", type=click.Choice(["digits", "mnist"]), default="digits", show_default=True,
    help="The digits inside scikit-learn, or MNIST.",
)  # fmt: skip
@click.option("--restarts", type=click.IntRange(1), help="Independent random starts.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same result.")
@click.option(
    "--out", type=FILE, default=Path("runs/demo"), show_default=True, metavar="DIR",
    help="Where the picture and the solution are written.",
)  # fmt: skip
def command(data: str, restarts: int | None, seed: int, out: Path) -> Answer:
    """Learn to read digits and to add them up from sums alone, and print the program."""
    digits = _digits(data)

    from neuralc.experiments.demo import run_demo

    with progress_bar("learning") as progress:
        result = run_demo(digits, restarts=restarts, seed=seed, out=out, progress=progress)
    return Answer(result.text, result.data, FOUND if result.data["train_exact"] else NOT_FOUND)


def _digits(name: str) -> Digits:
    if name == "digits":
        from neuralc.data.digits import load_digits

        return load_digits()
    from neuralc.data.mnist import load_mnist

    with progress_bar("downloading MNIST") as progress:
        return load_mnist(lambda file, done, total: progress(done, total, file))
