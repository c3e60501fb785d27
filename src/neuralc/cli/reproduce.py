"""`neuralc reproduce NAME`: a result of a paper, ours beside theirs.

`math-search`: the MATH program of Neural TerpreT, found by search under the likelihoods of a digit
and an operator network that were trained beforehand. `anc-table1`: six programs, adapted to the
inputs that they see. `alm-quicksort`: sorting on the machine with subroutines. `alm-fibonacci`: see
`reproduce_alm.py`. `ntpt-lifelong`, `ntpt-math`, `ntpt-maze`: see `reproduce_ntpt.py`.
"""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli import reproduce_alm, reproduce_ntpt
from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError


@click.group()
def command() -> None:
    """Reproduce a result of a paper, ours beside theirs."""


@neuralc_command
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True, metavar="N",
              help="Attempts.")  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Threads [default: all cores]."
)
@click.option("--task", "tasks", multiple=True, metavar="NAME",
              help="Only this one; can be given again.")  # fmt: skip
@click.option("--method", "methods", multiple=True, metavar="NAME",
              help="paper, gradient or hybrid; can be given again.")  # fmt: skip
@click.option("--out", type=FILE, metavar="FILE", help="Draw the learning curves, a PNG file.")
def anc_table1(
    seeds: int, threads: int | None, tasks: tuple[str, ...], methods: tuple[str, ...],
    out: Path | None,
) -> Answer:  # fmt: skip
    """Adapt six programs with the paper's settings, with ours, and by gradients with search."""
    from neuralc.experiments.anc_table import METHODS, PUBLISHED, draw, run_table

    for what, asked, known in (("task", tasks, tuple(PUBLISHED)), ("method", methods, METHODS)):
        for word in asked:
            if word not in known:
                raise NeuralcError(f"anc-table1 has no {what} {word!r}\n  hint: {', '.join(known)}")
    with progress_bar("anc-table1") as progress:
        table = run_table(
            tasks=tasks or tuple(PUBLISHED), methods=methods or METHODS, seeds=seeds,
            threads=threads, progress=progress,
        )  # fmt: skip
    if out is not None:
        draw(table, out)
    found = all(row["success"] for row in table.data["rows"])
    return Answer(table.text, {**table.data, "picture": out}, FOUND if found else NOT_FOUND)


@neuralc_command
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="Attempts.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Threads of the search.")  # fmt: skip
def math_search(seeds: int, threads: int) -> Answer:
    """Train two networks for each seed and search for the MATH program."""
    digits, operators = reproduce_ntpt.digits_and_operators()

    from neuralc.experiments.math_search import run_math_search

    with progress_bar("math-search") as progress:
        result = run_math_search(digits, operators, seeds=seeds, threads=threads, progress=progress)
    found = result.data["found"]
    return Answer(result.text, result.data, FOUND if found == seeds else NOT_FOUND)


@neuralc_command
@click.option("--lists", type=click.IntRange(1), default=100, show_default=True, metavar="N",
              help="Random lists of 30 numbers.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random lists.")
def alm_quicksort(lists: int, seed: int) -> Answer:
    """Sort with quicksort and insertion sort, compiled, exactly and softly."""
    from neuralc.experiments.alm_quicksort import run_alm_quicksort

    with progress_bar("alm-quicksort") as progress:
        result = run_alm_quicksort(lists=lists, seed=seed, progress=progress)
    return Answer(result.text, result.data, FOUND if result.data["solved"] else NOT_FOUND)


command.add_command(reproduce_alm.fibonacci, "alm-fibonacci")
command.add_command(alm_quicksort, "alm-quicksort")
command.add_command(anc_table1, "anc-table1")
command.add_command(math_search, "math-search")
command.add_command(reproduce_ntpt.lifelong, "ntpt-lifelong")
command.add_command(reproduce_ntpt.math, "ntpt-math")
command.add_command(reproduce_ntpt.maze, "ntpt-maze")
