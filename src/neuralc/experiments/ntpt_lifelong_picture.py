"""The picture of the lifetimes: accuracy of every task over time, all learners in one panel each.

As figure 6 of Gaunt et al., "Differentiable Programs with Neural Libraries" (2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from neuralc.data.grids import KINDS, NAMES
from neuralc.files import write_atomic
from neuralc.learning.lifelong.result import Life
from neuralc.learning.lifelong.schedule import Schedule
from neuralc.pictures import new_figure, png

BAND = 200  # points of the band that shows the schedule


def draw_lives(lives: Mapping[str, Sequence[Life]], schedule: Schedule, path: Path) -> None:
    """Draw the accuracy of every task over time.

    A row for ADD2X2 and one for APPLY2X2; a colour for each learner, thin lines for single lives
    and a thick one for their mean; the grey band is the share of a task in the batches.

    Args:
        lives: of each learner, one at least; all of as many steps.
        schedule: of all of them.
        path: the PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    """
    steps = next(iter(lives.values()))[0].steps
    columns = len(NAMES) // len(KINDS)
    figure = new_figure("the picture of the lifetimes", (3.2 * columns + 0.6, 5.6))
    panels = figure.subplots(len(KINDS), columns, sharex=True, sharey=True).ravel()
    shares, every = schedule.shares(steps), max(1, steps // BAND)
    for panel, name in zip(panels, NAMES, strict=True):
        band = 100 * shares[name][::every]
        panel.fill_between(range(0, steps, every), band, color="0.88", linewidth=0)
        for k, (learner, own) in enumerate(lives.items()):
            _curves(panel, own, name, f"C{k}", learner)
        panel.set(title=name, ylim=(0, 102), xlim=(0, steps))
        panel.grid(alpha=0.3)
    panels[0].legend(frameon=False, fontsize="small")
    figure.supxlabel("step")
    figure.supylabel("held-out grids right, %")
    write_atomic(path, png(figure))


def _curves(panel: Any, lives: Sequence[Life], name: str, color: str, label: str) -> None:
    found = [dict(life.curve(name)) for life in lives]
    for curve in found if len(found) > 1 else ():
        panel.plot(list(curve), [100 * y for y in curve.values()], color=color, alpha=0.3,
                   linewidth=0.7)  # fmt: skip
    steps = sorted({step for curve in found for step in curve})
    middle = [100 * mean(curve[step] for curve in found if step in curve) for step in steps]
    panel.plot(steps, middle, color=color, label=label)
