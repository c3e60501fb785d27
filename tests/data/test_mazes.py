"""Mazes of street signs: paths, what is told of them, and what cannot be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc.data.mazes import CLASSES, Mazes, directions_of, draw_mazes, follow
from neuralc.data.signs import NAMES
from neuralc.errors import DataError
from neuralc.ir.examples import bind
from neuralc.learning.model import Model

DIRECTIONS = np.arange(40) % 5
IMAGES = np.broadcast_to(np.arange(40)[:, None, None, None], (40, 3, 2, 2)).astype(np.float32)


def draw(**changes: Any) -> Mazes:
    wanted: dict[str, Any] = {"width": 3, "height": 2, "count": 300, "longest": 3, "seed": 0}
    return draw_mazes(IMAGES, DIRECTIONS, **{**wanted, **changes})


def test_the_meaning_of_signs() -> None:
    names = [NAMES[label] for label in CLASSES]
    assert names == ["stop", "ahead_only", "turn_right", "roundabout", "turn_left"]
    assert directions_of(np.arange(7)).tolist() == [1, 2, 4, 0, 3, -1, -1]


@pytest.mark.parametrize(
    ("grid", "start", "length", "end"),
    [
        ([[0]], (0, 0), 0, (0, 0)),
        ([[2, 2, 0]], (0, 0), 2, (2, 0)),
        ([[4, 2, 0]], (0, 0), 1, (2, 0)),  # left of the first is the last
        ([[1], [2], [0]], (0, 0), 1, (0, 2)),  # above the first is the last
        ([[3], [3], [0]], (0, 1), 1, (0, 2)),
        ([[2, 3], [0, 4]], (0, 0), 3, (0, 1)),
        ([[2, 4], [0, 0]], (0, 0), -1, None),  # for ever
    ],
)
def test_paths(
    grid: list[list[int]], start: tuple[int, int], length: int, end: tuple[int, int] | None
) -> None:
    found, last, seen = follow(np.array([grid]), np.array([start]), 3)
    assert found.tolist() == [length]
    if end is not None:
        assert last.tolist() == [list(end)]
        assert int(seen.sum()) == length + 1


def walk(directions: np.ndarray, x: int, y: int) -> tuple[int, int, int, set[tuple[int, int]]]:
    """Follow the signs by the definition."""
    height, width = directions.shape
    moves, seen = 0, {(y, x)}
    while directions[y, x]:
        dx, dy = {1: (0, -1), 2: (1, 0), 3: (0, 1), 4: (-1, 0)}[int(directions[y, x])]
        x, y, moves = (x + dx) % width, (y + dy) % height, moves + 1
        seen.add((y, x))
    return x, y, moves, seen


def test_what_is_told_is_true() -> None:
    drawn = draw()
    inst = drawn.instances
    assert inst["img_grid"].shape == (300, 2, 3, 3, 2, 2)
    assert (inst["img_grid"][..., 0, 0, 0] == drawn.picks).all()
    assert (DIRECTIONS[drawn.picks] == drawn.directions).all()
    for k in range(len(drawn)):
        x, y, moves, seen = walk(
            drawn.directions[k], int(inst["init_X"][k]), int(inst["init_Y"][k])
        )
        told = [int(inst[name][k]) for name in ("final_X", "final_Y", "path_len")]
        assert told == [x, y, moves]
        assert set(zip(*map(np.ndarray.tolist, np.nonzero(drawn.on_path[k])), strict=True)) == seen


def test_lengths_are_equally_frequent_and_all_signs_are_met() -> None:
    drawn = draw()
    assert np.bincount(drawn.instances["path_len"]).tolist() == [75] * 4
    assert (np.bincount(drawn.directions[drawn.on_path], minlength=5) > 20).all()
    some = draw(lengths=(0, 2), count=101)
    assert np.bincount(some.instances["path_len"]).tolist() == [51, 0, 50]


def test_mazes_are_distinct_and_the_seed_decides() -> None:
    one, same, other = draw(seed=1), draw(seed=1), draw(seed=2)
    for name, array in one.instances.items():
        assert (array == same.instances[name]).all()
    assert (one.picks != other.picks).any()
    rows = np.concatenate(
        [one.picks.reshape(300, -1), one.instances["init_X"][:, None],
         one.instances["init_Y"][:, None]], 1,
    )  # fmt: skip
    assert len(np.unique(rows, axis=0)) == 300
    few = draw(width=1, height=1, count=8, longest=0)  # all there are: eight stop signs
    assert sorted(few.picks.ravel().tolist()) == [0, 5, 10, 15, 20, 25, 30, 35]


def test_they_fit_the_machine() -> None:
    hypers = {"W": 3, "H": 2, "T": 10, "image_size": 2, "max_int": 5}
    examples = bind(Model.load("maze", hypers).program, draw().instances)
    assert examples.count == 300
    assert examples.inputs["img_grid"].dtype == np.float32


def test_signs_without_a_meaning_are_in_no_maze() -> None:
    directions = np.where(np.arange(40) < 20, DIRECTIONS, -1)
    drawn = draw_mazes(IMAGES, directions, width=2, height=2, count=50, longest=1, seed=0)
    assert drawn.picks.max() < 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "no maze has 0 x 2 cells"),
        ({"count": 0}, "0 times"),
        ({"lengths": (1, 4)}, r"between 0 and 3, found \[1, 4\]"),
        ({"lengths": ()}, r"found \[\]"),
        ({"longest": 6}, "6 moves comes twice to a cell of 3 x 2"),
        ({"width": 1, "height": 1, "longest": 0, "count": 9}, r"missing \{0: 1\}"),
    ],
)
def test_what_cannot_be_drawn(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw(**changes)


def test_a_direction_without_an_image() -> None:
    with pytest.raises(DataError, match=r"no image of the direction 3 \(down\)"):
        draw_mazes(
            IMAGES, np.where(DIRECTIONS == 3, -1, DIRECTIONS), width=2, height=2, count=5,
            longest=1, seed=0,
        )  # fmt: skip
    with pytest.raises(DataError, match="with 39 directions"):
        draw_mazes(IMAGES, DIRECTIONS[1:], width=2, height=2, count=5, longest=1, seed=0)
