"""The report of `ntpt-math`: ours beside the paper's, as text and as a picture.

Knows the results as JSON holds them, not how they came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuralc.files import write_atomic
from neuralc.pictures import new_figure, png

Row = Mapping[str, Any]
PAPER: Mapping[str, Any] = {"found": 2, "restarts": 100, "digits": 0.975}
SHOWN = ("2", "4", "8", "12", "16")  # digits of expressions in the text


def text(data: Row) -> str:
    """Return what people read."""
    parts = [_search(data), _readings(data["reading"]), _perfect(data["perfect"])]
    if data["sequences"]:
        parts.append(_sequences(data["sequences"]))
    program = next((row["program"] for row in (*data["auto"], *data["gradient"])
                    if row["found"] and row["program"]), None)  # fmt: skip
    return "\n\n".join([*parts, *([program] if program else [])])


def _search(data: Row) -> str:
    lines = ["MATH: the program, from two-digit expressions of images and their values", ""]
    found = sum(row["found"] for row in data["gradient"])
    restarts = sum(row["restarts"] for row in data["gradient"])
    each = ", ".join(str(row["found"]) for row in data["gradient"])
    cpu = sum(row["cpu_seconds"] for row in data["gradient"])
    lines.append(
        f"  gradients alone: {found} of {restarts} restarts exact (by batch: {each}; "
        f"{cpu:.0f} CPU s); paper {PAPER['found']} of {PAPER['restarts']}"
    )
    turns = data["auto"]
    slowest = max((row["cpu_seconds"] for row in turns), default=0.0)
    lines.append(
        f"  auto: {sum(row['found'] for row in turns)} of {len(turns)} seeds exact "
        f"(slowest {slowest:.0f} CPU s)"
    )
    return "\n".join(lines)


def _readings(rows: Sequence[Row]) -> str:
    """Return the accuracy of networks that learned on, and of expressions by length."""
    lines = [
        "Networks after training through the program, and exact values in % of held-out",
        f"expressions, by digits; paper: {PAPER['digits']:.1%} of the digits read right", "",
        f"  {'net':5} {'digits':>7} {'before':>7} {'operators':>9}  "
        + " ".join(f"{size:>4}" for size in SHOWN),
    ]  # fmt: skip
    for row in rows:
        if "missing" in row:
            lines.append(f"  {row['net']:5} {row['missing']}")
            continue
        lines.append(
            f"  {row['net']:5} {row['digits']:7.2%} {row['digits_before']:7.2%} "
            f"{row['operators']:9.2%}  " + _shares(row["exact"])
        )
        foretold = {size: expected(row, int(size)) for size in SHOWN}
        lines.append(f"  {'':5} {'all symbols read right, foretold':>25}  {_shares(foretold)}")
    return "\n".join(lines)


def expected(row: Row, size: int) -> float:
    """Return the chance that all symbols of an expression are read right: a^N, operators too."""
    return float(row["digits"] ** size * row["operators"] ** (size - 1))


def _shares(shares: Mapping[str, float]) -> str:
    return " ".join(f"{100 * shares[size]:4.0f}" if size in shares else "   -" for size in SHOWN)


def _perfect(found: Row | None) -> str:
    if found is None:
        return "Perfect networks: no program was found"
    cases = ", ".join(f"{size} digits {'all' if fine else 'NOT all'} exact"
                      for size, fine in found["exact"].items())  # fmt: skip
    return (f"Perfect networks, {found['expressions']} expressions of each length: {cases} "
            f"({found['seconds']:.1f} s)")  # fmt: skip


def _sequences(rows: Sequence[Row]) -> str:
    head = f"  {'model':15} {'sees':8} {'trained to':>10}  "
    lines = ["Models without programs, exact values in %, by digits", "",
             head + " ".join(f"{size:>4}" for size in SHOWN)]  # fmt: skip
    lines += [f"  {row['name']:15} {_seen(row):8} {row['trained_to']:>10}  "
              + _shares(row["accuracy"]) for row in rows]  # fmt: skip
    return "\n".join(lines)


def _seen(row: Row) -> str:
    return "images" if row["images"] else "symbols"


def draw(data: Row, path: Path) -> None:
    """Draw the share of exact values over the length, ours beside models without programs.

    Args:
        data: what the experiment found.
        path: the PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    Source: figure 8 of Gaunt et al. (2017), arXiv:1611.02109.

    """
    figure = new_figure("the picture of MATH", (7, 4.2))
    axes = figure.subplots()
    for row in data["reading"]:
        if "missing" in row:
            continue
        sizes = [int(size) for size in row["exact"]]
        (line,) = axes.plot(sizes, [100 * share for share in row["exact"].values()], marker="o",
                            label=f"program, {row['net']}")  # fmt: skip
        axes.plot(sizes, [100 * expected(row, size) for size in sizes], linestyle=":",
                  color=line.get_color(), label=f"all read right, {row['net']}")  # fmt: skip
    for row in data["sequences"]:
        shares = row["accuracy"]
        axes.plot(
            [int(size) for size in shares], [100 * share for share in shares.values()],
            linestyle="--" if row["images"] else "-.",
            label=f"{row['name']}, {_seen(row)}, up to {row['trained_to']} digits",
        )  # fmt: skip
    axes.set(xlabel="digits of the expression", ylabel="exact values, %", ylim=(0, 102))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    write_atomic(path, png(figure))
