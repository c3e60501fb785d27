"""The Neural GPU: a convolutional GRU applied to a state that holds the whole input.

A sequence of n symbols is a state of n places by w columns by m filters. It is embedded in column 0
and changed n times by the same two cells; the answer is read from column 0, at the last symbol.

Sources: Kaiser & Sutskever, "Neural GPUs Learn Algorithms" (ICLR 2016); as a baseline of MATH with
512 filters: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), section 4.1.
"""

from __future__ import annotations

from torch import Tensor, nn

from neuralc.errors import HyperError
from neuralc.zoo.symbols import ANSWERS, FEATURES, OneHot, TwoNetworks

CELLS = 2  # applied one after the other in each step
CUTOFF = 1.2
MOST_DROPPED = 0.5  # short sequences would lose everything


class Cgru(nn.Module):
    """A convolutional gated recurrent unit: s' = u * s + (1 - u) * tanh(U * (r s) + B).

    The gates u and r are cut off, so that they can be exactly 0 or 1; `*` is a convolution where U
    stands before it.
    """

    def __init__(self, filters: int, kernel: int = 3) -> None:
        """Draw the weights; the gates begin near 1, so that the state is kept and seen."""
        super().__init__()
        self.filters = filters
        self.gates = nn.Conv2d(filters, 2 * filters, kernel, padding="same")
        self.candidate = nn.Conv2d(filters, filters, kernel, padding="same")
        nn.init.ones_(self.gates.bias)  # type: ignore[arg-type]  # there is one by default
        nn.init.zeros_(self.candidate.bias)  # type: ignore[arg-type]

    def forward(self, state: Tensor) -> Tensor:
        """Return the next state: [B, filters, places, columns] to the same."""
        gates = cut_sigmoid(self.gates(state))
        update, reset = gates[:, : self.filters], gates[:, self.filters :]
        candidate: Tensor = self.candidate(reset * state).tanh()
        return update * state + (1 - update) * candidate


def cut_sigmoid(x: Tensor) -> Tensor:
    """Return a sigmoid that reaches 0 and 1: 1.2 sigmoid(x) - 0.1, clipped to 0..1."""
    return (CUTOFF * x.sigmoid() - (CUTOFF - 1) / 2).clamp(0, 1)


class NeuralGpu(nn.Module):
    """A Neural GPU over sequences of different lengths, with one answer of 19 for each.

    Every sequence is changed as often as it has symbols. Those of one length are run together and
    without padding, which so has no part in an answer; this also halves the work. Of the paper's
    training, the relaxed sharing of weights over steps and the noise on gradients are left out.

    Attributes:
        reader: what turns symbols into features; trained with the rest where it has weights.

    """

    def __init__(
        self, reader: OneHot | TwoNetworks, *, filters: int = 24, columns: int = 4,
        kernel: int = 3, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Draw the weights.

        Args:
            reader: of the symbols.
            filters: m; 24 in the first paper, 512 in the baseline of MATH.
            columns: w, the columns of the state; the input fills the first.
            kernel: of the convolutions, odd.
            dropout: on the state in every step, times 8 / n, as in the published code; there it
                is 0.06 to 0.09. It is the rate of a sequence of 8 symbols.

        Raises:
            HyperError: a size that is not positive, an even kernel, or a dropout outside 0..1.

        """
        super().__init__()
        if min(filters, columns, kernel) < 1 or kernel % 2 == 0 or not 0 <= dropout < 1:
            raise HyperError(
                f"found a Neural GPU of {filters} filters, {columns} columns, kernels of {kernel}, "
                f"dropout {dropout}\n"
                "  hint: sizes are at least 1, kernels are odd, dropout is from 0 to below 1"
            )
        self.reader = reader
        self.columns, self.dropout = columns, dropout
        self.embedding = nn.Linear(FEATURES, filters, bias=False)
        nn.init.uniform_(self.embedding.weight, -1.7, 1.7)  # as published: tanh uses its range
        self.cells = nn.ModuleList([Cgru(filters, kernel) for _ in range(CELLS)])
        self.answer = nn.Linear(filters, ANSWERS)

    @classmethod
    def paper(cls, reader: OneHot | TwoNetworks) -> NeuralGpu:
        """Return the model of the MATH baseline, with 512 filters."""
        return cls(reader, filters=512, dropout=0.06)

    def forward(self, sequences: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits of the answers, [B, 19].

        Args:
            sequences: what the reader reads, [B, L, ...], padded behind.
            lengths: int64 [B], the number of symbols of each, 1..L.

        Raises:
            DataError: sequences or lengths of a wrong shape or range.

        """
        features: Tensor = self.reader(sequences, lengths)
        first = self.embedding(features).tanh().transpose(1, 2)[..., None]  # [B, m, L, 1]
        state = nn.functional.pad(first, (0, self.columns - 1))
        logits = features.new_empty(len(lengths), ANSWERS)
        for n in lengths.unique().tolist():
            rows = lengths == n
            logits[rows] = self._run(state[rows, :, :n])
        return logits

    def _run(self, state: Tensor) -> Tensor:
        """Return the logits of sequences of one length, [B, m, n, w] to [B, 19]."""
        n = state.shape[2]
        rate = min(self.dropout * 8 / n, MOST_DROPPED)
        for _ in range(n):
            state = nn.functional.dropout(state, rate, self.training)
            for cell in self.cells:
                state = cell(state)
        logits: Tensor = self.answer(state[:, :, n - 1, 0])
        return logits
