"""A column: a network from a few images and numbers to one answer.

Every image goes through the same embedding; what comes out is set side by side, numbers beside it,
and a few layers give the answer. `Indep` of the paper is one column for each task.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
section 4.1, baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from neuralc.errors import HyperError

EMBEDDING = (256, 256, 10)  # layers over the pixels of each image
HIDDEN = (128, 128, 128)  # layers over all images together


@dataclass(frozen=True)
class Shape:
    """What a task is to a network.

    Attributes:
        images: how many it sees at once; pixels: of each.
        numbers: the width of all numbers that it is given, one-hot, side by side; 0 without any.
        answers: how many there are to choose from.

    """

    images: int
    pixels: int
    numbers: int
    answers: int

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        if min(self.images, self.pixels, self.answers) < 1 or self.numbers < 0:
            raise HyperError(
                f"found {self}\n  hint: a network needs an image, a pixel and an answer at least"
            )


def layers(sizes: Sequence[int], dropout: float = 0.0, *, last: bool = False) -> nn.Sequential:
    """Return linear layers with ReLU and dropout behind each; behind the last only where asked."""
    parts: list[nn.Module] = []
    for n, m in pairwise(sizes):
        parts += [nn.Linear(n, m), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*(parts if last else parts[:-2]))


class Column(nn.Module):
    """The network of one task that knows nothing of others."""

    def __init__(
        self, shape: Shape, *, embedding: Sequence[int] = EMBEDDING,
        hidden: Sequence[int] = HIDDEN, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the weights.

        Args:
            shape: of the task.
            embedding: sizes of the layers over each image; the last has no ReLU.
            hidden: sizes of the layers over all of them.
            dropout: behind each layer of the second kind.

        """
        super().__init__()
        self.shape = shape
        self.embedding = layers((shape.pixels, *embedding))
        width = shape.images * embedding[-1] + shape.numbers
        self.head = layers((width, *hidden, shape.answers), dropout)

    def forward(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Return the logits of the answers, [B, answers].

        Args:
            images: float32 [B, images, pixels].
            numbers: float32 [B, numbers], one-hot side by side.

        """
        logits: Tensor = self.head(beside(self.embedding(images), numbers))
        return logits


def beside(features: Tensor, numbers: Tensor) -> Tensor:
    """Set the features of all images [B, images, n] side by side, numbers [B, m] behind them."""
    return torch.cat([features.flatten(1), numbers], 1)
