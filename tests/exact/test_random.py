"""The exact execution gives what the interpreter gives, on random programs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from neuralc.ir.nodes import Program
from tests.exact.reference import check
from tests.random_models import Features, programs, random_program


@given(programs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_plain_python_equals_the_interpreter(program: Program) -> None:
    check(program, jit=False)


@pytest.mark.parametrize("block", range(4))
def test_plain_python_equals_the_interpreter_on_seeds(block: int) -> None:
    for seed in range(50 * block, 50 * (block + 1)):
        check(random_program(seed), jit=False, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_compiled_equals_the_interpreter(seed: int) -> None:
    check(random_program(seed, Features(statements=25)), jit=True, seed=seed, pairs=(5, 6))
