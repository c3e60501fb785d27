"""The answers of solvers against the plain interpreter, and against trying all choices."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from math import prod
from random import Random
from typing import Any

import numpy as np

from fuzz.case import Assignment, Case, Mismatch, named, size_of
from neuralc.backends.base.problem import Outcome, Problem, Report
from neuralc.errors import Declined
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.examples import Examples
from neuralc.ir.space import open_choices

Solve = Callable[[Problem, Report], Outcome]
SMALL = 300  # choices that are all tried
SECONDS = 60.0


class GaveUp(Exception):
    """A solver said "unknown" within the time that it was given."""


def check(case: Case, solve: Solve, *, largest: float = float("inf")) -> None:
    """Ask for the choices behind some examples, and for such behind examples that were corrupted.

    Args:
        case: the first of its choices is the hidden one.
        solve: the solver.
        largest: the number of choices up to which it is asked.

    Raises:
        Declined: there are more choices; or neither are those of the case right, nor can all be
            tried.
        GaveUp: the solver has found no answer.
        Mismatch: the answer is wrong.

    """
    size = prod(n for _, _, n in open_choices(case.program))
    if size > largest:
        raise Declined("this check", [f"{size} programs, at most {largest} are tried"])
    rng = Random(case.seed)
    examples = _examples(case, rng)
    held = all(
        at[0] == value
        for e in range(len(case.inputs))
        for (name, at), value in case.results(0, e).items()
        if name.startswith("observe ")
    )
    if not held and size > SMALL:
        raise Declined("this check", ["nothing is known about the answer"])
    if held:
        _ask(case, examples, solve, hidden=case.choices[0], small=size <= SMALL)
    if size <= SMALL:
        corrupted = examples if not held else _corrupted(case, examples, rng)
        _ask(case, corrupted, solve, hidden=None, small=True)


def _examples(case: Case, rng: Random) -> Examples:
    """Return what the first choices give; some targets are not observed."""
    outputs = case.outputs(0)
    for array in outputs.values():
        for at in np.ndindex(array.shape):
            if rng.random() < 0.15:
                array[at] = -1
    return Examples(case.examples(), outputs, len(case.inputs))


def _corrupted(case: Case, examples: Examples, rng: Random) -> Examples:
    """Return examples of which one or two targets are drawn anew."""
    outputs = {name: array.copy() for name, array in examples.outputs.items()}
    for _ in range(rng.randint(1, 2) if outputs else 0):
        name = rng.choice(sorted(outputs))
        at = tuple(rng.randrange(n) for n in outputs[name].shape)
        outputs[name][at] = rng.randrange(size_of(case.program, name))
    return Examples(examples.inputs, outputs, examples.count)


def _ask(
    case: Case, examples: Examples, solve: Solve, *, hidden: Assignment | None, small: bool
) -> None:
    """Ask a solver, and judge its answer."""
    problem = Problem(
        case.program, examples, seed=case.seed, deadline=time.monotonic() + SECONDS
    )  # fmt: skip
    outcome = solve(problem, lambda note, best: None)
    targets = "; ".join(f"{name} = {a.tolist()}" for name, a in examples.outputs.items())
    if outcome.status == "unknown":
        raise GaveUp(outcome.note)
    if outcome.status == "found":
        _judge_found(case, examples, outcome, targets)
    elif hidden is not None:
        raise Mismatch(f"impossible, but right is {named(hidden)}\n  targets: {targets}")
    elif small:
        _judge_impossible(case, examples, outcome, targets)


def _judge_found(case: Case, examples: Examples, outcome: Outcome, targets: str) -> None:
    assert outcome.best is not None
    limits = {(name, index): n for name, index, n in open_choices(case.program)}
    fixed = {(one.name, one.index): one.value for one in case.program.fixed}
    found = {
        (decl.name, at): int(outcome.best.choices[decl.name][at])
        for decl in case.program.of("param")
        for at in np.ndindex(decl.shape)
    }
    for element, value in found.items():
        if not 0 <= value < limits.get(element, value + 1) or fixed.get(element, value) != value:
            raise Mismatch(f"found choices that are not allowed: {named(found)}")
    wrong = [e for e in range(examples.count) if not _right(case, found, examples, e)]
    if wrong or outcome.best.right != examples.count:
        raise Mismatch(
            f"found {named(found)}, said to be right on {outcome.best.right} of {examples.count}, "
            f"but wrong on {wrong}\n  targets: {targets}"
        )


def _judge_impossible(case: Case, examples: Examples, outcome: Outcome, targets: str) -> None:
    """Check by trying all choices, on all examples and on those that are to be the reason."""
    sets: list[tuple[str, Iterable[int]]] = [("all examples", range(examples.count))]
    if outcome.core:
        sets.append((f"the examples {outcome.core} alone", outcome.core))
    for what, some in sets:
        for chosen in _all_choices(case):
            if all(_right(case, chosen, examples, e) for e in some):
                raise Mismatch(
                    f"impossible, but right on {what} is {named(chosen)}\n  targets: {targets}"
                )


def _all_choices(case: Case) -> Iterator[dict[Element, int]]:
    fixed = {(one.name, one.index): one.value for one in case.program.fixed}
    spaces = list(open_choices(case.program))
    for numbers in product(*(range(size) for _, _, size in spaces)):
        found = {(name, at): k for (name, at, _), k in zip(spaces, numbers, strict=True)}
        yield {**fixed, **found}


def _right(case: Case, chosen: Mapping[Element, int], examples: Examples, e: int) -> bool:
    """Run plainly: are all observed outputs as wanted, and do all observations hold?"""
    found: Any = evaluate(case.program, {**chosen, **case.inputs[e]}, Integers())
    for (name, at), value in found.items():
        if name in examples.outputs and examples.outputs[name][(e, *at)] not in (-1, value):
            return False
        if name.startswith("observe ") and at[0] != value:
            return False
    return True
