"""The report of a lifetime, or of several with other seeds: words, curves as numbers, a picture.

`report.md` says everything; `curves.csv` has what the pictures draw. All files are written whole
or not at all. Only results are known here, no learner and no data.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from neuralc.errors import NeuralcError
from neuralc.files import write_atomic
from neuralc.learning.lifelong.result import Life, drops, rise
from neuralc.learning.lifelong.schedule import Schedule
from neuralc.pictures import new_figure, png

POINTS = 200  # of the band of the schedule
PICTURE = "curves.png"
EXPLAINED = (
    "Accuracy is the share of all held-out examples that come out right. *Rise* is what a task "
    "gained after its last example. *Drop* is its largest fall from one examination to any later "
    "one, after it had reached half of its best. Both are in points."
)


def write_report(
    folder: str | Path, lives: Sequence[Life], schedule: Schedule, *, title: str = "A lifetime",
    picture: bool = True,
) -> list[Path]:  # fmt: skip
    """Write the report.

    Args:
        folder: where `report.md`, `curves.csv` and `curves.png` are written.
        lives: of one description and one learner, one for each seed.
        schedule: of all of them.
        title: of the report.
        picture: whether to draw the curves; they need matplotlib.

    Returns:
        The files.

    Raises:
        MissingExtra: matplotlib is not installed; nothing is written.
        FileError: a file cannot be written.
        NeuralcError: there is no life to report, or they are of different steps.

    """
    if not lives or len({life.steps for life in lives}) > 1:
        raise NeuralcError("a report is of one or more lives of as many steps")
    folder = Path(folder)
    files = {}
    if picture:
        files[folder / PICTURE] = draw(lives, schedule)
    files[folder / "curves.csv"] = curves(lives, schedule).encode()
    files[folder / "report.md"] = text(lives, schedule, title=title, picture=picture).encode()
    for path, content in files.items():
        write_atomic(path, content)
    return list(files)


def met(lives: Sequence[Life]) -> list[str]:
    """Return the tasks that were met in any life, in the order of meeting."""
    return list(dict.fromkeys(name for life in lives for name in life.final))


# ---- words


def text(
    lives: Sequence[Life], schedule: Schedule, *, title: str = "A lifetime", picture: bool = True
) -> str:
    """Return the report as Markdown."""
    seeds = ", ".join(str(life.seed) for life in lives)
    seconds = ", ".join(f"{life.seconds:.0f}" for life in lives)
    parts = [
        f"# {title}",
        f"Learner: {lives[0].name}. Steps: {lives[0].steps}. Seeds: {seeds}. Seconds: {seconds}.",
        "## At the end",
        EXPLAINED,
        final_table(lives, schedule),
        "## Over time",
    ]
    if picture:
        parts.append(f"![Accuracy of every task over time]({PICTURE})")
    for life in lives:
        if len(lives) > 1:
            parts.append(f"Seed {life.seed}:")
        parts.append(history_table(life))
    programs = programs_text(lives)
    return "\n\n".join([*parts, *(["## Programs", programs] if programs else [])]) + "\n"


def final_table(lives: Sequence[Life], schedule: Schedule) -> str:
    """Return the table of the end as Markdown: a row for each task."""
    several = len(lives) > 1
    head = ["task", "accuracy, %"]
    head += ["lowest", "highest"] if several else ["right", "of"]
    rows = [[*head, "shown", "rise", "drop"]]
    fallen = [drops(life) for life in lives]
    for name in met(lives):
        own = [k for k, life in enumerate(lives) if name in life.final]
        shares = [100 * lives[k].final[name].accuracy for k in own]
        middle = ([f"{min(shares):.1f}", f"{max(shares):.1f}"] if several
                  else [f"{lives[own[0]].final[name].right:,}",
                        f"{lives[own[0]].final[name].count:,}"])  # fmt: skip
        risen = [100 * rise(lives[k], name, schedule) for k in own]
        lost = max(100 * fallen[k][name] for k in own)
        shown = mean(lives[k].shown[name] for k in own)
        rows.append([name, f"{mean(shares):.1f}", *middle, f"{shown:,.0f}",
                     f"{mean(risen):+.1f}", f"{lost:.1f}"])  # fmt: skip
    return _table(rows)


def history_table(life: Life) -> str:
    """Return the accuracy of every task over time as Markdown: a row for each examination."""
    names = list(life.final)
    rows = [["step", *names]]
    for entry in life.history:
        accuracy = entry["accuracy"]
        cells = [f"{100 * accuracy[n]:.1f}" if n in accuracy else "" for n in names]
        rows.append([str(entry["step"]), *cells])
    return _table(rows)


def programs_text(lives: Sequence[Life]) -> str:
    """Return the programs of each task, most frequent first; empty where there are none."""
    parts = []
    for name in met(lives):
        found = Counter(life.programs[name] for life in lives if name in life.programs)
        for program, count in found.most_common():
            often = f", {count} of {len(lives)} seeds" if len(lives) > 1 else ""
            parts += [f"{name}{often}:", f"```\n{program.rstrip()}\n```"]
    return "\n\n".join(parts)


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    line = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, line, *body))


# ---- numbers


def curves(lives: Sequence[Life], schedule: Schedule) -> str:
    """Return all examinations as CSV: seed, step, task, share of the schedule, accuracy, loss."""
    opened = io.StringIO()
    writer = csv.writer(opened, lineterminator="\n")
    writer.writerow(["seed", "step", "task", "share", "accuracy", "loss"])
    for life in lives:
        for entry in life.history:
            shares = schedule.weights(entry["step"])
            for name, accuracy in entry["accuracy"].items():
                loss = entry["loss"].get(name)
                row = [life.seed, entry["step"], name, f"{shares[name]:.4f}", f"{accuracy:.6f}"]
                writer.writerow([*row, "" if loss is None else f"{loss:.6f}"])
    return opened.getvalue()


# ---- picture


def draw(lives: Sequence[Life], schedule: Schedule) -> bytes:
    """Draw the accuracy of every task over time, a panel for each; return the PNG.

    The grey band is the share of the batches that the schedule gives to the task. Thin lines are
    single seeds, the thick one is their mean.

    Raises:
        MissingExtra: matplotlib is not installed.

    Source: as figure 6 of Gaunt et al., "Differentiable Programs with Neural Libraries" (2017).

    """
    names = met(lives)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure("the picture of a lifetime", (3.2 * columns + 0.6, 2.2 * rows + 0.4))
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    steps = lives[0].steps
    shares = schedule.shares(steps)
    every = max(1, steps // POINTS)
    for panel, name in zip(panels, names, strict=False):
        band = 100 * shares[name][::every]
        panel.fill_between(range(0, steps, every), band, color="0.85", linewidth=0)
        _draw_curves(panel, lives, name)
        panel.set(title=name, ylim=(0, 102), xlim=(0, steps))
        panel.grid(alpha=0.3)
    for panel in panels[len(names) :]:
        panel.axis("off")
    figure.supxlabel("step")
    figure.supylabel("held-out examples right, %")
    return png(figure)


def _draw_curves(panel: Any, lives: Sequence[Life], name: str) -> None:
    found = [dict(life.curve(name)) for life in lives]
    if len(lives) > 1:
        for curve in found:
            panel.plot(list(curve), [100 * y for y in curve.values()], color="C0", alpha=0.3,
                       linewidth=0.8)  # fmt: skip
    steps = sorted({step for curve in found for step in curve})
    middle = [100 * mean(curve[step] for curve in found if step in curve) for step in steps]
    panel.plot(steps, middle, color="C0", marker=".", markersize=4)
