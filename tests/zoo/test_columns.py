"""The networks of the 2x2 tasks: sizes of the paper, what is shared, what is frozen."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from neuralc.errors import HyperError
from neuralc.zoo.columns import Column, Shape
from neuralc.zoo.multitask import Head, embedding
from neuralc.zoo.progressive import ProgressiveColumn

ADD, APPLY = Shape(4, 9, 0, 19), Shape(4, 9, 30, 19)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def batch(shape: Shape, size: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(size, shape.images, shape.pixels, generator=generator)
    return images, torch.rand(size, shape.numbers, generator=generator)


def linear(*sizes: int) -> int:
    return sum((n + 1) * m for n, m in pairwise(sizes))


def test_a_column_has_the_sizes_of_the_paper() -> None:
    column = Column(Shape(4, 784, 30, 19))
    wanted = linear(784, 256, 256, 10) + linear(4 * 10 + 30, 128, 128, 128, 19)
    assert count(column) == wanted
    images, numbers = torch.rand(3, 4, 784), torch.rand(3, 30)
    assert column(images, numbers).shape == (3, 19)


def test_a_column_reads_every_image_the_same_way_but_knows_its_place() -> None:
    column = Column(ADD).eval()
    images, numbers = batch(ADD)
    assert torch.equal(column.embedding(images)[:, 1], column.embedding(images[:, 1]))
    assert not torch.allclose(column(images, numbers), column(images.flip(1), numbers))


def test_dropout_is_for_training_only() -> None:
    torch.manual_seed(0)
    column = Column(ADD, dropout=0.5)
    images, numbers = batch(ADD)
    assert not torch.equal(column(images, numbers), column(images, numbers))
    column.eval()
    assert torch.equal(column(images, numbers), column(images, numbers))


def test_shapes_that_cannot_be() -> None:
    with pytest.raises(HyperError, match="at least"):
        Shape(0, 9, 0, 19)


# ---- multi-task


def test_heads_share_embeddings() -> None:
    shared = {"net_0": embedding(784, 10), "net_1": embedding(784, 4)}
    assert count(shared["net_1"]) == linear(784, 256, 256, 4)
    add = Head(Shape(4, 784, 0, 19), {"net_0": 10}, hidden=(128,))
    apply = Head(Shape(4, 784, 30, 19), {"net_0": 10, "net_1": 4})
    assert count(add) == linear(40, 128, 19)
    assert count(apply) == linear(4 * 14 + 30, 128, 128, 128, 19)
    images = torch.rand(3, 4, 784)
    add(shared, images, torch.zeros(3, 0)).sum().backward()
    touched = {name: any(p.grad is not None for p in net.parameters())
               for name, net in shared.items()}  # fmt: skip
    assert touched == {"net_0": True, "net_1": False}


# ---- progressive


def columns(*shapes: Shape) -> list[ProgressiveColumn]:
    torch.manual_seed(0)
    made: list[ProgressiveColumn] = []
    for shape in shapes:
        made.append(ProgressiveColumn(shape, made).eval())
    return made


def test_the_first_column_is_a_column() -> None:
    (first,) = columns(Shape(4, 784, 30, 19))
    assert count(first) == count(Column(Shape(4, 784, 30, 19)))
    plain = Column(Shape(4, 784, 30, 19)).eval()
    values = list(first.state_dict().values())
    plain.load_state_dict(dict(zip(plain.state_dict(), values, strict=True)))
    images, numbers = torch.rand(3, 4, 784), torch.rand(3, 30)
    torch.testing.assert_close(first([], images, numbers), plain(images, numbers))


def test_lateral_sizes() -> None:
    _, second = columns(ADD, APPLY)
    plain = Column(APPLY)
    between = 256 * 256 + 256 * 10 + 40 * 128 + 128 * 128 * 2 + 128 * 19
    assert count(second) == count(plain) + between


@pytest.mark.parametrize("shapes", [(ADD, APPLY, ADD), (APPLY, ADD, APPLY)])
def test_earlier_columns_are_heard_and_not_changed(shapes: tuple[Shape, ...]) -> None:
    made = columns(*shapes)
    images, numbers = batch(shapes[-1])
    logits = made[2](made[:2], images, numbers)
    assert logits.shape == (5, 19)
    logits.sum().backward()
    assert all(p.grad is None for column in made[:2] for p in column.parameters())
    assert all(p.grad is not None for p in made[2].parameters())
    with torch.no_grad():
        for p in made[0].parameters():
            p.add_(0.1)
    assert not torch.allclose(made[2](made[:2], images, numbers), logits)


def test_columns_that_do_not_fit() -> None:
    (first,) = columns(ADD)
    with pytest.raises(HyperError, match="images of one kind"):
        ProgressiveColumn(Shape(4, 16, 0, 19), [first])
    with pytest.raises(HyperError, match="same depth"):
        ProgressiveColumn(ADD, [first], hidden=(128,))
