"""Settings of the gradients that are known to be good: the paper's, and ours, for its six tasks.

Ours were found by random search and evolution of settings on these same six tasks, on other seeds
and samples than those that are reported; for other tasks they promise nothing. What seems to matter
most: a run is cut off before the original would end (`max_steps`), not to have stopped costs much
(`halting`), the best discrete program along the way is kept, and there are several attempts.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, and the commands
published with it.
"""

from __future__ import annotations

from functools import partial

from neuralc.learning.adapt.gradient import Settings
from neuralc.learning.adapt.problem import Problem
from neuralc.nn.loss import Weights

_published = partial(Settings, mixing="logits", halting="reference")

PAPER = {
    "access": _published(
        updates=2000, batch=1, optimiser="sgd", rate=1.0, weights=Weights(10, 0, 0, 1),
        sharpness=2, max_steps=10,
    ),
    "increment": _published(
        updates=7200, batch=1, rate=0.1, weights=Weights(1, 0, 0.1, 5), sharpness=5, max_steps=50
    ),
    "swap": _published(
        updates=2000, batch=1, rate=0.1, weights=Weights(1, 0, 0, 10), sharpness=3, max_steps=15
    ),
    "listk": _published(
        updates=2000, batch=5, rate=1.0, weights=Weights(10, 10, 0.1, 20), sharpness=5,
        max_steps=75,
    ),
    "addition": _published(
        updates=3000, batch=1, rate=0.1, weights=Weights(10, 0, 0, 10), sharpness=4, max_steps=65
    ),
    "bubble_sort": _published(
        updates=700, batch=5, rate=1.0, weights=Weights(10, 5, 0.1, 5), sharpness=6, max_steps=75
    ),
}  # fmt: skip
"""The paper's settings by task, with mixed logits and the halting rule of its implementation."""

OURS = {
    "access": Settings(
        attempts=4, optimiser="sgd", rate=0.538, registers_rate=3.28, batch=4,
        weights=Weights(1, 5.9, 0.94, 5.03), sharpness=1.73, registers_sharpness=1.17, max_steps=7,
        mixing="logits", halting="reference", scale=1.3, gradient_noise=0.5,
    ),
    "swap": Settings(
        attempts=3, rate=0.043, registers_rate=1.75, batch=4, weights=Weights(1, 0, 0, 27),
        sharpness=4.64, registers_sharpness=1.04, max_steps=8, scale=1.84,
    ),
    "addition": Settings(
        attempts=3, rate=0.0152, registers_rate=0.42, batch=1,
        weights=Weights(10, 2.5, 0.21, 2.8), sharpness=4.03, registers_sharpness=1.2, noise=0.05,
        max_steps=18, halting="reference", scale=1.38,
    ),
    "listk": Settings(
        updates=600, attempts=5, optimiser="sgd", rate=0.87, registers_rate=0.276, batch=1,
        weights=Weights(10, 2.1, 0.245, 14.6), sharpness=3.42, registers_sharpness=2.2,
        max_steps=11, mixing="logits", halting="reference", scale=1.6, gradient_noise=0.225,
    ),
    "increment": Settings(
        updates=2000, attempts=8, hops=True, rate=0.219, registers_rate=0.115, batch=1,
        weights=Weights(10, 0, 0.306, 16.1), sharpness=4.49, max_steps=44, mixing="logits",
    ),
    "bubble_sort": Settings(
        updates=400, rate=0.116, registers_rate=1.9, batch=4,
        weights=Weights(10, 8.93, 0.937, 18.5), sharpness=7.48, max_steps=25, mixing="logits",
    ),
}  # fmt: skip
"""Our settings by task, for the inputs that the paper adapts to."""


def settings_for(problem: Problem) -> Settings:
    """Return good settings for a problem: those of its task, or what mostly does."""
    task = problem.task
    if task is not None and task.name in OURS and problem.bias == task.bias:
        return OURS[task.name]
    return Settings(
        batch=4, weights=Weights(1, 2, 0.1, 20), max_steps=int(0.9 * problem.before.steps.max())
    )
