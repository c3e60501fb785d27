"""`neuralc reproduce ntpt-…`: the experiments of Neural TerpreT, ours beside the paper's."""

from __future__ import annotations

from pathlib import Path

from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar


def math(seed: int, out: Path | None, picture: Path | None, *, quick: bool) -> Answer:
    """Run MATH: the program by gradients and by `auto`, and what it reads.

    Args:
        seed: of everything.
        out: a folder in which every part that is done is kept.
        picture: the PNG file of the picture; None: none is drawn.
        quick: a small version, in minutes.

    """
    from neuralc.data.expressions import load_operators
    from neuralc.data.mnist import load_mnist

    operators = load_operators()
    with progress_bar("downloading MNIST") as progress:
        digits = load_mnist(lambda file, done, total: progress(done, total, file))

    from neuralc.experiments.ntpt_math import FULL, QUICK, run_ntpt_math
    from neuralc.experiments.ntpt_math_table import draw

    with progress_bar("ntpt-math") as progress:
        result = run_ntpt_math(
            digits, operators, size=QUICK if quick else FULL, seed=seed, out=out, progress=progress
        )
    if picture is not None:
        draw(result.data, picture)
    found = all(row["found"] for row in result.data["auto"])
    data = {**result.data, "picture": picture, "out": out}
    return Answer(result.text, data, FOUND if found else NOT_FOUND)
