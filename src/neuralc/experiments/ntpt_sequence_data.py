"""Padded batches of MATH expressions, as images or as symbols, for models that read sequences.

Symbols are numbers: 0..9 are digits, 10..13 are + - * /. Images are gathered from their pools by
number, batch by batch. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from neuralc.data.digits import Images, Labels
from neuralc.data.expressions import OPERATORS, draw_symbols, results_of
from neuralc.errors import DataError
from neuralc.zoo.symbols import DIGITS


class Pictures:
    """Images by symbol, to draw from."""

    def __init__(self, digits: tuple[Images, Labels], operators: tuple[Images, Labels]) -> None:
        """Keep the images, not copied, and where those of each symbol are.

        Raises:
            DataError: a symbol has no image, or sizes differ.

        """
        if digits[0].shape[1:] != operators[0].shape[1:]:
            raise DataError(
                f"digits are of size {digits[0].shape[1:]}, operators of {operators[0].shape[1:]}"
            )
        self.pools = [torch.from_numpy(pool).flatten(1) for pool, _ in (digits, operators)]
        self.places = [np.flatnonzero(digits[1] == symbol) for symbol in range(DIGITS)]
        self.places += [np.flatnonzero(operators[1] == symbol) for symbol in range(len(OPERATORS))]
        for symbol, places in enumerate(self.places):
            if not len(places):
                raise DataError(f"there is no image of the symbol {symbol} (10 to 13: + - * /)")

    @property
    def pixels(self) -> int:
        """The number of pixels of an image."""
        return self.pools[0].shape[1]

    def draw(self, symbols: Labels, lengths: Labels, rng: np.random.Generator) -> Tensor:
        """Return an image of each symbol, uniform among its images: float32 [B, L, pixels].

        Args:
            symbols: int64 [B, L], 0..13; images of the padding are 0.
            lengths: int64 [B].
            rng: decides which image.

        """
        found = torch.zeros(*symbols.shape, self.pixels)
        inside = np.arange(symbols.shape[1]) < lengths[:, None]
        for symbol in np.unique(symbols[inside]).tolist():
            where = inside & (symbols == symbol)
            rows = rng.choice(self.places[symbol], int(where.sum()))
            pool = self.pools[int(symbol >= DIGITS)]
            found[torch.from_numpy(where)] = pool[torch.from_numpy(rows)]
        return found


def draw_batch(
    count: int, sizes: Sequence[int], rng: np.random.Generator
) -> tuple[Labels, Labels, Labels]:
    """Draw expressions of different lengths, padded behind with 0.

    Args:
        count: how many.
        sizes: the numbers of digits to draw from, uniform.
        rng: decides everything.

    Returns:
        symbols int64 [B, L] (0..13), lengths int64 [B] (symbols), results int64 [B] (0..18).

    """
    chosen = np.sort(rng.choice(np.asarray(sizes), count))
    symbols = np.zeros((count, 2 * int(chosen[-1]) - 1), np.int64)
    results = np.empty(count, np.int64)
    for size in np.unique(chosen).tolist():
        rows = chosen == size
        drawn = draw_symbols(int(rows.sum()), size=size, rng=rng)
        results[rows] = results_of(drawn)
        drawn[:, 1::2] += DIGITS
        symbols[rows, : 2 * size - 1] = drawn
    return symbols, 2 * chosen - 1, results


def draw_tensors(
    pictures: Pictures | None, count: int, sizes: Sequence[int], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw expressions as `draw_batch` does, with an image of each symbol where there are pictures.

    Returns:
        sequences (float32 [B, L, pixels], or the symbols int64 [B, L]), lengths and results.

    """
    symbols, lengths, results = draw_batch(count, sizes, rng)
    if pictures is None:
        sequences = torch.from_numpy(symbols)
    else:
        sequences = pictures.draw(symbols, lengths, rng)
    return sequences, torch.from_numpy(lengths), torch.from_numpy(results)
