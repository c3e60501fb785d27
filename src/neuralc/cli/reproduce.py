"""`neuralc reproduce NAME`: a result of a paper, ours beside theirs.

`math-search`: the MATH program of Neural TerpreT, found by search under the likelihoods of a digit
and an operator network that were trained beforehand.
"""

from __future__ import annotations

import click

from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command


@neuralc_command
@click.argument("name", type=click.Choice(["math-search"]))
@click.option("--seeds", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="So many pairs of networks, each with other data.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Threads of the search.")  # fmt: skip
def command(name: str, seeds: int, threads: int) -> Answer:
    """Reproduce a result of a paper; math-search is the only one yet."""
    from neuralc.data.expressions import load_operators
    from neuralc.data.mnist import load_mnist

    operators = load_operators()
    with progress_bar("downloading MNIST") as progress:
        digits = load_mnist(lambda file, done, total: progress(done, total, file))

    from neuralc.experiments.math_search import run_math_search

    with progress_bar(name) as progress:
        result = run_math_search(digits, operators, seeds=seeds, threads=threads, progress=progress)
    found = result.data["found"]
    return Answer(result.text, result.data, FOUND if found == seeds else NOT_FOUND)
