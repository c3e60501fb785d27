"""How sure it is that an adapted program does what the original did, on the inputs it is for.

Few inputs are all run. Of many, samples are run that nothing else has seen, and a proof by SMT is
tried: both programs run on unknown inputs, for as many steps as a candidate may take.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neuralc.backends.smt.bitvectors import load_z3
from neuralc.backends.smt.prove import Found, Unrolled, nested, unlike
from neuralc.errors import Declined, MissingExtra
from neuralc.ir.nodes import Int
from neuralc.lang.pyfn import encode, read_expression
from neuralc.learning.adapt.problem import Choices, Problem

Array = np.ndarray[Any, Any]
How = Literal["given", "all", "proved", "fresh"]


@dataclass(frozen=True)
class Certainty:
    """What is known of an adapted program.

    Attributes:
        right: whether it is right on everything that was run, and no proof says otherwise.
        how: "given": on the samples that were given, nothing more is known; "all": on all inputs,
            run one by one; "proved": on all inputs, by SMT; "fresh": on drawn samples.
        count: how many inputs were run.
        note: why there is no proof, or an input on which it is wrong.

    """

    right: bool
    how: How
    count: int
    note: str = ""

    @property
    def text(self) -> str:
        """The same in words; never more than is known."""
        if not self.right:
            return f"wrong: {self.note}"
        said = {
            "given": f"right on all {self.count:,} given samples",
            "all": f"right on all {self.count:,} inputs there are",
            "proved": f"proved for all inputs by SMT, and right on {self.count:,} fresh samples",
            "fresh": f"right on {self.count:,} fresh samples",
        }[self.how]
        return f"{said} ({self.note})" if self.note else said


def certainty(problem: Problem, choices: Choices, *, timeout: float = 60.0) -> Certainty:
    """Check an adapted program as far as that can be done.

    Args:
        problem: what was adapted.
        choices: the adapted program.
        timeout: seconds that a proof may take.

    """
    how: How = "fresh"
    samples = problem.fresh
    if problem.everything is not None:
        how = "all" if problem.given is None else "given"
        samples = problem.everything
    trial, count = problem.try_one(choices, samples), samples.count
    if not trial.solved:
        k = int(np.flatnonzero(~trial.right)[0])
        return Certainty(False, how, count, _memory(samples.given[k]))
    if how != "fresh":
        return Certainty(True, how, count)
    return _proved(problem, choices, count, time.monotonic() + timeout)


def _proved(problem: Problem, choices: Choices, count: int, deadline: float) -> Certainty:
    """Try a proof; without one the samples are what is known."""
    assert problem.task is not None
    inputs = problem.task.inputs[problem.bias]
    if not inputs.where:
        return Certainty(True, "fresh", count)
    try:
        found = _difference(problem, choices, inputs.where, inputs.cells, deadline)
    except (Declined, MissingExtra) as error:
        return Certainty(True, "fresh", count, f"no proof: {str(error).splitlines()[0]}")
    if found is None:
        return Certainty(True, "proved", count)
    if isinstance(found, str):
        return Certainty(True, "fresh", count, "no proof in time")
    return Certainty(False, "fresh", count, _memory(found["initial_memory"]))


def _difference(
    problem: Problem, choices: Choices, where: str, cells: tuple[int, ...], deadline: float
) -> Found:
    """Look for an input on which the two programs differ, or one of them does not end."""
    z3 = load_z3()
    program = problem.program
    mine = Unrolled(program, choices)
    other = mine.other_outputs(program, problem.choices)
    domain = _condition(program.of("input")[0], where, mine.inputs, deadline)
    ends = [outputs["final_halted", ()] for outputs in (mine.outputs, other)]
    wrong = [end == z3.BitVecVal(0, end.size()) for end in ends]
    for cell in cells:
        place = ("final_memory", (cell,))
        wrong.append(unlike(z3, mine.outputs[place], other[place]))
    left = max(deadline - time.monotonic(), 0.0)
    return mine.find(z3.And(domain, z3.Or(wrong)), seconds=left)


def _condition(decl: Any, where: str, inputs: Mapping[Any, Any], deadline: float) -> Any:
    """Return a condition on the memory before the run as a term."""
    assert isinstance(decl.type, Int)
    reference = read_expression(where, "where")
    given = {decl.name: nested(decl, inputs)}
    encoded = encode(reference, given, {decl.name: decl.type.size}, {}, [], deadline)
    return encoded.holds()


def _memory(cells: Array) -> str:
    return "on memory " + " ".join(map(str, cells))
