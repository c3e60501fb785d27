"""`neuralc bench terpret`: published benchmarks, by each solver, beside the published figures.

Exit code 0: every task is solved by at least one solver; 3: one is not; 2: bad input.
"""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, note
from neuralc.cli.output import command as neuralc_command
from neuralc.cores import cores

QUICK_SECONDS, SECONDS = 20.0, 600.0


@neuralc_command
@click.argument("suite", type=click.Choice(["terpret"]))
@click.option(
    "--solver", "solvers", multiple=True, metavar="NAME",
    help="Such as gradient, search, smt, cp, auto; may be repeated  [default: auto].",
)  # fmt: skip
@click.option(
    "--task", "tasks", multiple=True, metavar="NAME",
    help="Such as turing-invert or parity; may be repeated  [default: all].",
)  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="For each run  [default: 600, with --quick 20].",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(1), help="For each run  [default: all cores].")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of examples and solvers."
)
@click.option(
    "--seeds", "count", type=click.IntRange(1), default=1, show_default=True,
    help="Runs of each task, with this many seeds from --seed on.",
)  # fmt: skip
@click.option(
    "--out", type=FILE, default=Path("runs/bench-terpret"), show_default=True, metavar="DIR",
    help="Where table, picture and figures are written.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="The easy tasks only, with a short timeout.")
def command(
    suite: str, solvers: tuple[str, ...], tasks: tuple[str, ...], timeout: float | None,
    threads: int | None, seed: int, count: int, out: Path, quick: bool,
) -> Answer:  # fmt: skip
    """Run the benchmark SUITE and print a table in Markdown.

    terpret: the twelve tasks of the TerpreT report and its parity chain. Every program that is
    found is run on all inputs of its task and compared with the reference.
    """
    from neuralc.experiments.terpret import Limits, chosen_tasks, run_benchmark

    assert suite == "terpret"
    chosen = chosen_tasks(tasks, quick=quick)
    limits = Limits(timeout or (QUICK_SECONDS if quick else SECONDS), threads or cores())
    result = run_benchmark(
        chosen, list(dict.fromkeys(solvers)) or ["auto"], limits=limits,
        seeds=range(seed, seed + count), out=out, progress=note,
    )  # fmt: skip
    text = f"{result.text}\n\nwritten to {out}"
    return Answer(text, result.data, FOUND if result.solved else NOT_FOUND, result.note)
