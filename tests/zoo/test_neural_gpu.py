"""The Neural GPU: its cell against plain numpy, padding, how far it sees, gradients, learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neuralc.errors import HyperError
from neuralc.zoo.neural_gpu import Cgru, NeuralGpu, cut_sigmoid
from neuralc.zoo.symbols import OneHot, TwoNetworks

Array = NDArray[np.float64]


def small(images: bool = False, **sizes: Any) -> NeuralGpu:
    torch.manual_seed(1)
    reader = TwoNetworks(9, (8, 8)) if images else OneHot()
    return NeuralGpu(reader, **{"filters": 6, "columns": 3, **sizes}).eval()


def sequences(images: bool = False) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    lengths = torch.tensor([3, 7, 1, 5, 3])
    return (torch.rand(5, 7, 3, 3) if images else torch.randint(14, (5, 7))), lengths


def convolved(state: Array, kernel: Array, bias: Array) -> Array:
    """Return U * s + B, place by place: state [m, n, w], kernel [m', m, 3, 3]."""
    _, n, w = state.shape
    result = np.zeros((len(kernel), n, w))
    for y in range(n):
        for x in range(w):
            result[:, y, x] = bias
            for i in (-1, 0, 1):
                for j in (-1, 0, 1):
                    if 0 <= y + i < n and 0 <= x + j < w:
                        result[:, y, x] += kernel[:, :, 1 + i, 1 + j] @ state[:, y + i, x + j]
    return result


def cut(x: Array) -> Array:
    return np.clip(1.2 / (1 + np.exp(-x)) - 0.1, 0, 1)


def test_cell_is_the_equation_of_the_paper() -> None:
    torch.manual_seed(0)
    cell = Cgru(4).double()
    for weight in cell.parameters():
        nn.init.normal_(weight)  # large enough that gates reach 0 and 1
    state = np.random.default_rng(0).normal(size=(4, 5, 3))
    kernels, biases = cell.gates.weight.detach().numpy(), cell.gates.bias.detach().numpy()
    u = cut(convolved(state, kernels[:4], biases[:4]))
    r = cut(convolved(state, kernels[4:], biases[4:]))
    kernel, bias = cell.candidate.weight.detach().numpy(), cell.candidate.bias.detach().numpy()
    wanted = u * state + (1 - u) * np.tanh(convolved(r * state, kernel, bias))
    assert {0.0, 1.0} <= set(u.ravel().tolist())
    np.testing.assert_allclose(cell(torch.from_numpy(state)[None])[0].detach().numpy(), wanted)


def test_gates_reach_their_ends() -> None:
    gates = cut_sigmoid(torch.tensor([-9.0, -2.5, 0.0, 2.5, 9.0]))
    torch.testing.assert_close(gates, torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


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


def test_every_symbol_has_a_part_in_the_answer() -> None:
    padded, _ = sequences()
    model = small().double()
    answers = model.answer(whole_state(model, padded[1:2]))
    for place in range(7):
        other = padded[1:2].clone()
        other[:, place] = (other[:, place] + 1) % 14
        assert (model.answer(whole_state(model, other)) != answers).any(), place


def whole_state(model: NeuralGpu, symbols: Tensor) -> Tensor:
    """Return the features that the answer is made of, computed step by step in the test."""
    one_hot = nn.functional.one_hot(symbols, 14).double()
    state = torch.zeros(1, 6, symbols.shape[1], 3, dtype=torch.float64)
    state[..., 0] = model.embedding(one_hot).tanh().transpose(1, 2)
    for _ in range(symbols.shape[1]):
        for cell in model.cells:
            state = cell(state)
    return state[:, :, -1, 0]


def test_forward_is_n_steps_of_both_cells() -> None:
    padded, lengths = sequences()
    model = small()
    answers = model(padded, lengths).detach()
    for k, n in enumerate(lengths.tolist()):
        twin = small().double()
        wanted = twin.answer(whole_state(twin, padded[k : k + 1, :n]))[0].float()
        torch.testing.assert_close(answers[k], wanted.detach(), atol=1e-5, rtol=1e-4)


def test_gradients_reach_both_networks() -> None:
    padded, lengths = sequences(images=True)
    model = small(images=True)
    nn.functional.cross_entropy(model(padded, lengths), torch.arange(5)).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
        assert weight.grad.abs().sum() > 0, name


def test_published_size() -> None:
    model = NeuralGpu.paper(OneHot())
    assert model.cells[0].gates.weight.shape == (2 * 512, 512, 3, 3)
    assert (len(model.cells), model.columns) == (2, 4)


def test_dropout_is_for_training_only() -> None:
    padded, lengths = sequences()
    model = small(dropout=0.2)
    assert torch.equal(model(padded, lengths), model(padded, lengths))
    model.train()
    assert not torch.equal(model(padded, lengths), model(padded, lengths))


def test_the_same_seed_gives_the_same_model() -> None:
    padded, lengths = sequences()
    assert torch.equal(small()(padded, lengths), small()(padded, lengths))


def test_learns_which_symbol_came_first() -> None:
    """The first symbol is as far from the answer as can be, at every length."""
    torch.manual_seed(0)
    model = NeuralGpu(OneHot(), filters=12, columns=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        symbols, lengths = torch.randint(3, (48, 4)), torch.randint(1, 5, (48,))
        loss = nn.functional.cross_entropy(model(symbols, lengths), symbols[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    symbols, lengths = torch.randint(3, (200, 4)), torch.randint(1, 5, (200,))
    assert (model(symbols, lengths).argmax(1) == symbols[:, 0]).float().mean() > 0.97


@pytest.mark.parametrize("sizes", [{"filters": 0}, {"columns": 0}, {"kernel": 2}, {"dropout": 1}])
def test_impossible_sizes_are_told(sizes: dict[str, Any]) -> None:
    with pytest.raises(HyperError, match="found a Neural GPU of"):
        small(**sizes)
