"""The solver "sat": clauses and CaDiCaL, shown only the examples that it needs."""

from __future__ import annotations

from neuralc.backends.base import cegis, symbolic
from neuralc.backends.base.problem import Outcome, Problem, Report
from neuralc.backends.exact import judge
from neuralc.backends.sat.engine import Engine


def declines(problem: Problem) -> list[str]:
    """Return why a program cannot be put into clauses: an empty list if it can."""
    return symbolic.declines(problem.program)


def solve(problem: Problem, report: Report) -> Outcome:
    """Find choices, or prove that there are none.

    Raises:
        Declined: a function of the program has too many rows.
        MissingExtra: python-sat is not installed.

    """
    right = judge(problem.program, problem.examples, threads=problem.threads)
    return cegis.solve(problem, Engine(problem), right, report)
