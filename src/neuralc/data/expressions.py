"""Images of handwritten expressions such as 3 + 5 * 2, with their value: the MATH tasks.

A learner is given the images and the values; the symbols are for the report of what it found
out. Operators are numbers: 0 is +, 1 is -, 2 is *, 3 is /.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries
(Neural TerpreT, 2017), section 4.1. The operators of the paper were never published; ours are
those of the set bhmsds, with its handwritten x in place of the dot that it has for "times".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Digits, Images, Labels
from neuralc.data.places import find, load_arrays_of
from neuralc.errors import DataError

OPERATORS = "+-*/"
MODULUS = 19
TIMES = 2
_FILE = Path("operators") / "operators.npz"
_ARRAYS = ("images", "labels", "split", "times_images", "times_split")


@dataclass(frozen=True, eq=False)
class Expressions:
    """Expressions of one length, left to right: digits with operators between them.

    Attributes:
        images: float32 [N, 2 * n - 1, h, w].
        results: int64 [N], from 0 to 18.
        symbols: int64 [N, 2 * n - 1], the digits and operators; for reporting only.

    """

    images: Images
    results: Labels
    symbols: Labels


def load_operators() -> Digits:
    """Return the operators + - * / as 28x28 images: 4,800 to learn from, 1,200 held out.

    Looked for in the folder `NEURALC_DATA` and beside the current directory or the repository,
    like MNIST; they are not downloaded.

    Raises:
        FileError: the file is in none of the folders, or damaged.

    """
    arrays = load_arrays_of(_FILE, "handwritten operators", _ARRAYS, _check)
    images, labels, split, times, times_split = arrays
    images, split = images.copy(), split.copy()
    images[labels == TIMES], split[labels == TIMES] = times, times_split
    images, labels = np.divide(images, 255, dtype=np.float32), labels.astype(np.int64)
    train, test = split == 0, split == 1
    return Digits("operators", images[train], labels[train], images[test], labels[test])


def _check(
    images: NDArray[Any], labels: NDArray[Any], split: NDArray[Any], times: NDArray[Any],
    times_split: NDArray[Any],
) -> None:  # fmt: skip
    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} {images.shape}, wanted uint8 [N, h, w]")
    if labels.shape != (len(images),) or set(labels.tolist()) != set(range(len(OPERATORS))):
        raise ValueError("labels are not 0..3, one for each image")
    if split.shape != labels.shape:
        raise ValueError(f"split is {split.shape}, wanted {labels.shape}")
    wanted = images[labels == TIMES].shape
    if times.shape != wanted or times.dtype != np.uint8 or times_split.shape != wanted[:1]:
        raise ValueError(f"times_images are {times.dtype} {times.shape}, wanted uint8 {wanted}")


def find_operators() -> Path | None:
    """Return the file of the operators in the first folder that has it, or None."""
    return find(_FILE)


def draw_expressions(
    digits: tuple[Images, Labels], operators: tuple[Images, Labels], count: int, *,
    size: int = 2, seed: int = 0,
) -> Expressions:  # fmt: skip
    """Draw expressions: each symbol is uniform, and so is its image among those of the symbol.

    Args:
        digits: images [M, h, w] and labels 0..9 to draw from, of one split.
        operators: images of the same size and labels 0..3.
        count: how many expressions.
        size: the number of digits in each.
        seed: the same seed gives the same expressions.

    Raises:
        DataError: a symbol has no image, the images differ in size, or `size` is not positive.

    """
    if size < 1 or count < 0:
        raise DataError(f"found {count} expressions of {size} digits, wanted at least 0 and 1")
    if digits[0].shape[1:] != operators[0].shape[1:]:
        raise DataError(
            f"digits are of size {digits[0].shape[1:]}, operators of {operators[0].shape[1:]}"
        )
    rng = np.random.default_rng(seed)
    symbols = draw_symbols(count, size=size, rng=rng)
    images = np.empty((count, 2 * size - 1, *digits[0].shape[1:]), np.float32)
    for start, (pool, labels), what in ((0, digits, "digit"), (1, operators, "operator")):
        wanted = symbols[:, start::2]
        part = np.empty((*wanted.shape, *pool.shape[1:]), np.float32)
        for symbol in np.unique(wanted).tolist():
            known = np.flatnonzero(labels == symbol)
            if not len(known):
                raise DataError(f"there is no image of the {what} {symbol}")
            where = wanted == symbol
            part[where] = pool[rng.choice(known, int(where.sum()))]
        images[:, start::2] = part
    return Expressions(images, results_of(symbols), symbols)


def draw_symbols(count: int, *, size: int, rng: np.random.Generator) -> Labels:
    """Return the symbols of random expressions, int64 [count, 2 * size - 1]."""
    symbols = np.empty((count, 2 * size - 1), np.int64)
    symbols[:, 0::2] = rng.integers(10, size=(count, size))
    symbols[:, 1::2] = rng.integers(len(OPERATORS), size=(count, size - 1))
    return symbols


def results_of(symbols: Labels) -> Labels:
    """Return the values of expressions, evaluated from left to right modulo 19.

    Args:
        symbols: int64 [N, 2 * n - 1], digits and operators in turn.

    Returns:
        int64 [N]; a division is rounded down, and by zero it gives 18.

    """
    value = symbols[:, 0].copy()
    for place in range(1, symbols.shape[1], 2):
        operator, digit = symbols[:, place], symbols[:, place + 1]
        quotient = np.where(digit == 0, MODULUS - 1, value // np.maximum(digit, 1))
        arms = ((value + digit) % MODULUS, (value - digit) % MODULUS, value * digit % MODULUS)
        value = np.choose(operator, [*arms, quotient])
    return value
