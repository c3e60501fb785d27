"""Table 1 of adaptive neural compilation: six programs, adapted to the inputs that they see.

Every seed's program is checked by exact execution on all inputs of its bias, or on 10,000 samples
that nothing else has seen; the best program of each row is checked as far as that can be done.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, table 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.inspect.adapted import certainty
from neuralc.lang import asm
from neuralc.learning.adapt.presets import PAPER
from neuralc.learning.adapt.problem import Problem
from neuralc.learning.adapt.result import Adapted
from neuralc.learning.adapt.run import adapt_problem
from neuralc.nn.compile import assembly_of
from neuralc.tasks.ram import TASKS

Progress = Callable[[int, int, str], None]
METHODS = ("paper", "gradient", "hybrid")
"""The paper's settings, ours, and gradients with search."""


@dataclass(frozen=True)
class Published:
    """A row of the paper's table: iterations (instructions + 1), and the share of seeds."""

    generic: float
    learned: float
    ideal: float
    success: int


PUBLISHED = {
    "access": Published(6, 4, 4, 37),
    "increment": Published(40, 16, 34, 84),
    "swap": Published(10, 6, 6, 27),
    "listk": Published(18, 11, 10, 19),
    "addition": Published(20, 9, 6, 12),
    "bubble_sort": Published(38, 18, 9.5, 74),
}


@dataclass(frozen=True)
class Table:
    """What the command prints: text for people, data for programs, and learning curves."""

    text: str
    data: dict[str, Any]


def run_table(
    *, tasks: Sequence[str] = tuple(PUBLISHED), methods: Sequence[str] = METHODS,
    seeds: int = 100, seed: int = 0, threads: int | None = None, progress: Progress | None = None,
) -> Table:  # fmt: skip
    """Adapt every task by every method.

    Args:
        tasks: names of `PUBLISHED`.
        methods: of `METHODS`.
        seeds: attempts for each.
        seed: the first one.
        threads: searches at once; None: one for each core.
        progress: called with rows done, rows in all, and a remark.

    """
    rows: list[dict[str, Any]] = []
    total = len(tasks) * len(methods)
    for name in tasks:
        task = TASKS[name]
        original = assembly_of(task.routine, task.memory)
        problem = Problem(original, memory=task.memory, task=task, bias=task.bias)
        for method in methods:
            settings = PAPER[name] if method == "paper" else None
            adapted = adapt_problem(
                problem, method="hybrid" if method == "hybrid" else "gradient", seeds=seeds,
                seed=seed, threads=threads, settings=settings,
            )  # fmt: skip
            rows.append(_row(name, method, adapted))
            if progress is not None:
                progress(len(rows), total, _line(rows[-1]))
    return Table(_text(rows, seeds), {"seeds": seeds, "rows": rows})


def _row(name: str, method: str, adapted: Adapted) -> dict[str, Any]:
    published, best = PUBLISHED[name], adapted.best
    solved = [a for a in adapted.attempts if adapted.solved(a)]
    soft = [a for a in adapted.attempts if adapted.softly(a)]
    either = {a.seed for a in solved} | {a.seed for a in soft}
    learned = [a.steps + 1 for a in solved]
    checked = "" if best is None or best.choices is None else certainty(
        adapted.problem, best.choices
    ).text  # fmt: skip
    return {
        "task": name, "method": method, "seeds": len(adapted.attempts), "solved": len(solved),
        "soft": len(soft), "success": len(either), "generic": adapted.before + 1,
        "learned": min(learned, default=None),
        "median": float(np.median(learned)) if learned else None,
        "soft_learned": min((a.soft.steps + 1 for a in soft if a.soft), default=None),
        "paper": {"generic": published.generic, "learned": published.learned,
                  "ideal": published.ideal, "success": published.success},
        "checked": checked, "seconds": adapted.seconds, "curve": adapted.curve,
        "program": asm.text(adapted.program) if best is not None else None,
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    paper = row["paper"]
    rate = 100 * row["success"] / row["seeds"]
    return (
        f"{row['task']:<12} {row['method']:<9} {row['generic']:6.1f} {paper['generic']:6g}  "
        f"{shown(row['learned']):>6} {shown(row['median']):>6} {shown(row['soft_learned']):>6} "
        f"{paper['learned']:6g} {paper['ideal']:6g}  {rate:5.0f} % {paper['success']:4} %  "
        f"{row['seconds']:7.0f}"
    )


def _text(rows: list[dict[str, Any]], seeds: int) -> str:
    head = (
        "                        generic          iterations learned            ideal   success\n"
        "task         method      ours  paper    best median   soft  paper  paper   ours   paper"
        "  seconds"
    )
    lines = [
        f"adaptive neural compilation, table 1: {seeds} seeds each, iterations = instructions + 1",
        "",
        head,
        *map(_line, rows),
        "",
        "best, median: programs made discrete, right on everything they were checked on, and",
        "faster; soft: the weights as they are, right with confidence 0.9 (as the paper counts).",
        "success counts either. The paper's rates are of the best settings of a grid search.",
    ]
    for row in rows:
        if row["program"] is not None:
            lines += [
                "",
                f"{row['task']}, {row['method']}: {row['checked']}",
                row["program"].rstrip(),
            ]
    return "\n".join(lines)


def draw(table: Table, path: Any) -> None:
    """Draw how many seeds have a faster program over the updates, a panel for each task.

    Args:
        table: what `run_table` returned.
        path: the PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    """
    from neuralc.files import write_atomic
    from neuralc.pictures import new_figure, png

    rows = [row for row in table.data["rows"] if row["curve"]]
    names = list(dict.fromkeys(row["task"] for row in rows))
    figure = new_figure("a learning-curve picture", (11, 2.6 * -(-len(names) // 3)))
    panels = figure.subplots(-(-len(names) // 3), 3, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        for row in rows:
            if row["task"] == name:
                updates, faster = zip(*row["curve"], strict=True)
                shares = [100 * n / row["seeds"] for n in faster]
                panel.plot(updates, shares, label=row["method"])
        panel.axhline(PUBLISHED[name].success, color="gray", linestyle=":", label="paper, final")
        panel.set(title=name, xlabel="update", ylabel="seeds faster, %", ylim=(0, 102))
        panel.legend(frameon=False, fontsize="small")
    for panel in panels[len(names) :]:
        panel.axis("off")
    write_atomic(path, png(figure))
