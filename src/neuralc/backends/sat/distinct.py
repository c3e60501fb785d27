"""Programs that all fit the examples and yet behave differently, with inputs that show it.

Each further program must differ from every earlier one on some input of the bounded domain, which
the solver finds along with the program. When there is none, the earlier ones are all there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuralc.backends.base import cegis
from neuralc.backends.base.ground import constant_choices, unknown_inputs
from neuralc.backends.base.problem import Choices, Problem
from neuralc.backends.base.symbolic import run
from neuralc.backends.sat.clauses import Clauses, Direct
from neuralc.backends.sat.engine import Engine
from neuralc.backends.sat.solver import judge_of

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Alternative:
    """A program, and for each earlier one an input [*shape] by name on which the two differ."""

    choices: Choices
    inputs: list[dict[str, Array]] = field(default_factory=list)


def alternatives(problem: Problem, known: Sequence[Choices]) -> Iterator[Alternative]:
    """Yield programs for the examples that differ from the known ones and from each other.

    Ends when no other program behaves differently: that is a proof.

    Raises:
        Declined: a function of the program has too many rows.
        MissingExtra: python-sat is not installed.

    """
    engine, judge = _Further(problem), judge_of(problem)
    different = [_Different(engine, choices) for choices in known]
    while True:
        outcome = cegis.solve(problem, engine, judge, lambda note, best: None)
        if outcome.status != "found" or outcome.best is None:
            return
        choices = outcome.best.choices
        yield Alternative(choices, [one.inputs() for one in different])
        different.append(_Different(engine, choices))


class _Further(Engine):
    """An engine that is asked for one program after the other: no example is to blame in the end."""

    def core(self) -> list[int]:
        """Return no example."""
        return []


class _Different:
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
        """Return the input of the model that was found."""
        true = self.engine.model()
        found = {
            decl.name: np.zeros(decl.shape, np.int64)
            for decl in self.engine.problem.program.of("input")
        }
        for (name, index), value in self.given.items():
            found[name][index] = next(k for k, literal in value.items() if literal in true)
        return found


def _differ(clauses: Clauses, one: Direct, other: Direct) -> int:
    """Return a literal that holds only where two values differ."""
    literal = clauses.literal()
    for k in one.keys() & other.keys():
        clauses.add(-literal, -one[k], -other[k])
    return literal
