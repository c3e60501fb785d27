"""Numbers as tensors: one-hot ("unit") over n values, or the probabilities of b bits ("binary").

Bits are least significant first. A unit encoding holds any distribution; a binary one holds only
the chance of each bit, and stands for bits that are independent. So

- from unit to binary the chance of every bit is kept, exactly, and correlations are lost;
- from binary to unit nothing is lost: the product of the chances;
- binary to unit to binary is the identity; unit to binary to unit is the identity where the bits
  are independent to begin with: for certain (Dirac) numbers and products of bits, no others;
- joint bits, `(..., 2, ..., 2)`, are a unit encoding in another shape: both ways nothing is lost.

Source: Saldyt & Kambhampati (2024), arXiv:2407.04899, section on number encodings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

from neuralc.errors import DataError

Array = np.ndarray[Any, Any]
WORD = 62  # bits of a number that fit into int64, with room for a sign


# ---- integers


def to_bits(numbers: Any, bits: int) -> Tensor:
    """Return the bits of integers, bool `(..., bits)`.

    Args:
        numbers: integers from 0 to below `2 ** bits`: an array, or Python integers of any size.
        bits: how many.

    Raises:
        DataError: not integers, or one is out of range.

    """
    array = _integers(numbers)
    _in_range(array, 2**bits, f"{bits} bits")
    count = max(1, -(-bits // 8))
    raw = b"".join(int(number).to_bytes(count, "little") for number in array.flat)
    octets = np.frombuffer(raw, np.uint8).reshape(*array.shape, count)
    return torch.from_numpy(np.unpackbits(octets, axis=-1, bitorder="little")[..., :bits] != 0)


def from_bits(bits: Tensor) -> Array:
    """Return the integers that bits, or chances of bits, stand for: each bit the likelier one.

    Args:
        bits: bool, or probabilities, `(..., b)`.

    Returns:
        int64 `(...)`; Python integers in an array of objects beyond 62 bits.

    """
    hard = (bits if bits.dtype == torch.bool else bits > 0.5).detach().cpu().numpy()
    octets = np.packbits(hard, axis=-1, bitorder="little")
    if hard.shape[-1] <= WORD:
        places = np.int64(1) << (8 * np.arange(octets.shape[-1], dtype=np.int64))
        return np.asarray((octets.astype(np.int64) * places).sum(-1))
    found = np.empty(octets.shape[:-1], dtype=object)
    for place in np.ndindex(found.shape):
        found[place] = int.from_bytes(octets[place].tobytes(), "little")
    return found


def to_unit(numbers: Any, n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return integers from 0 to n - 1 as certain distributions, `(..., n)`.

    Raises:
        DataError: not integers, or one is out of range.

    """
    array = _integers(numbers)
    _in_range(array, n, f"{n} values")
    return one_hot(torch.from_numpy(array.astype(np.int64)), n).to(dtype)


def from_unit(x: Tensor) -> Array:
    """Return the most probable numbers, int64 `(...)`."""
    return np.asarray(x.detach().argmax(-1).cpu().numpy())


# ---- distributions


def bits_of(n: int) -> int:
    """Return how many bits the numbers below n have, at least 1."""
    return max(1, (n - 1).bit_length())


def unit_to_binary(x: Tensor) -> Tensor:
    """Return the chance that each bit is 1: `(..., b)` from `(..., n)`, by an n x b table."""
    n = x.shape[-1]
    numbers = torch.arange(n, device=x.device).unsqueeze(1)
    table = numbers >> torch.arange(bits_of(n), device=x.device) & 1
    with torch.autocast(x.device.type, enabled=False):  # which would make chances bfloat16
        chances: Tensor = x @ table.to(x.dtype)
    return chances


def binary_to_unit(chances: Tensor) -> Tensor:
    """Return the distribution of the number whose bits are independent: `(..., 2 ** b)`."""
    x = torch.ones_like(chances[..., :1])
    for bit in chances.unbind(-1):  # the number grows at its upper end
        bit = bit.unsqueeze(-1)
        x = torch.cat((x * (1 - bit), x * bit), -1)
    return x


def unit_to_joint(x: Tensor) -> Tensor:
    """Return the joint distribution of all bits, `(..., 2, ..., 2)`, the lowest bit last.

    The number of values need not be a power of 2; what is above has no chance.
    """
    bits = bits_of(x.shape[-1])
    joint: Tensor = extend_unit(x, 2**bits).unflatten(-1, (2,) * bits)
    return joint


def joint_to_unit(joint: Tensor, bits: int) -> Tensor:
    """Return the distribution `(..., 2 ** bits)` of the number with these joint bits."""
    return joint.flatten(-bits)


def extend_unit(x: Tensor, n: int) -> Tensor:
    """Return the same number among n values, not fewer than it has.

    Raises:
        DataError: n is smaller.

    """
    return _extended(x, n, "values")


def extend_binary(x: Tensor, bits: int) -> Tensor:
    """Return the same number with more bits, zeros above.

    Raises:
        DataError: there are more bits already.

    """
    return _extended(x, bits, "bits")


def _extended(x: Tensor, size: int, what: str) -> Tensor:
    if size < x.shape[-1]:
        raise DataError(
            f"a number of {x.shape[-1]} {what} does not fit into {size}\n"
            f"  hint: x[..., :{size}] cuts it off, which changes numbers that do not fit"
        )
    return pad(x, (0, size - x.shape[-1]))


def _integers(numbers: Any) -> Array:
    if isinstance(numbers, Tensor):
        numbers = numbers.cpu().numpy()
    array = np.asarray(numbers)
    if array.dtype.kind in "iub":
        return array
    array = np.asarray(numbers, dtype=object)  # a mix of sizes: NumPy would make floats of them
    if not all(isinstance(number, int | np.integer) for number in array.flat):
        raise DataError("numbers to encode are integers, or lists and arrays of them")
    return array


def _in_range(array: Array, limit: int, what: str) -> None:
    wrong: Sequence[int] = [n for n in (array.min(), array.max()) if not 0 <= n < limit] * (
        array.size > 0
    )
    if wrong:
        raise DataError(
            f"{wrong[0]} does not fit into {what}\n"
            f"  hint: numbers from 0 to {limit - 1}; for others take them modulo {limit}"
        )
