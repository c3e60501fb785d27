"""`neuralc adapt PROGRAM`: make a program faster on the inputs that it really sees.

Exit code 0: a faster program was found that is right; 3: none; 2: bad input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, note, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.cli.programs import load_program
from neuralc.engines import ENGINES
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.inspect.adapted import Certainty
    from neuralc.ir.memories import Samples
    from neuralc.learning.adapt.result import Adapted


@neuralc_command
@click.argument("program", type=FILE)
@click.option("--task", metavar="NAME", help="Draw the inputs of this task, such as listk.")
@click.option("--bias", metavar="NAME",
              help="Of the task  [default: that of the paper].")  # fmt: skip
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
              help="Cells  [default: those of the task or of the samples].")  # fmt: skip
@click.option(
    "--engine", type=click.Choice(ENGINES), default="auto", show_default=True,
    help="What runs the soft programs: kernels generated for the machine, or PyTorch.",
)  # fmt: skip
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
    on them. Instructions are counted as executed; iterations are the paper's count, one more. With
    --verbose: which engine runs the soft programs.
    """
    from neuralc.data.memories import read
    from neuralc.inspect.adapted import certainty
    from neuralc.learning.adapt.run import adapt_problem, problem_of

    if data is not None and task is not None:
        raise NeuralcError("--task and --data are two kinds of inputs\n  hint: give one of them")
    samples = None if data is None else read(data)
    original = load_program(program, memory or _memory(task, samples)).assembly
    problem = problem_of(original, task, bias, samples, memory, registers)
    say = note if click.get_current_context().params["verbose"] else lambda words: None
    with progress_bar(f"adapting {program.stem}") as progress:
        adapted = adapt_problem(problem, tell=progress, say=say, **settings)
    best, sure = adapted.best, None
    if best is not None and best.choices is not None:
        sure = certainty(problem, best.choices)
    out = out or Path("runs") / f"{program.stem}-adapted"
    found = sure.right if sure is not None else adapted.best_soft is not None
    if found:
        adapted.save(out)
    return _answer(adapted, sure, out if found else None)


def _memory(task: str | None, samples: Samples | None) -> int:
    """Return how many cells the memories have."""
    from neuralc.learning.adapt.run import task_of

    if samples is not None:
        return samples.memory
    if task is None:
        raise NeuralcError("adapt needs inputs\n  hint: give --task NAME or --data FILE")
    return task_of(task).memory


def _answer(adapted: Adapted, sure: Certainty | None, out: Path | None) -> Answer:
    from neuralc.lang import asm

    count, best, soft = len(adapted.attempts), adapted.best, adapted.best_soft
    solved = sum(map(adapted.solved, adapted.attempts))
    softly = sum(map(adapted.softly, adapted.attempts))
    text = [
        f"before: {adapted.before:.2f} instructions, {adapted.before + 1:.2f} iterations",
        f"{adapted.method}: {solved} of {count} seeds have a faster program that is right",
    ]
    if softly:
        text.append(f"  {softly} others a soft one that is right with confidence 0.9 or more")
    after = None
    program = None
    if best is not None and sure is not None:
        after = best.steps
        program = asm.text(adapted.program)
        text += [
            f"after: {after:.2f} instructions, {after + 1:.2f} iterations (seed {best.seed})",
            f"checked: {sure.text}",
            "",
            program.rstrip(),
        ]
    elif soft is not None and soft.soft is not None:
        after = soft.soft.steps
        text.append(
            f"after: {after:.2f} instructions, {after + 1:.2f} iterations with soft weights, "
            f"confidence {soft.soft.confidence:.2f} (seed {soft.seed})"
        )
    if out is not None:
        text += ["", f"saved in {out}; `neuralc disasm {out}` shows it"]
    data = {
        "solved": solved, "soft": softly, "seeds": count, "method": adapted.method,
        "iterations_before": adapted.before + 1,
        "iterations_after": None if after is None else after + 1,
        "instructions_before": adapted.before, "instructions_after": after,
        "checked": "" if sure is None else sure.text, "program": program, "out": out,
        "seconds": adapted.seconds,
        "attempts": [
            {"seed": a.seed, "solved": adapted.solved(a), "soft": adapted.softly(a),
             "right": a.right, "iterations": a.steps + 1} for a in adapted.attempts
        ],
    }  # fmt: skip
    return Answer("\n".join(text), data, FOUND if out is not None else NOT_FOUND)
