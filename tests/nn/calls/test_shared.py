"""Operands that are the same variable, against enumeration of registers and choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from neuralc.errors import DataError
from neuralc.nn.calls.joint import Joint
from neuralc.nn.calls.shared import Routed, tied

N = 4
TABLE = np.random.default_rng(0).integers(0, N, (N, N))
SUB = (np.arange(N)[:, None] - np.arange(N)) % N


def test_a_value_less_itself_is_nothing() -> None:
    x = torch.rand(3, N).softmax(-1)
    zero = Joint(SUB, variables=(0, 0))([x])
    torch.testing.assert_close(zero, torch.eye(N)[0].expand(3, N))
    apart = Joint(SUB)([x, x])
    assert (apart[:, 0] < 0.9).all()  # what two independent copies would give


def test_tied_operands() -> None:
    values = np.random.default_rng(0).integers(0, 5, (2, 3, 2))
    table = tied(values, (0, 1, 0))
    assert table.shape == (2, 3)
    assert all(table[v, w] == values[v, w, v] for v in range(2) for w in range(3))


@pytest.mark.parametrize("table", [TABLE, SUB])
def test_routed_is_the_sum_over_all_registers_and_choices(table: np.ndarray) -> None:
    generator = torch.Generator().manual_seed(0)
    registers, first, second = (
        torch.rand(*shape, generator=generator, dtype=torch.float64).softmax(-1)
        for shape in ((2, 3, N), (2, 3), (2, 3))
    )
    wanted = torch.zeros(2, N, dtype=torch.float64)
    for state in itertools.product(range(N), repeat=3):
        chance = torch.stack([registers[:, r, v] for r, v in enumerate(state)]).prod(0)
        for r, s in itertools.product(range(3), repeat=2):
            wanted[:, table[state[r], state[s]]] += chance * first[:, r] * second[:, s]
    routed = Routed(table, N)
    torch.testing.assert_close(routed(registers, first, second), wanted)
    inputs = [x.requires_grad_() for x in (registers, first, second)]
    assert torch.autograd.gradcheck(routed, inputs)


def test_one_register() -> None:
    x = torch.rand(1, N).softmax(-1)
    z = Routed(SUB, N)(x, torch.ones(1), torch.ones(1))
    torch.testing.assert_close(z, torch.eye(N)[0])


def test_mass_stays_one() -> None:
    """Doubling again and again: without the division, errors of the mass double too."""
    double = (2 * np.arange(30)) % 29
    x = torch.rand(30).softmax(-1)
    with_it, without = (Joint((np.add.outer(double, double) // 2) % 29, 30, normalised=on)
                        for on in (True, False))  # fmt: skip
    a = b = x
    for _ in range(60):
        a, b = with_it([a, a]), without([b, b])
    assert abs(a.sum() - 1) < 1e-6
    assert not abs(b.sum() - 1) < 1e-3


def test_mistakes() -> None:
    with pytest.raises(DataError, match="new ones in order"):
        tied(TABLE, (1, 0))
    with pytest.raises(DataError, match="several sizes"):
        tied(np.zeros((2, 3), int), (0, 0))
