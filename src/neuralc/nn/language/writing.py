"""The copy head: what a call gives becomes probabilities of the tokens that write it.

The output is the logarithm of a mixture: the model's own distribution, and that of the result. A
result of several tokens is written digit by digit, each digit given those before it; a number
that is complete leaves the word to the model, which may do anything but go on with digits. How a
result came about is not known here.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.nn.language.outcomes import Spread
from neuralc.nn.language.tokenizer import NumberTokens

LEAST = 1e-30  # a probability of 0, whose logarithm can be taken
_POWERS = np.array([10**k for k in range(20)], np.uint64)


class Writer(nn.Module):
    """Mixes results into logits; has nothing to learn."""

    def __init__(self, tokens: NumberTokens) -> None:
        """Look up with which tokens numbers are written."""
        super().__init__()
        self.first: Tensor
        self.later: Tensor
        self.register_buffer("first", torch.tensor(tokens.first), persistent=False)
        later = torch.tensor(tokens.later, dtype=torch.int64)
        self.register_buffer("later", later, persistent=False)

    def whole(self, logits: Tensor, result: Tensor) -> Tensor:
        """Return the logarithm of the mixture where a number is one token.

        Args:
            logits: of the model, `(N, V)`.
            result: how likely each number is what is written, `(N, n)`; what is missing to 1 is
                left to the model.

        """
        own = logits.float().log_softmax(-1)
        left = (1 - result.sum(-1, keepdim=True)).clamp_min(LEAST).log()
        return _mixed(own + left, self.first, result)

    def digits(self, logits: Tensor, result: Spread, begun: Tensor, length: Tensor) -> Tensor:
        """Return the logarithm of the mixture where a number is written digit by digit.

        Args:
            logits: of the model, `(N, V)`.
            result: the numbers that may be written; what is missing to 1 is left to the model.
            begun: the number as far as it is written, int64 `(N,)`.
            length: how many digits that are, int64 `(N,)`; 0: it has not begun.

        """
        own = logits.float().log_softmax(-1)
        fits, following = _following(result.numbers, begun, length)
        share = result.chances.sum(-1, keepdim=True)  # that a result is written at all
        agreeing = result.chances * fits
        scale = agreeing.sum(-1, keepdim=True).detach()
        some = scale > LEAST
        agreeing = agreeing / scale.where(some, 1) * some  # first near 1: gradients stay finite
        share = share * some
        chances = agreeing * (share / agreeing.sum(-1, keepdim=True).where(some, 1))
        ended = (chances * (following < 0)).sum(-1, keepdim=True)
        digits = chances.new_zeros(len(chances), 10)
        digits = digits.scatter_add(1, following.clamp_min(0), chances * (following >= 0))
        closed = own.index_fill(1, self.later, -torch.inf).log_softmax(-1)
        parts = [own + (1 - share).clamp_min(LEAST).log(), closed + ended.clamp_min(LEAST).log()]
        mixed = torch.logaddexp(parts[0], parts[1])
        starts = length.unsqueeze(1) == 0
        mixed = _mixed(mixed, self.first, digits * starts)
        return _mixed(mixed, self.later, digits * ~starts)


def _mixed(logs: Tensor, tokens: Tensor, chances: Tensor) -> Tensor:
    """Add probabilities of some tokens to the logarithms of all."""
    found = logs[:, tokens].exp() + chances
    return logs.index_copy(1, tokens, found.clamp_min(LEAST).log())


def _following(numbers: Tensor, begun: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Return which numbers begin as what is written does, and their next digits, -1 at the end."""
    n, start = (x.cpu().numpy().view(np.uint64) for x in (numbers, begun))
    done = length.cpu().numpy()[:, None]
    digits = np.searchsorted(_POWERS, n, side="right").clip(1)  # of each number; 0 has one
    rest = digits - done
    fits = (rest >= 0) & (n // _POWERS[rest.clip(0, 19)] == start[:, None])
    fits |= done == 0
    following = (n // _POWERS[(rest - 1).clip(0, 19)] % np.uint64(10)).astype(np.int64)
    following[rest <= 0] = -1
    return torch.from_numpy(fits).to(numbers.device), torch.from_numpy(following).to(numbers.device)
