"""What a sequence model is told of each symbol: the symbol itself, or two networks' view of it.

A reader turns padded sequences into features of 14 numbers a symbol: 10 for digits, 4 for
operators. Knows neither the models that use it nor where images come from.

Source: the baselines of Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural
TerpreT, 2017), section 4.1.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from neuralc.errors import DataError

DIGITS, OPERATORS = 10, 4
FEATURES = DIGITS + OPERATORS
ANSWERS = 19  # values modulo 19
HIDDEN = (256, 256)  # of each network, as in the paper


class OneHot(nn.Module):
    """Symbols as they are: 0..9 are digits, 10..13 operators."""

    def forward(self, symbols: Tensor, lengths: Tensor) -> Tensor:
        """Return features [B, L, 14], zero in the padding.

        Args:
            symbols: int64 [B, L]; what lies beyond a sequence's length is not looked at.
            lengths: int64 [B].

        Raises:
            DataError: a wrong shape, or a number that is no symbol.

        """
        inside = mask_of(lengths, symbols)
        known = symbols[inside]
        if known.min() < 0 or known.max() >= FEATURES:
            raise DataError(
                f"found symbols from {int(known.min())} to {int(known.max())}, "
                f"wanted 0..{FEATURES - 1}"
            )
        features = nn.functional.one_hot(symbols.where(inside, 0), FEATURES).float()
        return features * inside[..., None]


class TwoNetworks(nn.Module):
    """Images as two networks see them: the softmax of net_0 (10) beside that of net_1 (4).

    Both are applied to every image, once: a model is not told which symbols are digits.
    """

    def __init__(self, pixels: int = 28 * 28, hidden: tuple[int, ...] = HIDDEN) -> None:
        """Draw the weights of both networks, by default of two layers of 256."""
        super().__init__()
        self.pixels = pixels
        self.net_0 = _layers((pixels, *hidden, DIGITS))
        self.net_1 = _layers((pixels, *hidden, OPERATORS))

    def forward(self, images: Tensor, lengths: Tensor) -> Tensor:
        """Return features [B, L, 14], zero in the padding.

        Args:
            images: float32 [B, L, pixels] or [B, L, h, w]; padding is not looked at.
            lengths: int64 [B].

        Raises:
            DataError: a wrong shape.

        """
        images = images.flatten(2)
        inside = mask_of(lengths, images)
        if images.shape[2] != self.pixels:
            raise DataError(f"found images of {images.shape[2]} pixels, wanted {self.pixels}")
        known = images[inside]
        seen = torch.cat([self.net_0(known).softmax(-1), self.net_1(known).softmax(-1)], -1)
        features = seen.new_zeros(*inside.shape, FEATURES)
        return features.masked_scatter(inside[..., None], seen)


def mask_of(lengths: Tensor, padded: Tensor) -> Tensor:
    """Return which places of padded sequences [B, L, ...] are inside, bool [B, L].

    Raises:
        DataError: the lengths are not one for each sequence, from 1 to L.

    """
    count, longest = padded.shape[:2]
    if lengths.shape != (count,) or not count:
        raise DataError(f"found lengths of shape {tuple(lengths.shape)}, wanted ({count},), not 0")
    if int(lengths.min()) < 1 or int(lengths.max()) > longest:
        raise DataError(
            f"found lengths from {int(lengths.min())} to {int(lengths.max())}, wanted 1..{longest}"
        )
    return torch.arange(longest) < lengths[:, None]


def _layers(sizes: tuple[int, ...]) -> nn.Sequential:
    parts: list[nn.Module] = []
    for n, m in pairwise(sizes):
        parts += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*parts[:-1])
