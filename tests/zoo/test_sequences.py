"""The sequence models of MATH as an experiment: batches, images, training, results kept."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuralc.data.digits import Digits
from neuralc.data.expressions import load_operators
from neuralc.data.mnist import load_mnist
from neuralc.errors import DataError, FileError, HyperError
from neuralc.experiments import ntpt_sequences
from neuralc.experiments.ntpt_sequence_data import Pictures, draw_batch, draw_tensors
from neuralc.experiments.ntpt_sequences import (
    Sequences,
    Setting,
    exact_share,
    longest_at,
    run_sequences,
)

TINY = {
    "lstm": Setting("lstm", 24, layers=1, rate=0.01),
    "neural-gpu": Setting("neural-gpu", 6, rate=0.01),
}


def plain(count: int, classes: int, *, seed: int, marked: bool = False) -> Digits:
    """Return 6x6 images that show their class as a dark spot, in noise; digits in the upper half.

    `marked`: the held-out images alone are dark in the last corner, so that they can be told.
    """
    rng = np.random.default_rng(seed)

    def draw() -> tuple[Any, Any]:
        labels = np.arange(count) % classes
        images = (0.2 * rng.random((count, 6, 6))).astype(np.float32)
        spots = labels + (0 if classes == 10 else 18)
        images.reshape(count, 36)[np.arange(count), spots] = 1
        return images, labels.astype(np.int64)

    (train, train_labels), (test, test_labels) = draw(), draw()
    if marked:
        test[:, -1, -1] = 1
    return Digits("plain", train, train_labels, test, test_labels)


DIGITS, OPERATORS = plain(50, 10, seed=0), plain(20, 4, seed=1)


@pytest.fixture(autouse=True)
def tiny_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntpt_sequences, "SETTINGS", TINY)


def run(**options: Any) -> Sequences:
    given = {"models": ["lstm"], "trained_to": [2], "steps": 3, "tested": 10, **options}
    return run_sequences(DIGITS, OPERATORS, **given)


def without_times(result: Sequences) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in result.rows]


def test_batches_hold_expressions_of_all_sizes_with_their_values() -> None:
    symbols, lengths, results = draw_batch(200, range(2, 6), np.random.default_rng(0))
    assert symbols.shape == (200, 9)
    assert set(lengths.tolist()) == {3, 5, 7, 9}
    for row, length, result in zip(symbols, lengths, results, strict=True):
        assert (row[:length:2] < 10).all()
        assert (row[1:length:2] >= 10).all()
        assert not row[length:].any()
        value = int(row[0])
        for operator, digit in zip(row[1:length:2].tolist(), row[2:length:2].tolist(), strict=True):
            quotient = value // digit if digit else 18
            arms = (value + digit, value - digit, value * digit, quotient)
            value = arms[operator - 10] % 19
        assert value == result


def test_pictures_show_the_symbols() -> None:
    pictures = Pictures(
        (DIGITS.train_images, DIGITS.train_labels), (OPERATORS.train_images, OPERATORS.train_labels)
    )
    symbols, lengths, _ = draw_batch(40, [2, 3], np.random.default_rng(0))
    images = pictures.draw(symbols, lengths, np.random.default_rng(1))
    assert images.shape == (40, 5, 36)
    inside = np.arange(5) < lengths[:, None]
    spots = images.argmax(-1).numpy()
    shown = np.where(spots < 10, spots, spots - 18 + 10)
    assert (shown[inside] == symbols[inside]).all()
    assert not images[torch.from_numpy(~inside)].any()
    pool = {image.tobytes() for image in DIGITS.train_images}
    used = [images[k, 0].numpy().tobytes() for k in range(40)]
    assert set(used) <= pool
    assert len(set(used)) > 10, "more than one image of a symbol"


def test_training_goes_from_short_to_long_and_never_beyond() -> None:
    longest = [longest_at(step, 100, 5) for step in range(1, 101)]
    assert longest == sorted(longest)
    assert [longest.count(size) for size in range(2, 6)] == [20, 20, 20, 40]
    assert {longest_at(step, 3, 2) for step in (1, 2, 3)} == {2}


class Lengths(nn.Module):
    """A model that notes the lengths that it is trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Linear(1, 19)
        self.seen: list[int] = []

    def forward(self, symbols: Tensor, lengths: Tensor) -> Tensor:
        if self.training:
            self.seen += lengths.tolist()
        return self.answer(lengths[:, None].float())


def test_training_draws_no_longer_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Lengths()
    monkeypatch.setattr(ntpt_sequences, "build_model", lambda setting, pixels: model)
    run(images=False, trained_to=[4], steps=10)
    assert set(model.seen) == {3, 5, 7}
    assert set(model.seen[:64]) == {3}


class Oracle(nn.Module):
    """A model that is right on expressions of up to three digits, and says 0 to the others."""

    def forward(self, symbols: Tensor, lengths: Tensor) -> Tensor:
        value = symbols[:, 0]
        for place in range(1, symbols.shape[1], 2):
            operator, digit = symbols[:, place], symbols[:, place + 1]
            quotient = torch.where(digit == 0, 18, value // digit.clamp(min=1))
            arms = torch.stack([value + digit, value - digit, value * digit, quotient]) % 19
            value = arms.gather(0, operator[None] - 10)[0]
        value = torch.where(lengths > 5, 0, value)
        return nn.functional.one_hot(value, 19).float()


def test_the_share_of_exact_values() -> None:
    assert exact_share(Oracle(), None, 3, 130, seed=0) == 1
    _, _, results = draw_tensors(None, 80, [4], np.random.default_rng([5, 2, 4]))
    zeros = int((results == 0).sum()) / 80
    assert 0 < exact_share(Oracle(), None, 4, 80, seed=5) == zeros < 0.5


class Watcher(nn.Module):
    """A model that notes which images it is shown, in training and in tests."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Linear(36, 19)
        self.marked: dict[bool, set[bool]] = {True: set(), False: set()}

    def forward(self, images: Tensor, lengths: Tensor) -> Tensor:
        self.marked[self.training] |= set((images[:, 0, -1] == 1).tolist())
        return self.answer(images[:, 0])


def test_tests_are_of_held_out_images(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = Watcher()
    monkeypatch.setattr(ntpt_sequences, "build_model", lambda setting, pixels: watcher)
    digits = plain(50, 10, seed=0, marked=True)
    run_sequences(digits, OPERATORS, models=["lstm"], trained_to=[2], steps=4, tested=10)
    assert watcher.marked == {True: {False}, False: {True}}


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("model", list(TINY))
def test_one_row_for_each_model(model: str, images: bool) -> None:
    remarks: list[tuple[int, int, str]] = []
    result = run(
        models=[model], trained_to=[2, 3], images=images,
        progress=lambda *told: remarks.append(told),
    )  # fmt: skip
    assert [row["trained_to"] for row in result.rows] == [2, 3]
    for row in result.rows:
        assert row["name"] == model
        assert list(row["accuracy"]) == [str(size) for size in range(2, 17)]
        assert row["examples"] == 3 * 64
    assert [done for done, _, _ in remarks] == [1, 2, 3, 4, 5, 6]
    assert {total for _, total, _ in remarks} == {6}
    assert result.data == json.loads(json.dumps(result.data))
    assert len(result.text.splitlines()) == 5


def test_the_same_seed_gives_the_same_result() -> None:
    one, other = run(seed=3), run(seed=3)
    assert without_times(one) == without_times(other)
    assert run(seed=4).rows[0]["history"] != one.rows[0]["history"]


def test_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    run()
    assert torch.equal(torch.rand(3), wanted)


def test_learns_what_it_is_trained_on_and_nothing_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wider = {"lstm": dataclasses.replace(TINY["lstm"], width=48)}
    monkeypatch.setattr(ntpt_sequences, "SETTINGS", wider)
    row = run(steps=400, tested=200, images=False).rows[0]
    assert row["accuracy"]["2"] > 0.6
    assert row["accuracy"]["16"] < 0.25
    assert row["history"][-1]["loss"] < row["history"][0]["loss"] / 2


def test_results_are_kept(tmp_path: Path) -> None:
    first = run(out=tmp_path / "made" / "here", trained_to=[2])
    told: list[int] = []
    again = run(
        out=tmp_path / "made" / "here", trained_to=[2, 3],
        progress=lambda done, total, remark: told.append(done),
    )  # fmt: skip
    assert again.rows[0] == first.rows[0]
    assert told == [4, 5, 6], "only the second was trained"
    assert len(list((tmp_path / "made" / "here").iterdir())) == 2


@pytest.mark.parametrize("options", [{"seed": 1}, {"images": False}, {"steps": 4}, {"tested": 11}])
def test_a_result_of_other_options_is_not_taken(tmp_path: Path, options: dict[str, Any]) -> None:
    run(out=tmp_path)
    kept = run(out=tmp_path, **options)
    assert without_times(kept) == without_times(run(**options))


def test_a_result_of_other_sizes_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(out=tmp_path)
    larger = {"lstm": dataclasses.replace(TINY["lstm"], width=30)}
    monkeypatch.setattr(ntpt_sequences, "SETTINGS", larger)
    assert run(out=tmp_path).rows[0]["setting"]["width"] == 30


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"accuracy": 3}', "null", "accuracy"])
def test_a_damaged_result_is_told(tmp_path: Path, content: str) -> None:
    run(out=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text(
        content if content != "accuracy" else path.read_text().replace('"2": ', '"2": 7')
    )
    with pytest.raises(FileError, match="is damaged"):
        run(out=tmp_path)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"models": ["gru"]}, HyperError, "no sequence model 'gru'"),
        ({"trained_to": [1]}, DataError, "up to 1 digits"),
        ({"trained_to": [17]}, DataError, "up to 17 digits"),
        ({"steps": 0}, HyperError, "found 0 steps"),
        ({"tested": 0}, HyperError, "0 tested"),
    ],
)
def test_bad_options_are_told(options: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        run(**options)


def test_images_that_do_not_fit_are_told() -> None:
    larger = dataclasses.replace(OPERATORS, train_images=np.zeros((20, 7, 7), np.float32))
    with pytest.raises(DataError, match=r"\(6, 6\), operators of \(7, 7\)"):
        run_sequences(DIGITS, larger, steps=1)
    fewer = dataclasses.replace(DIGITS, train_labels=np.zeros(50, np.int64))
    with pytest.raises(DataError, match="no image of the symbol 1"):
        run_sequences(fewer, OPERATORS, steps=1)


def test_real_images_can_be_drawn() -> None:
    try:
        digits, operators = load_mnist(), load_operators()
    except FileError:
        pytest.skip("../shared/data is not here")
    result = run_sequences(digits, operators, models=["lstm"], trained_to=[2], steps=2, tested=2)
    assert result.rows[0]["digits"] == "mnist"
