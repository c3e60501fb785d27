"""Problems that the tests of several solvers ask: tasks of TerpreT, and contradictory examples."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np

from neuralc.backends.base import Problem
from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model
from neuralc.tasks import TASKS


@cache
def task(name: str, seed: int = 0) -> Problem:
    """Return one of the twelve tasks as a problem; five examples, or all for circuits."""
    one = TASKS[name]
    count = None if one.examples is None else 5
    program = Model.load(one.machine, one.hypers).program
    examples = bind(program, one.draw(0, count).train, where="train")
    return Problem(program, examples, seed=seed)


def twice(problem: Problem) -> tuple[Problem, tuple[int, int]]:
    """Return a problem whose last example is the second one again with another output.

    Returns:
        The problem, and the two examples that contradict each other.

    """
    examples = problem.examples
    rows = [*range(examples.count), 1]
    inputs = {name: array[rows] for name, array in examples.inputs.items()}
    outputs = {name: array[rows] for name, array in examples.outputs.items()}
    name = next(iter(outputs))
    outputs[name] = np.array(outputs[name])
    outputs[name][-1] = 1 - outputs[name][-1]
    more = Examples(inputs, outputs, examples.count + 1)
    return dataclasses.replace(problem, examples=more), (1, examples.count)
