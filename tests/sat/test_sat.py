"""The solver "sat": right on random programs, proofs of contradiction, its limits."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fuzz.models import Sat
from neuralc.backends import sat
from neuralc.backends.base import Problem
from neuralc.backends.base.symbolic import Function
from neuralc.backends.sat import clauses
from neuralc.backends.sat.clauses import Clauses
from neuralc.backends.sat.engine import Engine
from neuralc.errors import Declined, MissingExtra
from neuralc.ir.examples import Examples
from tests import solver_checks
from tests.solver_tasks import task, twice


def test_right_or_a_smallest_contradiction() -> None:
    found, impossible, several = solver_checks.check_answers(sat.solve, range(300))
    assert min(found, impossible) > 50
    assert several > 10


def test_a_contradiction_is_smallest_where_the_solver_helps_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if CaDiCaL named all examples whenever some of them contradict each other."""
    solver_checks.name_all(monkeypatch, Engine)
    assert min(solver_checks.check_answers(sat.solve, range(100))[1:]) > 2


def test_known_numbers_mean_what_they_mean() -> None:
    solver_checks.check_constants(Clauses, range(250))


def test_models_are_runs() -> None:
    solver_checks.check_models(Sat, range(200))


@pytest.mark.parametrize(
    "name", ["turing-invert", "turing-decrement", "circuit-full-adder", "block-access"]
)
def test_tasks_of_terpret(name: str) -> None:
    problem = task(name)
    outcome = sat.solve(problem, solver_checks.silent)
    assert outcome.status == "found"
    assert outcome.best is not None
    assert solver_checks.right_by_hand(problem, outcome.best.choices)


def test_the_same_seed_finds_the_same() -> None:
    first, again = (sat.solve(task("turing-invert", seed=3), solver_checks.silent) for _ in "ab")
    assert first.best is not None
    assert again.best is not None
    for name, array in first.best.choices.items():
        assert np.array_equal(array, again.best.choices[name])


def test_two_examples_that_contradict_each_other() -> None:
    problem, pair = twice(task("circuit-full-adder"))
    outcome = sat.solve(problem, solver_checks.silent)
    assert (outcome.status, outcome.core) == ("impossible", pair)


def test_no_examples() -> None:
    known = task("circuit-full-adder")
    empty = Examples({k: v[:0] for k, v in known.examples.inputs.items()},
                     {k: v[:0] for k, v in known.examples.outputs.items()}, 0)  # fmt: skip
    assert sat.solve(Problem(known.program, empty), solver_checks.silent).status == "found"


def test_a_function_with_too_many_rows_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clauses, "LARGEST", 60)
    terms = Clauses()
    with pytest.raises(Declined, match="63 rows, at most 60"):
        terms.apply(Function("f", lambda a, b: a), [terms.unknown("a", 7), terms.unknown("b", 9)])


def test_without_pysat_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    with pytest.raises(MissingExtra, match=r"neuralc\[sat\]"):
        sat.solve(task("circuit-full-adder"), solver_checks.silent)
