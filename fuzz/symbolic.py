"""The symbolic run of a constraint solver against the plain interpreter.

On known numbers it must give the same known numbers. On unknown ones, pinned to the same numbers
by demands so that nothing folds, it must have a model with the same results, and none with others;
and where the solver is free to choose, what it chooses must be allowed, and its results true.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from fuzz.case import Assignment, Case, Mismatch, agree, name_of, named
from fuzz.models import Model, Models, Pairs
from neuralc.backends.base.ground import unknown_choices, unknown_inputs
from neuralc.backends.base.symbolic import Terms, run
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from tests.random_models import given_elements


def check(case: Case, new: Callable[[], Models], *, pairs: int) -> None:
    """Check a constraint solver on a case; at most so many pairs of choices and inputs."""
    places = [(p, e) for p in range(len(case.choices)) for e in range(len(case.inputs))]
    first, *rest = Random(case.seed).sample(places, len(places))[:pairs]
    _constants(case, new().terms, *first)
    whole = _Whole(case, new(), {})
    for at in (first, *rest):
        whole.pinned(at)
    whole.free(first)
    rng, truth = Random(case.seed), case.truth[first[0]][first[1]]
    some = {k: truth[k] for k in whole.given if rng.random() < 0.4}
    _Whole(case, new(), some).pinned(first)


def _constants(case: Case, terms: Terms[Any], p: int, e: int) -> None:
    """Check that known numbers give known numbers, for all elements alike."""
    given = {**case.choices[p], **case.inputs[e]}
    store = run(case.program, {k: terms.constant(v) for k, v in given.items()}, terms)
    found = {element: tuple(terms.support(value)) for element, value in store.items()}
    known = {element: k[0] if len(k) == 1 else k for element, k in found.items()}
    agree(known, case.truth[p][e], f"on the constants of choices {p}, inputs {e}")


class _Whole:
    """A run on choices and inputs that are unknown, but for some."""

    def __init__(self, case: Case, models: Models, known: Assignment) -> None:
        self.case, self.models = case, models
        program, terms = case.program, models.terms
        unknown = {**unknown_choices(program, terms), **unknown_inputs(program, terms)}
        self.given = {k: terms.constant(known[k]) if k in known else v for k, v in unknown.items()}
        self.store = run(program, self.given, terms)

    def pinned(self, at: tuple[int, int]) -> None:
        """Demand the choices and inputs of a pair: the results are the true ones."""
        truth, where = self.case.truth[at[0]][at[1]], f"choices {at[0]}, inputs {at[1]}"
        results = self.case.results(*at)
        missing = [name_of(element) for element in results if element not in self.store]
        if missing:
            raise Mismatch(f"{where}: {', '.join(missing)} are not set")
        demands = [(value, truth[element]) for element, value in self.given.items()]
        model = self.models.find(demands)
        if model is None:
            raise Mismatch(f"{where}: no model, wanted {named(results)}")
        self.true(model, truth, f"in the model of {where}")
        other = self.other(results, demands)
        if other is not None:
            found = {k: other(self.store[k]) for k in results}
            raise Mismatch(f"{where}: a model has {named(found)}, the only one is {named(results)}")

    def free(self, at: tuple[int, int]) -> None:
        """Ask for other results than those of a pair: they are those of what is chosen then."""
        model = self.other(self.case.results(*at), [])
        if model is None:
            return
        given = {element: model(value) for element, value in self.given.items()}
        sizes = given_elements(self.case.program)
        if any(not 0 <= number < sizes[element] for element, number in given.items()):
            raise Mismatch(f"a model has {named(given)}, which is not allowed")
        truth = evaluate(self.case.program, given, Integers())
        self.true(model, truth, f"in a model for {named(given)}")

    def other(self, results: Assignment, demands: Pairs) -> Model | None:
        """Return a model that has not all these results, if there is one."""
        unlike = [(self.store[element], number) for element, number in results.items()]
        return self.models.find(demands, unlike) if unlike else None

    def true(self, model: Model, truth: Assignment, where: str) -> None:
        """Check all elements that are set in both runs."""
        both = {element: number for element, number in truth.items() if element in self.store}
        agree({element: model(self.store[element]) for element in both}, both, where)
