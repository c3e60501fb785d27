"""Small programs against the interpreter, and the checker."""

from __future__ import annotations

import pytest

from neuralc.backends.soft.module import Precision
from neuralc.ir.check import check
from tests.random_models import random_distributions
from tests.soft.cases import CASES, program_of
from tests.soft.reference import compare


@pytest.mark.parametrize("precision", ["linear", "log"])
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, precision: Precision) -> None:
    program = program_of(name)
    if (
        "set at" not in name and "gate decides" not in name
    ):  # elements that only one branch sets: the checker wants them all
        assert check(program) == []
    drawn = [random_distributions(program, seed) for seed in range(4)]
    params = {decl.name for decl in program.of("param")}
    choices = [{e: v for e, v in one.items() if e[0] in params} for one in drawn[:2]]
    examples = [{e: v for e, v in one.items() if e[0] not in params} for one in drawn[2:]]
    compare(program, choices, examples, precision)
