"""MATH with networks from a library: the program by gradients alone, and by `auto`.

Gradients alone: the networks stay as they are and every image is read once, so that a hundred
restarts cost what their programs cost. `auto`: gradients and search by turns, networks included.
Both see two-digit expressions and their values only; a program counts as found if it is exact on
expressions of 2 to 16 digits once their symbols are read without error.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), arXiv:1611.02109,
section 4.1: 2 of 100 restarts by gradients.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.data.digits import Digits
from neuralc.data.expressions import draw_expressions
from neuralc.experiments.math_search import MACHINE, LongerExpressions
from neuralc.ir.examples import NOT_OBSERVED, Examples, bind
from neuralc.ir.nodes import Int
from neuralc.learning.model import Model
from neuralc.learning.networks import spread_weights
from neuralc.learning.run import learn
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

Array = np.ndarray[Any, Any]
EXPRESSIONS = 1000  # with two digits, to learn from
CHUNK = 500  # expressions whose images are read at once
SHORT = {"length": 3, "num_steps": 6}  # for expressions of two digits
GRADIENT = Settings(batch=16, rate=0.1, concentration=10.0, steps=400, shake=2.0)
AUTO = Settings(
    restarts=4, batch=32, steps=20, polish=300, shared=True, network_rate=1e-3, accept=0.93
)  # fmt: skip


class Reading(nn.Module):
    """Stands in for a network whose distributions are given in place of the images."""

    def __init__(self, start: int, size: int, restarts: int) -> None:
        """Take `size` of the numbers that are given for an image, from `start` on."""
        super().__init__()
        self.start, self.size, self.restarts = start, size, restarts

    def forward(self, x: Tensor, *, restarts: bool) -> Tensor:
        """Return the distribution for every restart: `(…, n)` to `(P, …, size)`."""
        found = x[..., self.start : self.start + self.size]
        return found if restarts else found.expand(self.restarts, *found.shape)


def math_model(digits: Digits, *, net: str | None = None) -> Model:
    """Return the machine for expressions of two digits."""
    size = {"image_size": digits.train_images.shape[-1]}
    return Model.load(MACHINE, {**size, **SHORT}, net=net)


def expressions(
    model: Model, digits: Digits, operators: Digits, count: int, *, seed: int, halted: bool = True
) -> Examples:
    """Draw two-digit expressions of images for learning, with their values.

    Args:
        model: see `math_model`.
        digits: whose images for learning are used.
        operators: likewise.
        count: how many.
        seed: of the symbols and their images.
        halted: whether the examples also say that a program comes to its end.

    """
    drawn = draw_expressions(
        (digits.train_images, digits.train_labels),
        (operators.train_images, operators.train_labels), count, seed=seed,
    )  # fmt: skip
    ends = np.full(count, 1 if halted else NOT_OBSERVED)
    data = {"tape": drawn.images, "result": drawn.results, "is_halted": ends}
    return bind(model.program, data, where=f"expressions of seed {seed}")


@torch.no_grad()
def read_once(model: Model, weights: Mapping[str, Tensor], examples: Examples) -> Examples:
    """Return the same examples with what the networks say of each image in its place."""
    module = model.compile(seed=0)
    spread_weights(module, weights)
    rows = []
    for start in range(0, examples.count, CHUNK):
        images = torch.from_numpy(examples.inputs["tape"][start : start + CHUNK]).flatten(2)
        said = [body(images, restarts=False)[0] for body in module.networks.values()]
        rows.append(torch.cat(said, -1).numpy())
    return dataclasses.replace(examples, inputs={"tape": np.concatenate(rows)})


def by_gradients(
    model: Model, readings: Examples, settings: Settings, longer: LongerExpressions
) -> dict[str, Any]:
    """Learn the program by gradients alone, all restarts at once; count those that end exact.

    Args:
        model: see `math_model`.
        readings: see `read_once`.
        settings: how; nothing is replaced, every restart is one attempt.
        longer: what tells whether a program is exact.

    Returns:
        What the report says of it.

    """
    began, cpu = time.monotonic(), time.process_time()
    bodies, start = {}, 0
    for network in model.program.networks:
        assert isinstance(network.output, Int)
        bodies[network.name] = _reading(start, network.output.size)
        start += network.output.size
    module = model.compile(restarts=settings.restarts, seed=settings.seed, bodies=bodies)
    trainer = Trainer(module, readings, settings)
    for _ in range(settings.steps):
        trainer.step()
    found = module.choices.best(module.logits)
    programs = [{name: value[p] for name, value in found.items()} for p in range(settings.restarts)]
    exact = [choices for choices in programs if longer.exact(choices)]
    return {
        "seed": settings.seed, "restarts": settings.restarts, "steps": settings.steps,
        "found": len(exact), "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "program": model.show(exact[0]) if exact else None,
        "choices": _listed(exact[0]) if exact else None,
    }  # fmt: skip


def _reading(start: int, size: int) -> Any:
    return lambda restarts: Reading(start, size, restarts)


def by_turns(
    model: Model, weights: Mapping[str, Tensor], examples: Examples, settings: Settings,
    longer: LongerExpressions,
) -> dict[str, Any]:  # fmt: skip
    """Learn program and networks by `auto`; return what the report says of it.

    Args:
        model: see `math_model`.
        weights: of the networks to begin with.
        examples: expressions with their values.
        settings: see `learn`.
        longer: what tells whether a program is exact.

    """
    began, cpu = time.monotonic(), time.process_time()
    solution = learn(model, examples, solver="auto", networks=weights, settings=settings, threads=1)
    return {
        "seed": settings.seed, "found": longer.exact(solution.choices),
        "right": solution.report.train_right / solution.report.train_count,
        "seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu,
        "program": solution.program, "choices": _listed(solution.choices),
    }  # fmt: skip


def _listed(choices: Mapping[str, Array]) -> dict[str, Any]:
    return {name: value.tolist() for name, value in choices.items()}
