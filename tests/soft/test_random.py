"""Random programs: softly on distributions as the interpreter, on sure values as the exact run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from neuralc.backends.exact import Executor
from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import Precision
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Observe, Program, walk
from tests.random_models import (
    Features,
    given_elements,
    programs,
    random_assignment,
    random_distributions,
    random_program,
)
from tests.soft.reference import compare, inputs_of, module_of, one_hot, results_of

RESTARTS, EXAMPLES = 2, 2
PRECISIONS: tuple[Precision, ...] = ("linear", "log")
both_precisions = pytest.mark.parametrize("precision", PRECISIONS)


def parts(given: dict[Any, Any], program: Program, kind: str) -> dict[Any, Any]:
    return {e: value for e, value in given.items() if program.decl[e[0]].kind == kind}


def check_soft(program: Program, precision: Precision, seed: int = 0) -> None:
    """Compare on distributions: every restart and every example has its own."""
    drawn = [random_distributions(program, seed + k) for k in range(RESTARTS + EXAMPLES)]
    choices = [parts(given, program, "param") for given in drawn[:RESTARTS]]
    examples = [parts(given, program, "input") for given in drawn[RESTARTS:]]
    compare(program, choices, examples, precision)


def check_exact(program: Program, precision: Precision, seed: int = 0) -> None:
    """Compare on sure values, with the exact execution and the interpreter on integers."""
    drawn = [random_assignment(program, seed + k) for k in range(RESTARTS + EXAMPLES)]
    choices = [parts(given, program, "param") for given in drawn[:RESTARTS]]
    examples = [parts(given, program, "input") for given in drawn[RESTARTS:]]
    module = module_of(program, [one_hot(program, chosen) for chosen in choices], precision)
    inputs = inputs_of(program, [one_hot(program, example) for example in examples])
    numbers = {name: x.argmax(-1) for name, x in inputs.items()}
    outputs, observed = results_of(module, numbers)
    best = module.choices.best(module.logits)
    exact = Executor(program, jit=False).run(best, {n: x.numpy() for n, x in numbers.items()})
    for name, array in exact.items():
        sure = np.eye(outputs[name].shape[-1])[array]
        np.testing.assert_allclose(outputs[name], sure, rtol=0, atol=1e-9, err_msg=str(program))
    for p, chosen in enumerate(choices):
        for b, example in enumerate(examples):
            found = evaluate(program, {**chosen, **example}, Integers())
            for decl in program.of("output"):
                for at in np.ndindex(decl.shape):
                    assert exact[decl.name][(p, b, *at)] == found[decl.name, at]
            for k, row in enumerate(observed):
                wanted = next(v for (name, _), v in found.items() if name == f"observe {k}")
                assert abs(row[p, b, wanted] - 1) < 1e-9


@both_precisions
@pytest.mark.parametrize("tight", [False, True])
def test_soft_equals_the_interpreter(precision: Precision, tight: bool) -> None:
    @given(program=programs(Features(tight=tight)))
    @settings(max_examples=3 * settings().max_examples)
    def run(program: Program) -> None:
        check_soft(program, precision)

    run()


@both_precisions
@pytest.mark.parametrize("tight", [False, True])
def test_soft_on_sure_values_is_exact(precision: Precision, tight: bool) -> None:
    @given(program=programs(Features(tight=tight)))
    @settings(max_examples=3 * settings().max_examples)
    def run(program: Program) -> None:
        check_exact(program, precision)

    run()


@both_precisions
@pytest.mark.parametrize("block", range(4))
def test_on_seeds(precision: Precision, block: int) -> None:
    for seed in range(100 * block, 100 * (block + 1)):
        program = random_program(seed, Features(tight=bool(seed % 2)))
        check_soft(program, precision, seed)
        check_exact(program, precision, seed)


@both_precisions
def test_larger_programs(precision: Precision) -> None:
    for seed in range(1000, 1050):
        check_soft(random_program(seed, Features(statements=40)), precision, seed)


def test_the_programs_observe_something() -> None:
    seeds = range(100)
    assert any(isinstance(s, Observe) for k in seeds for s in walk(random_program(k).body))


def test_what_is_not_allowed_has_no_chance() -> None:
    """Fixed choices, and values beyond the limit of an element, whatever the logits are."""
    for seed in range(60):
        program = random_program(seed)
        module = SoftModule(program, restarts=2)
        generator = torch.Generator().manual_seed(seed)
        module.logits.data = 5 * torch.randn(module.logits.shape, generator=generator)
        with torch.no_grad():
            chances = module.probabilities()
        best = module.choices.best(module.logits)
        for (name, at), limit in given_elements(program).items():
            if program.decl[name].kind == "param":
                assert not chances[name][(slice(None), *at)][:, limit:].any()
                assert (best[name][(slice(None), *at)] < limit).all()
        for item in program.fixed:
            row = chances[item.name][(slice(None), *item.index)]
            assert (row[:, item.value] == 1).all()
            assert (best[item.name][(slice(None), *item.index)] == item.value).all()
