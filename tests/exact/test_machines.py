"""The exact execution gives what the interpreter gives, on the machines that we ship."""

from __future__ import annotations

import pytest

from tests.exact.reference import check
from tests.machines.solved import ALL, machine


@pytest.mark.parametrize("name", ALL)
def test_plain_python_equals_the_interpreter(name: str) -> None:
    check(machine(ALL[name].machine, ALL[name].hypers).program, jit=False)


@pytest.mark.parametrize("name", ["decrement", "block_access", "apply_right"])
def test_compiled_equals_the_interpreter(name: str) -> None:
    check(machine(ALL[name].machine, ALL[name].hypers).program, jit=True, pairs=(6, 5))
