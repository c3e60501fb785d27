"""`neuralc show SOLUTION`: print a found program as source."""

from __future__ import annotations

from pathlib import Path

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import Answer
from neuralc.cli.output import command as neuralc_command


@neuralc_command
@click.argument("solution", type=FILE)
def command(solution: Path) -> Answer:
    """Print the program saved in the folder SOLUTION as source."""
    from neuralc.learning.solution import Solution

    loaded = Solution.load(solution)
    report = loaded.report
    data = {
        "program": loaded.program,
        "solved": report.solved,
        "restarts": report.restarts,
        "train_exact": report.train_exact,
        "test_accuracy": report.test_accuracy,
        "seconds": report.seconds,
        "solver": report.solver,
        "out": solution,
    }
    return Answer(loaded.program.rstrip(), data)
