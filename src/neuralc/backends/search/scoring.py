"""How wrong candidates are: what a stochastic search makes small. Zero is right on all examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Observe, walk

Array = np.ndarray[Any, Any]
Cost = Callable[[Mapping[str, Array]], Array]
"""From choices [C, *shape] by name to numbers [C], 0 where everything is right."""


def mistakes(executor: Executor, examples: Examples) -> Cost:
    """Return the number of wrong elements of outputs, over all examples.

    An example whose outputs are right counts 1 if an observation inside the program does not hold.
    """
    wanted = {name: array for name, array in examples.outputs.items() if (array >= 0).any()}
    observes = any(isinstance(statement, Observe) for statement in walk(executor.program.body))

    def cost(params: Mapping[str, Array]) -> Array:
        count = next((len(array) for array in params.values()), 1)
        found = executor.run(params, examples.inputs)
        wrong = np.zeros((count, examples.count), np.int64)
        for name, target in wanted.items():
            differs = (found[name] != target) & (target >= 0)
            wrong += differs.reshape(count, examples.count, -1).sum(axis=2)
        if observes:
            wrong = np.maximum(wrong, ~executor.score(params, examples))
        total: Array = wrong.sum(axis=1)
        return total

    return cost
