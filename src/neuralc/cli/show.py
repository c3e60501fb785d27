"""`neuralc show SOLUTION`: print a found program as source, and how well its functions read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.learn import described
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command

if TYPE_CHECKING:
    from neuralc.inspect.functions import FunctionReport
    from neuralc.learning.solution import Solution


@neuralc_command
@click.argument("solution", type=FILE)
@click.option(
    "--labels", "labels", multiple=True, metavar="FUNCTION=FILE",
    help="Tell how well a neural function reads; FILE: an .npz file with images and labels. "
    "May be given several times.",
)  # fmt: skip
def command(solution: Path, labels: tuple[str, ...]) -> Answer:
    """Print the program saved in the folder SOLUTION as source.

    With --labels also what its neural functions make of labelled images; they were learned without
    labels, so that their classes may have other names than those of people.
    """
    from neuralc.learning.solution import Solution

    loaded = Solution.load(solution)
    reports = [_report(loaded, given) for given in labels]
    data = described(loaded, solution)
    if reports:
        data["functions"] = {report.name: report.data() for report in reports}
    return Answer("\n\n".join([loaded.program.rstrip(), *map(str, reports)]), data)


def _report(solution: Solution, given: str) -> FunctionReport:
    """Return what is told of one function, from `NAME=FILE`."""
    from neuralc.data.labelled import read_labelled
    from neuralc.errors import DataError
    from neuralc.inspect.functions import report_function

    name, equals, file = given.partition("=")
    if not (name and equals and file):
        raise DataError(f"--labels: found {given!r}\n  hint: such as net_0=digits.npz")
    return report_function(solution, name, *read_labelled(Path(file)))
