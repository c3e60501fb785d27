"""The solver as others see it: what it finds, reports and says in the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from neuralc.backends import search
from neuralc.backends.base.problem import Candidate, Problem
from neuralc.backends.search import solver
from neuralc.learning.model import Model
from tests.search import cases


@pytest.mark.parametrize(
    "make", [cases.swap, cases.shift, cases.full_adder, cases.invert, cases.decrement]
)
def test_tasks_are_solved(make: Callable[[], Problem]) -> None:
    problem = replace(make(), deadline=time.monotonic() + 60)
    assert not search.declines(problem)
    reported: list[Candidate] = []
    outcome = search.solve(problem, lambda _, best: reported.append(best) if best else None)
    assert outcome.status == "found", outcome.note
    assert outcome.best is not None
    assert outcome.best.right == problem.examples.count
    assert cases.right(problem, outcome.best.choices) == problem.examples.count
    assert reported[-1] is outcome.best
    assert [one.right for one in reported] == sorted({one.right for one in reported})


@pytest.mark.parametrize("make", [lambda: cases.full_adder(4), lambda: cases.swap(2)])
def test_impossible_is_said_when_all_was_tried(make: Callable[[], Problem]) -> None:
    outcome = search.solve(make(), cases.silent)
    assert outcome.status == "impossible"
    assert "all programs were tried" in outcome.note


def test_the_same_as_brute_force() -> None:
    for seed in range(0, 200, 2):
        problem = cases.random_problem(seed)
        if problem is not None:
            outcome = search.solve(problem, cases.silent, jit=False)
            assert outcome.status == ("found" if cases.solvable(problem) else "impossible"), seed


def test_the_same_seed_gives_the_same_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "FIRST", 1 << 14)  # so that both searches have turns
    problem = replace(cases.decrement(), seed=5)
    one, other = (search.solve(problem, cases.silent) for _ in range(2))
    assert one.note == other.note
    assert one.best is not None
    assert other.best is not None
    for name, array in one.best.choices.items():
        np.testing.assert_array_equal(array, other.best.choices[name])


def _hopeless() -> Problem:
    """The same tape wants two results, and there are far too many programs to try them all."""
    problem = cases.turing(9, 12, {"00000": "01010", "00001": "11010"})
    both = problem.examples.inputs["initial_tape"][:1].repeat(2, axis=0)
    inputs = {**problem.examples.inputs, "initial_tape": both}
    return replace(problem, examples=replace(problem.examples, inputs=inputs))


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_the_deadline_is_kept(seconds: float) -> None:
    began = time.monotonic()
    problem = replace(_hopeless(), deadline=began + seconds)
    outcome = search.solve(problem, cases.silent)
    assert outcome.status == "unknown"
    assert time.monotonic() - began < seconds + 12  # compilation cannot be interrupted


def test_probabilities_decide_what_is_tried_first() -> None:
    problem = cases.invert()
    found = search.solve(problem, cases.silent)
    assert found.best is not None
    sizes = {d.name: d.type.size for d in problem.program.of("param")}  # type: ignore[union-attr]
    chances = {name: np.eye(sizes[name])[array] for name, array in found.best.choices.items()}
    tried = [
        search.solve(replace(problem, chances=given), cases.silent).note.split()[0].replace(",", "")
        for given in ({}, chances)
    ]
    assert int(tried[1]) < int(tried[0])


def test_no_example_asks_for_nothing() -> None:
    problem = cases.invert()
    outcome = search.solve(replace(problem, examples=problem.examples.take([])), cases.silent)
    assert outcome.status == "found"
    assert outcome.best is not None
    assert outcome.best.right == 0


def test_networks_that_are_not_known_are_declined() -> None:
    program = Model.load("maze", {"W": 5, "H": 3, "T": 4, "image_size": 32, "max_int": 15}).program
    problem = Problem(program, cases.invert().examples)
    assert search.declines(problem)
