"""Annealing: what it counts, how it changes programs, and that it finds what it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuralc.backends.exact import Executor
from neuralc.backends.search.anneal import Annealing
from neuralc.backends.search.moves import Moves
from neuralc.backends.search.scoring import mistakes
from neuralc.backends.search.space import Space
from neuralc.ir.nodes import Observe, walk
from tests.search import cases


def test_mistakes_are_counted_one_by_one() -> None:
    problem = cases.invert()
    space = Space(problem.program)
    executor = Executor(problem.program, jit=False)
    rows = np.tile(space.start, (5, 1))
    rows[:, space.open] = np.random.default_rng(0).integers(0, 2, (5, len(space.open)))
    params = space.params(rows)
    found = executor.run(params, problem.examples.inputs)
    wanted = problem.examples.outputs
    by_hand = [
        sum(int((found[name][c] != wanted[name]).sum()) for name in wanted) for c in range(5)
    ]
    assert len(set(by_hand)) > 1
    assert mistakes(executor, problem.examples)(params).tolist() == by_hand


def test_no_mistakes_means_right_on_all_examples() -> None:
    observing = 0
    for seed in range(0, 400, 3):
        problem = cases.random_problem(seed, most=200)
        if problem is None:
            continue
        observing += any(isinstance(s, Observe) for s in walk(problem.program.body))
        space = Space(problem.program)
        params = space.params(cases.all_rows(space))
        executor = Executor(problem.program, jit=False)
        cost = mistakes(executor, problem.examples)(params)
        solved = executor.score(params, problem.examples).all(axis=1)
        assert ((cost == 0) == solved).all()
    assert observing > 5


def _moves(chances: Any = None) -> tuple[Space, Moves, np.ndarray[Any, Any]]:
    space = Space(cases.shift().program)
    moves = Moves(space, chances or {}, np.random.default_rng(0))
    return space, moves, moves.draw(2000)


def test_moves_stay_in_the_space_and_reach_every_value() -> None:
    _, moves, rows = _moves()
    changed = moves.changed(rows)
    assert (changed >= 0).all()
    assert (changed < moves.sizes).all()
    fresh = changed != rows
    assert fresh.any(axis=0).all()
    assert (fresh.sum(axis=1) == 1).mean() > 0.3


def test_some_moves_change_several_choices_of_one_line_only() -> None:
    space, moves, rows = _moves()
    line = moves.open % 4  # four gates, each with an entry in four params of four
    assert [space.offsets[name] for name in ("gate", "in1", "in2", "out")] == [0, 4, 8, 12]
    lines = [set(line[row].tolist()) for row in moves.changed(rows) != rows]
    assert {1, 2} == {len(one) for one in lines if one}  # of two lines: a swap


def test_some_moves_swap_two_lines() -> None:
    _, moves, rows = _moves()
    changed = moves.changed(rows)
    old, new = rows.reshape(-1, 4, 4), changed.reshape(-1, 4, 4)  # param, gate
    two = (old != new).any(axis=1).sum(axis=1) == 2
    assert two.any()
    for before, after in zip(old[two], new[two], strict=True):
        assert sorted(before.T.tolist()) == sorted(after.T.tolist())


def test_probabilities_are_drawn_from() -> None:
    likely = np.tile([0.0, 0.0, 1.0, 0.0, 0.0], (4, 1))
    _, moves, rows = _moves({"gate": likely})
    share = (rows[:, moves.open < 4] == 2).mean()
    assert 0.85 < share < 0.97  # a tenth is drawn from all five values


@pytest.mark.parametrize("make", [cases.invert, cases.swap])
def test_a_program_is_found(make: Any) -> None:
    problem = make()
    executor = Executor(problem.program, threads=1)
    space = Space(problem.program)
    found = []
    for _ in range(2):  # the same seed, the same way
        search = Annealing(space, mistakes(executor, problem.examples), seed=3)
        for _ in search.search():
            assert search.tried < 2_000_000
        assert search.best is not None
        found.append((search.tried, search.best.tolist()))
    params = {name: array[0] for name, array in space.params(np.array([found[0][1]])).items()}
    assert cases.right(problem, params) == problem.examples.count
    assert found[0] == found[1]
