"""A model as SMT-LIB 2: choices that are right on some examples, or the program as definitions.

Standard QF_BV, for any solver. Every element that the program sets is a definition by its name, so
that the text reads like a run of the program. Nothing is solved here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from neuralc.backends.base.ground import (
    constant_inputs,
    observations,
    unknown_choices,
    unknown_inputs,
    wanted,
)
from neuralc.backends.base.symbolic import declines, run
from neuralc.backends.smt.bitvectors import Bits, BitVectors, Term, width
from neuralc.errors import Declined
from neuralc.ir.evaluate import Element
from neuralc.ir.examples import NOT_OBSERVED, Examples
from neuralc.ir.nodes import Program

INNER = re.compile(r"\bt!\d+\b")  # a "!" is in no name of a model


def smt2(program: Program, examples: Examples | None = None) -> str:
    """Return the question "which choices are right on these examples?".

    Args:
        program: a checked program.
        examples: what it must do; None: choices and inputs are both unknown, and nothing is
            demanded but what the program itself observes.

    Raises:
        Declined: the program cannot be put into bit-vectors.
        MissingExtra: z3 is not installed.

    """
    reasons = declines(program)
    if reasons:
        raise Declined("SMT-LIB", reasons)
    text = _Text(program)
    if examples is None:
        text.definitions()
    else:
        for k in range(examples.count):
            text.example(examples, k)
    return "\n".join([*_header(program, examples), *text.lines(), "(check-sat)", "(get-model)", ""])


class _Named(BitVectors):
    """Bit-vectors that give every choice and every function of values a name."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, Term]] = []

    def defined(self, term: Term, numbers: tuple[int, ...]) -> Bits:
        name = f"t!{len(self.made)}"
        self.made.append((name, term))
        return Bits(self.z3.BitVec(name, width(numbers)), numbers)


class _Text:
    """The lines in the making."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.terms = _Named()
        self.names: dict[str, str] = {}  # of the program, instead of t!0, t!1, …
        self.body: list[str] = ["; the choices"]
        self.printed = 0
        self.choices = unknown_choices(program, self.terms)
        self.declare(self.choices)
        for fixed in program.fixed:
            value = self.terms.constant(fixed.value)
            term = self.terms.resized(value, value.width)
            self.body.append(self.definition(_symbol((fixed.name, fixed.index)), term))

    def example(self, examples: Examples, k: int) -> None:
        """Run one example, and demand that it comes out right."""
        inputs = constant_inputs(self.program, examples, k, self.terms)
        self.body += ["", f"; example {k}: {_shown(examples, k)}"]
        store = run(self.program, {**self.choices, **inputs}, self.terms)
        self.define(store, f"example {k}: ")
        self.demand(wanted(self.program, store, examples, k))

    def definitions(self) -> None:
        """Run any inputs, and demand only what the program observes."""
        inputs = unknown_inputs(self.program, self.terms)
        self.body += ["", "; the inputs"]
        self.declare(inputs)
        self.body += ["", "; the program"]
        store = run(self.program, {**self.choices, **inputs}, self.terms)
        self.define({e: v for e, v in store.items() if e not in inputs}, "")
        self.demand(observations(store))

    def declare(self, unknown: Mapping[Element, Bits]) -> None:
        """Declare unknown numbers; one that has a single value is a definition."""
        for element, value in unknown.items():
            name = _symbol(element)
            if value.term is None:
                self.body.append(self.definition(name, self.terms.resized(value, value.width)))
            else:
                self.body.append(f"(declare-const {name} (_ BitVec {value.width}))")
        for constraint in self.terms.constraints:
            self.body.append(f"(assert {constraint.sexpr()})")
        self.terms.constraints = []

    def define(self, store: Mapping[Element, Bits], prefix: str) -> None:
        """Write what was made since the last time, and the elements that were set."""
        made = dict(self.terms.made[self.printed :])
        self.printed = len(self.terms.made)
        others: list[str] = []
        for element, value in store.items():
            if element[0].startswith("observe ") or self.program.decl[element[0]].kind == "param":
                continue
            name, inner = _symbol(element, prefix), self._name_of(value)
            if inner in made and inner not in self.names:
                self.names[inner] = name
            else:
                others.append(self.definition(name, self.terms.resized(value, value.width)))
        self.body += [self.definition(inner, term) for inner, term in made.items()]
        self.body += others

    def _name_of(self, value: Bits) -> str:
        term = value.term
        return "" if term is None or term.num_args() else str(term.decl().name())

    def demand(self, values: list[tuple[Bits, int]]) -> None:
        """Demand that values are some numbers."""
        for value, number in values:
            condition = self.terms.equal(value, self.terms.constant(number))
            self.body.append(f"(assert {condition.sexpr()})")

    def definition(self, name: str, term: Term) -> str:
        """Return the definition of a name."""
        return f"(define-fun {name} () (_ BitVec {term.size()}) {term.sexpr()})"

    def lines(self) -> Iterator[str]:
        """Yield the lines, with the names of the program put in."""
        for line in self.body:
            yield INNER.sub(lambda found: self.names.get(found[0], found[0]), line)


def _symbol(element: Element, prefix: str = "") -> str:
    """Return an element as a symbol of SMT-LIB: `|example 0: tape[1, 2]|`."""
    name, index = element
    return f"|{prefix}{name}{list(index) if index else ''}|"


def _header(program: Program, examples: Examples | None) -> Iterator[str]:
    hypers = ", ".join(f"{name} = {value}" for name, value in program.hypers)
    name = " ".join(PurePath(program.name).stem.split())
    yield f"; {name}{' with ' + hypers if hypers else ''}"
    if examples is None:
        yield "; The program as definitions: add what is asked of its inputs and outputs."
    else:
        yield f"; Which choices are right on these examples? There are {examples.count}."
    yield "; A number is an unsigned bit-vector, as wide as its possible values need; one that may"
    yield "; be negative is in two's complement. t!1, t!2, ... have no name in the program."
    yield "(set-option :produce-models true)"
    yield "(set-logic QF_BV)"
    yield ""


def _shown(examples: Examples, k: int) -> str:
    """Return an example in one line; `?` is not observed."""

    def column(arrays: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} = {_numbers(array[k])}" for name, array in arrays.items())

    return f"{column(examples.inputs)} -> {column(examples.outputs)}"


def _numbers(array: Any) -> str:
    """Return an array, or a single number, as text."""
    found = np.asarray(array)
    if found.ndim:
        return f"[{', '.join(map(_numbers, found))}]"
    return "?" if found == NOT_OBSERVED else str(found)
