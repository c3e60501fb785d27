"""A maze of street signs as a picture, with the path that a learned program walks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.data.mazes import MOVES_X, MOVES_Y, Mazes
from neuralc.errors import DataError
from neuralc.files import write_atomic
from neuralc.pictures import new_figure, png

Array = np.ndarray[Any, Any]

_TOLD = ("final_X", "final_Y", "path_len")
_OUT = 0.7  # cells that an arrow which leaves the maze is long


def draw_walk(
    mazes: Mazes, number: int, said: Array, found: Mapping[str, Array], path: Path
) -> None:
    """Draw one maze and the walk through it, as far as the signs are read.

    Args:
        mazes: of one size.
        number: which of them.
        said: int64 [H, W], the directions that the network reads.
        found: what the program gives for each maze: `final_X`, `final_Y`, `path_len`, int [N].
        path: the PNG file.

    Raises:
        MissingExtra: matplotlib is not installed.
        DataError: there is no such maze.
        FileError: the file cannot be written.

    """
    if not 0 <= number < len(mazes):
        raise DataError(f"mazes are numbered 0..{len(mazes) - 1}, found {number}")
    instances = mazes.instances
    images = instances["img_grid"][number]
    height, width = images.shape[:2]
    figure = new_figure("a picture of a maze", (1.3 * width, 1.3 * height + 0.4))
    axes = figure.subplots()
    x, y = int(instances["init_X"][number]), int(instances["init_Y"][number])
    for row in range(height):
        for column in range(width):
            corners = (column - 0.46, column + 0.46, row + 0.46, row - 0.46)
            shown = images[row, column].transpose(1, 2, 0).clip(0, 1)
            axes.imshow(shown, extent=corners, alpha=1.0)
    for (x0, y0), (dx, dy) in _walk(said, x, y):
        inside = 0 <= x0 + dx < width and 0 <= y0 + dy < height
        part = 1.0 if inside else _OUT
        axes.annotate(
            "", (x0 + part * dx, y0 + part * dy), (x0, y0), annotation_clip=False,
            arrowprops={"arrowstyle": "->", "color": "magenta", "linewidth": 3},
        )  # fmt: skip
    axes.plot([x], [y], "o", color="magenta", markersize=12)
    axes.set(xlim=(-_OUT, width - 1 + _OUT), ylim=(height - 1 + _OUT, -_OUT), xticks=[], yticks=[])
    told, true = ([int(part[name][number]) for name in _TOLD] for part in (found, instances))
    axes.set_title(f"x, y and moves by the program: {told}; true: {true}", fontsize=9)
    write_atomic(path, png(figure, dpi=100))


def _walk(said: Array, x: int, y: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return cell and move of each step by the directions read, up to a stop sign or a ring."""
    height, width = said.shape
    steps: list[tuple[tuple[int, int], tuple[int, int]]] = []
    while (sign := int(said[y, x])) and len(steps) < height * width:
        move = int(MOVES_X[sign]), int(MOVES_Y[sign])
        steps.append(((x, y), move))
        x, y = (x + move[0]) % width, (y + move[1]) % height
    return steps
