"""Programs as if they had been learned, and functions that say what some of them should do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.learning.model import Model
from neuralc.learning.solution import Report, Solution
from neuralc.source import Source
from tests.machines.solved import Solved

REPORT = Report("test", 0, 1, 1, 1, 0, 1, 1, 0, 0, 0.0)


def solution(model: Model, choices: Mapping[str, Any]) -> Solution:
    """Return a program as if it had been learned."""
    arrays = {name: np.array(value, np.int64) for name, value in choices.items()}
    sure = {name: np.ones(value.shape) for name, value in arrays.items()}
    weights = {name: value.detach() for name, value in model.compile().named_parameters()}
    return Solution(model, arrays, sure, weights, REPORT)


def of(solved: Solved, **changes: Any) -> Solution:
    return solution(Model.load(solved.machine, solved.hypers), {**solved.choices, **changes})


def model(text: str, **hypers: int) -> Model:
    return Model.load(Source("model.py", text), hypers)


# ---- references


def inverted(initial_tape):  # type: ignore[no-untyped-def]
    """Invert the bits up to the first blank, in so many steps as there are."""
    tape = list(initial_tape)
    n = 0
    while n < len(tape) and tape[n] != 2:
        tape[n] = 1 - tape[n]
        n += 1
    if n == len(tape):
        return None
    return {"final_tape": tape, "final_is_halted": 1}


def decremented(initial_tape):  # type: ignore[no-untyped-def]
    """Subtract 1 from a number of up to four digits, the last of which is not all 0."""
    tape = list(initial_tape)
    n = 0
    while n < len(tape) and tape[n] != 2:
        n += 1
    for k in range(n, len(tape)):
        if tape[k] != 2:
            return None
    if n > 3 or 1 not in tape[:n]:
        return None
    k = n - 1
    while tape[k] == 0:
        tape[k] = 1
        k -= 1
    tape[k] = 0
    return {"final_tape": tape, "final_is_halted": None}


def swapped(initial_wires):  # type: ignore[no-untyped-def]
    a, b, _ = initial_wires
    return {"final_wires": [b, a]}


def accessed(initial_memory, maxInt):  # type: ignore[no-untyped-def]  # noqa: N803
    index = initial_memory[0]
    if index + 1 >= maxInt:
        return None
    found = list(initial_memory)
    found[0] = initial_memory[1 + index]
    return {"final_memory": found, "final_is_halted": 1}


CONSTANT = """
n = Hyper()
x = Input(n)
y = Output(n)
p = Param(n)
@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
p.set_to_constant(2)
y.set_to(ADD(x, p))
"""
OPEN = CONSTANT.replace("p.set_to_constant(2)\n", "")


WIDE = """
x = Input(10)[9]
y = Output(10)[9]
p = Param(2)
for i in range(9):
    if p == 0:
        y[i].set_to(x[8 - i])
    else:
        y[i].set_to(x[i])
"""


def reversed_slowly(x):  # type: ignore[no-untyped-def]
    """Turn a list around, with more turns before that than a solver is told."""
    left = sum(x)
    while left > 0:
        left -= 1
    return list(reversed(x))


def reversed_(x):  # type: ignore[no-untyped-def]
    return x[::-1]
