"""MATH once its program is found: the networks learn on through it, and it reads long expressions.

Training shows two-digit expressions of the images for learning and their values, no label. Tests
are on expressions of images that were held out, with up to 16 digits, by the same program and
networks in the machine for longer tapes.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), arXiv:1611.02109,
section 4.1: the digit network reaches 97.5 %, and N digits come out right in about a^N.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neuralc.data.digits import Digits
from neuralc.data.expressions import draw_expressions
from neuralc.experiments.math_search import CHECKED, LONGEST, LongerExpressions, accuracy
from neuralc.experiments.ntpt_math_search import expressions
from neuralc.experiments.ntpt_math_start import Weights, averaged_weights, fixed_trainer
from neuralc.learning.model import Model
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from neuralc.learning.train import Trainer

Tell = Callable[[int, str], None]  # steps made, and a remark
DRAWN = 2048  # expressions drawn at once
TESTED = 500  # held-out expressions of each length
PERFECT = (16, 50, 100, 200)  # digits of expressions whose symbols are read without error
MANY = 1_000_000  # sets of expressions for one seed
TOLD = 25  # steps between two remarks
# how networks are trained through the program, by their body
READING = {
    "mlp": Settings(
        restarts=1, batch=128, steps=4000, network_rate=1e-3, augment=True, average=0.998
    ),
    "cnn": Settings(
        restarts=1, batch=128, steps=6000, network_rate=1e-3, augment=True, average=0.998
    ),
}  # fmt: skip


def read_on(
    model: Model, choices: Mapping[str, Any], weights: Mapping[str, Tensor], digits: Digits,
    operators: Digits, settings: Settings, *, tell: Tell | None = None,
) -> tuple[Weights, dict[str, Any]]:  # fmt: skip
    """Train the networks on through a program that was found.

    Args:
        model: the machine for two-digit expressions.
        choices: the program.
        weights: of the networks to begin with, named as in `Solution.weights`.
        digits: whose images for learning are used, those held out for the report.
        operators: likewise.
        settings: how; `steps` steps.
        tell: called now and then.

    Returns:
        The weights, and what the report says: accuracies before and after, and time.

    """
    began, cpu = time.monotonic(), time.process_time()
    batch = settings.batch or DRAWN
    shown = expressions(model, digits, operators, DRAWN, seed=_seed(settings, 0))
    trainer = fixed_trainer(model, choices, settings, examples=shown, weights=weights)
    before = _accuracies(trainer, digits, operators)
    for step in range(settings.steps):
        turn, place = divmod(step, DRAWN // batch)
        if place == 0:
            shown = expressions(model, digits, operators, DRAWN, seed=_seed(settings, turn))
        rows = shown.take(slice(place * batch, (place + 1) * batch))
        targets = {name: torch.from_numpy(value) for name, value in rows.outputs.items()}
        trainer.learn(trainer.module.prepare(rows.inputs), targets)
        trainer.perception.step()
        if tell is not None and (step + 1) % TOLD == 0:
            tell(step + 1, f"loss {float(trainer.loss[0]):.3f} nats")
    after = _accuracies(trainer, digits, operators)
    return averaged_weights(trainer), {
        "steps": settings.steps, "expressions": settings.steps * batch,
        "digits_before": before["net_0"], "operators_before": before["net_1"],
        "digits": after["net_0"], "operators": after["net_1"],
        "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu,
    }  # fmt: skip


def _seed(settings: Settings, turn: int) -> int:
    return settings.seed * MANY + turn


def _accuracies(trainer: Trainer, digits: Digits, operators: Digits) -> dict[str, float]:
    """Return the share of held-out images that each network reads right; for the report only."""
    with trainer.perception.averaged():
        return {
            name: accuracy(trainer.module, name, (data.test_images, data.test_labels))
            for name, data in (("net_0", digits), ("net_1", operators))
        }


def by_length(
    solution: Solution, digits: Digits, operators: Digits, *, tested: int = TESTED,
    sizes: Sequence[int] = range(2, LONGEST + 1), seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """Run a solution on longer and longer expressions of held-out images.

    Args:
        solution: program and networks, for two-digit expressions.
        digits: whose held-out images are used.
        operators: likewise.
        tested: expressions of each length.
        sizes: how many digits.
        seed: of the expressions.

    Returns:
        The share of exact values for each number of digits, named as in JSON.

    """
    found = {}
    for size in sizes:
        drawn = draw_expressions(
            (digits.test_images, digits.test_labels),
            (operators.test_images, operators.test_labels), tested, size=size, seed=seed + size,
        )  # fmt: skip
        longer = solution.resized({"length": 2 * size - 1, "num_steps": 3 * size})
        said = longer({"tape": drawn.images})
        found[str(size)] = float((said["result"] == drawn.results).mean())
    return found


def perfectly(
    choices: Mapping[str, Any], image_size: int, *, sizes: Sequence[int] = PERFECT, seed: int = 0
) -> dict[str, Any]:
    """Run a program on long expressions whose symbols are read without error.

    Returns:
        For each number of digits whether all values are exact, and the seconds of all.

    """
    began = time.monotonic()
    exact = {
        str(size): LongerExpressions(image_size, sizes=[size], seed=seed).exact(dict(choices))
        for size in sizes
    }
    return {"expressions": CHECKED, "exact": exact, "seconds": time.monotonic() - began}
