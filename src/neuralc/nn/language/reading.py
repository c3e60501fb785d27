"""What numbers stand in a text: their values, where they end, and what may be seen from where.

Works on token ids alone. A number of several tokens counts as one word: all its digits have one
place, and from behind it only its last digit is seen. So a model that was trained on short numbers
reads long ones as the same sentence. While a number is being written, the call of the position
before it stays in force (`anchor`). No hidden states and no programs are known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neuralc.nn.language.tokenizer import NumberTokens

_MOST = torch.iinfo(torch.int64).min  # flips the sign: unsigned numbers compare as signed ones


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of the tokens `(B, T)`.

    Attributes:
        values: the number as far as it is written at a position, int64; from 2^63 on the bit
            pattern of the unsigned number.
        readable: the position belongs to a number, as far as it is written one that fits, bool.
        digits: how many digits of a number have been written, int64; 0 where there is no number.
        goes_on: the token goes on with the number before it, bool.
        anchor: the position whose call is in force, int64; -1: none.
        present: no padding, bool.

    """

    values: Tensor
    readable: Tensor
    digits: Tensor
    goes_on: Tensor
    anchor: Tensor
    present: Tensor

    def ends(self) -> Tensor:
        """Return where a number ends, seen from behind it or from its last token, bool."""
        following = nn.functional.pad(self.goes_on[:, 1:], (0, 1))
        return self.readable & ~following

    def places(self) -> Tensor:
        """Return the position of each token's word in the sentence, int64 `(B, T)`."""
        words = self.present & ~self.goes_on
        return (words.cumsum(1) - 1).clamp_min(0)

    def visible(self) -> Tensor:
        """Return which token (last axis) may be seen from which (the one before), `(B, T, T)`."""
        length = self.values.shape[1]
        following = nn.functional.pad(self.goes_on[:, 1:], (0, 1))
        seen = (self.present & ~following).unsqueeze(1)
        causal = torch.ones(length, length, dtype=torch.bool, device=seen.device).tril(-1)
        return (seen & causal) | torch.eye(length, dtype=torch.bool, device=seen.device)


class Reader(nn.Module):
    """Reads the numbers of texts; has nothing to learn."""

    def __init__(self, tokens: NumberTokens, vocabulary: int, limit: int) -> None:
        """Look the tokens up.

        Args:
            tokens: which tokens are numbers.
            vocabulary: how many tokens there are.
            limit: larger numbers, and this one itself, are not readable; at most 2^64.

        """
        super().__init__()
        self.whole, self.limit = tokens.writing == "whole", limit
        value = torch.full((vocabulary,), -1)
        goes_on = torch.zeros(vocabulary, dtype=torch.bool)
        for token, text in tokens.texts.items():
            value[token] = int(text)
        goes_on[sorted(tokens.goes_on)] = True
        self.value: Tensor
        self.later: Tensor
        self.register_buffer("value", value, persistent=False)
        self.register_buffer("later", goes_on, persistent=False)

    def forward(self, ids: Tensor, present: Tensor | None = None) -> Reading:
        """Read texts.

        Args:
            ids: int64 `(B, T)`.
            present: 0 or False at padding, `(B, T)`; None: there is none.

        """
        there = torch.ones_like(ids, dtype=torch.bool) if present is None else present.bool()
        value = self.value[ids]
        numeric = (value >= 0) & there
        before = nn.functional.pad(numeric[:, :-1], (1, 0))
        goes_on = numeric & self.later[ids] & before
        digits, overflow = numeric.long(), torch.zeros_like(numeric)
        if not self.whole:
            value, digits, overflow = _joined(value, goes_on, digits)
        small = _less(value, self.limit) if self.limit < 2**64 else torch.ones_like(numeric)
        position = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        anchor = position - digits if not self.whole else position
        return Reading(value, numeric & small & ~overflow, digits, goes_on, anchor, there)


def _joined(value: Tensor, goes_on: Tensor, digits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return numbers as far as they are written, their lengths, and which exceed 64 bits."""
    total, overflow = value.clone(), torch.zeros_like(goes_on)
    bound = (2**64 - 1) // 10
    rest = goes_on
    while bool(rest.any()):
        whole, length, over = (_shifted(x) for x in (total, digits, overflow))
        top = whole == bound
        over = over | ~_less(whole, bound + 1) | (top & (value > 5))
        total = torch.where(rest, whole * 10 + value, total)
        digits = torch.where(rest, length + 1, digits)
        overflow = torch.where(rest, over, overflow)
        rest = rest & _shifted(
            rest
        )  # what stands two or more tokens behind the begin changes again
    return total, digits, overflow


def _shifted(x: Tensor) -> Tensor:
    return nn.functional.pad(x[:, :-1], (1, 0))


def _less(x: Tensor, limit: int) -> Tensor:
    """Compare as unsigned 64-bit numbers."""
    bound = limit if limit < 2**63 else limit - 2**64
    return (x ^ _MOST) < (bound ^ _MOST)
