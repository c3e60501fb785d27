"""Weights of which some entries are frozen, whatever the optimiser does.

A mask on gradients is not enough: weight decay and momentum move a parameter without one. So what
is frozen is a buffer, and the parameter counts only where the mask lets it.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899: a library is frozen by a mask on the update, element by element.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedWeights(nn.Module):
    """A tensor whose entries are each frozen or trainable.

    Attributes:
        free: the parameter; its entries under the mask have no effect and no gradient.
        fixed: a buffer; it counts where the mask is set.
        mask: bool, what is frozen.

    """

    fixed: Tensor
    mask: Tensor

    def __init__(self, start: Tensor) -> None:
        """Begin with these values, all of them trainable."""
        super().__init__()
        self.free = nn.Parameter(start.clone())
        self.register_buffer("fixed", start.clone())
        self.register_buffer("mask", torch.zeros_like(start, dtype=torch.bool))

    def forward(self) -> Tensor:
        """Return the values."""
        return torch.where(self.mask, self.fixed, self.free)

    @torch.no_grad()
    def freeze(self, mask: Tensor) -> None:
        """Freeze what a mask (bool, of a shape that expands) says, and nothing else.

        Values stay what they are now.
        """
        now = self()
        self.fixed.copy_(now)
        self.free.copy_(now)
        self.mask.copy_(mask.expand_as(self.mask))
