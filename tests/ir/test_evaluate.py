"""The interpreter: its three algebras tell the same story on random programs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neuralc.ir.algebras import Dependencies, Distributions, Integers
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Int, Observe, Program, walk
from tests.random_models import (
    Features,
    assignments,
    given_elements,
    programs,
    random_assignment,
    random_distributions,
    random_program,
)

TOLERANCE = 1e-12  # sums of a few dozen products of float64


@given(programs(), st.data())
def test_soft_equals_exact_on_certain_inputs(program: Program, data: st.DataObject) -> None:
    values = data.draw(assignments(program))
    sizes = given_elements(program)
    certain = {element: np.eye(sizes[element])[value] for element, value in values.items()}
    exact = evaluate(program, values, Integers())
    soft = evaluate(program, certain, Distributions())
    assert soft.keys() == exact.keys()
    for element, value in exact.items():
        chances = np.zeros_like(soft[element])
        chances[value] = 1
        np.testing.assert_allclose(soft[element], chances, rtol=0, atol=TOLERANCE)


@given(programs(Features(tight=True)), st.integers(0, 1000))
def test_mass_is_conserved(program: Program, seed: int) -> None:
    soft = evaluate(program, random_distributions(program, seed), Distributions())
    for (name, _), chances in soft.items():
        assert chances.min() >= 0
        assert abs(chances.sum() - 1) < TOLERANCE
        if name in program.decl:
            kind = program.decl[name].type
            assert isinstance(kind, Int)
            assert len(chances) == kind.size


@given(programs(), st.data())
def test_dependencies_are_sound(program: Program, data: st.DataObject) -> None:
    """Whatever an element does not depend on may change without changing it."""
    values = data.draw(assignments(program))
    exact = evaluate(program, values, Integers())
    traced = evaluate(program, {e: (n, frozenset([e])) for e, n in values.items()}, Dependencies())
    assert {element: number for element, (number, _) in traced.items()} == exact
    fixed = {(item.name, item.index) for item in program.fixed}
    others = sorted(values.keys() - fixed)
    if not others:
        return
    changed = data.draw(st.sampled_from(others))
    size = given_elements(program)[changed]
    again = evaluate(program, {**values, changed: (values[changed] + 1) % size}, Integers())
    for decl in program.of("output"):
        for (name, index), (number, because) in traced.items():
            if name == decl.name and changed not in because:
                assert again[name, index] == number


@given(programs(), st.data())
def test_what_an_exact_run_reaches_has_a_chance(program: Program, data: st.DataObject) -> None:
    """Let one element be uncertain: a value of any of its exact runs is possible softly.

    No more can be said in general, since marginals forget correlations.
    """
    values = data.draw(assignments(program))
    sizes = given_elements(program)
    uncertain = data.draw(st.sampled_from(sorted(values)))
    soft_given = {e: np.eye(sizes[e])[n] for e, n in values.items()}
    soft_given[uncertain] = np.full(sizes[uncertain], 1 / sizes[uncertain])
    soft = evaluate(program, soft_given, Distributions())
    runs = [
        evaluate(program, {**values, uncertain: n}, Integers()) for n in range(sizes[uncertain])
    ]
    for element in soft:
        found = {run[element] for run in runs if element in run}
        for value in found:
            assert soft[element][value] > 0, "a value that an exact run reaches has a chance"


def test_the_generator_draws_what_it_promises() -> None:
    """Seeds repeat, features can be switched off, and every construct turns up."""
    drawn = [random_program(seed) for seed in range(100)]
    assert drawn == [random_program(seed) for seed in range(100)]
    seen = {type(statement).__name__ for p in drawn for statement in walk(p.body)}
    assert seen == {"Set", "For", "Gate", "Switch", "If", "Observe"}
    assert any(p.fixed for p in drawn)
    assert any(decl.limits for p in drawn for decl in p.decls)
    plain = Features(ragged=False, observe=False, fixed=False, gate_targets=False)
    for seed in range(100):
        program = random_program(seed, plain)
        assert not check(program)
        assert not program.fixed
        assert not any(decl.limits for decl in program.decls)
        assert not any(isinstance(s, Observe) for s in walk(program.body))
        evaluate(program, random_assignment(program, seed), Integers())
