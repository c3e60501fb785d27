"""The systematic search finds a program if and only if there is one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuralc.backends.base.problem import Problem
from neuralc.backends.search.enumerate import Enumeration, split
from neuralc.backends.search.layers import Layers
from neuralc.backends.search.machine import Machine
from neuralc.backends.search.space import OPEN
from neuralc.backends.search.tables import tabulate
from tests.search import cases

PROBLEMS = [p for p in map(cases.random_problem, range(300)) if p is not None]


def answer(problem: Problem, *, jit: bool = False, staged: bool = True) -> Any:
    """Search to the end; return the choices by name, or None."""
    search = Enumeration(Machine(problem, jit=jit), staged=staged)
    for _ in search.search():
        pass
    if search.answer is None:
        return None
    space = search.machine.space
    return {name: array[0] for name, array in space.params(search.answer[None]).items()}


def check(problem: Problem, **how: bool) -> bool:
    """Compare with brute force; tell whether there is a program."""
    found, exists = answer(problem, **how), cases.solvable(problem)
    assert (found is not None) == exists
    if found is not None:  # choices that were not looked at may have any value
        assert cases.right(problem, found) == problem.examples.count
    return exists


def test_the_problems_are_of_all_kinds() -> None:
    exist = [cases.solvable(problem) for problem in PROBLEMS]
    stages = [len(Machine(problem, jit=False).stages) for problem in PROBLEMS]
    assert min(exist.count(True), exist.count(False)) > 20
    assert min(stages.count(1), len(stages) - stages.count(1)) > 20
    assert max(stages) > 2


@pytest.mark.parametrize("block", range(4))
def test_a_program_is_found_if_and_only_if_there_is_one(block: int) -> None:
    for problem in PROBLEMS[block::4]:
        check(problem)


@pytest.mark.parametrize("block", range(2))
def test_depth_first_alone_is_complete_too(block: int) -> None:
    for problem in PROBLEMS[block::2]:
        check(problem, staged=False)


def test_two_threads_find_what_there_is() -> None:
    for problem in PROBLEMS[:60]:
        check(replace(problem, threads=2), staged=False)


def test_compiled_search_is_complete() -> None:
    staged = [p for p in PROBLEMS if len(Machine(p, jit=False).stages) > 1]
    check(staged[0], jit=True)
    check(PROBLEMS[0], jit=True, staged=False)


def test_parts_cover_the_space_and_do_not_overlap() -> None:
    problem = cases.invert()
    machine = Machine(problem, jit=False)
    parts = split(machine, np.arange(problem.examples.count), 20)
    assert len(parts) >= 20
    for k, part in enumerate(parts):
        for other in parts[:k]:
            assert any(other.get(choice, value) != value for choice, value in part.items())


def test_what_no_run_looks_at_stays_open() -> None:
    problem = cases.swap()
    search = Enumeration(Machine(problem, jit=False))
    for _ in search.search():
        pass
    space = search.machine.space
    assert search.answer is not None
    gates = search.answer[space.offsets["gate"] :][:3]
    second = search.answer[space.offsets["in2"] :][:3]
    assert [gate >= 3 for gate in gates] == [wire == OPEN for wire in second]


def test_the_stages_of_a_circuit_are_its_gates() -> None:
    stages = Machine(cases.shift(), jit=False).stages
    assert [len(stage.choices) for stage in stages] == [4, 4, 4, 4]
    assert [len(stage.live) for stage in stages] == [4, 4, 4, 0]


def test_a_table_that_all_steps_read_is_one_stage() -> None:
    assert len(Machine(cases.invert(), jit=False).stages) == 1


@pytest.mark.parametrize("gates", [2, 3])
@pytest.mark.parametrize("most_bytes", [1, 4000, 1 << 20])
def test_little_memory_changes_nothing(gates: int, most_bytes: int) -> None:
    problem = cases.swap(gates)
    *_, moves = tabulate(Machine(problem, jit=False))
    assert not isinstance(moves, int)
    layers = Layers(moves, problem.examples.count, jit=False, most_bytes=most_bytes)
    for _ in layers.search():
        pass
    assert (layers.answer is not None) == (gates == 3)


def test_states_are_kept_once() -> None:
    """Two gates lead three wires to no more combinations than brute force finds."""
    problem = cases.swap(4)
    *_, moves = tabulate(Machine(problem, jit=False))
    assert not isinstance(moves, int)
    layers = Layers(moves[:3], 4, jit=False)  # the first level only is kept
    for _ in layers.search():
        pass
    first = moves[0].next[np.arange(4)]
    assert layers.states == len(np.unique(first[:, (first >= 0).all(axis=0)], axis=1).T)
