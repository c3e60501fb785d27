"""Sums modulo n by Fourier transform, and products row by row, against their definitions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from neuralc.backends.soft import circular, runtime

SIZES = [*range(1, 41), 49, 97, 101, 251]


def random(*shape: int) -> Tensor:
    """Return random positive numbers."""
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.rand(shape, generator=generator, dtype=torch.float64)


def wanted(x: Tensor, y: Tensor, size: int) -> Tensor:
    """Return the distribution of the sum, from the definition."""
    cells = (torch.arange(x.shape[-1]).unsqueeze(1) + torch.arange(y.shape[-1])) % size
    hot = torch.nn.functional.one_hot(cells, size).to(x.dtype)
    return torch.einsum("...i,...j,ijk->...k", x, y, hot)


@pytest.mark.parametrize("size", SIZES)
def test_sums_and_their_gradients(size: int) -> None:
    """Operands that broadcast, some with fewer values than the result."""
    for few in (size, max(1, size // 2), max(1, size - 3)):
        for x, y in ((random(2, 1, size), random(3, few)), (random(3, few), random(3, few))):
            x.requires_grad_()
            y.requires_grad_()
            found, right = circular.circle(x, y, size), wanted(x, y, size)
            torch.testing.assert_close(found, right, rtol=0, atol=1e-12)
            weight = random(*right.shape)
            gradients = torch.autograd.grad(right, (x, y), weight)
            by_autograd = torch.autograd.grad(found, (x, y), weight)
            plain, spectra = circular.circled(x.detach(), y.detach(), size)
            torch.testing.assert_close(plain, found.detach())
            values = (x.shape[-1], y.shape[-1])
            by_hand = circular.circle_back(weight, spectra, size, values)
            for operand, one, other, right in zip(
                (x, y), by_hand, by_autograd, gradients, strict=True
            ):
                torch.testing.assert_close(other, right, rtol=0, atol=1e-11)
                one = one.sum_to_size(operand.shape)
                torch.testing.assert_close(one, right, rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [7, 20, 64, 101, 1024])
def test_small_probabilities_stay_right_in_float32(size: int) -> None:
    """Nearly certain operands: by a transform in float32 all below 1e-7 would be noise."""
    generator = torch.Generator().manual_seed(size)
    exact = []
    for _ in range(2):
        logits = -20 - 4 * torch.rand(5, size, generator=generator, dtype=torch.float64)
        logits[:, 3] = 0
        exact.append(logits.softmax(-1).float().double())
    x, y = exact
    right = torch.stack([sum_of(a, b) for a, b in zip(x, y, strict=True)])
    found = circular.circle(x.float(), y.float(), size).double()
    assert ((found - right).abs() <= 1e-5 * right).all()
    weight = torch.randn(5, size, generator=generator)
    _, spectra = circular.circled(x.float(), y.float(), size)
    gradient, _ = circular.circle_back(weight, spectra, size, (size, size))
    turned = torch.stack([
        sum_of(g, b.flip(0).roll(1)) for g, b in zip(weight.double(), y, strict=True)
    ])  # fmt: skip
    torch.testing.assert_close(gradient.double(), turned, rtol=1e-6, atol=1e-9)


def sum_of(x: Tensor, y: Tensor) -> Tensor:
    """Return the convolution of two rows, added up one by one."""
    return torch.stack([x.roll(k) * y[k] for k in range(len(y))]).sum(0)


def test_certain_sums_are_certain() -> None:
    eye = torch.eye(21)
    found = circular.circle(eye.unsqueeze(1), eye, 21)
    rows = torch.arange(21)
    assert torch.equal(found, eye[(rows.unsqueeze(1) + rows) % 21])


@pytest.mark.parametrize("many", [1, 10**9])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_rows_times_their_chances(many: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "MANY", many)
    weights, rows = random(2, 3, count), random(2, 3, count, 4)
    found = runtime.along(weights, rows)
    torch.testing.assert_close(found, torch.einsum("abk,abkc->abc", weights, rows))
    assert gradcheck(runtime.along, (weights.requires_grad_(), rows.requires_grad_()))
