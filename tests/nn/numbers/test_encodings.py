"""Encodings: what conversions keep, and where going there and back is the identity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import DataError
from neuralc.nn.numbers import decimal
from neuralc.nn.numbers.encodings import (
    binary_to_unit,
    bits_of,
    extend_binary,
    extend_unit,
    from_bits,
    from_unit,
    joint_to_unit,
    to_bits,
    to_unit,
    unit_to_binary,
    unit_to_joint,
)


@given(st.lists(st.integers(0, 2**200 - 1), min_size=1, max_size=5))
def test_bits_of_large_integers(numbers: list[int]) -> None:
    bits = to_bits(numbers, 200)
    assert [sum(2**k for k in range(200) if row[k]) for row in bits] == numbers
    assert list(from_bits(bits)) == numbers
    assert list(from_bits(bits.float())) == numbers


@pytest.mark.parametrize("bits", [1, 7, 8, 9, 62, 63, 64, 65])
def test_bits_at_all_widths(bits: int) -> None:
    numbers = [0, 1, 2**bits - 1, 2 ** (bits - 1)]
    found = from_bits(to_bits(numbers, bits))
    assert found.tolist() == numbers
    assert (found.dtype == object) == (bits > 62)


def test_certain_numbers_go_there_and_back() -> None:
    x = to_unit(np.arange(16).reshape(2, 8), 16, torch.float64)
    assert torch.equal(unit_to_binary(x), to_bits(np.arange(16).reshape(2, 8), 4).double())
    assert torch.equal(binary_to_unit(unit_to_binary(x)), x)
    assert from_unit(x).tolist() == np.arange(16).reshape(2, 8).tolist()


def test_chances_of_bits_are_kept() -> None:
    x = torch.rand(5, 12, dtype=torch.float64).softmax(-1)
    chances = unit_to_binary(x)
    for k in range(4):
        wanted = x[:, [n for n in range(12) if n >> k & 1]].sum(-1)
        torch.testing.assert_close(chances[:, k], wanted)
    again = unit_to_binary(binary_to_unit(chances))
    torch.testing.assert_close(again, chances)


def test_products_of_bits_are_kept_and_others_are_not() -> None:
    chances = torch.rand(5, 4, dtype=torch.float64)
    x = binary_to_unit(chances)
    torch.testing.assert_close(x.sum(-1), torch.ones(5, dtype=torch.float64))
    torch.testing.assert_close(binary_to_unit(unit_to_binary(x)), x)
    tied = torch.tensor([0.5, 0, 0, 0.5])  # both bits 0 or both 1
    assert torch.equal(binary_to_unit(unit_to_binary(tied)), torch.full((4,), 0.25))


def test_joint_bits_keep_everything() -> None:
    x = torch.rand(3, 6).softmax(-1)
    joint = unit_to_joint(x)
    assert joint.shape == (3, 2, 2, 2)
    assert torch.equal(joint[:, 1, 0, 1], x[:, 5])
    assert torch.equal(joint_to_unit(joint, 3), extend_unit(x, 8))


def test_other_sizes() -> None:
    x = to_unit([3, 5], 6)
    assert torch.equal(extend_unit(x, 9), to_unit([3, 5], 9))
    assert torch.equal(extend_binary(to_bits([5], 3), 6), to_bits([5], 6))
    assert [bits_of(n) for n in (1, 2, 3, 4, 5, 128, 129)] == [1, 1, 2, 2, 3, 7, 8]


def test_gradients() -> None:
    x = torch.rand(2, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit_to_binary, x)
    chances = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(binary_to_unit, chances)


@given(st.lists(st.integers(0, 10**40 - 1), min_size=1, max_size=4))
def test_digits(numbers: list[int]) -> None:
    digits = decimal.ints_to_digits(numbers, 40)
    assert ["".join(map(str, row)) for row in digits] == [str(n).zfill(40) for n in numbers]
    assert list(decimal.digits_to_ints(digits)) == numbers
    bits = decimal.digits_to_bits(torch.from_numpy(digits), 133)
    assert (decimal.bits_to_digits(bits, 40) == digits).all()


def test_short_digits_are_int64() -> None:
    assert decimal.digits_to_ints([[9] * 18]).tolist() == [10**18 - 1]
    assert decimal.digits_to_ints([[9] * 19]).tolist() == [10**19 - 1]
    assert decimal.digits_to_ints([[0, 4, 2]]).dtype == np.int64


def test_mistakes() -> None:
    with pytest.raises(DataError, match="8 does not fit into 3 bits"):
        to_bits([1, 8], 3)
    with pytest.raises(DataError, match="-1 does not fit into 5 values"):
        to_unit([-1], 5)
    with pytest.raises(DataError, match="are integers"):
        to_bits([1.5], 3)
    with pytest.raises(DataError, match="does not fit into 2"):
        extend_binary(to_bits([5], 3), 2)
    with pytest.raises(DataError, match="10 is not a decimal digit"):
        decimal.digits_to_ints([[1, 10]])
    with pytest.raises(DataError, match="1000 does not have 3"):
        decimal.ints_to_digits([1000], 3)
