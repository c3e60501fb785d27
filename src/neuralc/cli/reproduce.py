"""`neuralc reproduce NAME`: a result of a paper, ours beside theirs.

`math-search`: the MATH program of Neural TerpreT, found by search under the likelihoods of a digit
and an operator network that were trained beforehand. `anc-table1`: six programs, adapted to the
inputs that they see.
"""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

SEEDS = {"math-search": 20, "anc-table1": 100}


@neuralc_command
@click.argument("name", type=click.Choice(list(SEEDS)))
@click.option("--seeds", type=click.IntRange(1), metavar="N",
              help="Attempts  [default: 20 for math-search, 100 for anc-table1].")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), metavar="N",
              help="Threads of the search  [default: 1; for anc-table1 all cores].")  # fmt: skip
@click.option("--task", "tasks", multiple=True, metavar="NAME",
              help="Of anc-table1, only this one; can be given again.")  # fmt: skip
@click.option("--method", "methods", multiple=True, metavar="NAME",
              help="Of anc-table1: paper, gradient or hybrid; can be given again.")  # fmt: skip
@click.option("--out", type=FILE, metavar="FILE",
              help="Of anc-table1, where the learning curves are drawn, a PNG file.")  # fmt: skip
def command(
    name: str, seeds: int | None, threads: int | None, tasks: tuple[str, ...],
    methods: tuple[str, ...], out: Path | None,
) -> Answer:  # fmt: skip
    """Reproduce a result of a paper.

    math-search trains two networks for each seed and searches for the program. anc-table1 adapts
    six programs with the paper's settings, with ours, and by gradients with search.
    """
    if name == "anc-table1":
        return _table(seeds or SEEDS[name], threads, tasks, methods, out)
    if tasks or methods or out:
        raise NeuralcError("--task, --method and --out are for anc-table1\n  hint: leave them out")
    return _math(seeds or SEEDS[name], threads or 1)


def _table(
    seeds: int, threads: int | None, tasks: tuple[str, ...], methods: tuple[str, ...],
    out: Path | None,
) -> Answer:  # fmt: skip
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


def _math(seeds: int, threads: int) -> Answer:
    from neuralc.data.expressions import load_operators
    from neuralc.data.mnist import load_mnist

    operators = load_operators()
    with progress_bar("downloading MNIST") as progress:
        digits = load_mnist(lambda file, done, total: progress(done, total, file))

    from neuralc.experiments.math_search import run_math_search

    with progress_bar("math-search") as progress:
        result = run_math_search(digits, operators, seeds=seeds, threads=threads, progress=progress)
    found = result.data["found"]
    return Answer(result.text, result.data, FOUND if found == seeds else NOT_FOUND)
