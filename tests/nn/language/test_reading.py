"""What numbers stand in a text, against a plain reading of it token by token."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import example, given
from hypothesis import strategies as st

from neuralc.nn.language.reading import Reader, Reading
from neuralc.nn.language.tokenizer import NumberTokens, standard_numbers

WORD = 30  # a token that is no number
DIGITS = standard_numbers(8, "digits")
SPACED = NumberTokens(  # as in other tokenizers: a digit without a blank goes on, or begins
    "digits", {**{k: str(k) for k in range(10)}, **{10 + k: str(k) for k in range(10)}},
    frozenset(range(10)), tuple(range(10, 20)), tuple(range(10)),
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.integers(0, 23), st.just(WORD)), max_size=30)
LIMITS = st.sampled_from([1, 8, 128, 2**31, 2**63 - 1, 2**63, 2**63 + 1, 2**64])


def plain(tokens: NumberTokens, ids: list[int], present: list[bool], limit: int) -> dict[str, Any]:
    """Read token by token, with Python's own numbers."""
    values, digits, goes_on = [], [], []
    for t, token in enumerate(ids):
        text = tokens.texts.get(token) if present[t] else None
        later = text is not None and token in tokens.goes_on and t > 0 and digits[-1] > 0
        goes_on.append(later)
        digits.append(0 if text is None else 1 + (digits[-1] if later else 0))
        begun = values[-1] if later else 0
        values.append(None if text is None else 10 * begun + int(text))
    readable = [v is not None and v < limit for v in values]
    places = [max(sum(present[: t + 1]) - sum(goes_on[: t + 1]) - 1, 0) for t in range(len(ids))]
    followed = [*goes_on[1:], False]
    seen = [[s == t or (s < t and present[s] and not followed[s]) for s in range(len(ids))]
            for t in range(len(ids))]  # fmt: skip
    return {
        "values": values, "digits": digits, "goes_on": goes_on, "readable": readable,
        "places": places, "visible": seen,
        "ends": [r and not f for r, f in zip(readable, followed, strict=True)],
        "anchor": [t - d for t, d in enumerate(digits)],
    }  # fmt: skip


def read(tokens: NumberTokens, ids: list[int], present: list[bool] | None, limit: int) -> Reading:
    mask = None if present is None else torch.tensor([present])
    found: Reading = Reader(tokens, 32, limit)(torch.tensor([ids], dtype=torch.int64), mask)
    return found


def check(tokens: NumberTokens, ids: list[int], pad: int, limit: int) -> None:
    ids, present = [0] * pad + ids, [False] * pad + [True] * len(ids)
    if not ids:
        return
    found, wanted = read(tokens, ids, present, limit), plain(tokens, ids, present, limit)
    for name in ("digits", "goes_on", "readable", "anchor"):
        assert getattr(found, name)[0].tolist() == wanted[name], name
    for name in ("ends", "places", "visible"):
        assert getattr(found, name)()[0].tolist() == wanted[name], name
    for t, value in enumerate(wanted["values"]):
        if wanted["readable"][t]:
            assert int(found.values[0, t]) % 2**64 == value


@given(ids=TEXTS, pad=st.integers(0, 3), limit=LIMITS)
def test_our_digits(ids: list[int], pad: int, limit: int) -> None:
    check(DIGITS, ids, pad, limit)


@given(ids=TEXTS, pad=st.integers(0, 3), limit=LIMITS)
def test_digits_behind_blanks(ids: list[int], pad: int, limit: int) -> None:
    check(SPACED, ids, pad, limit)


@given(value=st.integers(2**64 - 40, 2**64 + 40) | st.integers(0, 10**22), limit=LIMITS)
@example(value=2**64 - 1, limit=2**64)
@example(value=2**64, limit=2**64)
@example(value=18446744073709551620, limit=2**64)
@example(value=2**63, limit=2**63)
@example(value=10**19 + 2**64, limit=2**64)
def test_large_numbers(value: int, limit: int) -> None:
    digits = [int(d) for d in str(value)]
    check(SPACED, [WORD, 10 + digits[0], *digits[1:], WORD], 0, limit)


@given(ids=st.lists(st.integers(0, 20), min_size=1, max_size=10), pad=st.integers(0, 2))
def test_whole_numbers(ids: list[int], pad: int) -> None:
    tokens = standard_numbers(10)
    found = read(tokens, [4] * pad + ids, [False] * pad + [True] * len(ids), 8)
    numbers = [4 <= t < 14 and k >= pad for k, t in enumerate([4] * pad + ids)]
    assert (found.digits[0] > 0).tolist() == numbers
    assert found.readable[0].tolist() == [
        there and t - 4 < 8 for there, t in zip(numbers, [4] * pad + ids, strict=True)
    ]
    assert not found.goes_on.any()
    assert found.anchor[0].tolist() == list(range(pad + len(ids)))
    assert found.places()[0, pad:].tolist() == list(range(len(ids)))


def test_no_mask_is_a_mask_of_ones() -> None:
    ids = [WORD, 4, 14, WORD]
    one, other = read(DIGITS, ids, None, 128), read(DIGITS, ids, [True] * 4, 128)
    assert all(torch.equal(getattr(one, k), getattr(other, k)) for k in ("values", "present"))
    assert torch.equal(one.visible(), other.visible())
