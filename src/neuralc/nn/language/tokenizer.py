"""A small tokenizer of words and numbers, and which tokens of any tokenizer are numbers.

Ours knows the words that it is given, and numbers either whole (`7`, `127`: one token each) or as
digits (`1 ##2 ##7`: a digit that goes on is another token than one that begins, so that `3 4` and
`34` differ). The numbers of other tokenizers are found by what their tokens stand for. Models and
hidden states are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from neuralc.errors import MissingExtra, NeuralcError

Writing = Literal["whole", "digits"]
"""How numbers are written: a token for each number, or a token for each digit."""

SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
PAD, UNKNOWN, BEGIN, END = range(4)
MARK = "##"  # before a digit that goes on
WORDS = re.compile(r"\d+|\w+|[^\w\s]")
_SPACES = "Ġ▁ "
_NUMBERS = {"whole": re.compile(r"0|[1-9][0-9]{0,8}"), "digits": re.compile(r"[0-9]")}
_LONG = ("10", "11", "29", "64", "99", "100", "128", "2048", "16384", "65536", "1000000")


@dataclass(frozen=True)
class NumberTokens:
    """The tokens of a vocabulary that are numbers, or parts of numbers.

    Attributes:
        writing: whether a number is one token, or a token for each digit.
        texts: what each such token stands for, digits only, by its id.
        goes_on: those of them that go on with the number before them, if there is one.
        first: the token to write a number with, by its value; or by its first digit.
        later: the tokens to write further digits with; empty where numbers are whole.

    """

    writing: Writing
    texts: dict[int, str]
    goes_on: frozenset[int]
    first: tuple[int, ...]
    later: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data, see `from_json`."""
        return {
            "writing": self.writing,
            "texts": sorted(self.texts.items()),
            "goes_on": sorted(self.goes_on),
            "first": list(self.first),
            "later": list(self.later),
        }

    @staticmethod
    def from_json(data: Any) -> NumberTokens:
        """Read what `to_json` gave; whoever wrote it is a stranger.

        Raises:
            ValueError: it is something else.

        """
        try:
            writing = data["writing"]
            texts = {_token(token): _number(text, writing) for token, text in data["texts"]}
            goes_on, first, later = (
                tuple(_token(t) for t in data[name]) for name in ("goes_on", "first", "later")
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the tokens of numbers are damaged: {error!r}") from None
        if not set(goes_on) <= set(texts):
            raise ValueError("a token that goes on with a number has no digits")
        wrong = [k for k, token in enumerate(first) if texts.get(token) != str(k)]
        wrong += [k for k, token in enumerate(later) if texts.get(token) != str(k)]
        sizes = (10, 10) if writing == "digits" else (max(len(first), 1), 0)
        if wrong or (len(first), len(later)) != sizes or (writing == "whole" and goes_on):
            raise ValueError(f"the tokens that numbers are written with are damaged: {wrong[:5]}")
        return NumberTokens(writing, texts, frozenset(goes_on), first, later)


def _token(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**31:
        raise ValueError(f"{value!r} is no token")
    return value


def _number(text: Any, writing: Any) -> str:
    if writing not in _NUMBERS:
        raise ValueError(f"numbers are written whole or as digits, not {writing!r}")
    if not isinstance(text, str) or not _NUMBERS[writing].fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return text


def standard_numbers(n: int, writing: Writing = "whole") -> NumberTokens:
    """Return the numbers of our own tokenizer, which stand right behind its special tokens.

    Args:
        n: numbers are 0 .. n - 1; with digits it does not matter.
        writing: see `NumberTokens`.

    """
    start = len(SPECIAL)
    if writing == "whole":
        texts = {start + v: str(v) for v in range(n)}
        return NumberTokens(writing, texts, frozenset(), tuple(texts))
    texts = {start + k: str(k % 10) for k in range(20)}
    later = tuple(range(start + 10, start + 20))
    return NumberTokens(writing, texts, frozenset(later), tuple(range(start, start + 10)), later)


def word_tokenizer(texts: Iterable[str], n: int, *, writing: Writing = "whole") -> Any:
    """Make a tokenizer of the words of some texts, and of numbers.

    Words are lower-case; what is neither letter nor digit is a token for itself. A text of words
    that are all known is decoded as it was, but for blanks.

    Args:
        texts: where the words are taken from, in the order in which they appear.
        n: numbers are 0 .. n - 1 (`writing="whole"`); others are unknown words.
        writing: see `NumberTokens`.

    Returns:
        A `transformers.PreTrainedTokenizerFast`.

    Raises:
        MissingExtra: transformers is not installed.

    """
    try:
        from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
        from transformers import PreTrainedTokenizerFast
    except ImportError:
        raise MissingExtra("transformers", "transformers", "a tokenizer") from None
    numbers = standard_numbers(n, writing)
    words = {w: None for text in texts for w in WORDS.findall(text.lower()) if not w.isdecimal()}
    entries = [*SPECIAL, *(_entry(numbers, token) for token in numbers.texts), *words]
    model = models.WordPiece(
        vocab={word: k for k, word in enumerate(entries)}, unk_token=SPECIAL[UNKNOWN],
        continuing_subword_prefix=MARK, max_input_chars_per_word=100,
    )  # fmt: skip
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex(WORDS.pattern), "isolated")]
    )
    tokenizer.decoder = decoders.WordPiece(prefix=MARK, cleanup=False)
    pad, unknown, begin, end = SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=pad, unk_token=unknown, bos_token=begin,
        eos_token=end, padding_side="left", clean_up_tokenization_spaces=False,
    )  # fmt: skip


def _entry(numbers: NumberTokens, token: int) -> str:
    return (MARK if token in numbers.goes_on else "") + numbers.texts[token]


def load_tokenizer(path: str | Path) -> Any:
    """Return the Hugging Face tokenizer of a folder.

    Raises:
        MissingExtra: transformers is not installed.
        NeuralcError: there is none, or it cannot be read.

    """
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingExtra("transformers", "transformers", "a tokenizer") from None
    try:
        return AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise NeuralcError(f"there is no tokenizer in {path}: {reason}") from None


def numbers_of(tokenizer: Any, n: int, writing: Writing = "whole") -> NumberTokens:
    """Find the tokens of a tokenizer that are numbers.

    Args:
        tokenizer: a Hugging Face tokenizer.
        n: numbers 0 .. n - 1 are needed (`writing="whole"`).
        writing: see `NumberTokens`.

    Raises:
        NeuralcError: numbers, or digits, have no token of their own; the first are named.

    """
    texts, marked = {}, set()
    for word, token in tokenizer.get_vocab().items():
        bare = word.removeprefix(MARK).lstrip(_SPACES)
        if _NUMBERS[writing].fullmatch(bare):
            texts[token] = bare
            marked |= {token} if word.startswith(MARK) else set()
    if writing == "whole":
        texts = {t: v for t, v in texts.items() if int(v) < n and t not in marked}
        first = _written(tokenizer, texts, [str(v) for v in range(n)], "number")
        return NumberTokens(writing, dict(sorted(texts.items())), frozenset(), first)
    digits = [str(k) for k in range(10)]
    spaced = {t for w, t in tokenizer.get_vocab().items() if t in texts and w[0] in _SPACES}
    begins = {t: v for t, v in texts.items() if t not in marked}
    plain = {t: v for t, v in begins.items() if t not in spaced}
    later = {t: v for t, v in texts.items() if t in marked} or plain
    first = _written(tokenizer, begins, digits, "digit")
    last = _last(later, digits, "digit")
    _check_split(tokenizer, texts, set(later))
    return NumberTokens(writing, dict(sorted(texts.items())), frozenset(later), first, last)


def _written(
    tokenizer: Any, texts: dict[int, str], wanted: list[str], what: str
) -> tuple[int, ...]:
    """Return the tokens that the tokenizer itself writes these with, behind a word."""
    _last(texts, wanted, what)
    found = {}
    for text in wanted:
        ids = tokenizer.encode(f"= {text}", add_special_tokens=False)
        if ids and texts.get(ids[-1]) == text:
            found[ids[-1]] = text
    return _last(found, wanted, what)


def _check_split(tokenizer: Any, texts: dict[int, str], later: set[int]) -> None:
    """Raise a NeuralcError where numbers are not split into digits."""
    for text in _LONG:
        ids = tokenizer.encode(f"= {text}", add_special_tokens=False)[-len(text) :]
        split = "".join(texts.get(t, "?") for t in ids) == text and later.issuperset(ids[1:])
        if not split:
            raise NeuralcError(
                f"the tokenizer does not split {text} into digits, but into "
                f"{tokenizer.convert_ids_to_tokens(ids)}\n"
                "  hint: tokenizers.pre_tokenizers.Digits(individual_digits=True) does, before "
                'the tokenizer is trained; or numbers="whole"'
            )


def _last(texts: dict[int, str], wanted: list[str], what: str) -> tuple[int, ...]:
    tokens = {text: token for token, text in texts.items()}
    missing = [text for text in wanted if text not in tokens]
    if missing:
        some = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
        hint = (
            'write numbers as digits: numbers="digits"; or add tokens: tokenizer.add_tokens([…])'
            if what == "number"
            else "add tokens: tokenizer.add_tokens([…])"
        )
        raise NeuralcError(
            f"the tokenizer has no token for {len(missing)} of the {len(wanted)} {what}s that are "
            f"needed: {some}\n  hint: {hint}"
        )
    return tuple(tokens[text] for text in wanted)
