"""The schedule: weights, the first and last step of a task, gaps, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import NeuralcError
from neuralc.learning.lifelong.schedule import Schedule


def points() -> st.SearchStrategy[list[tuple[int, float]]]:
    step, weight = st.integers(0, 30), st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0])
    steps = st.lists(step, unique=True, max_size=5).map(sorted)
    return steps.flatmap(
        lambda own: st.tuples(*(weight for _ in own)).map(lambda w: list(zip(own, w, strict=True)))
    )


@given(points())
def test_first_and_last_are_those_of_the_weights(own: list[tuple[int, float]]) -> None:
    schedule = Schedule({"a": own})
    seen = [step for step in range(40) if schedule.weights(step)["a"] > 0]
    assert schedule.first("a") == (seen[0] if seen else -1)
    assert schedule.last("a") == (seen[-1] if seen else -1)


@given(points(), points(), st.integers(1, 40))
def test_shares_are_the_weights_of_all_steps(
    a: list[tuple[int, float]], b: list[tuple[int, float]], steps: int
) -> None:
    schedule = Schedule({"a": a, "b": b})
    shares = schedule.shares(steps)
    idle = []
    for step in range(steps):
        weights = schedule.weights(step)
        assert weights == {name: pytest.approx(shares[name][step]) for name in shares}
        if not any(weights.values()):
            idle.append(step)
    assert schedule.gap(steps) == (idle[0] if idle else None)


def test_tasks_are_drawn_by_their_shares() -> None:
    schedule = Schedule({"a": [(0, 3.0), (10, 3.0)], "b": [(0, 1.0), (10, 1.0)]})
    rng = np.random.default_rng(0)
    drawn = [schedule.draw(5, rng) for _ in range(2000)]
    assert 0.71 < drawn.count("a") / 2000 < 0.79
    assert schedule.draw(11, rng) is None


def test_last_is_cheap() -> None:
    assert Schedule({"a": [(0, 1.0), (10**15, 0.0)]}).last("a") == 10**15 - 1


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ([(0, -1.0)], "weight -1.0"),
        ([(0, float("nan"))], "weight nan"),
        ([(0, float("inf"))], "weight inf"),
        ([(0, True)], "weight True"),
        ([(0, "1")], "weight '1'"),
        ([(5, 1.0), (4, 1.0)], "step 4 comes after step 5"),
        ([(5, 1.0), (5, 0.0)], "step 5 comes after step 5"),
        ([(-1, 1.0)], "step -1"),
        ([(0.5, 1.0)], "step 0.5"),
        ([(0, 1.0, 2.0)], "a step and a weight"),
        ([3], "a step and a weight"),
        ("0, 1", "a list of points"),
    ],
)
def test_what_cannot_be(own: Any, words: str) -> None:
    with pytest.raises(NeuralcError, match="the schedule of 'a'") as caught:
        Schedule({"a": own})
    assert words in str(caught.value)
