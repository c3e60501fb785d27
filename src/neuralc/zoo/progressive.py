"""A progressive network: a column for each task, each listening to the earlier ones.

Layer i of column k is f(W h_(i-1)^k + sum over j < k of U^(k:j) h_(i-1)^j). No gradient goes into
an earlier column, so a later task cannot change it. All columns have the same depth.

Source: Rusu et al., "Progressive Neural Networks" (2016), section 2, without their adapters; the
sizes are those of Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), section
4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from neuralc.errors import HyperError
from neuralc.zoo.columns import EMBEDDING, HIDDEN, Shape, beside


class ProgressiveColumn(nn.Module):
    """The column of one task."""

    def __init__(
        self, shape: Shape, earlier: Sequence[ProgressiveColumn], *,
        embedding: Sequence[int] = EMBEDDING, hidden: Sequence[int] = HIDDEN,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the weights.

        Args:
            shape: of the task.
            earlier: the columns of earlier tasks; they are given again with every call.
            embedding: sizes of the layers over each image; the last has no ReLU.
            hidden: sizes of the layers over all images.
            dropout: behind each layer of the second kind.

        Raises:
            HyperError: an earlier task has other images, or an earlier column another depth.

        """
        super().__init__()
        self.shape, self.split = shape, len(embedding)
        width = shape.images * embedding[-1] + shape.numbers
        self.layers = nn.ModuleList()
        for n, m in (
            *pairwise((shape.pixels, *embedding)),
            *pairwise((width, *hidden, shape.answers)),
        ):
            self.layers.append(nn.Linear(n, m))
        self.lateral = nn.ModuleList()  # for each earlier column, for each layer but the first
        for column in earlier:
            self._check(column)
            self.lateral.append(nn.ModuleList(
                nn.Linear(old.in_features, new.out_features, bias=False)
                for old, new in zip(column.linear()[1:], self.linear()[1:], strict=True)
            ))  # fmt: skip
        self.dropout = nn.Dropout(dropout)

    def _check(self, other: ProgressiveColumn) -> None:
        mine, its = (column.shape for column in (self, other))
        if (mine.images, mine.pixels) != (its.images, its.pixels):
            raise HyperError(
                f"a progressive network needs images of one kind: found {mine} after {its}"
            )
        if len(other.layers) != len(self.layers) or other.split != self.split:
            raise HyperError("all columns of a progressive network have the same depth")

    def linear(self) -> list[nn.Linear]:
        """Return the layers of the column itself."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def forward(
        self, earlier: Sequence[ProgressiveColumn], images: Tensor, numbers: Tensor
    ) -> Tensor:
        """Return the logits of the answers, [B, answers].

        Args:
            earlier: the columns that it was made with, in the same order.
            images: float32 [B, images, pixels].
            numbers: float32 [B, numbers], one-hot side by side.

        """
        with torch.no_grad():
            heard: list[list[Tensor]] = []
            for k, column in enumerate(earlier):
                heard.append(column.hear(heard[:k], images, numbers))
        return self.hear(heard, images, numbers)[-1]

    def hear(
        self, heard: Sequence[Sequence[Tensor]], images: Tensor, numbers: Tensor
    ) -> list[Tensor]:
        """Return what goes into each layer, and the logits behind the last.

        Args:
            heard: the same of each earlier column, in their order.
            images: float32 [B, images, pixels].
            numbers: float32 [B, n]; where a task has numbers of another width, its column gets
                zeros.

        """
        if numbers.shape[1] != self.shape.numbers:
            numbers = images.new_zeros(len(images), self.shape.numbers)
        states = [images]
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = layer(states[-1])
            if i:
                for lateral, its in zip(self.lateral, heard, strict=True):
                    x = x + lateral[i - 1](its[i])  # type: ignore[index]
            if i not in (self.split - 1, last):
                x = x.relu()
            if i == self.split - 1:
                x = beside(x, numbers)
            elif self.split <= i < last:
                x = self.dropout(x)
            states.append(x)
        return states
