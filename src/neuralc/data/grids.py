"""2x2 grids of images with a value that two of their cells decide: ADD2X2 and APPLY2X2.

Cells are numbered by rows: 0 1 over 2 3. ADD2X2 shows digits, and the value is the sum of two of
them. APPLY2X2 shows operators, three digits are given as numbers, and the value is that of
`d1 op d2 op d3` from left to right. A learner is given images, numbers and values; what the cells
show is for the report of what it found out.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries
(Neural TerpreT, 2017), section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Digits, Images, Labels
from neuralc.data.expressions import results_of
from neuralc.errors import DataError

TASKS = {"top": (0, 1), "left": (0, 2), "bottom": (2, 3), "right": (1, 3)}
KINDS = ("ADD2X2", "APPLY2X2")
NAMES = tuple(f"{kind}:{side}" for kind in KINDS for side in TASKS)
CELLS = 4
NUMBERS = ("d1", "d2", "d3")

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Grids:
    """Examples of a task.

    Attributes:
        columns: what `bind` takes: "images" float32 [N, 4, h, w], "result" int64 [N], and for
            APPLY2X2 "d1", "d2", "d3" int64 [N].
        symbols: int64 [N, 4], the digit or operator that each cell shows; for reporting only.

    """

    columns: dict[str, NDArray[Any]]
    symbols: Labels


def grid_task(
    name: str, digits: Digits, operators: Digits | None, *, train: int, test: int, seed: int
) -> tuple[Grids, Grids]:
    """Draw the grids of a task: some to learn from, some held out.

    Args:
        name: one of `NAMES`, such as "APPLY2X2:left".
        digits: the images of digits.
        operators: those of operators, numbered as in `expressions`; only APPLY2X2 needs them.
        train: how many distinct grids of training images.
        test: how many distinct grids of held-out images.
        seed: the same seed gives the same grids; tasks of one seed have different ones.

    Returns:
        The grids to learn from, and those held out.

    Raises:
        DataError: there is no such task, fewer images than so many grids need, or no operators.

    """
    kind, _ = _parts(name)
    pool = digits if kind == "ADD2X2" else operators
    if pool is None:
        raise DataError(f"{name} shows operators, and there are no images of them")
    seeds = np.random.SeedSequence([seed, NAMES.index(name)]).generate_state(2).tolist()
    return (
        draw_grids(name, (pool.train_images, pool.train_labels), train, seeds[0]),
        draw_grids(name, (pool.test_images, pool.test_labels), test, seeds[1]),
    )


def draw_grids(name: str, pool: tuple[Images, Labels], count: int, seed: int) -> Grids:
    """Draw distinct grids of a task.

    Args:
        name: one of `NAMES`.
        pool: images [M, h, w] and labels to draw from: digits for ADD2X2, operators for APPLY2X2.
        count: how many grids; no two of them are the same four images in the same order.
        seed: the same seed gives the same grids.

    Raises:
        DataError: there is no such task, or the pool is too small for so many distinct grids.

    """
    kind, side = _parts(name)
    draw = sum_grids if kind == "ADD2X2" else apply_grids
    try:
        images, *numbers, results, symbols = draw(*pool, TASKS[side], count, seed)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    given = dict(zip(NUMBERS, numbers, strict=False))  # ADD2X2 has none
    return Grids({"images": images, **given, "result": results}, symbols)


def _parts(name: str) -> tuple[str, str]:
    if name not in NAMES:
        raise DataError(f"there is no grid task {name!r}\n  hint: there are {', '.join(NAMES)}")
    kind, side = name.split(":")
    return kind, side


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
    picked = _picked(images, labels, cells, count, np.random.default_rng(seed))
    digits = labels[picked].astype(np.int64)
    sums = digits[:, list(cells)].sum(axis=1)
    return images[picked].astype(np.float32, copy=False), sums, digits


def apply_grids(
    images: NDArray[Scalar], labels: Labels, cells: tuple[int, ...], count: int, seed: int
) -> tuple[Images, Labels, Labels, Labels, Labels, Labels]:
    """Draw distinct grids of four operators, three digits for each, and apply two operators.

    Args:
        images: [M, h, w], the pool to draw from.
        labels: int64 [M], their operators: 0 is +, 1 is -, 2 is *, 3 is /.
        cells: the two cells whose operators are applied, in this order.
        count: how many grids; no two of them are the same four images in the same order.
        seed: the same seed gives the same grids.

    Returns:
        images float32 [count, 4, h, w]; three digits int64 [count], each; the values of
        `d1 op d2 op d3` int64 [count], as `results_of` has them; operators int64 [count, 4], for
        reporting only.

    Raises:
        DataError: the pool is too small for so many distinct grids, or a cell is not 0..3.

    """
    rng = np.random.default_rng(seed)
    picked = _picked(images, labels, cells, count, rng)
    operators = labels[picked].astype(np.int64)
    d1, d2, d3 = rng.integers(10, size=(len(NUMBERS), count))
    first, second = (operators[:, cell] for cell in cells)
    values = results_of(np.stack([d1, first, d2, second, d3], axis=1))
    return images[picked].astype(np.float32, copy=False), d1, d2, d3, values, operators


def _picked(
    images: NDArray[Scalar], labels: Labels, cells: tuple[int, ...], count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:  # fmt: skip
    """Return which images each grid shows, int64 [count, 4]."""
    if any(not 0 <= cell < CELLS for cell in cells):
        raise DataError(f"cells are numbered 0..{CELLS - 1}, found {cells}")
    if len(images) != len(labels):
        raise DataError(f"{len(images)} images, but {len(labels)} labels")
    return _distinct(len(images), count, rng)


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
