"""Mazes of street signs: from a start cell, each sign tells where to go next, up to a stop sign.

A learner is given the images, start and goal and the length of the path; the directions are for
the report of what it found out. Directions are numbers: 0 stop, 1 up, 2 right, 3 down, 4 left. A
maze wraps around: right of the last cell of a row is the first.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries
(Neural TerpreT, 2017), figure 1; the signs of that figure were never published.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Images, Labels
from neuralc.errors import DataError

Array = NDArray[Any]
DIRECTIONS = ("stop", "up", "right", "down", "left")
STOP = 0
CLASSES = (3, 0, 1, 4, 2)  # which sign of `signs.NAMES` means stop, up, right, down, left
MOVES_X = np.array([0, 0, 1, 0, -1])
MOVES_Y = np.array([0, -1, 0, 1, 0])
_ROUND = 4096  # mazes drawn at once
_ROUNDS = 500  # after which the wanted mazes are taken to be too rare


@dataclass(frozen=True, eq=False)
class Mazes:
    """Mazes of one size.

    Attributes:
        instances: whole arrays by the names of `machines/maze.py`, as `bind` takes them:
            `img_grid` float32 [N, H, W, 3, h, w], `init_X`, `init_Y`, `final_X`, `final_Y`,
            `path_len` int64 [N].
        directions: int64 [N, H, W], the true directions; for reporting only.
        picks: int64 [N, H, W], which image of the pool is in each cell; for reporting only.
        on_path: bool [N, H, W], the cells that the path comes to; for reporting only.

    """

    instances: dict[str, Array]
    directions: Labels
    picks: Labels
    on_path: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.directions)


def directions_of(labels: Labels) -> Labels:
    """Return what signs mean in a maze, -1 for those that are in none.

    Args:
        labels: int64 [N], places in `signs.NAMES`.

    """
    meaning = np.full(int(labels.max(initial=0)) + len(CLASSES) + 1, -1, np.int64)
    meaning[list(CLASSES)] = np.arange(len(CLASSES))
    found: Labels = meaning[labels]
    return found


def draw_mazes(
    images: Images, directions: Labels, *, width: int, height: int, count: int, longest: int,
    seed: int, lengths: Collection[int] | None = None,
) -> Mazes:  # fmt: skip
    """Draw mazes whose paths end, as many of each length as possible.

    Each direction is uniform, and so is its image among those of the direction. Of the mazes that
    are drawn, those are kept whose path is of a wanted length, equally many of each.

    Args:
        images: float32 [M, 3, h, w], the pool.
        directions: int64 [M], what they mean; -1: in no maze.
        width, height: cells of a row and of a column.
        count: how many mazes; no two have the same images, order and start.
        longest: moves of a path at most.
        seed: the same seed gives the same mazes.
        lengths: the wanted numbers of moves; None: all from 0 to `longest`.

    Raises:
        DataError: a direction has no image, there are not so many distinct mazes, paths of a
            wanted length are too rare, or a number cannot be.

    """
    wanted = sorted({*(range(longest + 1) if lengths is None else lengths)})
    _check(images, directions, (width, height, count, longest), wanted)
    rng = np.random.default_rng(seed)
    cells, starts, paths = _drawn(directions, (height, width), count, wanted, rng)
    order = rng.permutation(count)
    picks, starts = cells[order], starts[order]
    meant = directions[picks]
    length, end, on_path = follow(meant, starts, longest)
    if not np.array_equal(np.bincount(length), np.bincount(paths)):
        raise AssertionError("a path has changed its length")
    instances: dict[str, Array] = {
        "img_grid": images[picks].astype(np.float32, copy=False),
        "init_X": starts[:, 0], "init_Y": starts[:, 1],
        "final_X": end[:, 0], "final_Y": end[:, 1], "path_len": length,
    }  # fmt: skip
    return Mazes(instances, meant, picks, on_path)


def follow(directions: Labels, starts: Labels, longest: int) -> tuple[Labels, Labels, Array]:
    """Follow the signs.

    Args:
        directions: int64 [N, H, W].
        starts: int64 [N, 2], x and y.
        longest: moves at most.

    Returns:
        The number of moves up to a stop sign, int64 [N], or -1 where it is not reached; the last
        cell, int64 [N, 2]; the cells come to, bool [N, H, W].

    """
    count, height, width = directions.shape
    rows, (x, y) = np.arange(count), starts.T.copy()
    length, seen = np.full(count, -1), np.zeros(directions.shape, np.bool_)
    for move in range(longest + 1):
        seen[rows, y, x] = True
        sign = directions[rows, y, x]
        length[(sign == STOP) & (length < 0)] = move
        if move < longest:
            x, y = (x + MOVES_X[sign]) % width, (y + MOVES_Y[sign]) % height
    return length, np.stack([x, y], 1), seen


def _check(
    images: Images, directions: Labels, numbers: tuple[int, ...], lengths: list[int]
) -> None:
    width, height, count, longest = numbers
    if images.ndim != 4 or len(images) != len(directions):
        raise DataError(
            f"images are {images.shape} with {len(directions)} directions, wanted [M, 3, h, w] "
            "with M of them"
        )
    if width < 1 or height < 1 or count < 1 or longest < 0:
        raise DataError(f"no maze has {width} x {height} cells, {count} times, paths to {longest}")
    if not lengths or lengths[0] < 0 or lengths[-1] > longest:
        raise DataError(f"lengths of paths lie between 0 and {longest}, found {lengths}")
    if lengths[-1] >= width * height:
        raise DataError(
            f"a path of {lengths[-1]} moves comes twice to a cell of {width} x {height} and "
            "never ends"
        )
    for number, name in enumerate(DIRECTIONS):
        if not (directions == number).any():
            raise DataError(f"there is no image of the direction {number} ({name})")


def _drawn(
    directions: Labels, shape: tuple[int, int], count: int, wanted: list[int],
    rng: np.random.Generator,
) -> tuple[Labels, Labels, Labels]:  # fmt: skip
    """Return the images of cells [N, H, W], starts [N, 2] and lengths [N] of distinct mazes."""
    pools = [np.flatnonzero(directions == number) for number in range(len(DIRECTIONS))]
    missing = {length: count // len(wanted) for length in wanted}
    for length in wanted[: count % len(wanted)]:
        missing[length] += 1
    taken: dict[bytes, None] = {}
    kept: list[tuple[Labels, Labels, Labels]] = []
    for _ in range(_ROUNDS):
        signs = rng.integers(len(DIRECTIONS), size=(_ROUND, *shape))
        starts = np.stack([rng.integers(end, size=_ROUND) for end in reversed(shape)], 1)
        found, _, _ = follow(signs, starts, wanted[-1])
        places = np.concatenate([np.flatnonzero(found == k)[:n] for k, n in missing.items()])
        picks = np.empty((len(places), *shape), np.int64)
        for number, pool in enumerate(pools):
            where = signs[places] == number
            picks[where] = rng.choice(pool, int(where.sum()))
        new = [k for k, place in enumerate(places) if _new(taken, picks[k], starts[place])]
        kept.append((picks[new], starts[places[new]], found[places[new]]))
        for length in kept[-1][2].tolist():
            missing[length] -= 1
        if not any(missing.values()):
            cells, first, lengths = (np.concatenate(part) for part in zip(*kept, strict=True))
            return cells, first, lengths
    rare = {length: n for length, n in missing.items() if n}
    raise DataError(
        f"mazes of {shape[1]} x {shape[0]} cells are too few, or too rare: by the length of the "
        f"path, there are still missing {rare}\n  hint: ask for fewer, or for shorter paths"
    )


def _new(taken: dict[bytes, None], picks: Labels, start: Labels) -> bool:
    """Tell whether a maze was not drawn before, and note it."""
    key = np.append(picks.ravel(), start).tobytes()
    if key in taken:
        return False
    taken[key] = None
    return True
