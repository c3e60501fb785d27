"""The copy head: mixtures of what the model says and what the calls give."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neuralc.nn.language.outcomes import Spread
from neuralc.nn.language.tokenizer import NumberTokens, standard_numbers
from neuralc.nn.language.writing import Writer

VOCABULARY = 30
OTHER = NumberTokens(  # tokens in another order, and those that begin are not those that go on
    "digits", {20 - k: str(k % 10) for k in range(20)}, frozenset(20 - k for k in range(10)),
    tuple(10 - k for k in range(10)), tuple(20 - k for k in range(10)),
)  # fmt: skip


def logits(count: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(count, VOCABULARY, generator=torch.Generator().manual_seed(seed))


def signed(numbers: list[int]) -> Tensor:
    return torch.tensor([[v - 2**64 if v >= 2**63 else v for v in numbers]])


def after(writer: Writer, spread: Spread, digits: str, own: Tensor) -> Tensor:
    """Return the logarithms of the next token behind some digits of a number."""
    begun = signed([int(digits or "0") % 2**64])[0]
    return writer.digits(own, spread, begun, torch.tensor([len(digits)]))[0]


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8), st.floats(0, 1))
def test_whole_numbers(weights: list[float], share: float) -> None:
    writer, own = Writer(standard_numbers(8)), logits()
    result = torch.tensor([weights]) / max(sum(weights), 1e-3) * share
    mixed = writer.whole(own, result).exp()[0]
    wanted = own.softmax(-1)[0] * (1 - result.sum())
    for value in range(8):
        wanted[4 + value] += result[0, value]
    assert torch.allclose(mixed, wanted, atol=1e-6)
    assert float(mixed.sum()) == pytest.approx(1, abs=1e-5)


NUMBER = st.one_of(st.integers(0, 99), st.integers(0, 2**64 - 1))


@pytest.mark.parametrize("tokens", [standard_numbers(8, "digits"), OTHER], ids=["ours", "other"])
@given(numbers=st.lists(NUMBER, min_size=1, max_size=5), share=st.floats(0, 1),
       digits=st.text("0123456789", max_size=20))  # fmt: skip
def test_digits_sum_to_one(
    tokens: NumberTokens, numbers: list[int], share: float, digits: str
) -> None:
    chances = torch.full((1, len(numbers)), share / len(numbers))
    spread = Spread(signed(numbers), chances)
    for prefix in (digits, str(numbers[0]), str(numbers[-1])[:1], ""):
        mixed = after(Writer(tokens), spread, prefix, logits())
        assert float(mixed.exp().sum()) == pytest.approx(1, abs=1e-5)


@settings(max_examples=15)
@given(numbers=st.lists(NUMBER, min_size=1, max_size=5, unique=True), seed=st.integers(0, 99))
def test_the_digits_of_a_number_have_its_probability(numbers: list[int], seed: int) -> None:
    writer = Writer(OTHER)
    noise = torch.Generator().manual_seed(seed)
    chances = torch.rand(1, len(numbers), generator=noise).softmax(-1)  # a result is certain
    spread = Spread(signed(numbers), chances)
    for number, chance in zip(numbers, chances[0].tolist(), strict=True):
        text, total = str(number), 0.0
        for k, digit in enumerate(text):
            tokens = OTHER.later if k else OTHER.first
            total += float(after(writer, spread, text[:k], logits())[tokens[int(digit)]])
        end = after(writer, spread, text, logits()).exp()
        others = [token for token in range(VOCABULARY) if token not in OTHER.later]
        total += math.log(float(end[others].sum()))  # that the number is over
        assert total == pytest.approx(math.log(chance), abs=1e-3)
        longer = [n for n in numbers if n != number and str(n).startswith(text)]
        if not longer:  # the model says how to go on, but not with digits
            own = logits()[0].softmax(-1)
            own[list(OTHER.later)] = 0
            assert torch.allclose(end, own / own.sum(), atol=1e-5)


def test_what_does_not_fit_is_left_to_the_model() -> None:
    spread = Spread(signed([12, 2**64 - 1]), torch.tensor([[0.5, 0.5]]))
    writer = Writer(OTHER)
    for digits in ("7", "13", "012", "0", "123", "18446744073709551616"[:-1] + "4"):
        found = after(writer, spread, digits, logits())
        assert torch.allclose(found, logits()[0].log_softmax(-1), atol=1e-5), digits
    found = after(writer, spread, "1", logits()).exp()
    assert found[OTHER.later[2]] == pytest.approx(0.5, abs=1e-5)
    assert found[OTHER.later[8]] == pytest.approx(0.5, abs=1e-5)


def test_equal_numbers_are_added_up() -> None:
    spread = Spread(signed([7, 7, 3]), torch.tensor([[0.2, 0.3, 0.1]]))
    found = after(Writer(OTHER), spread, "", logits()).exp()
    own = logits()[0].softmax(-1) * 0.4
    assert found[OTHER.first[7]] == pytest.approx(0.5 + float(own[OTHER.first[7]]), abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e-25, 1e-29, 1e-35, 0.0])
def test_gradients_of_unlikely_digits_are_finite(scale: float) -> None:
    logs = torch.tensor([[0.3 * scale, 0.2 * scale, 0.4]]).requires_grad_()
    own = logits().requires_grad_()
    spread = Spread(signed([71, 72, 3]), logs)
    found = Writer(OTHER).digits(own, spread, torch.tensor([7]), torch.tensor([1]))
    (-found[0, OTHER.later[1]]).backward()
    assert logs.grad is not None
    assert own.grad is not None
    # the chances are the ends of products: what arrives at their factors is chance times gradient
    assert bool((logs.grad * logs).isfinite().all())
    assert bool(own.grad.isfinite().all())
    assert float(found.detach().exp().sum()) == pytest.approx(1, abs=1e-5)
    if scale > 1e-30:
        share, part = float(logs.detach().sum()), 0.6
        wanted = share * part + (1 - share) * float(own.detach().softmax(-1)[0, OTHER.later[1]])
        assert float(found.detach()[0, OTHER.later[1]].exp()) == pytest.approx(wanted, rel=1e-3)
