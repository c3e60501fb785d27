from __future__ import annotations

import re

import numpy as np
import pytest

from neuralc.data.sentences import (
    ASKED,
    OPERATIONS,
    Compositions,
    Fibonacci,
    Multiplications,
    Questions,
    fibonacci,
)
from neuralc.errors import NeuralcError

N = 16


def noise() -> np.random.Generator:
    return np.random.default_rng(5)


def test_questions_are_answered() -> None:
    questions = Questions(N, 0)
    for sentence in questions.draw("train", 200, noise()):
        (name,) = sentence.operations
        numbers = [int(x) for x in re.findall(r"\d+", sentence.text)]
        if "from" in sentence.text:
            numbers.reverse()
        assert sentence.answer == OPERATIONS[name](*numbers) % N


def test_what_is_kept_is_never_drawn_for_training() -> None:
    questions = Questions(N, 1)
    assert not set(questions.kept.tolist()) & set(questions.pairs.tolist())
    assert len(questions.kept) + len(questions.pairs) == N * N
    kept = {divmod(k, N) for k in questions.kept.tolist()}
    for sentence in questions.draw("train", 500, noise()):
        numbers = [int(x) for x in re.findall(r"\d+", sentence.text)]
        pair = tuple(reversed(numbers)) if "from" in sentence.text else tuple(numbers)
        assert pair not in kept
    for name in ASKED:
        trained, held = (questions.phrasings[s][name] for s in ("train", "phrasings"))
        assert not set(trained) & set(held)
        assert len(held) == 3
        words = {w for text in trained for w in text.split()}
        assert {w for text in held for w in text.split()} <= words | _words(questions)


def _words(questions: Questions) -> set[str]:
    """Return the words of all training phrasings: none is new in a phrasing that was kept."""
    return {w for texts in questions.phrasings["train"].values() for t in texts for w in t.split()}


def test_every_kept_pair_is_asked_with_every_operation() -> None:
    questions = Questions(8, 0, ("add", "sub"))
    every = list(questions.every("pairs"))
    assert len(every) == 2 * len(questions.kept)
    assert {s.operations for s in every} == {("add",), ("sub",)}
    assert questions.size == 2 * len(questions.pairs)


def test_an_unknown_operation() -> None:
    with pytest.raises(NeuralcError, match="the operations are add, sub"):
        Questions(8, 0, ("ad",))


@pytest.mark.parametrize("seed", range(5))
def test_compositions(seed: int) -> None:
    compositions = Compositions(N, seed)
    assert len(set(compositions.kept)) == 5
    assert len(compositions.trained) == 20
    assert not set(compositions.kept) & set(compositions.trained)
    for place in (0, 1):  # every operation is trained on in both places
        assert {pair[place] for pair in compositions.trained} == set(OPERATIONS)
    for sentence in compositions.draw(False, 50, noise()):
        assert sentence.operations in compositions.kept
        a, b, c = (int(x) for x in re.findall(r"\d+", sentence.text))
        first, second = sentence.operations
        if "from" in sentence.text.split(",")[0]:
            a, b = b, a
        assert sentence.answer == OPERATIONS[second](OPERATIONS[first](a, b) % N, c) % N


def test_fibonacci() -> None:
    assert [fibonacci(0, 1, depth, 1000) for depth in range(1, 8)] == [1, 2, 3, 5, 8, 13, 21]
    task = Fibonacci(N, 3, 0)
    assert {s.text for s in task.every()}.isdisjoint(s.text for s in task.draw(400, noise()))
    one = task.every()[0]
    a, b = (int(x) for x in re.findall(r"\d+", one.text))
    assert one.answer == (2 * a + 3 * b) % N


def test_multiplications() -> None:
    task = Multiplications(0)
    kept, trained = (task.draw((2, 3), k, 300, noise()) for k in (True, False))
    assert {s.text for s in kept}.isdisjoint(s.text for s in trained)
    for sentence in kept[:20]:
        a, b = (int(x) for x in re.findall(r"\d+", sentence.text))
        assert len(str(a)) == 2
        assert len(str(b)) == 3
        assert sentence.answer == a * b
