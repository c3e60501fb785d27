"""Circuits against Python integers: exhaustively at 8 bits, at random at 64 and more."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch

from neuralc.nn.numbers import circuits, gates
from neuralc.nn.numbers.arithmetic import Circuits
from neuralc.nn.numbers.encodings import binary_to_unit, from_bits, to_bits, unit_to_binary
from neuralc.nn.numbers.integers import CIRCUITS, compute


@pytest.mark.parametrize("name", CIRCUITS)
def test_all_pairs_of_8_bits(name: str) -> None:
    a, b = (x.ravel() for x in np.mgrid[:256, :256])
    hard = Circuits(8).apply(name, (to_bits(a, 8), to_bits(b, 8)))
    assert hard.dtype == torch.bool
    assert np.array_equal(from_bits(hard), compute(name, a, b, 256))
    some = slice(None, None, 7)
    chances = [to_bits(x[some], 8).float() for x in (a, b)]
    assert torch.equal(Circuits(8).apply(name, chances), hard[some].float())


def python(name: str, a: int, b: int, modulus: int) -> int:
    """Return what Python says, in its own words."""
    return int({
        "add": lambda: (a + b) % modulus, "sub": lambda: (a - b) % modulus,
        "mul": lambda: a * b % modulus, "div": lambda: a // b if b else modulus - 1,
        "mod": lambda: a % b if b else a, "min": lambda: min(a, b), "max": lambda: max(a, b),
        "equal": lambda: a == b, "unequal": lambda: a != b, "less": lambda: a < b,
        "less_equal": lambda: a <= b, "greater": lambda: a > b, "greater_equal": lambda: a >= b,
        "and": lambda: a & b, "or": lambda: a | b, "xor": lambda: a ^ b,
    }[name]())  # fmt: skip


def pairs(bits: int, count: int) -> tuple[list[int], list[int]]:
    """Return operands of all lengths, so that quotients are not all 0 or 1."""
    source = random.Random(bits)
    edges = [0, 1, 2**bits - 1, 2 ** (bits - 1)]
    found = list(itertools.product(edges, edges))
    while len(found) < count:
        found.append(tuple(source.getrandbits(source.randint(0, bits)) for _ in "ab"))
    return [a for a, _ in found], [b for _, b in found]


@pytest.mark.parametrize(("bits", "count"), [(64, 10_000), (100, 100)])
@pytest.mark.parametrize("name", CIRCUITS)
def test_wide_numbers(name: str, bits: int, count: int) -> None:
    a, b = pairs(bits, count)
    wanted = [python(name, x, y, 2**bits) for x, y in zip(a, b, strict=True)]
    found = Circuits(bits).apply(name, (to_bits(a, bits), to_bits(b, bits)))
    assert from_bits(found).tolist() == wanted
    assert compute(name, a, b, 2**bits).tolist() == wanted


@pytest.mark.parametrize("name", CIRCUITS)
def test_soft_equals_hard_on_wide_numbers(name: str) -> None:
    hard = [to_bits(x, 64) for x in pairs(64, 50)]
    soft = Circuits(64).apply(name, [x.float() for x in hard])
    assert torch.equal(soft, Circuits(64).apply(name, hard).float())


@pytest.mark.parametrize("gate", ["both", "either", "differ"])
def test_gates_are_the_chances_of_independent_bits(gate: str) -> None:
    a, b = torch.rand(2, 6, dtype=torch.float64)
    apply = getattr(gates, gate)
    wanted = torch.zeros(6, dtype=torch.float64)
    for x, y in itertools.product((False, True), repeat=2):
        chance = (a if x else 1 - a) * (b if y else 1 - b)
        wanted += chance * bool(apply(torch.tensor(x), torch.tensor(y)))
    torch.testing.assert_close(apply(a, b), wanted)


@pytest.mark.parametrize("name", ["add", "sub", "equal", "less", "greater_equal", "and", "xor"])
def test_chances_are_exact_for_independent_bits(name: str) -> None:
    a, b = torch.rand(2, 4, dtype=torch.float64)
    table = torch.from_numpy(compute(name, np.arange(16)[:, None], np.arange(16), 16))
    joint = binary_to_unit(a)[:, None] * binary_to_unit(b)
    z = torch.zeros(16, dtype=torch.float64).index_add(0, table.flatten(), joint.flatten())
    torch.testing.assert_close(Circuits(4).apply(name, (a, b)), unit_to_binary(z))


@pytest.mark.parametrize("name", CIRCUITS)
def test_results_are_chances_with_a_gradient(name: str) -> None:
    a, b = (torch.rand(2, 3, dtype=torch.float64).requires_grad_() for _ in "ab")
    z = Circuits(3).apply(name, (a, b))
    assert ((z >= 0) & (z <= 1)).all()
    assert torch.autograd.gradcheck(lambda a, b: Circuits(3).apply(name, (a, b)), (a, b))


def test_leading_axes_broadcast() -> None:
    a, b = to_bits([[5], [3]], 4), to_bits([2, 0, 7], 4)
    for name in CIRCUITS:
        wanted = compute(name, np.array([[5], [3]]), np.array([2, 0, 7]), 16)
        assert np.array_equal(from_bits(Circuits(4).apply(name, (a, b))), wanted), name
    assert from_bits(circuits.minimum(a, b)).tolist() == [[2, 0, 5], [2, 0, 3]]
    assert from_bits(circuits.maximum(a, b)).tolist() == [[5, 5, 7], [3, 3, 7]]
