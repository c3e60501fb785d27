"""`neuralc learn MODEL`: find the open choices of a model from examples.

Exit code 0: a program is exact on all training examples; 3: none was found, or it is proved that
there is none; 2: bad input; 130: interrupted.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE, hypers_of, model_text, training_batch
from neuralc.cli.output import FOUND, INTERRUPTED, NOT_FOUND, Answer, note, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.engines import ENGINES

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.learning.solution import Report, Solution


@neuralc_command
@click.argument("model", type=FILE)
@click.option("--hypers", type=FILE, metavar="FILE", help="JSON file with the hyper-parameters.")
@click.option("--data", type=FILE, required=True, metavar="FILE", help="JSON file with examples.")
@click.option(
    "--solver", type=click.Choice(["gradient", "search", "sat", "smt", "cp", "auto"]),
    default="gradient", show_default=True, help="Who looks; auto: all that fit, side by side.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="Give the best so far after this time  [default: none; for auto 600].",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1), metavar="N",
    help="Processes and threads at once  [default: all cores; for gradient 1].",
)  # fmt: skip
@click.option(
    "--restarts", type=click.IntRange(1), default=100, show_default=True,
    help="Independent random starts, learned side by side.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same result.")
@click.option("--steps", type=click.IntRange(1), help="Steps of gradient descent at most.")
@click.option("--rate", type=float, help="Learning rate of the choices.")
@click.option("--batch", type=click.IntRange(1), help="Examples per step  [default: all].")
@click.option("--net", type=click.Choice(["mlp", "cnn"]), help="The body of all neural functions.")
@click.option("--network-rate", type=float, help="Learning rate of neural functions.")
@click.option("--shared", is_flag=True, help="One copy of the networks for all restarts.")
@click.option("--augment", is_flag=True, help="Train on images that are changed a little.")
@click.option("--input-noise", type=float, metavar="SIGMA", help="Train on images with noise.")
@click.option(
    "--average", type=float, metavar="SHARE",
    help="Judge and keep a running average of the networks' weights, such as 0.995.",
)  # fmt: skip
@click.option("--precision", type=click.Choice(["linear", "log"]), help="log: for long programs.")
@click.option(
    "--engine", type=click.Choice(ENGINES),
    help="What runs the model softly: kernels generated for it, or PyTorch  [default: auto].",
)  # fmt: skip
@click.option("--device", help="Where to compute, such as cpu or cuda.")
@click.option(
    "--accept", type=click.FloatRange(0, 1, min_open=True), metavar="SHARE",
    help="For models with networks: the share of the training examples that a restart must get "
    "right to count as solved  [default: 1].",
)  # fmt: skip
@click.option(
    "--all", "count", type=click.IntRange(2), metavar="N",
    help="Show up to N programs that fit the examples and behave differently, with an input that "
    "tells them apart.",
)  # fmt: skip
@click.option("--out", type=FILE, metavar="DIR", help="Where to save  [default: runs/MODEL].")
@click.option(
    "--library", type=FILE, metavar="FOLDER",
    help="Take neural functions from this library, and save them there if the task is solved.",
)  # fmt: skip
@click.option("--task", metavar="NAME", help="Its name in the library  [default: MODEL].")
@click.option("--replace-task", is_flag=True, help="Let it replace a task of the same name.")
@click.option("--library-rate", type=float, metavar="X",
              help="Rate of functions from the library  [default: RATE / 100].")  # fmt: skip
def command(
    model: Path, hypers: Path | None, data: Path, out: Path | None, count: int | None,
    net: str | None, **settings: Any,
) -> Answer:  # fmt: skip
    """Learn the program that MODEL leaves open, from the examples in a data file.

    MODEL is a file, or the name of a machine that comes with neuralc, such as turing. The batch
    named train (or the first) is learned from; others tell how well the program generalises.

    When learning by gradients was interrupted, the same command goes on where it was; other solvers
    leave the best so far. With --verbose: which solvers are asked, and what they reach.
    """
    batches, chosen = _read(data, hypers)

    from neuralc.errors import Contradiction
    from neuralc.learning.model import Model
    from neuralc.learning.run import Interrupted, learn

    loaded = Model.load(model_text(model), chosen, net=net)
    for warning in loaded.warnings:
        note(warning)
    out = out or Path("runs") / model.stem
    tell = note if click.get_current_context().params["verbose"] else None
    try:
        with progress_bar(f"learning {model.stem}") as progress:
            solution = learn(loaded, batches, out=out, progress=progress, tell=tell, **settings)
    except Contradiction as error:
        data_ = {"error": str(error), "status": "impossible", "instances": error.instances}
        return Answer(data=data_, code=NOT_FOUND, problem=str(error))
    except Interrupted as interrupted:
        answer = _answer(interrupted.solution, out)
        return dataclasses.replace(answer, code=INTERRUPTED, problem="interrupted")
    answer = _answer(solution, out)
    if count is None or not solution.report.train_exact:
        return answer
    return _with_others(answer, solution, batches, count, settings)


def _with_others(
    answer: Answer, solution: Solution, batches: list[Batch], count: int, settings: dict[str, Any]
) -> Answer:
    """Return the answer with other programs that fit the same examples."""
    from neuralc.cli.alternatives import described as described_programs
    from neuralc.cli.alternatives import shown
    from neuralc.learning.alternatives import alternatives
    from neuralc.learning.batches import split

    train, _ = split(solution.model.program, batches, None)
    programs = alternatives(
        solution, train, count, timeout=settings["timeout"], threads=settings["threads"] or 1
    )
    return dataclasses.replace(
        answer,
        text=f"{answer.text}\n\n{shown(programs)}",
        data={**answer.data, **described_programs(programs)},
    )


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
    lines = [solution.program.rstrip(), ""]
    if report.solver == "gradient" and report.steps:
        lines.append(f"exact restarts: {report.solved} of {report.restarts}")
    else:
        lines.append(f"examples right: {report.train_right} of {report.train_count}")
    if report.test_accuracy is not None:
        lines.append(f"held-out examples right: {report.test_accuracy:.1%}")
    lines += [f"time: {report.seconds:.1f} s ({report.solver})", *_table(report)]
    lines.append(f"saved in {out}")
    if report.library:
        lines.append(f"library: {report.library}")
    data = described(solution, out)
    return Answer("\n".join(lines), data, FOUND if report.solved else NOT_FOUND)


def described(solution: Solution, out: Path) -> dict[str, Any]:
    """Return what `--json` says of a solution that is saved in `out`."""
    report = solution.report
    return {
        "solved": report.solved,
        "restarts": report.restarts,
        "train_exact": report.train_exact,
        "test_accuracy": report.test_accuracy,
        "seconds": report.seconds,
        "solver": report.solver,
        "status": report.status,
        "note": report.note,
        "others": [row._asdict() for row in report.others],
        "library": report.library or None,
        "program": solution.program,
        "out": out,
    }


def _table(report: Report) -> list[str]:
    """Return what the solvers reached as lines, the one that the program is from first."""
    if not report.others:
        return [f"{report.solver}: {report.note}"] if report.note else []
    first = (report.solver, report.status, report.train_right, report.seconds, report.note)
    rows = [("solver", "status", "right", "seconds", "")]
    rows += [
        (name, status, f"{right} of {report.train_count}", f"{seconds:.1f}", note)
        for name, status, right, seconds, note in (first, *report.others)
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(4)]
    return [
        "  ".join([*(cell.ljust(n) for cell, n in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    ]
