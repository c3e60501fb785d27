"""`neuralc lifelong FILE`: a lifetime of tasks described in a file, with a report of it.

Exit code 0: every task was found; 3: some task was not, its accuracy on held-out examples is below
what the file accepts; 2: bad input; 130: interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE
from neuralc.cli.output import FOUND, NOT_FOUND, Answer, note, progress_bar
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import MissingExtra

if TYPE_CHECKING:
    from neuralc.learning.lifelong.result import Life
    from neuralc.learning.lifelong.sequence import Lifetime


@neuralc_command
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, metavar="DIR",
              help="Folder of the checkpoint and of the report  [default: runs/FILE].")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="In place of that of the file."
)
def command(file: Path, out: Path | None, seed: int | None) -> Answer:
    """Let a learner live through the tasks of FILE, one after the other or mixed.

    FILE is a .toml or .json file, see docs/lifelong.md. When the run was interrupted, the same
    command goes on where it was; when it was finished, it only writes the report again.
    """
    from neuralc.learning.lifelong.run import run_lifetime
    from neuralc.learning.lifelong.sequence import read_lifetime

    out = out or Path("runs") / file.stem
    with progress_bar("reading data"):
        lifetime = read_lifetime(file, seed=seed)
    with progress_bar(f"living {file.stem}") as progress:
        life, versions = run_lifetime(lifetime, out, progress)
    files = _report(lifetime, life, out)
    return _answer(lifetime, life, versions, files)


def _report(lifetime: Lifetime, life: Life, out: Path) -> list[Path]:
    from neuralc.learning.lifelong.report import write_report

    title = f"Lifelong run {lifetime.path.stem}"
    try:
        return write_report(out, [life], lifetime.schedule, title=title)
    except MissingExtra as error:
        note(f"no picture: {error}")
        return write_report(out, [life], lifetime.schedule, title=title, picture=False)


def _answer(
    lifetime: Lifetime, life: Life, versions: Mapping[str, int], files: list[Path]
) -> Answer:
    from neuralc.learning.lifelong.result import drops, rise

    fallen = drops(life)
    risen = {name: rise(life, name, lifetime.schedule) for name in life.final}
    missed = lifetime.missed(life)
    lines = []
    for name in life.final:
        if name in life.programs:
            lines += [f"{name}:", *(f"  {x}" for x in life.programs[name].rstrip().splitlines())]
    width = max(map(len, life.final), default=0)
    lines.append(f"{'task':<{width}}  accuracy    rise    drop")
    lines += [
        f"{name:<{width}}  {final.accuracy:>8.1%}  {100 * risen[name]:>+6.1f}  "
        f"{100 * fallen[name]:>6.1f}"
        for name, final in life.final.items()
    ]
    lines += [f"time: {life.seconds:.1f} s", *(f"written: {path}" for path in files)]
    if versions:
        kept = ", ".join(f"{name} version {k}" for name, k in versions.items())
        lines.append(f"library {lifetime.library}: {kept}")
    if missed:
        lines.append(f"not found: {', '.join(missed)}")
    data: dict[str, Any] = {
        "learner": life.name, "seed": life.seed, "steps": life.steps, "final": life.accuracy,
        "counts": {name: vars(final) for name, final in life.final.items()},
        "rise": risen, "drop": fallen, "history": life.history, "programs": life.programs,
        "missed": missed, "seconds": life.seconds, "files": files,
        "library": {"folder": lifetime.library, "saved": versions},
    }  # fmt: skip
    return Answer("\n".join(lines), data, NOT_FOUND if missed else FOUND)
