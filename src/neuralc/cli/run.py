"""`neuralc run SOLUTION`: execute a found program exactly on the examples of a data file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import Answer, plain
from neuralc.cli.output import command as neuralc_command

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.learning.solution import Solution

SHOWN = 10  # examples of a batch that people see; --json has them all


@neuralc_command
@click.argument("solution", type=FILE)
@click.option("--data", type=FILE, required=True, metavar="FILE", help="JSON file with inputs.")
def command(solution: Path, data: Path) -> Answer:
    """Run the program saved in the folder SOLUTION on new inputs.

    Targets in the data file are optional; where they stand, the program is compared with them.
    """
    from neuralc.data.examples_json import read_batches
    from neuralc.learning.solution import Solution

    batches = read_batches(data)
    loaded = Solution.load(solution)
    start = time.perf_counter()
    results = [_run(loaded, batch) for batch in batches]
    seconds = time.perf_counter() - start
    total = sum(result["observed"] for result in results)
    right = sum(result["right"] for result in results)
    accuracy = right / total if total else None
    text = "\n".join(_shown(result) for result in results)
    return Answer(text, {"test_accuracy": accuracy, "seconds": seconds, "batches": results})


def _run(solution: Solution, batch: Batch) -> dict[str, Any]:
    """Return the outputs of a batch, and how many examples with targets come out right."""
    import numpy as np

    from neuralc.ir.examples import NOT_OBSERVED, bind

    examples = bind(
        solution.model.program, batch.instances, where=f"batch {batch.name!r}", outputs=False
    )
    outputs = solution.run(examples)
    fits = np.ones(examples.count, bool)
    observed = np.zeros(examples.count, bool)
    for name, wanted in examples.outputs.items():
        wrong = (wanted != NOT_OBSERVED) & (outputs[name] != wanted)
        fits &= ~wrong.reshape(examples.count, -1).any(axis=1)
        observed |= (wanted != NOT_OBSERVED).reshape(examples.count, -1).any(axis=1)
    return {
        "batch": batch.name,
        "examples": examples.count,
        "observed": int(observed.sum()),
        "right": int((fits & observed).sum()),
        "outputs": {name: plain(value) for name, value in outputs.items()},
    }


def _shown(result: dict[str, Any]) -> str:
    right, observed = result["right"], result["observed"]
    verdict = f", {right} of {observed} right" if observed else ""
    lines = [f"batch {result['batch']!r}: {result['examples']} examples{verdict}"]
    for k in range(min(result["examples"], SHOWN)):
        row = {name: values[k] for name, values in result["outputs"].items()}
        lines.append(f"  {k}: {json.dumps(row)}")
    if result["examples"] > SHOWN:
        lines.append(f"  … {result['examples'] - SHOWN} more (--json prints all)")
    return "\n".join(lines)
