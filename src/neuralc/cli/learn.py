"""`neuralc learn MODEL`: find the open choices of a model from examples.

Exit code 0: at least one restart is exact on all training examples; 3: none is; 2: bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE, hypers_of, model_text, training_batch
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, note, progress_bar
from neuralc.cli.output import command as neuralc_command

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.learning.solution import Solution


@neuralc_command
@click.argument("model", type=FILE)
@click.option("--hypers", type=FILE, metavar="FILE", help="JSON file with the hyper-parameters.")
@click.option("--data", type=FILE, required=True, metavar="FILE", help="JSON file with examples.")
@click.option(
    "--restarts", type=click.IntRange(1), default=100, show_default=True,
    help="Independent random starts, learned side by side.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same result.")
@click.option("--steps", type=click.IntRange(1), help="Steps of gradient descent at most.")
@click.option("--rate", type=float, help="Learning rate of the choices.")
@click.option("--batch", type=click.IntRange(1), help="Examples per step  [default: all].")
@click.option("--precision", type=click.Choice(["linear", "log"]), help="log: for long programs.")
@click.option("--device", help="Where to compute, such as cpu or cuda.")
@click.option(
    "--accept", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE",
    help="For models with networks: the share of the training examples that a restart must get "
    "right to count as solved  [default: 1].",
)  # fmt: skip
@click.option("--out", type=FILE, metavar="DIR", help="Where to save  [default: runs/MODEL].")
def command(
    model: Path, hypers: Path | None, data: Path, out: Path | None, **settings: Any
) -> Answer:
    """Learn the program that MODEL leaves open, from the examples in a data file.

    MODEL is a file, or the name of a machine that comes with neuralc, such as turing. The batch
    named train (or the first) is learned from; others tell how well the program generalises.

    When it was interrupted, the same command goes on where it was.
    """
    batches, chosen = _read(data, hypers)

    from neuralc.learning import learn
    from neuralc.learning.model import Model

    loaded = Model.load(model_text(model), chosen)
    for warning in loaded.warnings:
        note(warning)
    out = out or Path("runs") / model.stem
    with progress_bar(f"learning {model.stem}") as progress:
        solution = learn(loaded, batches, out=out, progress=progress, **settings)
    return _answer(solution, out)


def _read(data: Path, hypers: Path | None) -> tuple[list[Batch], dict[str, int]]:
    """Return the batches for the hyper-parameters of the training batch, that one first."""
    from neuralc.data.examples_json import read_batches

    batches = read_batches(data)
    train = training_batch(batches, data)
    rest = [batch for batch in batches if batch is not train]
    for batch in rest:
        if batch.hypers != train.hypers:
            note(f"batch {batch.name!r} is left out: it is for other hyper-parameters "
                 f"({batch.hypers}, not {train.hypers})")  # fmt: skip
    same = [batch for batch in rest if batch.hypers == train.hypers]
    return [train, *same], hypers_of(hypers, train.hypers)


def _answer(solution: Solution, out: Path) -> Answer:
    report = solution.report
    lines = [solution.program.rstrip(), "", f"exact restarts: {report.solved} of {report.restarts}"]
    if report.test_accuracy is not None:
        lines.append(f"held-out examples right: {report.test_accuracy:.1%}")
    lines += [f"time: {report.seconds:.1f} s ({report.solver})", f"saved in {out}"]
    data = {
        "solved": report.solved,
        "restarts": report.restarts,
        "train_exact": report.train_exact,
        "test_accuracy": report.test_accuracy,
        "seconds": report.seconds,
        "solver": report.solver,
        "program": solution.program,
        "out": out,
    }
    return Answer("\n".join(lines), data, FOUND if report.solved else NOT_FOUND)
