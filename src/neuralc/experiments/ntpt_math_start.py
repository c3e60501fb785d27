"""Networks that MATH begins with: learned from 2x2 grids through programs that are known.

The digit network learns from sums of two cells of a grid, the operator network from the value of
`d1 op d2` with the operator on a grid; both see results only, no label. A lifelong run leaves a
library with the same two networks: its weights can be taken instead.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries (Neural
TerpreT, 2017), section 4.1: MATH comes after the 2x2 tasks and starts with their library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from neuralc.data.digits import Digits
from neuralc.data.expressions import results_of
from neuralc.data.grids import CELLS, TASKS, sum_grids
from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model
from neuralc.learning.networks import network_weights, spread_weights
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

Weights = dict[str, Tensor]
GRIDS = 1000  # of each of the four tasks, as in the paper
BATCH = 64
DIGIT_STEPS, OPERATOR_STEPS = 1000, 250
LINES = {"num_lines": 4}
MOVE_EAST, ADD, APPLY = 2, 5, 5  # instructions of the machines for grids
SUM_OF_TOP = {"instr": [MOVE_EAST, ADD, 0, 0], "arg2": [0, 1, 0, 0], "ret": 2}
VALUE_OF_FIRST = {
    "net_choice": [1, 0, 0, 0, 0], "instr": [APPLY, 0, 0, 0], "arg2": [1, 0, 0, 0],
    "arg_op": [3, 0, 0, 0], "ret": 4,
}  # fmt: skip


def starting_networks(
    digits: Digits, operators: Digits, *, seed: int = 0, net: str | None = None,
    grids: int = GRIDS, share: float = 1.0,
) -> Weights:  # fmt: skip
    """Train a digit network on sums and an operator network on values.

    Args:
        digits: of which the images for learning are used.
        operators: likewise, of the same size.
        seed: of the grids, the weights and the batches.
        net: "mlp" or "cnn"; None: as the machines say, 2 x 256.
        grids: of each of the four cells or pairs of cells.
        share: of the steps that are enough for such networks.

    Returns:
        The parameters of `net_0` and `net_1`, named as in `Solution.weights`.

    """
    size = {"image_size": digits.train_images.shape[-1]}
    adding = Model.load("grid2x2_add", {**size, **LINES}, net=net)
    applying = Model.load("grid2x2_apply", {**size, **LINES}, net=net)
    settings = Settings(restarts=1, batch=BATCH, seed=seed)
    found: Weights = {}
    for name, model, choices, examples, count in (
        ("net_0", adding, SUM_OF_TOP, _sums(adding, digits, grids, seed), DIGIT_STEPS),
        (
            "net_1",
            applying,
            VALUE_OF_FIRST,
            _values(applying, operators, grids, seed),
            OPERATOR_STEPS,
        ),
    ):
        trainer = fixed_trainer(model, choices, settings, examples=examples)
        for _ in range(max(1, round(share * count))):
            trainer.step()
        found |= averaged_weights(trainer, name)
    return found


def fixed_trainer(
    model: Model, choices: Mapping[str, Any], settings: Settings, *, examples: Examples,
    weights: Mapping[str, Tensor] | None = None,
) -> Trainer:  # fmt: skip
    """Return a trainer of the networks alone, through a program that is fixed.

    Args:
        model: the model.
        choices: integers for each `param`; those that are not there are 0.
        settings: how to train; one restart.
        examples: to learn from.
        weights: of the networks to begin with, named as in `Solution.weights`.

    """
    module = model.compile(seed=settings.seed)
    spread_weights(module, weights or {})
    given = {d.name: np.zeros(d.shape, np.int64) for d in model.program.of("param")}
    trainer = Trainer(module, examples, settings)
    trainer.fix(given | {name: np.asarray(value, np.int64) for name, value in choices.items()})
    return trainer


def averaged_weights(trainer: Trainer, name: str = "") -> Weights:
    """Return the averaged parameters of one network, or of all; see `network_weights`."""
    with trainer.perception.averaged():
        return network_weights(trainer.module, name)


def _sums(model: Model, digits: Digits, count: int, seed: int) -> Examples:
    """Return the grids of the four tasks, turned so that the cells of the sum are on top."""
    images, results = [], []
    for number, cells in enumerate(TASKS.values()):
        drawn, sums, _ = sum_grids(
            digits.train_images, digits.train_labels, cells, count, len(TASKS) * seed + number
        )
        order = [*cells, *(cell for cell in range(CELLS) if cell not in cells)]
        images.append(drawn[:, order])
        results.append(sums)
    grids = {"images": np.concatenate(images), "result": np.concatenate(results)}
    return bind(model.program, grids, where="sums of two cells")


def _values(model: Model, operators: Digits, count: int, seed: int) -> Examples:
    """Return grids of operators with digits and the value of `d1 op d2`."""
    rng = np.random.default_rng(seed)
    total = len(TASKS) * count
    picked = rng.integers(len(operators.train_images), size=(total, CELLS))
    d1, d2, d3 = rng.integers(10, size=(3, total))
    symbols = np.stack([d1, operators.train_labels[picked[:, 0]], d2], 1)
    grids = {"images": operators.train_images[picked], "d1": d1, "d2": d2, "d3": d3,
             "result": results_of(symbols)}  # fmt: skip
    return bind(model.program, grids, where="values")
