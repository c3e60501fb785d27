"""The experiment on MATH: on made-up images, and with real ones where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuralc.backends.search import likelihood
from neuralc.data import expressions
from neuralc.data.digits import Digits
from neuralc.data.expressions import load_operators
from neuralc.data.mnist import load_mnist
from neuralc.experiments.math_search import LongerExpressions, run_math_search
from tests.machines.test_math import SOLUTION

SHARED = Path(expressions.__file__).parents[4] / "shared" / "data"


def made_up(name: str, classes: int, seed: int) -> Digits:
    """Return noisy 5x5 images of classes that a small network learns to tell apart."""
    rng = np.random.default_rng(seed)
    shapes = rng.random((classes, 5, 5))

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(classes, size=count)
        images = shapes[labels] + rng.normal(0, 0.3, size=(count, 5, 5))
        return images.astype(np.float32), labels

    return Digits(name, *draw(4000), *draw(500))


def test_the_program_is_found_on_made_up_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "CHAINS", 100)
    told: list[tuple[int, int, str]] = []
    result = run_math_search(
        made_up("digits", 10, 0), made_up("operators", 4, 1), seeds=1, examples=400,
        progress=lambda done, total, remark: told.append((done, total, remark)),
    )  # fmt: skip
    (row,) = result.data["rows"]
    assert (result.data["found"], row["found"], row["status"]) == (1, True, "found")
    assert 0.85 < row["digit_accuracy"] < 0.99
    assert 0.6 < row["test_right"] < 0.95
    assert row["right"] < 1  # the networks do err
    assert [one[:2] for one in told] == [(1, 1)]
    assert "found and exact to 16 digits: 1 of 1 seeds" in result.text
    assert row["program"] in result.text


def test_a_program_that_is_right_on_short_expressions_only() -> None:
    longer = LongerExpressions(5, sizes=range(2, 5))
    assert longer.exact({name: np.array(value) for name, value in SOLUTION.items()})
    first_digit = {**SOLUTION, "arg1": [0, 0, 0]}  # d op d, whatever came before
    assert not longer.exact({name: np.array(value) for name, value in first_digit.items()})
    not_halting = {**SOLUTION, "goto": [1, 2, 2]}
    assert not longer.exact({name: np.array(value) for name, value in not_halting.items()})


@pytest.mark.skipif(
    not ((SHARED / "mnist").is_dir() and (SHARED / "operators").is_dir()),
    reason="no MNIST or no handwritten operators in ../shared/data",
)
def test_one_seed_with_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    result = run_math_search(load_mnist(), load_operators(), seeds=1, examples=500)
    (row,) = result.data["rows"]
    assert row["found"]
    assert 0.9 <= row["digit_accuracy"] <= 0.97
    assert 0.9 <= row["operator_accuracy"] <= 0.97
    assert row["seconds"] < 60
