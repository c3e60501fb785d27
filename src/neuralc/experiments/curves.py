"""Learning curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuralc.files import write_atomic
from neuralc.pictures import new_figure, png


def draw_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Draw loss and training accuracy over the steps, one colour for each task.

    Args:
        histories: for each task the entries that `learn` notes: step, losses, best share.
        path: the PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    """
    figure = new_figure("a learning-curve picture", (9, 3.6))
    loss, share = figure.subplots(1, 2)
    for name, history in histories.items():
        steps = [entry["step"] for entry in history]
        (line,) = loss.plot(steps, [entry["best_loss"] for entry in history], label=name)
        loss.plot(
            steps, [entry["median_loss"] for entry in history], color=line.get_color(), alpha=0.4,
            linestyle="--",
        )  # fmt: skip
        share.plot(steps, [100 * entry["best_share"] for entry in history], label=name)
    loss.set(xlabel="step", ylabel="loss, nats per grid", yscale="log",
             title="best restart (dashed: median)")  # fmt: skip
    share.set(xlabel="step", ylabel="training grids right, %", ylim=(0, 102),
              title="best restart, discretised")  # fmt: skip
    for axes in (loss, share):
        axes.grid(alpha=0.3)
        axes.legend(title="task", frameon=False)
    write_atomic(path, png(figure))
