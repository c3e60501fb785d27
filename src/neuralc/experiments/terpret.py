"""The twelve tasks of the TerpreT report and its parity chain, by each solver, against the clock.

A solver learns from the drawn examples. Whatever program it finds is run exactly on all inputs of
the task and compared with the reference: "solved" is a program that is right on every one of them.

Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuralc.backends.exact import Executor
from neuralc.errors import Contradiction, Declined, MissingExtra, NeuralcError, SolverFailed
from neuralc.experiments.terpret_picture import draw_seconds
from neuralc.experiments.terpret_table import Run, markdown
from neuralc.files import write_atomic
from neuralc.ir.examples import bind
from neuralc.learning import learn
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution
from neuralc.tasks import TASKS, Task, parity

CHAIN = (4, 8, 16, 32, 64, 128)
QUICK_TASKS = ("turing-invert", "turing-prepend", "circuit-shift", "circuit-full-adder",
               "block-access", "assembly-access", "parity-4", "parity-16")  # fmt: skip
NOT_FOUND = "not found"


@dataclass(frozen=True)
class Limits:
    """What each run may use: seconds, threads."""

    timeout: float
    threads: int


@dataclass(frozen=True)
class Result:
    """What the command prints: text for people, data for programs; a note on what is missing."""

    text: str
    data: dict[str, Any]
    solved: bool
    note: str = ""


def chosen_tasks(names: Sequence[str], *, quick: bool = False) -> list[Task]:
    """Return tasks by name, in the order of the report; all without a name.

    "parity" stands for the chains of all lengths, "parity-16" for one of them.

    Raises:
        NeuralcError: there is no such task.

    """
    known = {**TASKS, **{f"parity-{size}": parity(size) for size in CHAIN}}
    wanted = set(names or (QUICK_TASKS if quick else known))
    if "parity" in wanted:
        wanted |= {f"parity-{size}" for size in CHAIN}
    for name in sorted(wanted - known.keys() - {"parity"}):
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"the tasks are {', '.join(known)}"
        raise NeuralcError(f"there is no task {name!r}\n  hint: {hint}")
    return [task for name, task in known.items() if name in wanted]


def run_benchmark(
    tasks: Sequence[Task], solvers: Sequence[str], *, limits: Limits, seeds: Sequence[int],
    out: Path, progress: Callable[[str], None],
) -> Result:  # fmt: skip
    """Give each task to each solver, once for each seed, and write table, picture and figures.

    Args:
        tasks: from `chosen_tasks`.
        solvers: names that `learn` knows.
        limits: of each run.
        seeds: of examples and solvers.
        out: the folder; `terpret.json` is written after every run, so that nothing is lost.
        progress: called with a line for each run that has ended.

    Raises:
        NeuralcError: there is no such solver, or it is not installed.
        FileError: the folder cannot be written to.

    """
    runs: list[Run] = []
    for number, task in enumerate(tasks, 1):
        for solver in solvers:
            for seed in seeds:
                run = solve(task, solver, limits, seed)
                runs.append(run)
                progress(f"{number}/{len(tasks)} {_line(run, several=len(seeds) > 1)}")
                write_atomic(out / "terpret.json", json.dumps(_data(runs), indent=1) + "\n")
    text = markdown(runs, timeout=limits.timeout, threads=limits.threads)
    write_atomic(out / "terpret.md", text + "\n")
    data = _data(runs) | {"out": str(out), "picture": str(out / "terpret.png")}
    note = ""
    try:
        draw_seconds(runs, out / "terpret.png", timeout=limits.timeout)
    except MissingExtra as missing:  # the figures are worth more than the picture
        data["picture"], note = None, str(missing)
    solved = {run.task for run in runs if run.solved} == {task.name for task in tasks}
    return Result(text, data, solved, note)


def solve(task: Task, solver: str, limits: Limits, seed: int) -> Run:
    """Learn one task with one solver and check what was found on the whole domain.

    Raises:
        NeuralcError: there is no such solver, or it is not installed.

    """
    model = Model.load(task.machine, task.hypers)
    examples = bind(model.program, task.draw(seed).train, where=task.name)
    began = time.monotonic()
    try:
        solution = learn(
            model, examples, solver=solver, timeout=limits.timeout, threads=limits.threads,
            seed=seed, stop="first",
        )  # fmt: skip
    except (Declined, SolverFailed, Contradiction) as error:  # for the table; others end it
        seconds = time.monotonic() - began
        note = str(error).splitlines()[0]
        return Run(task.name, solver, seed, False, seconds, NOT_FOUND, examples.count, note=note)
    seconds = time.monotonic() - began
    report = solution.report
    run = Run(
        task.name, solver, seed, False, seconds, NOT_FOUND, examples.count, report.train_right,
        note=report.note,
    )  # fmt: skip
    if not report.train_exact:
        return run
    solved, checked = check(task, solution)
    return dataclasses.replace(
        run, solved=solved, checked=checked, winner=report.solver, program=solution.program
    )


def check(task: Task, solution: Solution) -> tuple[bool, str]:
    """Run a program exactly on all inputs of a task.

    Returns:
        Whether it is right on all of them, and the finding in words.

    """
    program = solution.model.program
    domain = bind(program, task.domain(), where=task.name)
    choices = {name: value[None] for name, value in solution.choices.items()}
    right = Executor(program, jit=False).score(choices, domain)[0]  # one program: not worth it
    wrong = int((~right).sum())
    if wrong:
        return False, f"wrong on {wrong} of {len(right)}"
    inputs = "all constraints" if not program.of("input") else f"all {len(right)} inputs"
    return True, f"proved for {inputs}"


def _line(run: Run, *, several: bool) -> str:
    seed = f", seed {run.seed}" if several else ""
    winner = f" ({run.winner})" if run.winner not in ("", run.solver) else ""
    note = f": {run.note}" if run.note else ""
    return f"{run.task}, {run.solver}{winner}{seed}: {run.checked}, {run.seconds:.1f} s{note}"


def _data(runs: Sequence[Run]) -> dict[str, Any]:
    rows = [dataclasses.asdict(run) for run in runs]
    return {
        "tasks": [row for row in rows if row["task"] in TASKS],
        "parity": [
            {"bits": int(row["task"].removeprefix("parity-")), **row}
            for row in rows if row["task"] not in TASKS
        ],
    }  # fmt: skip
