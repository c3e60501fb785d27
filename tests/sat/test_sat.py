"""The solver "sat" on random programs, judged by trying all choices."""

from __future__ import annotations

from fuzz.models import Sat
from neuralc.backends import sat
from neuralc.backends.sat.clauses import Clauses
from tests import solver_checks


def test_right_or_a_smallest_contradiction() -> None:
    found, impossible, several = solver_checks.check_answers(sat.solve, range(300))
    assert min(found, impossible) > 30
    assert several > 5


def test_known_numbers_mean_what_they_mean() -> None:
    solver_checks.check_constants(Clauses, range(250))


def test_models_are_runs() -> None:
    solver_checks.check_models(Sat, range(80))
