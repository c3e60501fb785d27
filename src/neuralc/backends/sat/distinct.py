"""One more program that fits the examples, and inputs on which it differs from known ones.

The program and the inputs are unknowns of the same question: for each known program there is an
input of the bounded domain on which the outputs differ. Where that is impossible, the known ones
are all the programs there are, as far as behaviour goes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuralc.backends.base import cegis
from neuralc.backends.base.ground import constant_choices, unknown_inputs
from neuralc.backends.base.problem import Candidate, Choices, Outcome, Problem, Report
from neuralc.backends.base.symbolic import run
from neuralc.backends.exact import judge
from neuralc.backends.sat.clauses import Clauses, Direct
from neuralc.backends.sat.engine import Engine

Array = np.ndarray[Any, Any]


def solve(problem: Problem, report: Report, known: Sequence[Mapping[str, Any]]) -> Outcome:
    """Find choices that are right on all examples and behave differently from known ones.

    Args:
        problem: the program and the examples.
        report: told in words how far it is.
        known: choices by name, arrays or nested lists.

    Returns:
        "found" with `arrays` named `inputs:<k>:<input>`: an input on which the program and
        `known[k]` differ; "impossible": no other program behaves differently.

    Raises:
        Declined: a function of the program has too many rows.
        MissingExtra: python-sat is not installed.

    """
    engine = _Further(problem)
    others = [
        _Difference(engine, {name: np.asarray(value) for name, value in choices.items()})
        for choices in known
    ]

    def remark(words: str, best: Candidate | None) -> None:
        report(words, None)  # the program alone is no answer: the inputs belong to it

    right = judge(problem.program, problem.examples, threads=problem.threads)
    outcome = cegis.solve(problem, engine, right, remark)
    if outcome.status != "found":
        return outcome
    arrays = {
        f"inputs:{k}:{name}": array
        for k, other in enumerate(others)
        for name, array in other.inputs().items()
    }
    return dataclasses.replace(outcome, arrays=arrays)


class _Further(Engine):
    """An engine that is to find a further program: in the end no example is to blame."""

    def core(self) -> list[int]:
        """Return no example."""
        return []


class _Difference:
    """Demands that the unknown program and a known one differ on some input."""

    def __init__(self, engine: Engine, choices: Choices) -> None:
        program, clauses = engine.problem.program, engine.clauses
        self.engine = engine
        self.given = unknown_inputs(program, clauses)
        unknown = run(program, {**engine.params, **self.given}, clauses)
        fixed = constant_choices(program, choices, clauses)
        known = run(program, {**fixed, **self.given}, clauses)
        outputs = {decl.name for decl in program.of("output")}
        elements = [e for e in unknown if e[0] in outputs and e in known]
        clauses.add(*(_differ(clauses, unknown[e], known[e]) for e in elements))

    def inputs(self) -> dict[str, Array]:
        """Return the input of the model that was found, [*shape] by name."""
        true = self.engine.model()
        program = self.engine.problem.program
        found = {decl.name: np.zeros(decl.shape, np.int64) for decl in program.of("input")}
        for (name, index), value in self.given.items():
            found[name][index] = next(k for k, literal in value.items() if literal in true)
        return found


def _differ(clauses: Clauses, one: Direct, other: Direct) -> int:
    """Return a literal that holds only where two values differ."""
    literal = clauses.literal()
    for k in one.keys() & other.keys():
        clauses.add(-literal, -one[k], -other[k])
    return literal
