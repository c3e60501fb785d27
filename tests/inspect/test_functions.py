"""What is told of neural functions: counted by hand, and refused where images do not fit."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

import neuralc as nc
from neuralc.errors import DataError, FileError, NeuralcError
from neuralc.inspect.functions import best_matching, report_classes, report_function
from neuralc.learning.library.library import Library
from neuralc.learning.solution import Report, Solution

TEXT = """
@Learn([Tensor(3)], 3)
def look(x): pass

@Learn([Tensor(3), 2], 3)
def two(x, y): pass

x = InputTensor(3)
y = Input(2)
out = Output(3)
with y as v:
    if v == 0:
        out.set_to(look(x))
    else:
        out.set_to(two(x, y))
"""
EYE = np.eye(3, dtype=np.float32)


def solution(turned: int = 0) -> Solution:
    """Return one whose function says of the k-th unit vector k + turned."""
    model = nc.load(nc.Source("look.py", TEXT))
    weights = {k: v.detach().clone() for k, v in model.compile(seed=0).named_parameters()}
    weights["networks.look.weights.0"] = torch.eye(3).roll(turned, 1)[None] * 5
    weights["networks.look.biases.0"] = torch.zeros(1, 1, 3)
    report = Report("gradient", 0, 1, 1, 1, 0, 1, 1, 0, 0, 0.0)
    return Solution(model, {}, {}, weights, report)


def test_counts() -> None:
    """The fourth image is labelled 0 and reads 2."""
    images = np.concatenate([EYE, EYE[2:]])
    report = report_function(solution(), "look", images, [0, 1, 2, 0])
    assert report.confusion.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert (report.count, report.accuracy, report.matched_accuracy) == (4, 0.75, 0.75)
    assert not report.renamed
    assert str(report).splitlines() == [
        "look: 75.00% of 4 images", "rows: the label, columns: what it says",
        "label  0  1  2   right", "    0  1  .  1   50.0%", "    1  .  1  .  100.0%",
        "    2  .  .  1  100.0%",
    ]  # fmt: skip


def test_classes_with_other_names() -> None:
    report = report_function(solution(1), "look", EYE, np.arange(3))
    assert (report.accuracy, report.matched_accuracy) == (0.0, 1.0)
    assert report.matching.tolist() == [2, 0, 1]
    assert "renamed: 100.00% (0 is 2, 1 is 0, 2 is 1)" in str(report)
    assert report.data()["matching"] == [2, 0, 1]


def test_from_a_folder_and_from_a_library(tmp_path: Path) -> None:
    solution(1).save(tmp_path / "found")
    library = Library(tmp_path / "library")
    library.add("look", solution(1))
    for source in (tmp_path / "found", str(tmp_path / "found"), library):
        assert report_function(source, "look", EYE, np.arange(3)).matched_accuracy == 1.0


def test_labels_that_nobody_has() -> None:
    report = report_classes("f", np.array([1, 1]), np.array([0, 1]), 40)
    assert report.confusion.shape == (40, 40)
    assert "no table" in str(report)
    assert "-" in str(report_classes("f", np.array([1, 1]), np.array([1, 1]), 2))


def test_the_best_matching_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 6))
        gains = rng.integers(0, 7, (n, n))
        found = best_matching(gains)
        assert sorted(found) == list(range(n))
        best = max(sum(gains[k, p[k]] for k in range(n)) for p in permutations(range(n)))
        assert gains[np.arange(n), found].sum() == best


def test_a_matching_changes_nothing_without_need() -> None:
    assert best_matching(np.ones((5, 5), np.int64)).tolist() == list(range(5))


@pytest.mark.parametrize(
    ("name", "images", "labels", "words"),
    [
        ("loook", EYE, [0, 1, 2], "there are: look, two"),
        ("two", EYE, [0, 1, 2], "does not turn one tensor into a class"),
        ("look", EYE, [0, 1], "2 for 3 images"),
        ("look", EYE, [0, 1, 3], r"found 0\.\.3, wanted 0\.\.2"),
        ("look", EYE, [0, -1, 2], r"found -1\.\.2"),
        ("look", EYE, [0.0, 1.0, 2.0], "wanted integers"),
        ("look", EYE[:0], np.zeros(0, int), "0 for 0 images"),
        ("look", EYE[:, :2], [0, 1, 2], "shape"),
        ("look", np.float32(1), [0], "1 for no images"),
        ("look", [[1.0, 2.0], [1.0]], [0, 1], "not all of one size"),
    ],
)
def test_what_does_not_fit(name: str, images: object, labels: object, words: str) -> None:
    with pytest.raises((NeuralcError, DataError), match=words):
        report_function(solution(), name, images, labels)


def test_no_solution_there(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        report_function(tmp_path, "look", EYE, [0, 1, 2])
