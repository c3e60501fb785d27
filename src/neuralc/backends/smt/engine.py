"""A program and its examples as bit-vectors, solved by z3; grows example by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any, Literal, cast

import numpy as np

from neuralc.backends.base.ground import chosen, demands, unknown_choices
from neuralc.backends.base.problem import Problem
from neuralc.backends.smt.bitvectors import Bits, BitVectors, Term
from neuralc.ir.evaluate import Element

Array = np.ndarray[Any, Any]
Answer = Literal["sat", "unsat", "unknown"]
LONGEST = 2**32 - 2  # milliseconds that z3 can be told; one more means no limit


class Engine:
    """Bit-vectors of the examples added so far; z3 keeps what it learns from round to round."""

    def __init__(self, problem: Problem) -> None:
        """Make the choices unknown.

        Raises:
            MissingExtra: z3 is not installed.

        """
        self.problem = problem
        self.terms = BitVectors()
        self.params = unknown_choices(problem.program, self.terms)
        self.shown: list[int] = []
        self.solver = self.terms.z3.SolverFor("QF_BV")
        self.solver.set("random_seed", problem.seed % 2**31)
        self.solver.add(self.terms.constraints)

    def add(self, example: int) -> None:
        """Demand that one more example comes out right."""
        self.shown.append(example)
        self.solver.add(self._demands(example))

    def solve(self) -> Answer:
        """Look for choices that satisfy all examples added so far."""
        return check(self.solver, self.problem.left())

    def choices(self) -> dict[str, Array]:
        """Return the choices of the model that was found."""
        return chosen(self.problem.program, numbers(self.solver.model(), self.params))

    def core(self) -> list[int]:
        """Return examples, of those shown, that contradict each other.

        None of them can be left out, unless the time is up before that is known.
        """
        again = Engine(self.problem)
        switch: dict[int, Term] = {}
        for example in self.shown:
            switch[example] = self.terms.z3.Bool(f"example {example}")
            for demand in again._demands(example):
                again.solver.add(self.terms.z3.Implies(switch[example], demand))
        kept = again._conflict(switch, self.shown) or self.shown
        for example in list(kept):
            if example in kept:
                without = [other for other in kept if other != example]
                smaller = again._conflict(switch, without)
                kept = kept if smaller is None else smaller
        return kept

    def _conflict(self, switch: Mapping[int, Term], examples: Sequence[int]) -> list[int] | None:
        """Return those of some examples that contradict each other; None: it is not proved."""
        wanted = [switch[k] for k in examples]
        if check(self.solver, self.problem.left(), wanted) != "unsat":
            return None
        needed = {str(name) for name in self.solver.unsat_core()}
        return [k for k in examples if str(switch[k]) in needed]

    def _demands(self, example: int) -> list[Term]:
        """Return what must hold so that an example comes out right."""
        problem, terms = self.problem, self.terms
        wanted = demands(problem.program, self.params, problem.examples, example, terms)
        return [terms.equal(value, terms.constant(number)) for value, number in wanted]


def check(solver: Any, seconds: float, assumptions: Sequence[Term] = ()) -> Answer:
    """Ask z3, for some seconds at most."""
    if not isinf(seconds):
        solver.set("timeout", min(LONGEST, max(1, int(1000 * seconds))))
    return cast("Answer", str(solver.check(*assumptions)))


def numbers(model: Any, values: Mapping[Element, Bits]) -> dict[Element, int]:
    """Return the numbers that a model of z3 gives to values; any where it does not matter."""
    found: dict[Element, int] = {}
    for element, value in values.items():
        if value.term is None:
            found[element] = value.numbers[0]
        else:
            term = model.eval(value.term, model_completion=True)
            signed = value.numbers[0] < 0
            found[element] = term.as_signed_long() if signed else term.as_long()
    return found
