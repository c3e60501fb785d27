"""The pushforward through a table: the short way and the way round the last argument agree."""

from __future__ import annotations

import pytest
import torch

from neuralc.backends.soft import runtime


def plain(parts: list[torch.Tensor], index: torch.Tensor, size: int) -> torch.Tensor:
    """Add up the joint probability of each tuple of arguments, one by one."""
    sizes = [part.shape[-1] for part in parts]
    rows = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    result = torch.zeros(*rows, size, dtype=parts[0].dtype)
    for cell, values in enumerate(torch.cartesian_prod(*(torch.arange(n) for n in sizes)).tolist()):
        chance = torch.ones(rows, dtype=parts[0].dtype)
        for part, value in zip(parts, values, strict=True):
            chance = chance * part[..., value]
        result[..., int(index[cell])] += chance
    return result


@pytest.mark.parametrize("rows", [(3,), (runtime.ROWS,), (5, 40)], ids=str)
@pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 2), (2, 3, 2, 4)], ids=str)
@pytest.mark.parametrize("shared", [0, 1], ids=["all differ", "one for all rows"])
def test_values_and_gradients(rows: tuple[int, ...], sizes: tuple[int, ...], shared: int) -> None:
    generator = torch.Generator().manual_seed(0)
    parts = [
        torch.rand(*(rows if k >= shared else [1] * len(rows)), n, generator=generator,
                   dtype=torch.float64).requires_grad_()
        for k, n in enumerate(sizes)
    ]  # fmt: skip
    cells = int(torch.tensor(sizes).prod())
    index = torch.randint(5, (cells,), generator=generator)
    found, wanted = runtime.scatter(parts, index, 5), plain(parts, index, 5)
    assert torch.allclose(found, wanted, atol=1e-12)
    weight = torch.rand(found.shape, generator=generator, dtype=torch.float64)
    mine = torch.autograd.grad((found * weight).sum(), parts)
    theirs = torch.autograd.grad((wanted * weight).sum(), parts)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(mine, theirs, strict=True))


def test_a_large_table_is_not_made_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "CELLS", 10)
    parts = [torch.rand(100, 3), torch.rand(100, 3), torch.rand(100, 2)]
    index = torch.arange(18) % 4
    assert torch.allclose(runtime.scatter(parts, index, 4), plain(parts, index, 4), atol=1e-6)
