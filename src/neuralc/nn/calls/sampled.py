"""A routine called on sampled arguments, where there are too many to tabulate: over a memory, say.

Two estimators of the gradient. The score function asks for nothing but exact runs and is unbiased
for every loss, but noisy. Straight-through has little noise, but a bias: it runs exactly, and takes
the gradient of a soft run in its place. Both draw from a generator that is given.

Source: Williams, "Simple statistical gradient-following algorithms" (1992), the leave-one-out
baseline of Kool et al. (2019); Bengio et al., "Estimating or propagating gradients" (2013),
arXiv:1308.3432.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuralc.errors import DataError
from neuralc.nn.calls.pushforward import flattened
from neuralc.nn.calls.top import Run, exactly

Soft = Callable[[Sequence[Tensor]], Tensor]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Exact runs on sampled arguments.

    Attributes:
        values: the results, int64 `(S, ...)`.
        halted: False where a run was cut off, `(S, ...)`.
        scores: the logarithm of the probability of each sample, `(S, ...)`, with a gradient.

    """

    values: Tensor
    halted: Tensor
    scores: Tensor


def draw(args: Sequence[Tensor], samples: int, generator: torch.Generator) -> Tensor:
    """Return samples of independent arguments, int64 `(S, ..., k)`.

    Args:
        args: distributions `(..., n_k)`; the leading axes broadcast.
        samples: S.
        generator: on the device of the arguments.

    Raises:
        DataError: no arguments, or fewer than one sample.

    """
    if not args or samples < 1:
        raise DataError(f"{samples} samples of {len(args)} arguments: at least one of each")
    shape = torch.broadcast_shapes(*(arg.shape[:-1] for arg in args))
    drawn = []
    for arg in args:
        rows = flattened(arg.detach(), shape)
        picked = torch.multinomial(rows, samples, replacement=True, generator=generator)
        drawn.append(picked.T.reshape(samples, *shape))
    return torch.stack(drawn, -1)


def sampled(args: Sequence[Tensor], run: Run, size: int, places: Tensor) -> Sampled:
    """Run a routine exactly on what was drawn.

    Args:
        args: distributions `(..., n_k)`, each of mass 1.
        run: the exact execution.
        size: the number of results.
        places: what `draw` returned.

    Raises:
        DataError: a result is out of range.

    """
    values, halted = exactly(run, places, size)
    scores = sum_of_logs(args, places)
    return Sampled(values, halted, scores)


def sum_of_logs(args: Sequence[Tensor], places: Tensor) -> Tensor:
    """Return the logarithm of the probability of each sample, `(S, ...)`."""
    logs = []
    for k, arg in enumerate(args):
        chances = arg.expand(*places.shape[:-1], -1).gather(-1, places[..., k, None])
        logs.append(chances.squeeze(-1).log())
    return torch.stack(logs).sum(0)


def score_function(losses: Tensor, scores: Tensor) -> Tensor:
    """Return a number with the mean of the losses as its value, and an unbiased gradient.

    The gradient is that of the expected loss over the samples: through the probabilities of the
    samples, and through the losses themselves where these depend on parameters. With two samples
    or more, each is compared with the mean of the others, which leaves the gradient unbiased.

    Args:
        losses: of each sample and example, `(S, ...)`.
        scores: of `Sampled`, `(S, ...)`.

    Returns:
        A scalar.

    """
    fixed = losses.detach()
    count = len(fixed)
    others = (fixed.sum(0) - fixed) / (count - 1) if count > 1 else torch.zeros_like(fixed)
    gain = (fixed - others) * scores
    return (losses + gain - gain.detach()).mean()


def straight_through(
    args: Sequence[Tensor], run: Run, soft: Soft, size: int, samples: int,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """Return the mean result of exact runs on samples, with the gradient of the soft run.

    The value is an unbiased estimate of the exact pushforward. The gradient is that of `soft`,
    biased wherever the soft run takes correlated values for independent.

    Args:
        args: distributions `(..., n_k)`.
        run: the exact execution.
        soft: the soft execution, takes the arguments and returns `(..., size)`.
        size: the number of results.
        samples: how many runs to take the mean of.
        generator: on the device of the arguments.

    Returns:
        `(..., size)`.

    Raises:
        DataError: see `draw` and `sampled`.

    """
    values, _ = exactly(run, draw(args, samples, generator), size)
    smooth = soft(args)
    hard = smooth.new_zeros(*values.shape[1:], size)
    ones = hard.new_full((), 1 / samples).expand(*values.shape[1:], samples)
    hard = hard.scatter_add(-1, values.movedim(0, -1), ones)
    return hard + (smooth - smooth.detach())
