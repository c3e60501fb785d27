"""`neuralc show SOLUTION`: print a found program as source."""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.learn import described
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command


@neuralc_command
@click.argument("solution", type=FILE)
def command(solution: Path) -> Answer:
    """Print the program saved in the folder SOLUTION as source."""
    from neuralc.learning.solution import Solution

    loaded = Solution.load(solution)
    return Answer(loaded.program.rstrip(), described(loaded, solution))
