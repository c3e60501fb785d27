"""The symbolic run of a constraint solver against the plain interpreter.

On known numbers it must give the same known numbers. On unknown ones, pinned to the same numbers
by demands so that nothing folds, it must have a model, with the same results and with no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from fuzz.case import Case, Mismatch, agree, name_of, named
from fuzz.models import Models
from neuralc.backends.base.ground import unknown_choices, unknown_inputs
from neuralc.backends.base.symbolic import Terms, run
from neuralc.ir.evaluate import Element

Store = Mapping[Element, Any]


def check(case: Case, new: Callable[[], Models], *, pairs: int) -> None:
    """Check a constraint solver on a case; at most so many pairs of choices and inputs."""
    places = [(p, e) for p in range(len(case.choices)) for e in range(len(case.inputs))]
    shuffled = Random(case.seed).sample(places, len(places))[:pairs]
    _constants(case, new().terms, *shuffled[0])
    models = new()
    given = {**unknown_choices(case.program, models.terms),
             **unknown_inputs(case.program, models.terms)}  # fmt: skip
    store = run(case.program, given, models.terms)
    for p, e in shuffled:
        _pinned(case, models, given, store, (p, e))
    _mixed(case, new(), *shuffled[-1])


def _constants(case: Case, terms: Terms[Any], p: int, e: int) -> None:
    """Check that known numbers give known numbers, for all elements alike."""
    given = {**case.choices[p], **case.inputs[e]}
    store = run(case.program, {k: terms.constant(v) for k, v in given.items()}, terms)
    found = {element: tuple(terms.support(value)) for element, value in store.items()}
    known = {element: k[0] if len(k) == 1 else k for element, k in found.items()}
    agree(known, case.truth[p][e], f"on the constants of choices {p}, inputs {e}")


def _mixed(case: Case, models: Models, p: int, e: int) -> None:
    """Check a run on which some of what is given is known and the rest is not."""
    program, terms = case.program, models.terms
    unknown = {**unknown_choices(program, terms), **unknown_inputs(program, terms)}
    rng, truth = Random(case.seed), case.truth[p][e]
    given = {k: terms.constant(truth[k]) if rng.random() < 0.4 else v for k, v in unknown.items()}
    _pinned(case, models, given, run(program, given, terms), (p, e))


def _pinned(case: Case, models: Models, given: Store, store: Store, at: tuple[int, int]) -> None:
    """Check one run on unknown numbers that are demanded to be those of a pair."""
    truth, where = case.truth[at[0]][at[1]], f"choices {at[0]}, inputs {at[1]}"
    demands = [(value, truth[element]) for element, value in given.items()]
    model = models.find(demands)
    if model is None:
        raise Mismatch(f"{where}: no model, wanted {named(case.results(*at))}")
    both = {element: value for element, value in truth.items() if element in store}
    agree({k: model(store[k]) for k in both}, both, f"in the model of {where}")
    results = case.results(*at)
    missing = [name_of(element) for element in results if element not in store]
    if missing:
        raise Mismatch(f"{where}: {', '.join(missing)} are not set")
    for other in _others(models, demands, [(store[k], v) for k, v in results.items()]):
        found = {k: other(store[k]) for k in results}
        raise Mismatch(
            f"{where}: another model has {named(found)}, the only one is {named(results)}"
        )


def _others(models: Models, demands: Any, results: Any) -> Iterator[Any]:
    """Yield a model with other results, if there is one."""
    if results:
        model = models.find(demands, results)
        if model is not None:
            yield model
