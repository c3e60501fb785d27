"""The LSTM baseline and what it reads: shapes, padding, gradients, published sizes, seeds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from neuralc.errors import DataError, HyperError
from neuralc.zoo.lstm import Lstm
from neuralc.zoo.symbols import OneHot, TwoNetworks


def sequences(images: bool, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return five padded sequences of lengths 1 to 7, of 3x3 images or of symbols."""
    torch.manual_seed(seed)
    lengths = torch.tensor([3, 7, 1, 5, 3])
    return (torch.rand(5, 7, 3, 3) if images else torch.randint(14, (5, 7))), lengths


def small(images: bool, **sizes: float) -> Lstm:
    torch.manual_seed(1)
    reader = TwoNetworks(9, (8, 8)) if images else OneHot()
    return Lstm(reader, **{"width": 16, **sizes}).eval()


@pytest.mark.parametrize("images", [True, False])
def test_padding_never_changes_an_answer(images: bool) -> None:
    padded, lengths = sequences(images)
    model = small(images)
    answers = model(padded, lengths)
    assert answers.shape == (5, 19)
    for k, n in enumerate(lengths.tolist()):
        alone = model(padded[k : k + 1, :n], lengths[k : k + 1])
        torch.testing.assert_close(alone[0], answers[k])
    other = padded.clone()
    other[torch.arange(7) >= lengths[:, None]] = float("nan") if images else -5
    torch.testing.assert_close(model(other, lengths), answers)


@pytest.mark.parametrize("images", [True, False])
def test_every_symbol_has_a_part_in_the_answer(images: bool) -> None:
    padded, lengths = sequences(images)
    model = small(images)
    answers = model(padded, lengths)
    for place in range(7):
        other = padded.clone()
        other[:, place] = 1 - other[:, place] if images else (other[:, place] + 1) % 14
        changed = (model(other, lengths) != answers).any(1)
        assert changed.tolist() == (lengths > place).tolist()


def test_gradients_reach_both_networks() -> None:
    padded, lengths = sequences(images=True)
    model = small(images=True)
    nn.functional.cross_entropy(model(padded, lengths), torch.arange(5)).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name


def test_networks_see_each_symbol_as_two_distributions() -> None:
    padded, lengths = sequences(images=True)
    reader = TwoNetworks(9, (8,))
    seen = reader(padded, lengths)
    inside = torch.arange(7) < lengths[:, None]
    assert seen.shape == (5, 7, 14)
    torch.testing.assert_close(seen[..., :10].sum(-1), inside.float())
    torch.testing.assert_close(seen[..., 10:].sum(-1), inside.float())
    alone = reader.net_1(padded[3, 4].flatten()).softmax(-1)
    torch.testing.assert_close(seen[3, 4, 10:], alone)


def test_symbols_are_one_hot() -> None:
    seen = OneHot()(torch.tensor([[3, 13, 0]]), torch.tensor([2]))
    assert seen.argmax(-1)[0, :2].tolist() == [3, 13]
    assert seen.sum(-1).tolist() == [[1, 1, 0]]


def test_published_sizes() -> None:
    first, last = Lstm.submission(TwoNetworks()), Lstm.final(OneHot())
    assert (first.cells.num_layers, first.cells.hidden_size, first.cells.dropout) == (2, 256, 0)
    assert (last.cells.num_layers, last.cells.hidden_size) == (3, 1024)
    assert last.cells.dropout == last.dropout.p > 0
    # 784-256-256-10 and 784-256-256-4, as everywhere in the paper
    networks = sum(p.numel() for p in first.reader.parameters())
    assert networks == 2 * (784 * 256 + 256 + 256 * 256 + 256) + 257 * (10 + 4)


def test_dropout_is_for_training_only() -> None:
    padded, lengths = sequences(images=False)
    model = small(images=False, dropout=0.5)
    assert torch.equal(model(padded, lengths), model(padded, lengths))
    model.train()
    assert not torch.equal(model(padded, lengths), model(padded, lengths))


def test_the_same_seed_gives_the_same_model() -> None:
    padded, lengths = sequences(images=True)
    assert torch.equal(small(images=True)(padded, lengths), small(images=True)(padded, lengths))


def test_learns_sums_of_two() -> None:
    torch.manual_seed(0)
    model = Lstm(OneHot(), layers=1, width=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    numbers = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    expressions = torch.stack([numbers[:, 0], torch.full((25,), 10), numbers[:, 1]], 1)
    lengths = torch.full((25,), 3)
    for _ in range(150):
        loss = nn.functional.cross_entropy(model(expressions, lengths), numbers.sum(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.equal(model(expressions, lengths).argmax(1), numbers.sum(1))


def test_learns_to_read_images_from_answers_alone() -> None:
    """Four kinds of image, each a dark spot in noise; the answer is the kind of the first."""
    torch.manual_seed(0)
    model = Lstm(TwoNetworks(16, (32,)), layers=1, width=32)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)

    def draw(count: int) -> tuple[Tensor, Tensor, Tensor]:
        kinds = torch.randint(4, (count, 2))
        images = nn.functional.one_hot(kinds, 16) + 0.2 * torch.rand(count, 2, 16)
        return images, torch.randint(1, 3, (count,)), kinds[:, 0]

    for _ in range(200):
        images, lengths, kinds = draw(64)
        loss = nn.functional.cross_entropy(model(images, lengths), kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, lengths, kinds = draw(300)
    assert (model(images, lengths).argmax(1) == kinds).float().mean() > 0.95


@pytest.mark.parametrize(
    ("padded", "lengths", "message"),
    [
        (torch.zeros(2, 3, dtype=torch.int64), torch.tensor([3]), r"shape \(1,\), wanted \(2,\)"),
        (torch.zeros(1, 3, dtype=torch.int64), torch.tensor([4]), r"4 to 4, wanted 1\.\.3"),
        (torch.zeros(1, 3, dtype=torch.int64), torch.tensor([0]), r"0 to 0, wanted 1\.\.3"),
        (torch.full((1, 3), 14), torch.tensor([3]), r"14 to 14, wanted 0\.\.13"),
    ],
)
def test_misfits_are_told(padded: Tensor, lengths: Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        small(images=False)(padded, lengths)


def test_images_of_another_size_are_told() -> None:
    with pytest.raises(DataError, match="found images of 16 pixels, wanted 9"):
        small(images=True)(torch.zeros(1, 3, 4, 4), torch.tensor([3]))


@pytest.mark.parametrize("sizes", [{"layers": 0}, {"width": 0}, {"dropout": 1.0}])
def test_impossible_sizes_are_told(sizes: dict[str, float]) -> None:
    with pytest.raises(HyperError, match="found an LSTM of"):
        small(images=False, **sizes)
