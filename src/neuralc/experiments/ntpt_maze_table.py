"""The street-sign maze as a report for people: figures of all ways and seeds, the program, a table.

Knows neither models nor learning: it lays out what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuralc.data.mazes import DIRECTIONS

Row = Mapping[str, Any]
NONE = "-"


def markdown(data: Mapping[str, Any]) -> str:
    """Return the report.

    Args:
        data: as in the `data` of `Maze`.

    """
    training, first = data["training"], data["rows"][0]["tests"][0]
    size = f"{first['width']}x{first['height']}"
    title = (
        f"Street-sign maze, learned from {training['mazes']} mazes of {training['width']}x"
        f"{training['height']} signs with paths of 0 to {training['longest']} moves: start, goal "
        "and length of the path, no sign's meaning"
    )
    right = (
        f"A program is right if it is on all of {data['checked_on']:,} mazes of other sizes, their "
        f"signs read without error: {len(data['right_programs'])} of 1,728 programs are. "
        f"{_others(data['other_explanations'])}"
    )
    parts = [
        title,
        _table(
            ["way", "right programs", "signs read", "worst", f"{size} exact", "if read right",
             "CPU s"],
            [_final(name, row) for name, row in data["final"].items()],
        ),
        "Means over the seeds whose program is right. The paper shows the task without figures.",
        _table(
            ["way", "seed", "program", "trained", "signs read", *_sizes(data["rows"][0]), "CPU s"],
            [_seed(row) for row in data["rows"]],
        ),
        right,
    ]  # fmt: skip
    good = [row for row in data["rows"] if row["right_program"]]
    if good:
        parts += ["A program that was found:", good[0]["program"].rstrip(),
                  f"What its network says ({good[0]['way']}, seed {good[0]['seed']}):",
                  _confusion(good[0]["classifier"]["confusion"])]  # fmt: skip
    return "\n\n".join(parts)


def _final(name: str, row: Row) -> list[str]:
    return [
        name, f"{row['right_programs']} of {row['seeds']}", _share(row["classifier"]),
        _share(row["worst_classifier"]), _share(row["exact"]), _share(row["exact_if_read_right"]),
        f"{row['cpu_seconds']:.0f}",
    ]  # fmt: skip


def _sizes(row: Row) -> list[str]:
    return [f"{t['width']}x{t['height']} ({t['mazes']}; read right)" for t in row["tests"]]


def _seed(row: Row) -> list[str]:
    tests = [f"{_share(t['exact'])} ({_share(t['exact_if_read_right'])})" for t in row["tests"]]
    return [
        row["way"], str(row["seed"]), "right" if row["right_program"] else "wrong",
        _share(row["train_right"]), _share(row["classifier"]["accuracy"]), *tests,
        f"{row['cpu_seconds']:.0f}",
    ]  # fmt: skip


def _others(found: Sequence[Row]) -> str:
    if not found:
        return (
            "Of all pairs of a program and a reading of the five signs, only these with the true "
            "reading explain the training mazes."
        )
    one = found[0]
    return (
        f"The training mazes have {len(found)} other explanations, such as instr {one['instr']}, "
        f"goto {one['goto']} with the signs read as {one['read_as']}."
    )


def _confusion(rows: Sequence[Sequence[int]]) -> str:
    body = [
        [name, *(str(n) if n else "." for n in row)]
        for name, row in zip(DIRECTIONS, rows, strict=True)
    ]
    return _table(["sign, read as", *DIRECTIONS], body)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.1%}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)) + " |"
        for row in (head, ["-" * n for n in widths], *rows)
    ]
    return "\n".join(lines)
