"""`neuralc run FOLDER`: execute a program that was found, or one that was compiled.

Found ones run exactly on the examples of a data file; for compiled ones see `memories.py`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE, hypers_of, hypers_options
from neuralc.cli.output import Answer, plain
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.learning.solution import Solution

SHOWN = 10  # examples of a batch that people see; --json has them all


@neuralc_command
@click.argument("folder", type=FILE)
@click.option("--data", type=FILE, metavar="FILE",
              help="JSON file with inputs; for a compiled program with memories.")  # fmt: skip
@click.option("--memory", metavar="CELLS",
              help='Of a compiled program: what is in its cells, "3 0 2 4" or @FILE.')  # fmt: skip
@click.option("--max-steps", type=click.IntRange(min=1), metavar="T",
              help="Of a compiled program: instructions after which it is cut off.")  # fmt: skip
@hypers_options
def command(
    folder: Path, data: Path | None, memory: str | None, max_steps: int | None,
    hypers: Path | None, set_name: str | None,
) -> Answer:  # fmt: skip
    """Run the program saved in FOLDER on new inputs.

    A program that was learned runs on the inputs of a data file. Targets in it are optional; where
    they stand, the program is compared with them. With --hypers it runs on inputs of other sizes
    than those it was learned on, such as longer ones: the file needs to name only what changes.

    A program that was compiled or adapted runs exactly and softly. Cells that are not given are 0,
    ? is any value. Iterations are the paper's count, one more than the steps.
    """
    from neuralc.nn.folder import is_saved

    if is_saved(folder):
        if (folder / "solution.json").exists():
            raise NeuralcError(f"{folder} holds a learned program and a compiled one\n"
                               "  hint: remove solution.json, or machine.json")  # fmt: skip
        from neuralc.cli.memories import run_program

        if hypers is not None:
            raise NeuralcError(f"{folder} holds a compiled program, which has no hyper-parameters\n"
                               "  hint: leave --hypers out")  # fmt: skip
        return run_program(folder, memory, data, max_steps)
    for name, value in (("--memory", memory), ("--max-steps", max_steps)):
        if value is not None:
            hint = "inputs of a learned program are given with --data FILE"
            raise NeuralcError(f"{folder} holds no compiled program, {name} is for one\n"
                               f"  hint: {hint}")  # fmt: skip
    if data is None:
        raise click.MissingParameter(param_hint="'--data'", param_type="option")
    return _solution(folder, data, hypers_of(hypers, set_name))


def _solution(folder: Path, data: Path, hypers: dict[str, int]) -> Answer:
    """Run a learned program on the batches of a file, with hyper-parameters that change."""
    from neuralc.data.examples_json import read_batches
    from neuralc.learning.solution import Solution

    batches = read_batches(data)
    loaded = Solution.load(folder)
    if hypers:
        loaded = loaded.resized(hypers)
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
