"""Grids of the eight 2x2 tasks, in the form that models take."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.data.digits import Digits
from neuralc.data.expressions import find_operators, load_operators
from neuralc.data.grids import NAMES, TASKS, apply_grids, draw_grids, grid_task
from neuralc.errors import DataError
from neuralc.ir.examples import bind
from neuralc.learning.model import Model


def pool(symbols: int, count: int = 40, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images that say in every pixel which they are, and labels."""
    labels = np.arange(count) % symbols
    images = np.arange(count)[:, None, None] + np.zeros((count, 3, 3)) + shift
    return images.astype(np.float32), labels


def both(symbols: int) -> Digits:
    """Return a data set whose held-out images count from 1,000."""
    return Digits("tiny", *pool(symbols), *pool(symbols, shift=1000))


def value(numbers: list[int], operators: list[int]) -> int:
    """Return d1 op d2 op d3 by the paper's words."""
    found = numbers[0]
    for op, digit in zip(operators, numbers[1:], strict=True):
        if op == 3:
            found = found // digit if digit else 18
        else:
            found = (found + digit, found - digit, found * digit)[op] % 19
    return found


def test_there_are_eight() -> None:
    assert len(NAMES) == 8
    assert NAMES[0] == "ADD2X2:top"
    assert NAMES[-1] == "APPLY2X2:right"


@pytest.mark.parametrize("side", TASKS)
def test_apply(side: str) -> None:
    images, labels = pool(4)
    made = draw_grids(f"APPLY2X2:{side}", (images, labels), 500, seed=1)
    columns = made.columns
    assert list(columns) == ["images", "d1", "d2", "d3", "result"]
    picked = columns["images"][:, :, 0, 0].astype(int)
    assert len(np.unique(picked, axis=0)) == 500
    np.testing.assert_array_equal(made.symbols, labels[picked])
    numbers = np.stack([columns[name] for name in ("d1", "d2", "d3")], axis=1)
    assert set(numbers.ravel().tolist()) == set(range(10))
    cells = made.symbols[:, list(TASKS[side])]
    wanted = [value(*row) for row in zip(numbers.tolist(), cells.tolist(), strict=True)]
    assert columns["result"].tolist() == wanted


def test_the_order_of_operators_matters() -> None:
    images = np.zeros((2, 1, 1), np.float32)
    forth = apply_grids(images, np.array([1, 2]), (0, 1), 8, seed=0)
    back = apply_grids(images, np.array([1, 2]), (1, 0), 8, seed=0)
    np.testing.assert_array_equal(forth[1], back[1])
    assert (forth[4] != back[4]).any()


@pytest.mark.parametrize("name", NAMES)
def test_they_fit_the_models(name: str) -> None:
    machine = "grid2x2_add" if name.startswith("ADD") else "grid2x2_apply"
    model = Model.load(machine, {"image_size": 3, "num_lines": 2})
    train, test = grid_task(name, both(10), both(4), train=30, test=20, seed=0)
    for made, count in ((train, 30), (test, 20)):
        examples = bind(model.program, made.columns)
        assert examples.count == count
        assert (examples.outputs["result"] >= 0).all()
    assert train.columns["images"].max() < 1000 <= test.columns["images"].min()


def test_seeds() -> None:
    def drawn(name: str, seed: int) -> np.ndarray:
        return grid_task(name, both(10), both(4), train=30, test=9, seed=seed)[0].columns["images"]

    first = drawn("ADD2X2:top", 0)
    np.testing.assert_array_equal(first, drawn("ADD2X2:top", 0))
    assert (first != drawn("ADD2X2:top", 1)).any()
    assert (first != drawn("ADD2X2:left", 0)).any()


def test_a_task_without_its_images() -> None:
    with pytest.raises(DataError, match=r"there is no grid task 'ADD2X2:up'\n  hint: .*ADD2X2:top"):
        grid_task("ADD2X2:up", both(10), None, train=1, test=1, seed=0)
    with pytest.raises(DataError, match="APPLY2X2:top shows operators"):
        grid_task("APPLY2X2:top", both(10), None, train=1, test=1, seed=0)
    assert grid_task("ADD2X2:top", both(10), None, train=1, test=1, seed=0)[0].symbols.shape == (
        1, 4,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["ADD2X2:top", "APPLY2X2:top"])
def test_too_few_images(name: str) -> None:
    few = pool(4, count=2)
    with pytest.raises(DataError, match=f"{name}: 2 images are too few for 9 distinct grids"):
        draw_grids(name, few, 9, seed=0)


def test_the_real_operators() -> None:
    if find_operators() is None:
        pytest.skip("../shared/data/operators is not here")
    operators = load_operators()
    train, _ = grid_task("APPLY2X2:top", both(10), operators, train=500, test=10, seed=0)
    assert train.columns["images"].shape == (500, 4, 28, 28)
    share = np.bincount(train.symbols.ravel(), minlength=4) / train.symbols.size
    assert (share > 0.2).all()
