"""The picture of the TerpreT benchmark: seconds of each solver, task by task, on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuralc.experiments.terpret_table import REPORT, Run
from neuralc.files import write_atomic
from neuralc.pictures import new_figure, png
from neuralc.tasks import TASKS

LEAST = 0.01  # seconds at the left edge


def draw_seconds(runs: Sequence[Run], path: Path, *, timeout: float) -> None:
    """Draw the time of every run, beside the report's, and that of the parity chain by length.

    Args:
        runs: those that solved their task are drawn.
        path: the PNG file.
        timeout: seconds; drawn as a line.

    Raises:
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    """
    tasks = [run for run in runs if run.task in TASKS]
    chain = [run for run in runs if run.task not in TASKS]
    panels = [(draw, part) for draw, part in ((_tasks, tasks), (_chain, chain)) if part]
    figure = new_figure("the picture of the benchmark", (1 + 5.5 * len(panels), 4.6))
    for axes, (draw, part) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels,
                                  strict=True):  # fmt: skip
        draw(axes, part, timeout)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    write_atomic(path, png(figure))


def _tasks(axes: Any, runs: Sequence[Run], timeout: float) -> None:
    names = [name for name in TASKS if any(run.task == name for run in runs)]
    row = {name: place for place, name in enumerate(reversed(names))}
    for kind, marker in (("ilp", "s"), ("smt", "^"), ("sketch", "D")):
        found = [(value, row[name]) for name in names
                 if (value := getattr(REPORT[name], kind)) is not None]  # fmt: skip
        axes.scatter(
            *zip(*found, strict=True) if found else ((), ()), marker=marker, facecolors="none",
            edgecolors="0.6", label=f"report: {kind}",
        )  # fmt: skip
    for solver in dict.fromkeys(run.solver for run in runs):
        done = [run for run in runs if run.solver == solver and run.solved]
        seconds = [max(run.seconds, LEAST) for run in done]
        axes.scatter(seconds, [row[run.task] for run in done], label=solver, zorder=3)
    axes.axvline(timeout, color="0.8", linestyle=":")
    axes.set_yticks(list(row.values()), list(row))
    axes.set(xlabel="seconds", xscale="log", title="tasks solved, right on all inputs")


def _chain(axes: Any, runs: Sequence[Run], timeout: float) -> None:
    for solver in dict.fromkeys(run.solver for run in runs):
        own = [run for run in runs if run.solver == solver]
        bits = [int(run.task.removeprefix("parity-")) for run in own]
        seconds = [max(run.seconds, LEAST) if run.solved else math.nan for run in own]  # a gap
        axes.plot(bits, seconds, "o-", label=solver)
    axes.axhline(timeout, color="0.8", linestyle=":")
    axes.set(xlabel="bits", ylabel="seconds", yscale="log", title="parity chain")
    axes.set_xscale("log", base=2)
