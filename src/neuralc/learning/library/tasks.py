"""Tasks that were learned: what is kept of them, and whether they still come out right.

A task is re-scored by the exact execution of its program, with the functions as they are now, on
the examples that were kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.exact import Executor
from neuralc.backends.soft import SoftModule
from neuralc.errors import ModelErrors, NeuralcError, SolutionError
from neuralc.ir.examples import Examples, bind
from neuralc.ir.nodes import Int
from neuralc.learning.decided import WORK_WORTH_COMPILING, with_networks
from neuralc.learning.library.functions import whole
from neuralc.learning.library.index import Index, Learned, check_name
from neuralc.learning.library.store import packed
from neuralc.learning.model import Model
from neuralc.learning.score import class_tables
from neuralc.learning.solution import DAMAGE, chosen
from neuralc.source import Source

Array = np.ndarray[Any, Any]
SEED = 0  # of which examples are kept, so that the same data give the same file


@dataclass(frozen=True, eq=False)
class Lesson:
    """A task to be kept in a library.

    Attributes:
        name: such as "ADD2X2:top"; no two tasks of a library share it.
        model: the interpreter.
        choices: the program: for each `param` integers of its shape.
        examples: to re-score it on, best those that were not learned from.
        held_out: whether they were not.

    """

    name: str
    model: Model
    choices: Mapping[str, Array]
    examples: Examples
    held_out: bool = True


class Score(NamedTuple):
    """How a task does, by the exact execution on the examples that were kept.

    `learned` and `now` are shares of so many `examples`, `change` is the difference. `functions`
    are those that the program uses, with their versions when it was learned and now.
    """

    task: str
    learned: float
    now: float
    change: float
    examples: int
    held_out: bool
    functions: dict[str, tuple[int, int]]


class Kept(NamedTuple):
    """A task ready for the index, and the file of its examples."""

    learned: Learned
    data: bytes


# ---- keep


def keep(
    lesson: Lesson, weights: Mapping[str, Tensor], versions: Mapping[str, int], limit: int
) -> Kept:
    """Score a task with some networks and return what is kept of it.

    Args:
        lesson: the task.
        weights: of all functions that its model may use, named as in a solution.
        versions: the version of each of these functions.
        limit: examples at most.

    Raises:
        NeuralcError: a name that cannot be, no examples, or a function that is missing.

    """
    name, model = check_name(lesson.name), lesson.model
    examples = sample(lesson.examples, limit)
    if not examples.count:
        raise NeuralcError(f"task {name!r} has no examples to re-score it on")
    module = with_networks(model, weights)
    right = int(rights(model, module, lesson.choices, examples).sum())
    used = used_functions(model, module, lesson.choices, examples)
    if missing := [function for function in used if function not in versions]:
        raise NeuralcError(
            f"task {name!r} uses {missing[0]}, which is neither in the library nor given"
        )
    tensors = {f"inputs.{k}": _tensor(v) for k, v in examples.inputs.items()}
    tensors |= {f"outputs.{k}": _tensor(v) for k, v in examples.outputs.items()}
    digest, data = packed(tensors)
    choices = {key: np.asarray(value) for key, value in lesson.choices.items()}
    learned = Learned(
        name, model.source.name, model.source.text, model.hypers, model.net or "",
        {key: value.tolist() for key, value in choices.items()}, model.show(choices),
        {function: versions[function] for function in used}, right, examples.count,
        lesson.held_out, digest,
    )  # fmt: skip
    return Kept(learned, data)


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array))  # a copy: arrays of users may be read-only


def sample(examples: Examples, limit: int) -> Examples:
    """Return so many of the examples, spread over all of them, always the same."""
    if examples.count <= limit:
        return examples
    order = np.random.default_rng(SEED).permutation(examples.count)
    return examples.take(np.sort(order[:limit]))


def used_functions(
    model: Model, module: SoftModule | None, choices: Mapping[str, Array], examples: Examples
) -> list[str]:
    """Return the functions that matter to a program: with other answers it gives other results.

    A program may leave a function of its model alone; then nothing was learned of it.
    """
    if module is None:
        return []
    executor = Executor(model.program, jit=examples.count > WORK_WORTH_COMPILING)
    tables = class_tables(module, examples.inputs)
    plain = executor.run(_batch(choices), examples.inputs, tables)
    found = []
    for network in model.program.networks:
        assert isinstance(network.output, Int), "the exact execution runs no others"
        for shift in range(1, network.output.size):
            changed = {
                site: (table + shift) % network.output.size if site.network == network.name
                else table for site, table in tables.items()
            }  # fmt: skip
            other = executor.run(_batch(choices), examples.inputs, changed)
            if any((other[name] != value).any() for name, value in plain.items()):
                found.append(network.name)
                break
    return found


def rights(
    model: Model, module: SoftModule | None, choices: Mapping[str, Array], examples: Examples
) -> Array:
    """Return which examples a program gets right, bool [E]."""
    executor = Executor(model.program, jit=examples.count > WORK_WORTH_COMPILING)
    tables = class_tables(module, examples.inputs) if module is not None else None
    return np.asarray(executor.score(_batch(choices), examples, tables)[0]).astype(bool)


def _batch(choices: Mapping[str, Array]) -> dict[str, Array]:
    return {name: np.asarray(value)[None] for name, value in choices.items()}


# ---- re-score


def rescored(
    task: Learned, index: Index, weights: Mapping[str, Mapping[str, Tensor]],
    tensors: Mapping[str, Tensor], folder: Path,
) -> Score:  # fmt: skip
    """Score a task with the functions as they are now.

    Args:
        task: the task.
        index: of the library.
        weights: of the current version of each function that the task uses.
        tensors: the file of its examples.
        folder: of the library, for messages.

    Raises:
        SolutionError: what was kept does not fit together.

    """
    try:
        source = Source(task.source, task.text)
        model = Model.load(source, dict(task.hypers), net=task.net or None)
        examples = _examples(model, tensors)
        for name in task.functions:
            if model.program.network[name] != index.functions[name].network:
                raise ValueError(f"its {name} has another signature")
        given = {k: v for name, own in weights.items() for k, v in whole(name, own).items()}
        module = with_networks(model, given)
        right = int(rights(model, module, _choices(model, task), examples).sum())
        if examples.count != task.count:
            raise ValueError(f"{examples.count} examples, not {task.count}")
    except (*DAMAGE, ModelErrors, NeuralcError) as error:
        raise SolutionError(f"{folder} is damaged: task {task.name!r}: {error}") from None
    now = right / task.count
    functions = {
        name: (number, index.functions[name].current.number)
        for name, number in task.functions.items()
    }
    change = now - task.accuracy
    return Score(task.name, task.accuracy, now, change, task.count, task.held_out, functions)


def _choices(model: Model, task: Learned) -> dict[str, Array]:
    """Return the program of a task; ValueError or KeyError where it is none of the model."""
    return {decl.name: chosen(decl, task.choices[decl.name]) for decl in model.program.of("param")}


def _examples(model: Model, tensors: Mapping[str, Tensor]) -> Examples:
    """Return the examples of a file, checked against the model like any others."""
    columns: dict[str, Array] = {}
    for key, value in tensors.items():
        kind, _, name = key.partition(".")
        if kind not in ("inputs", "outputs"):
            raise ValueError(f"{key} is neither input nor output")
        columns[name] = value.numpy()
    return bind(model.program, columns, where="examples kept")
