"""Programs on which some execution was once wrong, through all executions."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.case import case_of
from fuzz.examine import failure
from fuzz.executions import EXECUTIONS, Execution
from neuralc.ir.check import check
from neuralc.ir.text import read

FILES = sorted((Path(__file__).parent / "regressions").glob("*.ir"))
QUICK = [one for one in EXECUTIONS if one.name != "exact-jit"]  # tests/exact compiles


@pytest.mark.parametrize("execution", QUICK, ids=lambda one: one.name)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_right_from_now_on(path: Path, execution: Execution) -> None:
    program = read(path.read_text(encoding="utf-8"))
    assert not check(program)
    for seed in range(1 if execution.name == "native" else 3):  # each compiles four kernels
        found = failure(case_of(program, seed), execution)
        assert found is None, found
