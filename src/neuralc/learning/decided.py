"""A `Solution` made of choices that a solver has found: they are certain, nothing was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from neuralc.backends.exact import Executor
from neuralc.backends.soft.parameters import Choices
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program
from neuralc.learning.dead import dead_choices
from neuralc.learning.model import Model
from neuralc.learning.networks import spread_weights
from neuralc.learning.score import class_tables, log_likelihoods, network_function
from neuralc.learning.solution import Report, Solution

if TYPE_CHECKING:
    from neuralc.backends.soft import SoftModule

Array = np.ndarray[Any, Any]
Weights = Mapping[str, torch.Tensor]
WORK_WORTH_COMPILING = 300  # examples


def with_networks(model: Model, weights: Weights) -> SoftModule | None:
    """Return the soft execution with known networks; None where the model has none.

    Raises:
        NeuralcError: a network of the same name is of another shape.

    """
    if not model.program.networks:
        return None
    module = model.compile(seed=0)
    spread_weights(module, weights)
    return module


def likelihoods(module: SoftModule | None, weights: Weights, train: Examples) -> tuple[Array, ...]:
    """Return what `Problem.networks` wants; nothing where not all networks are known."""
    if module is None:
        return ()
    names = {name for name, _ in module.named_parameters()} - {"logits"}
    return log_likelihoods(module, train.inputs) if names <= weights.keys() else ()


def decided(
    model: Model, module: SoftModule | None, choices: Mapping[str, Array], train: Examples,
    report: Report,
) -> Solution:  # fmt: skip
    """Return choices as a solution.

    Args:
        model: the model.
        module: with the networks, see `with_networks`.
        choices: for every `param` integers of its shape.
        train: the training examples, for what is dead.
        report: how they were found.

    """
    program = model.program
    found = {name: np.asarray(value, np.int64) for name, value in choices.items()}
    weights = {"logits": Choices(program).certain(found).float()}
    if module is not None:
        own = {name: value.detach().clone() for name, value in module.named_parameters()}
        weights = {**own, "logits": weights["logits"].to(own["logits"])}
    sure = {name: np.ones(value.shape) for name, value in found.items()}
    networks = {} if module is None else {"networks": network_function(module)}
    dead = dead_choices(program, found, train, **networks)
    return Solution(model, found, sure, weights, report, frozenset(dead))


def right_on(
    program: Program, module: SoftModule | None, choices: Mapping[str, Array], examples: Examples
) -> int:
    """Return how many examples some choices get right, by exact execution."""
    executor = Executor(program, jit=examples.count > WORK_WORTH_COMPILING)
    tables = class_tables(module, examples.inputs) if module is not None else None
    batch = {name: value[None] for name, value in choices.items()}
    return int(executor.score(batch, examples, tables).sum())
