"""One program on all examples, again and again: what solvers have their candidates judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neuralc.backends.exact.executor import Executor
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
WORTH_COMPILING = 500  # examples: below, the plain kernel is done before numba has compiled


def judge(
    program: Program, examples: Examples, *, threads: int = 1
) -> Callable[[Mapping[str, Array]], Array]:
    """Return a function from choices, [*shape] for each param, to bool [E]: which are right?

    Raises:
        Declined: the program has no exact execution.

    """
    executor = Executor(program, jit=examples.count > WORTH_COMPILING, threads=threads)

    def right(choices: Mapping[str, Array]) -> Array:
        batch = {name: np.asarray(value)[None] for name, value in choices.items()}
        found: Array = executor.score(batch, examples)[0]
        return found

    return right
