"""A multi-task network: embeddings of images that all tasks share, and a head for each task.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
section 4.1: MTNN-1 has three layers in every head, MTNN-2 one in those of ADD2X2 and three in those
of APPLY2X2. Symmetry between two embeddings is broken as in programs: the first task reads with
net_0 only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from neuralc.zoo.columns import HIDDEN, Shape, beside, layers

EMBEDDING = (256, 256)  # hidden layers of an embedding


def embedding(pixels: int, size: int, hidden: Sequence[int] = EMBEDDING) -> nn.Sequential:
    """Return a newly drawn embedding of an image in `size` numbers."""
    return layers((pixels, *hidden, size))


class Head(nn.Module):
    """What one task makes of the embeddings of its images."""

    def __init__(
        self, shape: Shape, sizes: Mapping[str, int], *, hidden: Sequence[int] = HIDDEN,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the weights.

        Args:
            shape: of the task.
            sizes: the embeddings that it reads with, by name, and how many numbers each gives.
            hidden: sizes of the hidden layers.
            dropout: behind each of them.

        """
        super().__init__()
        self.shape, self.names = shape, tuple(sizes)
        width = shape.images * sum(sizes.values()) + shape.numbers
        self.layers = layers((width, *hidden, shape.answers), dropout)

    def forward(self, shared: Mapping[str, nn.Module], images: Tensor, numbers: Tensor) -> Tensor:
        """Return the logits of the answers, [B, answers].

        Args:
            shared: the embeddings by name, those of other tasks among them.
            images: float32 [B, images, pixels].
            numbers: float32 [B, numbers], one-hot side by side.

        """
        seen = torch.cat([shared[name](images) for name in self.names], -1)
        logits: Tensor = self.layers(beside(seen, numbers))
        return logits
