"""What every constraint solver is held to: the plain interpreter, and trying all choices.

The problems are small and random. Which choices are right on which examples is found out by
running all of them plainly, so that every answer of a solver can be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from random import Random
from typing import Any

import numpy as np
import pytest

from fuzz.case import Case, draw
from fuzz.models import Models
from neuralc.backends.base import Outcome, Problem, Report
from neuralc.backends.base.ground import unknown_choices, unknown_inputs
from neuralc.backends.base.symbolic import Terms, run
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.examples import Examples
from neuralc.ir.space import open_choices
from tests.random_models import given_elements

Solve = Callable[[Problem, Report], Outcome]
Array = np.ndarray[Any, Any]
Numbers = dict[Element, int]
MOST = 150  # choices that are all tried


def silent(note: str, candidate: object) -> None:
    """Take a report, and do nothing."""


def name_all(monkeypatch: pytest.MonkeyPatch, engine: type) -> None:
    """Let an engine name all examples whenever some of them contradict each other."""
    real = engine._conflict  # type: ignore[attr-defined]

    def all_of_them(self: Any, switches: Any, examples: Any) -> list[int] | None:
        return None if real(self, switches, examples) is None else list(examples)

    monkeypatch.setattr(engine, "_conflict", all_of_them)


# ---- problems whose answer is known


@dataclass(frozen=True, eq=False)
class Known:
    """A problem; `right`: bool [choices, E], of all choices in the order of `product`."""

    problem: Problem
    right: Array


@cache
def known(seed: int) -> Known | None:
    """Return the problem of a seed; None: there are too many choices, or only one.

    By turns the targets come from one program, from several that contradict each other perhaps,
    and from nowhere; some are not observed.
    """
    case = draw(seed)
    if not 1 < prod(size for *_, size in open_choices(case.program)) <= MOST:
        return None
    rng = Random(seed)
    count = len(case.inputs)
    outputs = {d.name: np.zeros((count, *d.shape), np.int64) for d in case.program.of("output")}
    hidden = [case.choices[0]] * count
    if seed % 3:
        hidden = [_drawn(case, rng) for _ in range(count)]
    for e, chosen in enumerate(hidden):
        found = evaluate(case.program, {**chosen, **case.inputs[e]}, Integers())
        for name, array in outputs.items():
            for at in np.ndindex(array.shape[1:]):
                size = case.program.decl[name].type.size  # type: ignore[union-attr]
                value = rng.randrange(size) if seed % 3 == 2 else found[name, at]
                array[(e, *at)] = -1 if rng.random() < 0.15 else value
    problem = Problem(case.program, Examples(case.examples(), outputs, count), seed=seed)
    rows = [[_right(problem, one, e) for e in range(count)] for one in _all(case)]
    return Known(problem, np.array(rows))


def problems(seeds: range) -> Iterator[Known]:
    """Yield the problems of some seeds that are small enough."""
    yield from filter(None, map(known, seeds))


def _drawn(case: Case, rng: Random) -> Numbers:
    """Return random choices."""
    fixed = {(one.name, one.index): one.value for one in case.program.fixed}
    return {
        element: fixed.get(element, rng.randrange(size))
        for element, size in given_elements(case.program).items()
        if case.program.decl[element[0]].kind == "param"
    }


def _all(case: Case) -> Iterator[Numbers]:
    fixed = {(one.name, one.index): one.value for one in case.program.fixed}
    spaces = list(open_choices(case.program))
    for numbers in product(*(range(size) for *_, size in spaces)):
        found = {(name, at): k for (name, at, _), k in zip(spaces, numbers, strict=True)}
        yield {**fixed, **found}


def _right(problem: Problem, chosen: Numbers, e: int) -> bool:
    """Run plainly: are all observed outputs as wanted, and do all observations hold?"""
    examples = problem.examples
    inputs = {
        (name, at): int(array[(e, *at)])
        for name, array in examples.inputs.items()
        for at in np.ndindex(array.shape[1:])
    }
    for (name, at), value in evaluate(problem.program, {**chosen, **inputs}, Integers()).items():
        if name in examples.outputs and examples.outputs[name][(e, *at)] not in (-1, value):
            return False
        if name.startswith("observe ") and at[0] != value:
            return False
    return True


# ---- answers


def right_by_hand(problem: Problem, choices: Any) -> bool:
    """Run choices plainly on all examples; refuse those that are not allowed."""
    found = {
        (decl.name, at): int(choices[decl.name][at])
        for decl in problem.program.of("param")
        for at in np.ndindex(decl.shape)
    }
    for name, at, size in open_choices(problem.program):
        assert 0 <= found[name, at] < size
    for fixed in problem.program.fixed:
        assert found[fixed.name, fixed.index] == fixed.value
    return all(_right(problem, found, e) for e in range(problem.examples.count))


def check_answers(solve: Solve, seeds: range) -> tuple[int, int, int]:
    """Judge a solver on the problems of some seeds.

    Returns:
        How many were found, how many impossible, and how many of these need several examples.

    """
    found = impossible = several = 0
    for one in problems(seeds):
        outcome = solve(one.problem, silent)
        where = f"seed {one.problem.seed}"
        if one.right.all(axis=1).any():
            assert outcome.status == "found", where
            assert outcome.best is not None
            assert right_by_hand(one.problem, outcome.best.choices), where
            assert outcome.best.right == one.problem.examples.count, where
            found += 1
        else:
            assert outcome.status == "impossible", where
            check_core(one.right, outcome.core, where)
            impossible += 1
            several += len(outcome.core) > 1
    return found, impossible, several


def check_core(right: Array, core: tuple[int, ...], where: str) -> None:
    """Check that examples contradict each other, and that none of them can be left out."""
    assert core == tuple(sorted(set(core))), where
    assert not right[:, core].all(axis=1).any(), f"{where}: {core} do not contradict each other"
    for example in core:
        rest = [other for other in core if other != example]
        assert right[:, rest].all(axis=1).any(), f"{where}: {example} of {core} is not needed"


# ---- one meaning


def check_constants(new: Callable[[], Terms[Any]], seeds: range) -> None:
    """Check that known choices and inputs give what the plain interpreter gives."""
    for seed in seeds:
        case = draw(seed)
        given = {**case.choices[0], **case.inputs[0]}
        terms = new()
        store = run(case.program, {e: terms.constant(k) for e, k in given.items()}, terms)
        found = {element: tuple(terms.support(value)) for element, value in store.items()}
        assert found == {e: (k,) for e, k in case.truth[0][0].items()}, f"seed {seed}"


def check_models(new: Callable[[], Models], seeds: range) -> None:
    """Check models of unknown choices and inputs, a few of them given: a run of the program."""
    for seed in seeds:
        case, models, rng = draw(seed), new(), Random(seed)
        program, terms = case.program, models.terms
        given = {**unknown_choices(program, terms), **unknown_inputs(program, terms)}
        store = run(program, given, terms)
        truth = case.truth[0][0]
        model = models.find([(v, truth[e]) for e, v in given.items() if rng.random() < 0.3])
        assert model is not None, f"seed {seed}"
        numbers = {element: model(value) for element, value in given.items()}
        wanted = evaluate(program, numbers, Integers())
        both = {element: model(store[element]) for element in wanted if element in store}
        assert both == {element: wanted[element] for element in both}, f"seed {seed}"
        results = {decl.name for decl in program.of("output")}
        assert all(e in store for e in wanted if e[0] in results), f"seed {seed}"
