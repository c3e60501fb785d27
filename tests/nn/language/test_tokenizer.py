"""The tokenizer of words and numbers, and the numbers of other tokenizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from neuralc.errors import NeuralcError
from neuralc.nn.language.tokenizer import (
    NumberTokens,
    load_tokenizer,
    numbers_of,
    standard_numbers,
    word_tokenizer,
)
from tests.nn.language.small import WORDS, tokenizer

CORPUS = [f"= {k} plus {k + 1} , {k}{k}" for k in range(30)] * 20


def trained(kind: str, *, split: bool, size: int = 500) -> Any:
    """Return a byte-level or a metaspace BPE tokenizer; `split`: digits are single tokens."""
    if kind == "bytes":
        blanks: Any = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        decoder: Any = decoders.ByteLevel()
    else:
        blanks, alphabet = pre_tokenizers.Metaspace(), []
        decoder = decoders.Metaspace()
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    digits = [pre_tokenizers.Digits(individual_digits=True)] if split else []
    order = [*digits, blanks] if kind == "bytes" else [blanks, *digits]
    made.pre_tokenizer = pre_tokenizers.Sequence(order)
    made.decoder = decoder
    made.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=alphabet, special_tokens=["<unk>"],
            show_progress=False,
        ),
    )  # fmt: skip
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")


WORD = st.sampled_from([w for text in WORDS for w in text.split()])


@pytest.mark.parametrize("writing", ["whole", "digits"])
@given(parts=st.lists(st.one_of(WORD, st.integers(0, 7)), min_size=1, max_size=8))
def test_round_trips(writing: Any, parts: list[Any]) -> None:
    text = " ".join(map(str, parts))
    made = tokenizer(writing)
    assert made.decode(made(text)["input_ids"]) == text


@given(value=st.integers(0, 2**64 - 1))
def test_digits_of_a_number(value: int) -> None:
    made, numbers = tokenizer("digits"), standard_numbers(8, "digits")
    found = made(f"add {value} 3")["input_ids"]
    assert made.decode(found) == f"add {value} 3"
    assert "".join(numbers.texts[token] for token in found[1:]) == f"{value}3"
    assert [token in numbers.goes_on for token in found[1:]] == (
        [False] + [True] * (len(str(value)) - 1) + [False]
    )


def test_what_is_not_known_is_unknown() -> None:
    made = tokenizer()
    assert made("add 8 007 Subtle = ٣")["input_ids"].count(made.unk_token_id) == 4
    assert made("ADD\t3,=")["input_ids"] == made("add 3 , =")["input_ids"]
    assert word_tokenizer(["x2 2x"], 3).tokenize("x2 2x") == ["x2", "2", "x"]


def test_saved_and_loaded(tmp_path: Path) -> None:
    made = tokenizer("digits")
    made.save_pretrained(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again("add 12 =")["input_ids"] == made("add 12 =")["input_ids"]
    assert again.padding_side == "left"
    with pytest.raises(NeuralcError, match="there is no tokenizer in"):
        load_tokenizer(tmp_path / "nothing")


@pytest.mark.parametrize("writing", ["whole", "digits"])
def test_our_own_numbers_are_found(writing: Any) -> None:
    assert numbers_of(tokenizer(writing), 8, writing) == standard_numbers(8, writing)


@pytest.mark.parametrize("kind", ["bytes", "metaspace"])
def test_whole_numbers_of_others(kind: str) -> None:
    made = trained(kind, split=False)
    found = numbers_of(made, 30)
    for value in range(30):
        *_, token = made.encode(f"the = {value}")
        assert found.first[value] == token
        assert found.texts[token] == str(value)
        assert made.decode([token]).strip() == str(value)
    # read wherever they stand, behind a blank or not
    for text in ("7 = 7", "(12)", "= 12"):
        said = [found.texts[t] for t in made.encode(text) if t in found.texts]
        assert said == [part for part in text.replace("(", " ").replace(")", " ").split()
                        if part.isdigit()]  # fmt: skip


@pytest.mark.parametrize("kind", ["bytes", "metaspace"])
def test_digits_of_others(kind: str) -> None:
    made = trained(kind, split=True)
    found = numbers_of(made, 30, "digits")
    ids = made.encode("= 2048 plus 7")
    assert [found.texts[t] for t in ids if t in found.texts] == list("20487")
    assert found.first[2] == next(t for t in ids if t in found.texts)
    assert found.later == tuple(made.convert_tokens_to_ids(list("0123456789")))
    with pytest.raises(NeuralcError, match=r"no token for 20 of the 30 numbers .*: 10, 11, 12"):
        numbers_of(made, 30)


def test_numbers_that_are_not_split() -> None:
    with pytest.raises(NeuralcError, match="does not split 10 into digits"):
        numbers_of(trained("bytes", split=False), 30, "digits")


def test_missing_numbers_are_named() -> None:
    made = trained("bytes", split=False, size=280)
    with pytest.raises(NeuralcError, match=r"of the 1000 numbers.*\d, …\n  hint: .*add_tokens"):
        numbers_of(made, 1000)
    with pytest.raises(NeuralcError, match="no token for 1 of the 9 numbers that are needed: 8\n"):
        numbers_of(tokenizer(), 9)
    made.add_tokens([str(k) for k in range(200)])
    found = numbers_of(made, 200)
    assert found.first == tuple(made.encode(f"= {k}")[-1] for k in range(200))


@pytest.mark.parametrize("writing", ["whole", "digits"])
def test_kept_as_json(writing: Any) -> None:
    numbers = standard_numbers(8, writing)
    assert NumberTokens.from_json(json.loads(json.dumps(numbers.to_json()))) == numbers


@pytest.mark.parametrize(
    "change",
    [
        {"writing": "roman"}, {"writing": []}, {"texts": [[4, "x"]]}, {"texts": [[4, "1" * 20]]},
        {"texts": 3}, {"texts": [[True, "0"]]}, {"texts": [[-1, "0"]]}, {"texts": [[4]]},
        {"texts": {"4": "0"}}, {"goes_on": [999]}, {"goes_on": ["4"]}, {"first": [5]},
        {"first": [999] * 10}, {"first": []}, {"first": [2**40]}, {"later": [4]}, {"later": None},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("writing", ["whole", "digits"])
def test_rubbish_is_refused(writing: Any, change: dict[str, Any]) -> None:
    content = standard_numbers(8, writing).to_json() | change
    with pytest.raises(ValueError, match=r"."):
        NumberTokens.from_json(content)


@pytest.mark.parametrize("content", [None, [], {}, "x", 3])
def test_other_things_are_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="damaged"):
        NumberTokens.from_json(content)
