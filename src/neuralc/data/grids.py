"""2x2 grids of digit images with the sum of two of their cells: the ADD2X2 tasks.

Cells are numbered by rows: 0 1 over 2 3. A learner is given the images and the sums; the digits
are for the report of what it found out.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries
(Neural TerpreT, 2017), section 4.1.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Images, Labels
from neuralc.errors import DataError

TASKS = {"top": (0, 1), "left": (0, 2), "bottom": (2, 3), "right": (1, 3)}
CELLS = 4

Scalar = TypeVar("Scalar", bound=np.generic)


def sum_grids(
    images: NDArray[Scalar], labels: Labels, cells: tuple[int, ...], count: int, seed: int
) -> tuple[Images, Labels, Labels]:
    """Draw distinct grids of four images and add up the digits of some cells.

    Args:
        images: [M, h, w], the pool to draw from.
        labels: int64 [M], their digits.
        cells: the cells that are added, such as `TASKS["top"]`.
        count: how many grids; no two of them are the same four images in the same order.
        seed: the same seed gives the same grids.

    Returns:
        images float32 [count, 4, h, w]; sums int64 [count]; digits int64 [count, 4], for
        reporting only.

    Raises:
        DataError: the pool is too small for so many distinct grids, or a cell is not 0..3.

    """
    if any(not 0 <= cell < CELLS for cell in cells):
        raise DataError(f"cells are numbered 0..{CELLS - 1}, found {cells}")
    if len(images) != len(labels):
        raise DataError(f"{len(images)} images, but {len(labels)} labels")
    picked = _distinct(len(images), count, np.random.default_rng(seed))
    digits = labels[picked].astype(np.int64)
    sums = digits[:, list(cells)].sum(axis=1)
    return images[picked].astype(np.float32, copy=False), sums, digits


def _distinct(pool: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` different rows of four indices below `pool`, in the order of drawing."""
    if count > pool**CELLS // 2:  # beyond that, drawing until they differ takes ever longer
        raise DataError(f"{pool} images are too few for {count} distinct grids of {CELLS}")
    rows = np.empty((0, CELLS), np.int64)
    while len(rows) < count:
        rows = np.concatenate([rows, rng.integers(pool, size=(count - len(rows), CELLS))])
        _, first = np.unique(rows, axis=0, return_index=True)
        rows = rows[np.sort(first)]
    return rows
