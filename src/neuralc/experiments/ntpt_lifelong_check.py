"""Judges of what was learned on the 2x2 tasks: programs on true symbols, networks on labels.

Nothing here is learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import sites
from neuralc.data.digits import Digits
from neuralc.data.expressions import results_of
from neuralc.data.grids import CELLS, NUMBERS, TASKS
from neuralc.learning.lifelong.programs import ProgramLearner
from neuralc.learning.model import Choices, Model

SAMPLE = 20_000  # cases of APPLY2X2, out of 4^4 * 10^3
READ_BY = {"ADD2X2": "net_0", "APPLY2X2": "net_1"}  # the network that reads what a grid shows
CHUNK = 1000  # images that are read at once
SYMBOLS = {"net_0": 10, "net_1": 4}


def exact_programs(model: Model, choices: Choices, name: str) -> bool:
    """Tell whether a program does what its task means when every image is read without error.

    Args:
        model: the machine of the task.
        choices: of one program.
        name: of the task, such as "APPLY2X2:left".

    Returns:
        Whether it is right on all 10^4 grids of digits; for APPLY2X2 on 20,000 drawn cases. A
        network that reads what it is not for says anything there.

    """
    kind, side = name.split(":")
    rng = np.random.default_rng(0)
    inputs: dict[str, Any] = {}
    if kind == "ADD2X2":
        symbols = np.indices((10,) * CELLS).reshape(CELLS, -1).T
        wanted = symbols[:, list(TASKS[side])].sum(1)
    else:
        symbols = rng.integers(4, size=(SAMPLE, CELLS))
        d1, d2, d3 = rng.integers(10, size=(len(NUMBERS), SAMPLE))
        inputs = dict(zip(NUMBERS, (d1, d2, d3), strict=True))
        first, second = (symbols[:, cell] for cell in TASKS[side])
        wanted = results_of(np.stack([d1, first, d2, second, d3], axis=1))
    tables = {}
    for site in sites(model.program):
        right = site.network == READ_BY[kind]
        says = symbols if right else rng.integers(SYMBOLS[site.network], size=symbols.shape)
        tables[site] = np.ascontiguousarray(says)[None]
    batch = {key: np.asarray(value)[None] for key, value in choices.items()}
    found = Executor(model.program, jit=False).run(batch, inputs, tables)
    return bool((found["result"][0] == wanted).all())


@torch.no_grad()
def network_accuracy(learner: ProgramLearner, pools: Mapping[str, Digits]) -> dict[str, float]:
    """Return the share of held-out images that each network reads right, by their labels."""
    found = {}
    with learner.perception.averaged():
        for name, pool in pools.items():
            body, right = learner.networks[name], 0
            for start in range(0, len(pool.test_images), CHUNK):
                images = torch.from_numpy(pool.test_images[start : start + CHUNK]).flatten(1)
                says = body(images, restarts=False)[0].argmax(-1).numpy()
                right += int((says == pool.test_labels[start : start + CHUNK]).sum())
            found[name] = right / len(pool.test_images)
    return found
