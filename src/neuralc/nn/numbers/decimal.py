"""Decimal digits, integers and bits: exact at any length.

A numeral is its digits, most significant first, as in text: `(..., d)`, padded with zeros in front.
Knows no distributions: what a network reads is digits, what it computes with are encodings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.errors import DataError
from neuralc.nn.numbers.encodings import from_bits, to_bits

Array = np.ndarray[Any, Any]
EXACT = 18  # digits that fit into int64


def digits_to_ints(digits: Any) -> Array:
    """Return the integers that decimal digits are, `(...)` from `(..., d)`.

    Returns:
        int64, or Python integers in an array of objects beyond 18 digits.

    Raises:
        DataError: something is not a digit from 0 to 9.

    """
    array = _digits(digits)
    count = array.shape[-1]
    if count <= EXACT:
        return np.asarray(array @ 10 ** np.arange(count - 1, -1, -1, dtype=np.int64))
    found = np.empty(array.shape[:-1], dtype=object)
    for place in np.ndindex(found.shape):
        found[place] = _parsed(array[place].tolist())
    return found


def ints_to_digits(numbers: Any, count: int) -> Array:
    """Return decimal digits, int64 `(..., count)`, of integers of any size.

    Raises:
        DataError: a number is negative or has more digits.

    """
    array = np.asarray(numbers, dtype=object)
    found = np.zeros((*array.shape, count), dtype=np.int64)
    for place in np.ndindex(array.shape):
        number = int(array[place])
        if not 0 <= number < 10**count:
            raise DataError(f"{number} does not have {count} decimal digits or fewer")
        for k in range(count - 1, -1, -1):
            number, found[(*place, k)] = divmod(number, 10)
    return found


def digits_to_bits(digits: Any, bits: int) -> Tensor:
    """Return the bits of decimal numerals, bool `(..., bits)`, least significant first.

    Raises:
        DataError: something is not a digit, or a number needs more bits.

    """
    return to_bits(digits_to_ints(digits), bits)


def bits_to_digits(bits: Tensor, count: int) -> Array:
    """Return decimal digits, int64 `(..., count)`, of hard or most probable bits.

    Raises:
        DataError: a number has more digits.

    """
    return ints_to_digits(from_bits(bits), count)


def _parsed(digits: list[int]) -> int:
    number = 0
    for digit in digits:
        number = 10 * number + digit
    return number


def _digits(digits: Any) -> Array:
    array = digits.cpu().numpy() if isinstance(digits, torch.Tensor) else np.asarray(digits)
    if not array.ndim or not array.shape[-1] or array.dtype.kind not in "iu":
        raise DataError(f"digits are integers (..., d), not {array.dtype} of {array.shape}")
    if array.size and (array.min() < 0 or array.max() > 9):
        raise DataError(f"{array.max() if array.max() > 9 else array.min()} is not a decimal digit")
    return array.astype(np.int64)
