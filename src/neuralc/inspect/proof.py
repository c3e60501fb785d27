"""Proofs by Z3, for domains that are too large to run: is there an input on which a claim is wrong?

The program is run once on unknown inputs, the claim becomes a condition on its inputs and outputs.
Only what is proved is called proved; an input that is found is run by whoever asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neuralc.backends.smt.bitvectors import load_z3
from neuralc.backends.smt.prove import Unrolled, nested, unlike
from neuralc.errors import Declined, MissingExtra
from neuralc.inspect.claims import Claim, EqualsFunction, EqualsProgram, Holds
from neuralc.inspect.subject import Subject
from neuralc.ir.nodes import Decl, Int
from neuralc.lang.pyfn import Encoded, Reference, encode

Rows = dict[str, np.ndarray[Any, Any]]
Term = Any
MANY = "too many inputs to run them all"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a proof came to; with "refuted" the inputs, [1, *shape] each.

    With "undecided" they are, if there are any, inputs on which a function has no result, or takes
    more turns than the solver was told of.
    """

    status: Literal["proved", "refuted", "undecided"]
    inputs: Rows | None = None
    note: str = ""


def prove(subject: Subject, claim: Claim, where: Reference | None, deadline: float) -> Answer:
    """Try to prove a claim for all inputs of a program.

    Args:
        subject: the program.
        claim: what is claimed of it.
        where: a condition on inputs; only those that fulfil it count.
        deadline: on the clock of `time.monotonic`.

    """
    try:
        return _Proof(subject, where, deadline).of(claim)
    except (Declined, MissingExtra) as error:
        first = str(error).splitlines()[0]
        return Answer("undecided", note=f"{MANY}, and no proof: {first}")


class _Proof:
    def __init__(self, subject: Subject, where: Reference | None, deadline: float) -> None:
        self.subject, self.deadline = subject, deadline
        self.z3 = load_z3()
        self.unrolled = Unrolled(subject.program, subject.choices)
        self.constants = dict(subject.program.hypers)
        self.inputs = _nested(subject.inputs, self.unrolled.inputs)
        self.outputs = _nested(subject.outputs, self.unrolled.outputs)
        self.where: Term = self.z3.BoolVal(True)
        self.failing: list[Term] = []
        if where is not None:
            condition = self.encoded(where, self.inputs, [])
            self.failing.append(condition.failing)
            self.where = condition.holds()

    def of(self, claim: Claim) -> Answer:
        """Return whether a claim holds wherever the condition does."""
        wrong, note = self.wrong(claim)
        for condition in self.failing:
            answer = self.found(condition, "undecided", f"{MANY}, and a loop takes too many turns")
            if answer is not None:
                return answer
        answer = self.found(self.z3.And(self.where, wrong), "refuted", "")
        return Answer("proved", note=note) if answer is None else answer

    def found(
        self, condition: Term, status: Literal["refuted", "undecided"], note: str
    ) -> Answer | None:
        """Return the answer where a condition holds on some inputs, None where on none."""
        found = self.unrolled.find(condition, seconds=self.deadline - time.monotonic())
        if found is None:
            return None
        if isinstance(found, str):
            return Answer("undecided", note=f"{MANY}, and no proof in time")
        return Answer(status, {name: array[None] for name, array in found.items()}, note)

    def wrong(self, claim: Claim) -> tuple[Term, str]:
        """Return the condition that a claim does not hold, and what should be known of it."""
        if isinstance(claim, EqualsProgram):
            mine = self.unrolled.outputs
            other = self.unrolled.other_outputs(claim.other.program, claim.other.choices)
            return self.z3.Or([unlike(self.z3, mine[e], other[e]) for e in mine]), "by SMT"
        if isinstance(claim, Holds):
            names = {**self.inputs, **self.outputs}
            encoded = self.encoded(claim.condition, names, [self.where])
            self.failing.append(self.z3.And(self.where, encoded.failing))
            return self.z3.Not(encoded.holds()), "by SMT"
        assert isinstance(claim, EqualsFunction)
        encoded = self.encoded(claim.reference, self.inputs, [self.where])
        self.failing.append(self.z3.And(self.where, encoded.failing))
        silent = self.z3.And(self.where, self.z3.Not(encoded.asked))
        note = "by SMT"
        if self.unrolled.find(silent, seconds=self.deadline - time.monotonic()) is not None:
            note += "; of them nothing is asked where the function returns None"
        return encoded.differs(self.outputs), note

    def encoded(
        self, reference: Reference, names: Mapping[str, Any], domain: list[Term]
    ) -> Encoded:
        """Return a function or condition on terms by name."""
        decls = (*self.subject.inputs, *self.subject.outputs)
        sizes = {d.name: d.type.size for d in decls if isinstance(d.type, Int)}
        given = {name: term for name, term in names.items() if name in reference.parameters}
        known = {n: v for n, v in self.constants.items() if n in reference.parameters}
        return encode(reference, given, sizes, known, domain, self.deadline)


def _nested(decls: tuple[Decl, ...], elements: Mapping[Any, Term]) -> dict[str, Any]:
    return {decl.name: nested(decl, elements) for decl in decls}
