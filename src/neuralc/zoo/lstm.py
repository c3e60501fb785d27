"""The LSTM baseline of MATH: reads an expression symbol by symbol, answers from the last state.

Knows nothing of programs: all that it knows of arithmetic is in its weights.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
section 4.1. Their first version (ICLR submission) has 2 layers of 256, their last 3 of 1,024 with
dropout; the rate of dropout is not given, ours is 0.5.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuralc.errors import HyperError
from neuralc.zoo.symbols import ANSWERS, FEATURES, OneHot, TwoNetworks


class Lstm(nn.Module):
    """An LSTM over sequences of different lengths, with one answer of 19 for each.

    Attributes:
        reader: what turns symbols into features; trained with the rest where it has weights.

    """

    def __init__(
        self, reader: OneHot | TwoNetworks, *, layers: int = 2, width: int = 256,
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the weights; `dropout` is between layers and before the answer.

        Raises:
            HyperError: a size that is not positive, or a dropout outside 0..1.

        """
        super().__init__()
        if layers < 1 or width < 1 or not 0 <= dropout < 1:
            raise HyperError(
                f"found an LSTM of {layers} layers of {width}, dropout {dropout}\n"
                "  hint: sizes are at least 1, dropout is from 0 to below 1"
            )
        self.reader = reader
        between = dropout if layers > 1 else 0.0  # torch warns where there is no between
        self.cells = nn.LSTM(FEATURES, width, layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.answer = nn.Linear(width, ANSWERS)

    @classmethod
    def submission(cls, reader: OneHot | TwoNetworks) -> Lstm:
        """Return the model of the paper's first version: 2 layers of 256."""
        return cls(reader, layers=2, width=256)

    @classmethod
    def final(cls, reader: OneHot | TwoNetworks) -> Lstm:
        """Return the model of the paper's last version: 3 layers of 1,024 with dropout."""
        return cls(reader, layers=3, width=1024, dropout=0.5)

    def forward(self, sequences: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits of the answers, [B, 19].

        Args:
            sequences: what the reader reads, [B, L, ...], padded behind.
            lengths: int64 [B], the number of symbols of each, 1..L.

        Raises:
            DataError: sequences or lengths of a wrong shape or range.

        """
        states, _ = self.cells(self.reader(sequences, lengths))
        last = states[torch.arange(len(lengths)), lengths - 1]  # states before padding
        logits: Tensor = self.answer(self.dropout(last))
        return logits
