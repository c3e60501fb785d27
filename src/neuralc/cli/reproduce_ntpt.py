"""`neuralc reproduce ntpt-…`: the experiments of Neural TerpreT, ours beside the paper's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.cores import cores
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from torch import Tensor

    from neuralc.data.digits import Digits

OUT = click.option(
    "--out", type=FILE, metavar="DIR",
    help="Keep every part that is done here, and go on from it  [default: runs/NAME].",
)  # fmt: skip
QUICK = click.option("--quick", is_flag=True, help="A small version, in less than five minutes.")
PICTURE = click.option("--picture", type=FILE, metavar="FILE", help="Draw it, a PNG file.")


def digits_and_operators() -> tuple[Digits, Digits]:
    """Return MNIST, downloaded if need be, and the handwritten operators."""
    from neuralc.data.expressions import load_operators
    from neuralc.data.mnist import load_mnist

    operators = load_operators()
    with progress_bar("downloading MNIST") as progress:
        return load_mnist(lambda file, done, total: progress(done, total, file)), operators


def _networks(library: Path, digits: Digits) -> dict[str, Tensor]:
    """Return the networks of the MATH machine from a library."""
    from neuralc.experiments.ntpt_math_search import math_model
    from neuralc.learning.library.library import Library

    model, known = math_model(digits), Library.open(library)
    for network in model.program.networks:
        if network.name not in known.functions:
            raise NeuralcError(
                f"the library {library} has no function {network.name}\n"
                "  hint: neuralc lifelong examples/lifelong/ntpt.toml, with a library, makes one"
            )
    return known.networks(model)


def _folder(name: str, quick: bool) -> Path:
    return Path("runs") / (f"{name}-quick" if quick else name)


@neuralc_command
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--library", type=FILE, metavar="FOLDER",
    help="Begin with its net_0 and net_1  [default: networks learned here from 2x2 grids].",
)  # fmt: skip
@OUT
@PICTURE
@QUICK
def math(
    seed: int, library: Path | None, out: Path | None, picture: Path | None, *, quick: bool
) -> Answer:
    """Find the MATH program by gradients and by auto, and read long expressions with it."""
    out = out or _folder("ntpt-math", quick)
    digits, operators = digits_and_operators()

    from neuralc.experiments.ntpt_math import FULL, QUICK, run_ntpt_math
    from neuralc.experiments.ntpt_math_table import draw

    networks = None if library is None else _networks(library, digits)
    with progress_bar("ntpt-math") as progress:
        result = run_ntpt_math(
            digits, operators, size=QUICK if quick else FULL, seed=seed, networks=networks,
            out=out, progress=progress,
        )  # fmt: skip
    if picture is not None:
        draw(result.data, picture)
    found = all(row["found"] for row in result.data["auto"])
    data = {**result.data, "picture": picture, "out": out}
    return Answer(result.text, data, FOUND if found else NOT_FOUND)


@neuralc_command
@click.option("--seeds", type=click.IntRange(1), metavar="N",
              help="Lives of each learner  [default: 3; 1 with --quick].")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The first of the seeds.")  # fmt: skip
@click.option(
    "--learner", "learners", multiple=True, metavar="NAME",
    help="ours, ours-cnn, indep, pnn, mtnn-1 or mtnn-2, and no other; can be given again.",
)  # fmt: skip
@click.option(
    "--processes", type=click.IntRange(1), metavar="N",
    help="Lives at the same time, 2 GB of memory each  [default: all cores].",
)  # fmt: skip
@OUT
@PICTURE
@QUICK
def lifelong(
    seeds: int | None, seed: int, learners: tuple[str, ...], processes: int | None,
    out: Path | None, picture: Path | None, *, quick: bool,
) -> Answer:  # fmt: skip
    """Live through the eight 2x2 tasks: programs over a growing library, and four baselines."""
    import dataclasses

    out = out or _folder("ntpt-lifelong", quick)

    from neuralc.experiments.ntpt_lifelong import FULL, QUICK, run_lifelong
    from neuralc.experiments.ntpt_lifelong_picture import draw_lives

    size = QUICK if quick else FULL
    named = tuple(dict.fromkeys(learners))
    size = dataclasses.replace(size, seeds=seeds or size.seeds, learners=named or size.learners)
    digits, operators = digits_and_operators()
    with progress_bar("ntpt-lifelong") as progress:
        result = run_lifelong(
            digits, operators, size=size, out=out, progress=progress, first_seed=seed,
            processes=processes or cores(),
        )  # fmt: skip
    if picture is not None:
        draw_lives(result.lives, result.schedule, picture)
    found = all(program["exact"] for program in result.data["programs"])
    data = {**result.data, "picture": picture, "out": out}
    return Answer(result.text, data, FOUND if found else NOT_FOUND)


@neuralc_command
@click.option("--seeds", type=click.IntRange(1), metavar="N",
              help="Attempts of each way  [default: 10; 3 with --quick].")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The first of the seeds.")  # fmt: skip
@click.option("--way", "ways", multiple=True, metavar="NAME",
              help="gradient-mlp, auto-mlp or auto-cnn; can be given again.")  # fmt: skip
@OUT
@PICTURE
@QUICK
def maze(
    seeds: int | None, seed: int, ways: tuple[str, ...], out: Path | None, picture: Path | None,
    *, quick: bool,
) -> Answer:  # fmt: skip
    """Learn to follow street signs by gradients and by auto, and walk larger mazes."""
    import dataclasses

    out = out or _folder("ntpt-maze", quick)
    from neuralc.data.signs import load_signs
    from neuralc.experiments.ntpt_maze import FULL, QUICK, WAYS, draw_example, run_maze

    size = QUICK if quick else FULL
    known = {way.name: way for way in WAYS}
    for name in ways:
        if name not in known:
            raise NeuralcError(f"ntpt-maze has no way {name!r}\n  hint: {', '.join(known)}")
    size = dataclasses.replace(
        size, seeds=seeds or size.seeds, ways=tuple(known[name] for name in ways) or size.ways
    )
    signs = load_signs()
    with progress_bar("ntpt-maze") as progress:
        result = run_maze(signs, plan=size, first_seed=seed, out=out, progress=progress)
    if picture is not None and result.solution is not None:
        draw_example(result, signs, picture)
    found = all(reached for way in result.data["bars"].values() for reached in way.values())
    drawn = picture if result.solution is not None else None
    data = {**result.data, "picture": drawn, "out": out}
    return Answer(result.text, data, FOUND if found else NOT_FOUND)
