"""`neuralc library show|export|remove|check FOLDER`: a library of neural functions.

Exit code 0: done, and for `check` no task has become worse; 1: `check` found one that has; 2: bad
input.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, Answer
from neuralc.cli.output import command as neuralc_command

if TYPE_CHECKING:
    from neuralc.learning.library.library import Function, Library
    from neuralc.learning.library.tasks import Score

WORSE = 1
TOLERANCE = 0.02  # of all examples


@click.group()
def command() -> None:
    """Look at a library of neural functions, or change it.

    `neuralc learn … --library FOLDER` makes one and adds to it.
    """


def _open(folder: Path) -> Library:
    from neuralc.learning.library.library import Library

    return Library.open(folder)


# ---- show


@neuralc_command
@click.argument("folder", type=FILE)
def show(folder: Path) -> Answer:
    """List the functions of FOLDER with their versions, and the tasks that were learned."""
    library = _open(folder)
    functions, tasks = library.functions, library.tasks
    lines = ["functions:" if functions else "no function"]
    for function in functions.values():
        lines.append(f"  {function}")
        for version in function.versions:
            lines.append(f"    version {version.number}: {version.task or 'added by hand'}")
    lines.append("tasks:" if tasks else "no task")
    for task in tasks.values():
        kind = "held-out" if task.held_out else "training"
        used = ", ".join(f"{name} version {k}" for name, k in task.functions.items())
        lines.append(
            f"  {task.name}: {task.accuracy:.1%} of {task.count} {kind} examples"
            + (f", with {used}" if used else "")
        )
    data = {
        "folder": folder,
        "functions": {name: _described(one) for name, one in functions.items()},
        "tasks": {
            task.name: {
                "accuracy": task.accuracy, "examples": task.count, "held_out": task.held_out,
                "functions": task.functions, "model": task.source, "hypers": task.hypers,
                "net": task.net or None,
                "program": task.program,
            }
            for task in tasks.values()
        },
    }  # fmt: skip
    return Answer("\n".join(lines), data)


def _described(function: Function) -> dict[str, Any]:
    from neuralc.learning.library.functions import to_json

    versions = [{"number": v.number, "task": v.task or None} for v in function.versions]
    return {**to_json(function.network), "signature": str(function), "versions": versions}


# ---- export


@neuralc_command
@click.argument("folder", type=FILE)
@click.argument("name")
@click.argument("file", type=FILE)
@click.option("--version", type=click.IntRange(1), metavar="N", help="[default: the current one]")
def export(folder: Path, name: str, file: Path, version: int | None) -> Answer:
    """Write function NAME of FOLDER into FILE, which ends in .safetensors."""
    library = _open(folder)
    library.export(name, file, version=version)
    number = version or library[name].version
    return Answer(
        f"{name} version {number} is written to {file}",
        {"function": name, "version": number, "file": file},
    )


# ---- remove


@neuralc_command
@click.argument("folder", type=FILE)
@click.argument("name")
@click.option("--task", "is_task", is_flag=True, help="NAME is a task, not a function.")
@click.option("--force", is_flag=True, help="Remove also the tasks that use the function.")
def remove(folder: Path, name: str, is_task: bool, force: bool) -> Answer:
    """Remove function NAME with all its versions from FOLDER, or a task."""
    library = _open(folder)
    if is_task:
        library.remove_task(name)
        return Answer(f"task {name!r} is removed", {"functions": [], "tasks": [name]})
    tasks = library.remove(name, force=force)
    words = f", and with it: {', '.join(tasks)}" if tasks else ""
    return Answer(f"{name} is removed{words}", {"functions": [name], "tasks": tasks})


# ---- check


@neuralc_command
@click.argument("folder", type=FILE)
@click.option(
    "--tolerance", type=click.FloatRange(0, 1), default=TOLERANCE, show_default=True,
    metavar="SHARE", help="A task is worse if it loses more than this share of its examples.",
)  # fmt: skip
def check(folder: Path, tolerance: float) -> Answer:
    """Run every task of FOLDER again with the functions as they are now: has any become worse?"""
    scores = _open(folder).check()
    worse = [score.task for score in scores if score.change < -tolerance]
    verdict = f"worse: {', '.join(worse)}" if worse else "no task has become worse"
    data = {
        "worse": worse,
        "tolerance": tolerance,
        "tasks": {score.task: _scored(score) for score in scores},
    }
    text = "\n".join([*_table(scores), verdict])
    return Answer(text, data, WORSE if worse else FOUND)


def _scored(score: Score) -> dict[str, Any]:
    versions = {
        name: {"learned": then, "now": now} for name, (then, now) in score.functions.items()
    }
    return {**score._asdict(), "functions": versions}


def _table(scores: list[Score]) -> list[str]:
    rows = [("task", "learned", "now", "change", "examples")]
    rows += [
        (s.task, f"{s.learned:.1%}", f"{s.now:.1%}", f"{100 * s.change:+.1f}", str(s.examples))
        for s in scores
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


for _part in (show, export, remove, check):
    command.add_command(_part)
