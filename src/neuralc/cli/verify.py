"""`neuralc verify SOLUTION`: is a found program right on all inputs? Proof or counterexample."""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer
from neuralc.cli.output import command as neuralc_command

REFUTED = 1


@neuralc_command
@click.argument("solution", type=FILE)
@click.option(
    "--against",
    metavar="REF",
    help="What it should equal: a Python file (FILE or FILE:NAME), a solution, a model.",
)
@click.option(
    "--property", "property_", metavar="EXPR", help="Instead: a condition on inputs and outputs."
)
@click.option("--where", metavar="EXPR", help="A condition on inputs: only these count.")
@click.option(
    "--samples",
    type=click.IntRange(0),
    default=10_000,
    show_default=True,
    help="Inputs to try where there are too many to run all.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the samples.")
def command(
    solution: Path, against: str | None, property_: str | None, where: str | None, samples: int,
    timeout: float, seed: int,
) -> Answer:  # fmt: skip
    """Prove for all inputs that the program saved in the folder SOLUTION is right.

    Exit codes: 0 proved, 1 refuted (a counterexample is printed), 3 not decided, 2 bad input.
    """
    if (against is None) == (property_ is None):
        raise click.UsageError("give one of --against and --property")
    from neuralc.inspect.verify import verify

    verdict = verify(
        solution, against, property=property_, where=where, samples=samples, timeout=timeout,
        seed=seed,
    )  # fmt: skip
    wrong = verdict.counterexample
    data = {
        "verdict": verdict.status,
        "inputs": verdict.inputs,
        "tested": verdict.tested,
        "counterexample": None if wrong is None else {
            "inputs": wrong.inputs, "found": wrong.found, "wanted": wrong.wanted,
        },
        "counted": verdict.counted,
        "how": verdict.how,
        "note": verdict.note,
        "seconds": verdict.seconds,
    }  # fmt: skip
    code = {"proved": FOUND, "refuted": REFUTED, "undecided": NOT_FOUND}[verdict.status]
    text = f"{verdict.text}\n  {verdict.note}" if verdict.note else verdict.text
    return Answer(text, data, code)
