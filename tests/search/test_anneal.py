"""Annealing: how a chain moves, what it counts, and that it finds what it should."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neuralc.backends.base.problem import Problem
from neuralc.backends.exact import Executor
from neuralc.backends.search.annealing import Annealing, Moves
from neuralc.backends.search.chain import _moves as compiled_move
from neuralc.backends.search.space import Space
from tests.search import cases


def _moved(problem: Problem, count: int) -> Iterator[tuple[Space, Moves, Any, Any]]:
    """Yield what single moves make of random choices."""
    space = Space(problem.program)
    moves, rng = Moves.of(problem, space), np.random.default_rng(0)
    flat = np.maximum(space.start, 0).astype(moves.dtype)
    changed, before = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for _ in range(count):
        old = flat.copy()
        many = compiled_move()(
            rng, flat, moves.where, moves.sizes, moves.line, moves.members, moves.counts,
            moves.ladder, changed, before,
        )  # fmt: skip
        yield space, moves, old, flat.copy()
        assert 1 <= many <= 3
        undone = flat.copy()
        for j in reversed(range(many)):
            undone[changed[j]] = before[j]
        assert (undone == old).all()


def test_moves_stay_in_the_space_and_reach_every_value() -> None:
    seen: set[tuple[int, int]] = set()
    sizes = None
    for space, moves, old, new in _moved(cases.shift(), 3000):
        sizes = space.sizes
        assert (new < sizes).all()
        assert set(np.flatnonzero(old != new)) <= set(moves.where)
        seen |= {(int(k), int(new[k])) for k in np.flatnonzero(old != new)}
    assert sizes is not None
    assert seen == {(k, v) for k, size in enumerate(sizes) for v in range(size)}


def test_fixed_choices_are_left_alone() -> None:
    for space, _, _, new in _moved(cases.invert(), 500):
        fixed = space.start >= 0
        assert fixed.any()
        assert (new[fixed] == space.start[fixed]).all()


def test_some_moves_change_several_choices_of_one_line() -> None:
    alone = together = 0
    for space, _, old, new in _moved(cases.shift(), 2000):
        assert [space.offsets[name] for name in ("gate", "in1", "in2", "out")] == [0, 4, 8, 12]
        lines = {int(k) % 4 for k in np.flatnonzero(old != new)}
        many = int((old != new).sum()) > 1
        alone += many and len(lines) == 1
        together += many and len(lines) > 1
    assert alone > together > 0


def test_probabilities_are_drawn_from() -> None:
    likely = np.tile([0.0, 0.0, 1.0, 0.0, 0.0], (4, 1))
    problem = dataclasses.replace(cases.shift(), chances={"gate": likely})
    drawn = [
        int(new[k])
        for _, _, old, new in _moved(problem, 4000)
        for k in np.flatnonzero(old != new)
        if k < 4
    ]
    assert 0.3 < np.mean(np.array(drawn) == 2) < 0.7  # a fifth without them


def test_the_cost_is_the_number_of_wrong_values() -> None:
    """What the chain adds up is what is seen by comparing outputs with targets."""
    problem = cases.invert()
    space, executor = Space(problem.program), Executor(problem.program, jit=False)
    rows = np.tile(space.start, (6, 1))
    rows[:, space.open] = np.random.default_rng(0).integers(0, 2, (6, len(space.open)))
    params = space.params(rows)
    found = executor.run(params, problem.examples.inputs)
    by_hand = sum(
        (found[name] != wanted).reshape(6, problem.examples.count, -1).sum(-1)
        for name, wanted in problem.examples.outputs.items()
    )
    assert len(np.unique(by_hand)) > 2
    assert (executor.wrong(params, problem.examples) == by_hand).all()


@pytest.mark.parametrize("make", [cases.invert, cases.swap])
def test_a_program_is_found_and_found_again(make: Any) -> None:
    problem = dataclasses.replace(make(), seed=3, threads=1)
    found = []
    for _ in range(2):  # the same seed, the same way
        search = Annealing(problem, Space(problem.program))
        for _ in search.search():
            assert search.tried < 10_000_000
        assert search.done
        assert search.best is not None
        found.append((search.tried, search.best.tolist()))
    space = Space(problem.program)
    params = {name: array[0] for name, array in space.params(np.array([found[0][1]])).items()}
    assert cases.right(problem, params) == problem.examples.count
    assert found[0] == found[1]


def test_examples_that_come_out_wrong_join_those_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralc.backends.search.annealing.EXAMPLES", 1)
    problem = dataclasses.replace(cases.shift(), threads=1)
    search = Annealing(problem, Space(problem.program))
    for _ in search.search():
        assert search.tried < 20_000_000
    assert search.done
    assert len(search.looked_at) > 1
