"""Arithmetic as sentences: one step, two steps, Fibonacci by depth, long multiplication.

A sentence is a phrasing with numbers put in, and its answer a number. Which pairs of numbers, which
phrasings and which pairs of operations are kept for tests is decided by a seed, before anything is
drawn. Tokens and models are not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neuralc.errors import NeuralcError

Array = np.ndarray[Any, Any]
Split = Literal["train", "pairs", "phrasings"]
"""Training; pairs of numbers that were kept out; phrasings that were kept out (with such pairs)."""

OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "min": min,
    "max": max,
}

ASKED = {  # what is asked, with the first operand {a} and the second {b}
    "add": ("{a} plus {b}", "the sum of {a} and {b}", "{a} and {b} added"),
    "sub": ("{a} minus {b}", "the difference of {a} and {b}", "{b} subtracted from {a}"),
    "mul": ("{a} times {b}", "the product of {a} and {b}", "{a} and {b} multiplied"),
    "min": ("the smaller of {a} and {b}", "the minimum of {a} and {b}", "{a} or {b} , the least"),
    "max": ("the larger of {a} and {b}", "the maximum of {a} and {b}", "{a} or {b} , the most"),
}
FRAMES = ("{} =", "what is {} ? it is", "compute {} : the result is", "tell me {} . answer :")
TOLD = {  # the first step of two, as an order
    "add": ("add {a} and {b}", "take {a} plus {b}"),
    "sub": ("subtract {b} from {a}", "take {a} minus {b}"),
    "mul": ("multiply {a} and {b}", "take {a} times {b}"),
    "min": ("take the smaller of {a} and {b}", "choose the least of {a} and {b}"),
    "max": ("take the larger of {a} and {b}", "choose the most of {a} and {b}"),
}
THEN = {  # the second step, where {b} is the new number
    "add": ("add {b}", "take that plus {b}"),
    "sub": ("subtract {b}", "take that minus {b}"),
    "mul": ("multiply by {b}", "take that times {b}"),
    "min": ("take the smaller of that and {b}", "choose the least of that and {b}"),
    "max": ("take the larger of that and {b}", "choose the most of that and {b}"),
}
JOINT = "{} , then {} ="
FIBONACCI = "{d} steps from {a} and {b} ="
KEPT_PAIRS = 0.2  # of all pairs of numbers
KEPT_PHRASINGS = 0.25  # of the phrasings of each operation


@dataclass(frozen=True, slots=True)
class Sentence:
    """A question and its answer.

    Attributes:
        text: ends where the answer begins.
        answer: a number.
        operations: what has to be done.

    """

    text: str
    answer: int
    operations: tuple[str, ...]


class Questions:
    """One operation on two numbers 0 .. n - 1, modulo n."""

    def __init__(self, n: int, seed: int, operations: Sequence[str] = tuple(OPERATIONS)) -> None:
        """Keep pairs and phrasings for tests.

        Args:
            n: how many numbers.
            seed: decides what is kept.
            operations: names out of `OPERATIONS`.

        Raises:
            NeuralcError: an operation is not known.

        """
        self.n, self.operations = n, _known(operations)
        noise = np.random.default_rng(seed)
        order = noise.permutation(n * n)
        cut = round(KEPT_PAIRS * n * n)
        self.kept, self.pairs = order[:cut], order[cut:]
        self.phrasings: dict[Split, dict[str, list[str]]] = {"train": {}, "phrasings": {}}
        for name in self.operations:
            every = [frame.format(asked) for asked in ASKED[name] for frame in FRAMES]
            some = round(KEPT_PHRASINGS * len(every))
            picked = set(noise.permutation(len(every))[:some].tolist())
            self.phrasings["phrasings"][name] = [p for k, p in enumerate(every) if k in picked]
            self.phrasings["train"][name] = [p for k, p in enumerate(every) if k not in picked]

    @property
    def size(self) -> int:
        """How many examples an epoch has: the training pairs with each operation."""
        return len(self.pairs) * len(self.operations)

    def draw(self, split: Split, count: int, noise: np.random.Generator) -> list[Sentence]:
        """Draw sentences of a split."""
        numbers = noise.choice(self.pairs if split == "train" else self.kept, count)
        names = noise.choice(len(self.operations), count)
        known = self.phrasings["phrasings" if split == "phrasings" else "train"]
        sentences = []
        for number, k in zip(numbers.tolist(), names.tolist(), strict=True):
            name = self.operations[k]
            phrasing = known[name][int(noise.integers(len(known[name])))]
            sentences.append(self._sentence(phrasing, name, *divmod(number, self.n)))
        return sentences

    def every(self, split: Literal["pairs", "phrasings"]) -> Iterator[Sentence]:
        """Yield each pair that was kept with each operation, phrasings by turns."""
        known = self.phrasings["phrasings" if split == "phrasings" else "train"]
        for name in self.operations:
            for turn, number in enumerate(self.kept.tolist()):
                phrasing = known[name][turn % len(known[name])]
                yield self._sentence(phrasing, name, *divmod(number, self.n))

    def _sentence(self, phrasing: str, name: str, a: int, b: int) -> Sentence:
        answer = OPERATIONS[name](a, b) % self.n
        return Sentence(phrasing.format(a=a, b=b), answer, (name,))

    def words(self) -> list[str]:
        """Return all phrasings, for a tokenizer of words."""
        return [t for split in self.phrasings.values() for texts in split.values() for t in texts]


class Compositions:
    """Two operations one after the other; some pairs of operations are never trained on."""

    def __init__(self, n: int, seed: int, *, kept: int = 5) -> None:
        """Keep pairs of operations for the test.

        Args:
            n: how many numbers.
            seed: decides which are kept.
            kept: how many of the 25; each operation is left in each place at least once.

        """
        self.n = n
        names = list(OPERATIONS)
        order = np.random.default_rng(seed).permutation(len(names))
        shift = int(np.random.default_rng(seed + 1).integers(len(names)))
        if not 1 <= kept <= len(names):
            raise NeuralcError(f"1 to {len(names)} compositions can be kept out, not {kept}")
        self.kept = [(names[order[k]], names[order[(k + shift) % len(names)]]) for k in range(kept)]
        self.trained = [(f, s) for f in names for s in names if (f, s) not in self.kept]

    def draw(self, trained: bool, count: int, noise: np.random.Generator) -> list[Sentence]:
        """Draw sentences with compositions that are trained on, or with those that are not."""
        choices = self.trained if trained else self.kept
        sentences = []
        for k in noise.integers(len(choices), size=count).tolist():
            first, second = choices[k]
            a, b, c = noise.integers(self.n, size=3).tolist()
            one, two = (
                words[int(noise.integers(len(words)))] for words in (TOLD[first], THEN[second])
            )
            middle = OPERATIONS[first](a, b) % self.n
            text = JOINT.format(one.format(a=a, b=b), two.format(b=c))
            answer = OPERATIONS[second](middle, c) % self.n
            sentences.append(Sentence(text, answer, (first, second)))
        return sentences

    def words(self) -> list[str]:
        """Return phrasings with all words, for a tokenizer of words."""
        return [JOINT, *(t for texts in (TOLD, THEN) for one in texts.values() for t in one)]


class Fibonacci:
    """The number after `depth` steps of a Fibonacci sequence from two numbers, modulo n."""

    def __init__(self, n: int, depth: int, seed: int) -> None:
        """Keep pairs of numbers for the test; `depth` is how many numbers are added up.

        Raises:
            NeuralcError: there is no word for this depth.

        """
        if depth not in WORDS_OF_DEPTH:
            known = ", ".join(map(str, WORDS_OF_DEPTH))
            raise NeuralcError(f"there are no sentences of depth {depth}\n  hint: {known}")
        self.n, self.depth = n, depth
        order = np.random.default_rng(seed).permutation(n * n)
        cut = round(KEPT_PAIRS * n * n)
        self.kept, self.pairs = order[:cut], order[cut:]

    def draw(self, count: int, noise: np.random.Generator) -> list[Sentence]:
        """Draw training sentences."""
        return [self._sentence(k) for k in noise.choice(self.pairs, count).tolist()]

    def trained(self) -> list[Sentence]:
        """Return the sentences of all pairs to train on."""
        return [self._sentence(k) for k in self.pairs.tolist()]

    def every(self) -> list[Sentence]:
        """Return the sentences of all pairs that were kept."""
        return [self._sentence(k) for k in self.kept.tolist()]

    def _sentence(self, number: int) -> Sentence:
        a, b = divmod(number, self.n)
        text = FIBONACCI.format(d=WORDS_OF_DEPTH[self.depth], a=a, b=b)
        return Sentence(text, fibonacci(a, b, self.depth, self.n), ("fibonacci",))

    def words(self) -> list[str]:
        """Return what a tokenizer of words has to know."""
        return [FIBONACCI, *WORDS_OF_DEPTH.values()]


WORDS_OF_DEPTH = {1: "one", 2: "two", 3: "three", 5: "five", 6: "six", 10: "ten"}


def fibonacci(a: int, b: int, depth: int, n: int) -> int:
    """Return the last of `depth` sums: each is that of the two numbers before it, modulo n."""
    for _ in range(depth):
        a, b = b, (a + b) % n
    return b


class Multiplications:
    """Products of two numbers of so many digits each."""

    TEXT = "{a} times {b} ="

    def __init__(self, seed: int) -> None:
        """Keep a fifth of all pairs for tests, by a hash of the pair."""
        self.seed = seed

    def draw(
        self, digits: tuple[int, int], kept: bool, count: int, noise: np.random.Generator
    ) -> list[Sentence]:
        """Draw sentences with factors of so many digits, of pairs that are kept or are not."""
        sentences: list[Sentence] = []
        while len(sentences) < count:
            a, b = (int(noise.integers(10 ** (d - 1) if d > 1 else 0, 10**d)) for d in digits)
            if (hash((a, b, self.seed)) % 5 == 0) == kept:
                sentences.append(Sentence(self.TEXT.format(a=a, b=b), a * b, ("mul",)))
        return sentences


def _known(operations: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown or not operations:
        raise NeuralcError(
            f"there are no sentences for {', '.join(unknown) or 'no operation'}\n"
            f"  hint: the operations are {', '.join(OPERATIONS)}"
        )
    return tuple(operations)


assert all(re.fullmatch(r"\w+", word) for word in WORDS_OF_DEPTH.values())
