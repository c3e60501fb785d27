"""A program and its examples as bit-vectors, solved by z3; grows example by example.

z3 is asked afresh in every round: on the tasks of TerpreT that is as fast as going on with what it
has learnt, and varies much less (full adder, 12 seeds: 0.1 to 0.3 s, instead of 0.1 to 2.0 s).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any, Literal, cast

import numpy as np

from neuralc.backends.base import cegis
from neuralc.backends.base.ground import chosen, demands, unknown_choices
from neuralc.backends.base.problem import Problem
from neuralc.backends.smt.bitvectors import Bits, BitVectors, Term, load_z3
from neuralc.ir.evaluate import Element

Array = np.ndarray[Any, Any]
Answer = Literal["sat", "unsat", "unknown"]
LONGEST = 2**32 - 2  # milliseconds that z3 can be told; one more means no limit


class Engine:
    """Bit-vectors of the examples added so far."""

    def __init__(self, problem: Problem) -> None:
        """Make the choices unknown.

        Raises:
            MissingExtra: z3 is not installed.

        """
        self.problem = problem
        self.terms = BitVectors(load_z3().Context())  # its own: what z3 does depends on all terms
        self.params = unknown_choices(problem.program, self.terms)
        self.shown: list[int] = []
        self.demanded: list[Term] = []
        self.solver: Any = None  # the one that was asked last

    def add(self, example: int) -> None:
        """Demand that one more example comes out right."""
        self.shown.append(example)
        self.demanded += self._demands(example)

    def solve(self) -> Answer:
        """Look for choices that satisfy all examples added so far."""
        self.solver = new_solver(self.terms, self.problem.seed)
        self.solver.add(self.demanded)
        return check(self.solver, self.problem.left())

    def choices(self) -> dict[str, Array]:
        """Return the choices of the model that was found."""
        return chosen(self.problem.program, numbers(self.solver.model(), self.params))

    def core(self) -> list[int]:
        """Return examples, of those shown, that contradict each other.

        None of them can be left out, unless the time is up before that is known.
        """
        solver = new_solver(self.terms, self.problem.seed)
        for example in self.shown:
            for demand in self._demands(example):
                solver.add(self.terms.z3.Implies(self._switch(example), demand))
        return cegis.smallest(self.shown, lambda some: self._conflict(solver, some))

    def _conflict(self, solver: Any, examples: Sequence[int]) -> list[int] | None:
        """Return those of some examples that contradict each other; None: it is not proved."""
        switches = {k: self._switch(k) for k in examples}
        if check(solver, self.problem.left(), [*switches.values()]) != "unsat":
            return None
        needed = set(map(str, solver.unsat_core()))
        return [k for k, switch in switches.items() if str(switch) in needed]

    def _switch(self, example: int) -> Term:
        """Return the condition under which an example is demanded."""
        return self.terms.z3.Bool(f"example {example}", self.terms.context)

    def _demands(self, example: int) -> list[Term]:
        """Return what must hold so that an example comes out right."""
        problem, terms = self.problem, self.terms
        wanted = demands(problem.program, self.params, problem.examples, example, terms)
        return [terms.equal(value, terms.constant(number)) for value, number in wanted]


def new_solver(terms: BitVectors, seed: int) -> Any:
    """Return a solver that knows the sizes of the unknowns."""
    solver = terms.z3.SolverFor("QF_BV", ctx=terms.context)
    solver.set("random_seed", seed % 2**31)
    solver.add(terms.constraints)
    return solver


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
