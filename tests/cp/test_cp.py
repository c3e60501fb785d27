"""The solver "cp": right on random programs, proofs of contradiction, its limits."""

from __future__ import annotations

import dataclasses
import sys
import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from fuzz.models import Cp
from neuralc.backends import cp
from neuralc.backends.base.symbolic import Function
from neuralc.backends.cp import integers
from neuralc.backends.cp.engine import Engine
from neuralc.backends.cp.integers import Integers, Number
from neuralc.errors import MissingExtra
from neuralc.ir.nodes import Int, Network, Real, Table
from tests import solver_checks
from tests.solver_tasks import task, twice

# ---- random programs


def test_right_or_a_smallest_contradiction() -> None:
    found, impossible, several = solver_checks.check_answers(cp.solve, range(200))
    assert min(found, impossible) > 30
    assert several > 5


def test_a_contradiction_is_smallest_where_the_solver_helps_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if CP-SAT named all examples whenever some of them contradict each other."""
    solver_checks.name_all(monkeypatch, Engine)
    assert min(solver_checks.check_answers(cp.solve, range(100))[1:]) > 2


def test_numbers_below_zero() -> None:
    terms = Integers()
    a = terms.unknown("a", 3)
    lower = terms.apply(Function("lower", lambda k: k - 2), [a])
    chosen = terms.choose([a], {(0,): lower, (1,): terms.constant(7), (2,): a})
    assert values_of(terms, a, lower, chosen) == {(0, -2, -2), (1, -1, 7), (2, 0, 2)}


def test_known_numbers_mean_what_they_mean() -> None:
    solver_checks.check_constants(Integers, range(250))


@pytest.mark.parametrize("few", [0, integers.FEW_ROWS, 10_000])
def test_models_are_runs(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With arithmetic wherever there is any, and with none at all."""
    monkeypatch.setattr(integers, "FEW_ROWS", few)
    solver_checks.check_models(Cp, range(80))


# ---- functions


FUNCTIONS: dict[str, Any] = {
    "add": (9, 9, lambda a, b: (a + b) % 9),
    "add, several turns": (11, 9, lambda a, b: (a + b + 2) % 4),
    "add, it fits": (8, 9, lambda a, b: a + b + 1),
    "sub": (9, 9, lambda a, b: (a - b) % 9),
    "sub, the other way round": (9, 9, lambda a, b: (b - a + 5) % 9),
    "sub, it fits": (9, 8, lambda a, b: a - b + 7),
    "min": (9, 11, min),
    "max": (9, 11, max),
    "equal": (9, 9, lambda a, b: 5 if a == b else 2),
    "a table": (9, 9, lambda a, b: a * b % 11),
}  # fmt: skip


def values_of(terms: Integers, *numbers: Number) -> set[tuple[int, ...]]:
    """Return the numbers that some values may be together."""
    allowed: set[tuple[int, ...]] = set()

    class Collect(terms.cp.CpSolverSolutionCallback):  # type: ignore[misc]
        def on_solution_callback(self) -> None:
            allowed.add(tuple(int(self.value(one.expression)) for one in numbers))

    solver = terms.cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.enumerate_all_solutions = True
    solver.solve(terms.model, Collect())
    return allowed


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    """Each pair of arguments is allowed, with the right result and no other."""
    n, m, function = FUNCTIONS[name]
    values = tuple(function(a, b) for a, b in product(range(n), range(m)))
    table, terms = Table(name, (n, m), max(values) + 1, values), Integers()
    a, b = terms.unknown("a", n), terms.unknown("b", m)
    found = terms.apply(Function(name, table, table), [a, b])
    assert found.numbers == tuple(sorted(set(values)))
    rows = {(i, j, function(i, j)) for i, j in product(range(n), range(m))}
    assert values_of(terms, a, b, found) == rows


def test_where_a_function_has_no_value_nothing_is_ruled_out() -> None:
    terms = Integers()
    a = terms.unknown("a", 4)
    few = terms.restrict(a, [1, 3])
    half = Function("half", lambda k: k // 2 if k % 2 == 0 else None)
    found = terms.apply(half, [a])
    chosen = terms.choose([a], {(0,): few, (2,): a})
    together = values_of(terms, a, few, found, chosen)
    assert {row[0] for row in together} == {0, 1, 2, 3}
    assert {few for a, few, *_ in together if a in (1, 3) and a != few} == set()
    assert {found for a, _, found, _ in together if a in (0, 2) and found != a // 2} == set()
    assert {(few, chosen) for a, few, _, chosen in together if a == 0 and few != chosen} == set()


# ---- known tasks, limits


@pytest.mark.parametrize(
    "name",
    ["turing-invert", "turing-prepend", "turing-decrement", "circuit-shift", "circuit-full-adder",
     "block-access"],
)  # fmt: skip
def test_tasks_of_terpret(name: str) -> None:
    problem = task(name)
    outcome = cp.solve(problem, solver_checks.silent)
    assert outcome.status == "found"
    assert outcome.best is not None
    assert solver_checks.right_by_hand(problem, outcome.best.choices)


def test_the_same_seed_finds_the_same() -> None:
    first, again = (cp.solve(task("turing-invert", seed=3), solver_checks.silent) for _ in "ab")
    assert first.best is not None
    assert again.best is not None
    for name, array in first.best.choices.items():
        assert np.array_equal(array, again.best.choices[name])


@pytest.mark.parametrize("threads", [1, 2])
def test_two_examples_that_contradict_each_other(threads: int) -> None:
    problem, pair = twice(task("circuit-full-adder"))
    outcome = cp.solve(dataclasses.replace(problem, threads=threads), solver_checks.silent)
    assert (outcome.status, outcome.core) == ("impossible", pair)


def test_two_threads() -> None:
    problem = dataclasses.replace(task("circuit-full-adder"), threads=2)
    outcome = cp.solve(problem, solver_checks.silent)
    assert outcome.best is not None
    assert solver_checks.right_by_hand(problem, outcome.best.choices)


def test_the_time_is_kept() -> None:
    problem = dataclasses.replace(task("block-decrement"), deadline=time.monotonic() + 1.0)
    began = time.monotonic()
    outcome = cp.solve(problem, solver_checks.silent)
    assert outcome.status in ("unknown", "found")
    assert time.monotonic() - began < 10


def test_networks_are_declined() -> None:
    problem = task("circuit-full-adder")
    network = Network("net", (Real((4,)),), Int(2))
    program = dataclasses.replace(problem.program, networks=(network,))
    assert cp.declines(problem) == []
    assert cp.declines(dataclasses.replace(problem, program=program)) == [
        "network net is a neural function"
    ]


def test_without_ortools_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(MissingExtra, match=r"neuralc\[cp\]"):
        cp.solve(task("circuit-full-adder"), solver_checks.silent)
