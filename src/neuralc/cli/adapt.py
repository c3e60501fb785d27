"""`neuralc adapt PROGRAM`: make a program faster on the inputs that it really sees.

Exit code 0: a faster program was found that is right; 3: none; 2: bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.inspect.adapted import Certainty
    from neuralc.learning.adapt.problem import Problem
    from neuralc.learning.adapt.result import Adapted


@neuralc_command
@click.argument("program", type=FILE)
@click.option("--task", metavar="NAME", help="Draw the inputs of this task, such as listk.")
@click.option("--bias", metavar="NAME",
              help="What kind of inputs: a bias of the task  [default: that of the paper].")  # fmt: skip
@click.option("--data", type=FILE, metavar="FILE", help="Or: JSON file with samples.")
@click.option(
    "--method", type=click.Choice(["gradient", "search", "hybrid"]), default="hybrid",
    show_default=True, help="gradient: as in the paper; search: on the exact execution; "
    "hybrid: gradients propose, search decides.",
)  # fmt: skip
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, metavar="N",
              help="Independent attempts.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The first of them.")  # fmt: skip
@click.option("--registers", type=click.IntRange(1), metavar="R",
              help="Registers of the machine  [default: those of the program].")  # fmt: skip
@click.option("--memory", type=click.IntRange(1), metavar="M",
              help="Cells of the machine  [default: those of the task or of the samples].")  # fmt: skip
@click.option("--threads", type=click.IntRange(1), metavar="N",
              help="Seeds searched at once  [default: all cores].")  # fmt: skip
@click.option("--out", type=FILE, metavar="DIR",
              help="Where to save the best  [default: runs/PROGRAM-adapted].")  # fmt: skip
def command(
    program: Path, task: str | None, bias: str | None, data: Path | None, memory: int | None,
    registers: int | None, out: Path | None, **settings: Any,
) -> Answer:  # fmt: skip
    """Make PROGRAM faster on a distribution of inputs.

    PROGRAM is assembly text, a file of the Python subset, or the name of a routine that comes with
    neuralc. Its inputs are those of a task with some bias, or samples in a file; it must be right
    on them. Instructions are counted as executed; iterations are the paper's count, one more.
    """
    if (task is None) == (data is None):
        raise NeuralcError("adapt needs inputs: either a task or samples\n"
                           "  hint: give --task NAME or --data FILE")  # fmt: skip
    if bias is not None and task is None:
        raise NeuralcError("--bias belongs to a task\n  hint: give --task NAME, too")

    from neuralc.inspect.adapted import certainty
    from neuralc.learning.adapt.run import adapt_problem

    problem = _problem(program, task, bias, data, memory, registers)
    with progress_bar(f"adapting {program.stem}") as progress:
        adapted = adapt_problem(problem, tell=progress, **settings)
    best = adapted.best
    sure = None if best is None or best.choices is None else certainty(problem, best.choices)
    out = out or Path("runs") / f"{program.stem}-adapted"
    if best is not None and sure is not None and sure.right:
        adapted.save(out)
    return _answer(adapted, sure, out)
