"""The solver "smt": right on random programs, proofs of contradiction, its limits."""

from __future__ import annotations

import dataclasses
import sys
import time
from itertools import product
from typing import Any

import numpy as np
import pytest
import z3

from fuzz.models import Smt
from neuralc.backends import smt
from neuralc.backends.base import Problem
from neuralc.backends.base.functions import Structures
from neuralc.backends.base.symbolic import Function
from neuralc.backends.smt import bitvectors
from neuralc.backends.smt.bitvectors import BitVectors, width
from neuralc.backends.smt.engine import Engine
from neuralc.errors import Declined, MissingExtra
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Network, Real, Table
from neuralc.ir.structure import classify
from tests import solver_checks
from tests.solver_tasks import task, twice

# ---- random programs


def test_right_or_a_smallest_contradiction() -> None:
    found, impossible, several = solver_checks.check_answers(smt.solve, range(200))
    assert min(found, impossible) > 30
    assert several > 5


def test_a_contradiction_is_smallest_where_the_solver_helps_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if z3 named all examples whenever some of them contradict each other."""
    solver_checks.name_all(monkeypatch, Engine)
    assert min(solver_checks.check_answers(smt.solve, range(100))[1:]) > 2


def test_known_numbers_mean_what_they_mean() -> None:
    solver_checks.check_constants(BitVectors, range(250))


@pytest.mark.parametrize("few", [0, bitvectors.FEW_ROWS, 10_000])
def test_models_are_runs(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With arithmetic wherever there is any, and with none at all."""
    monkeypatch.setattr(bitvectors, "FEW_ROWS", few)
    solver_checks.check_models(Smt, range(80))


# ---- functions


FUNCTIONS: dict[str, Any] = {
    "add, a modulus that is no power of two": (17, 17, lambda a, b: (a + b) % 17),
    "add, a power of two": (16, 16, lambda a, b: (a + b) % 16),
    "add, several turns": (16, 16, lambda a, b: (a + b) % 4),
    "add, several turns of another modulus": (16, 16, lambda a, b: (a + b) % 5),
    "add, with an offset": (9, 17, lambda a, b: (a + b + 3) % 17),
    "add, it fits": (9, 12, lambda a, b: a + b + 1),
    "sub, a modulus that is no power of two": (17, 17, lambda a, b: (a - b) % 17),
    "sub, the other way round": (17, 17, lambda a, b: (b - a + 5) % 17),
    "sub, a power of two": (8, 16, lambda a, b: (a - b) % 8),
    "sub, it fits": (9, 5, lambda a, b: a - b + 4),
    "min": (9, 17, min),
    "max": (9, 17, max),
    "equal": (9, 17, lambda a, b: 5 if a == b else 2),
    "less": (17, 9, lambda a, b: 1 if a < b else 0),
    "not more": (17, 9, lambda a, b: 0 if b < a else 3),
    "shift": (17, 4, lambda a, b: (a + (3, 0, 11, 2)[b]) % 17),
    "only the first": (20, 3, lambda a, b: a),
    "turned": (33, 2, lambda a, b: (a + 30) % 33),
    "always the same": (9, 9, lambda a, b: 4),
    "a table": (7, 9, lambda a, b: a * b % 11),
}  # fmt: skip


def table(name: str) -> Table:
    n, m, function = FUNCTIONS[name]
    values = tuple(function(a, b) for a, b in product(range(n), range(m)))
    return Table(name, (n, m), max(values) + 1, values)


@pytest.mark.parametrize("part", ["all numbers", "some numbers"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, part: str) -> None:
    """All rows are right, and the numbers that a result may be are those that it can be."""
    one, terms = table(name), BitVectors()
    args = [terms.unknown(text, size) for text, size in zip("ab", one.sizes, strict=True)]
    if part == "some numbers":
        args = [terms.restrict(arg, arg.numbers[1::2]) for arg in args]
    found = terms.apply(Function(name, one, one), args)
    rows = {(a, b): one(a, b) for a, b in product(args[0].numbers, args[1].numbers)}
    assert found.numbers == tuple(sorted(set(rows.values())))
    for numbers, value in rows.items():
        pairs = [
            (arg.term, z3.BitVecVal(number, arg.width))
            for arg, number in zip(args, numbers, strict=True)
            if arg.term is not None
        ]
        if part == "all numbers" and found.term is not None:
            term = z3.simplify(z3.substitute(found.term, *pairs))
            assert term.as_long() == value, numbers
        else:
            solver = z3.Solver()
            solver.add([term == number for term, number in pairs])
            solver.add(z3.Not(terms.equal(found, terms.constant(value))))
            assert solver.check() == z3.unsat, numbers


def test_what_is_tested_is_arithmetic() -> None:
    kinds = {name: classify(table(name)).kind for name in FUNCTIONS}
    assert set(kinds.values()) >= bitvectors.ARITHMETIC
    assert all(name.split(",")[0] == kind for name, kind in kinds.items() if "," in name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arithmetic_takes_few_terms(name: str) -> None:
    one, terms = table(name), BitVectors()
    args = [terms.unknown(text, size) for text, size in zip("ab", one.sizes, strict=True)]
    found = terms.apply(Function(name, one, one), args)
    assert (count(found.term) > 40) == (name in ("shift", "a table"))


def count(term: Any) -> int:
    """Return how many different terms a term is made of."""
    seen, todo = set(), [] if term is None else [term]
    while todo:
        one = todo.pop()
        if one.get_id() not in seen:
            seen.add(one.get_id())
            todo += one.children()
    return len(seen)


@pytest.mark.parametrize(
    ("call", "numbers", "kind"),
    [
        (lambda a, b: (a + b) % 6, range(6), "add"),
        (lambda a, b: (a + b) % 6, range(1, 6), None),
        (lambda a, b: a - b, range(6), None),
        (lambda a, b: a - b if a >= b else None, range(6), None),
        (lambda a, b: a * b % 7, range(6), "table"),
    ],
)
def test_expressions_of_gate_variables(call: Any, numbers: range, kind: str | None) -> None:
    """Those have no table, and perhaps no value for some numbers."""
    models, function = Smt(), Function("an expression", call)
    args = [models.terms.restrict(models.terms.unknown(name, 6), numbers) for name in "ab"]
    structure = Structures().of(function, [arg.numbers for arg in args])
    assert (structure.kind if structure else None) == kind
    found = models.terms.apply(function, args)
    for a, b in product(numbers, numbers):
        demands = [(args[0], a), (args[1], b)]
        assert models.find(demands) is not None
        if call(a, b) is not None:
            assert models.find(demands, [(found, call(a, b))]) is None


def test_numbers_below_zero() -> None:
    models = Smt()
    a = models.terms.unknown("a", 5)
    lower = models.terms.apply(Function("lower", lambda k: k - 3), [a])
    chosen = models.terms.choose([a], {(0,): lower, (1,): models.terms.constant(7), (4,): a})
    assert (lower.numbers, lower.width) == ((-3, -2, -1, 0, 1), 3)
    assert (chosen.numbers, chosen.width) == ((-3, -2, -1, 0, 1, 2, 3, 4, 7), 4)
    for k, wanted in ((0, -3), (1, 7), (4, 4)):
        model = models.find([(a, k)])
        assert model is not None
        assert (model(lower), model(chosen)) == (k - 3, wanted)
        assert models.find([(a, k), (lower, k - 3)], [(chosen, wanted)]) is None


@pytest.mark.parametrize(
    ("numbers", "bits"),
    [((0,), 1), ((0, 1), 1), ((0, 2), 2), ((3, 4), 3), ((-1, 0), 1), ((-2, 1), 2), ((-1, 2), 3),
     ((-4, -3), 3), ((-5, 3), 4)],
)  # fmt: skip
def test_width(numbers: tuple[int, ...], bits: int) -> None:
    assert width(numbers) == bits


def test_a_function_with_too_many_rows_is_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuralc.backends.base.functions.MOST_ROWS", 60)
    terms, one = BitVectors(), table("a table")
    with pytest.raises(Declined, match="63 rows, at most 60"):
        terms.apply(Function("f", one, one), [terms.unknown("a", 7), terms.unknown("b", 9)])


# ---- known tasks, limits


@pytest.mark.parametrize(
    "name", ["turing-invert", "turing-decrement", "circuit-full-adder", "block-access"]
)
def test_tasks_of_terpret(name: str) -> None:
    problem = task(name)
    outcome = smt.solve(problem, solver_checks.silent)
    assert outcome.status == "found"
    assert outcome.best is not None
    assert solver_checks.right_by_hand(problem, outcome.best.choices)


def test_the_same_seed_finds_the_same() -> None:
    first, again = (smt.solve(task("turing-invert", seed=3), solver_checks.silent) for _ in "ab")
    assert first.best is not None
    assert again.best is not None
    for name, array in first.best.choices.items():
        assert np.array_equal(array, again.best.choices[name])


def test_two_examples_that_contradict_each_other() -> None:
    problem, pair = twice(task("circuit-full-adder"))
    outcome = smt.solve(problem, solver_checks.silent)
    assert (outcome.status, outcome.core) == ("impossible", pair)


def test_the_time_is_kept() -> None:
    problem = dataclasses.replace(task("block-decrement"), deadline=time.monotonic() + 1.0)
    began = time.monotonic()
    outcome = smt.solve(problem, solver_checks.silent)
    assert outcome.status in ("unknown", "found")
    assert time.monotonic() - began < 10


def test_no_time_at_all() -> None:
    problem = dataclasses.replace(task("circuit-full-adder"), deadline=time.monotonic() - 1.0)
    outcome = smt.solve(problem, solver_checks.silent)
    assert (outcome.status, outcome.best) == ("unknown", None)


def test_no_examples() -> None:
    known = task("circuit-full-adder")
    empty = Examples({k: v[:0] for k, v in known.examples.inputs.items()},
                     {k: v[:0] for k, v in known.examples.outputs.items()}, 0)  # fmt: skip
    assert smt.solve(Problem(known.program, empty), solver_checks.silent).status == "found"


def test_networks_are_declined() -> None:
    problem = task("circuit-full-adder")
    network = Network("net", (Real((4,)),), Int(2))
    program = dataclasses.replace(problem.program, networks=(network,))
    assert smt.declines(problem) == []
    assert smt.declines(dataclasses.replace(problem, program=program)) == [
        "network net is a neural function"
    ]


def test_without_z3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    with pytest.raises(MissingExtra, match=r"neuralc\[smt\]"):
        smt.solve(task("circuit-full-adder"), solver_checks.silent)
