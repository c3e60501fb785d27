"""What a benchmark hands back: tables, and bars that were met or not; as Markdown and JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter

import torch

from neuralc.files import write_atomic

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Table:
    """A table; every row has the same columns."""

    title: str
    rows: Sequence[dict[str, Cell]]


@dataclass(frozen=True)
class Bar:
    """Something that should be reached: `limit` says how much, `found` what was measured."""

    what: str
    limit: str
    found: Cell
    met: bool


@dataclass(frozen=True)
class Report:
    """Everything that one benchmark found."""

    name: str
    tables: Sequence[Table]
    bars: Sequence[Bar] = field(default=())

    def markdown(self) -> str:
        """Return the tables as Markdown, the bars last."""
        parts = [f"## {self.name}"]
        for table in self.tables:
            parts += [f"**{table.title}**", _markdown(table.rows)]
        if self.bars:
            rows: list[dict[str, Cell]] = [
                {"bar": b.what, "limit": b.limit, "found": b.found, "met": "yes" if b.met else "NO"}
                for b in self.bars
            ]
            parts.append(_markdown(rows))
        return "\n\n".join(parts) + "\n"

    def save(self, path: Path) -> None:
        """Write JSON, whole or not at all."""
        about = {"machine": platform.machine(), "cores": len(os.sched_getaffinity(0)),
                 "python": platform.python_version(), "torch": torch.__version__}  # fmt: skip
        write_atomic(path, json.dumps({"about": about, **asdict(self)}, indent=2) + "\n")


def _markdown(rows: Sequence[dict[str, Cell]]) -> str:
    cells = [list(rows[0]), *([_text(cell) for cell in row.values()] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    right = [all(not isinstance(row[name], str) for row in rows) for name in rows[0]]
    lines = [
        "| " + " | ".join(_pad(c, w, r) for c, w, r in zip(row, widths, right, strict=True)) + " |"
        for row in cells
    ]
    rule = ["-" * (w - 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)]
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]])


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, float):
        return str(cell)
    if cell and not 1e-3 <= abs(cell) < 1e5:
        return f"{cell:.1e}"
    return f"{cell:.3g}" if abs(cell) < 1000 else f"{cell:.0f}"


def main(run: Callable[[], Report]) -> int:
    """Run one benchmark from the command line; return 1 if a bar was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = perf_counter()
    report = run()
    print(f"{report.markdown()}\n({perf_counter() - began:.0f} s)\n")
    if options.json:
        report.save(options.json)
    return 0 if all(bar.met for bar in report.bars) else 1
