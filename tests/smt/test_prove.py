"""Proofs for all inputs, against running all inputs plainly."""

from __future__ import annotations

import dataclasses
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import z3

from fuzz.case import Case, draw
from neuralc.backends.smt import prove
from neuralc.backends.smt.prove import Unrolled, counterexample, violation
from neuralc.errors import Declined, NeuralcError
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Decl, Int, Network, Program, Real
from neuralc.learning.model import Model
from neuralc.source import Source
from tests.random_models import given_elements

MOST = 200  # inputs that are all run


def program(text: str) -> Program:
    return Model.load(Source("test", text), {}).program


ADD = """\
x = Input(5)[2]
y = Output(5)
@Runtime([5, 5], 5)
def F(a, b): return (a + b) % 5
y.set_to(F(x[0], x[1]))
"""
SWAPPED = ADD.replace("F(x[0], x[1])", "F(x[1], x[0])")
SUB = ADD.replace("a + b", "a - b")  # a table of the same name
SOMETIMES = ADD.replace("y.set_to(F(x[0], x[1]))", """\
with x[0] as a:
    if a == 3:
        y.set_to(0)
    else:
        y.set_to(F(x[0], x[1]))
""")  # fmt: skip


# ---- random programs


def arrays(case: Case, p: int) -> dict[str, Any]:
    return {name: array[p] for name, array in case.params().items()}


def inputs_of(case: Case) -> dict[Any, int]:
    sizes = given_elements(case.program)
    return {e: n for e, n in sizes.items() if case.program.decl[e[0]].kind == "input"}


def outputs(case: Case, p: int, given: Any) -> dict[Any, int]:
    names = {decl.name for decl in case.program.of("output")}
    found = evaluate(case.program, {**case.choices[p], **given}, Integers())
    return {element: value for element, value in found.items() if element[0] in names}


def test_two_random_programs_differ_or_do_not() -> None:
    equal = different = 0
    for seed in range(400):
        case = draw(seed)
        sizes = inputs_of(case)
        if len(case.choices) < 2 or prod(sizes.values()) > MOST:
            continue
        rows = [dict(zip(sizes, k, strict=True)) for k in product(*map(range, sizes.values()))]
        wanted = any(outputs(case, 0, row) != outputs(case, 1, row) for row in rows)
        found = counterexample(case.program, arrays(case, 0), case.program, arrays(case, 1))
        assert found != "unknown"
        assert (found is not None) == wanted, f"seed {seed}"
        if found is None:
            equal += 1
        else:
            different += 1
            row = {e: int(found[e[0]][e[1]]) for e in sizes}
            assert row in rows, f"seed {seed}"
            assert outputs(case, 0, row) != outputs(case, 1, row), f"seed {seed}"
    assert min(equal, different) > 20


# ---- two programs


def test_equal_and_not_equal() -> None:
    add, swapped, sub = map(program, (ADD, SWAPPED, SUB))
    assert counterexample(add, {}, swapped, {}) is None
    found = counterexample(add, {}, sub, {})
    assert isinstance(found, dict)
    a, b = found["x"].tolist()
    assert (a + b) % 5 != (a - b) % 5


def test_where_only_some_inputs_count() -> None:
    add, sometimes = program(ADD), program(SOMETIMES)

    def no_three(inputs: prove.Elements) -> Any:
        return inputs["x", (0,)] != 3

    found = counterexample(add, {}, sometimes, {})
    assert isinstance(found, dict)
    assert found["x"][0] == 3
    assert counterexample(add, {}, sometimes, {}, where=no_three) is None


def test_outputs_of_other_sizes_are_compared_as_numbers() -> None:
    wider = program(ADD.replace("y = Output(5)", "y = Output(9)"))
    assert counterexample(program(ADD), {}, wider, {}) is None


def test_programs_that_cannot_be_compared() -> None:
    add = program(ADD)
    with pytest.raises(NeuralcError, match="differ in the input 'x'"):
        counterexample(add, {}, program(ADD.replace("Input(5)[2]", "Input(5)[3]")), {})
    with pytest.raises(NeuralcError, match="no output like 'y'"):
        counterexample(add, {}, program(ADD.replace("y", "z")), {})


def test_networks_are_declined() -> None:
    add = program(ADD)
    learned = dataclasses.replace(add, networks=(Network("net", (Real((4,)),), Int(2)),))
    for one, other in ((add, learned), (learned, add)):
        with pytest.raises(Declined, match="network net"):
            counterexample(one, {}, other, {})


# ---- conditions


def test_conditions_on_inputs_and_outputs() -> None:
    def holds(inputs: prove.Elements, outputs: prove.Elements) -> Any:
        return z3.Or(inputs["x", (1,)] != 0, outputs["y", ()] == inputs["x", (0,)])

    def too_much(inputs: prove.Elements, outputs: prove.Elements) -> Any:
        return z3.UGE(outputs["y", ()], inputs["x", (0,)])

    add = program(ADD)
    assert violation(add, {}, holds) is None
    found = violation(add, {}, too_much)
    assert isinstance(found, dict)
    a, b = found["x"].tolist()
    assert (a + b) % 5 < a


def test_inputs_stay_in_their_domain() -> None:
    unrolled = Unrolled(program(ADD), {})
    assert unrolled.find(unrolled.inputs["x", (0,)] == 4) is not None
    assert unrolled.find(z3.UGT(unrolled.inputs["x", (0,)], 4)) is None
    assert unrolled.find(z3.UGT(unrolled.outputs["y", ()], 4)) is None


def test_a_proof_that_takes_too_long_is_unknown() -> None:
    p, q = z3.BitVecs("p q", 64)
    factors = [p * q == 4_294_967_291 * 4_294_967_279, z3.ULT(p, 2**32), z3.UGT(p, 1), q != 1]
    assert Unrolled(program(ADD), {}).find(z3.And(factors), seconds=0.05) == "unknown"


def test_elements_as_nested_lists() -> None:
    elements = {("a", (i, j)): 10 * i + j for i in range(2) for j in range(3)}
    assert prove.nested(Decl("a", "var", Int(2), (2, 3)), elements) == [[0, 1, 2], [10, 11, 12]]
    assert prove.nested(Decl("b", "var", Int(2)), {("b", ()): 7}) == 7


def test_found_inputs_are_arrays() -> None:
    found = violation(program(ADD), {}, lambda _, y: y["y", ()] != 2)
    assert isinstance(found, dict)
    assert found["x"].shape == (2,)
    assert found["x"].dtype == np.int64
