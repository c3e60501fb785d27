"""How well a learned neural function reads, where the true classes are known: for reports only.

Nothing here is learned from: a function learns from what whole programs return, never from labels.
What it calls 3 may then be what people call 7; so the best matching of its classes with the true
ones is told too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.errors import DataError, NeuralcError
from neuralc.ir.nodes import Int
from neuralc.learning.library.functions import apply, part
from neuralc.learning.library.library import Library
from neuralc.learning.solution import Solution

Array = np.ndarray[Any, Any]
CHUNK = 500  # images that are read at once
WIDEST = 32  # classes of a table that is still printed


@dataclass(frozen=True, eq=False)
class FunctionReport:
    """What a function makes of images with labels.

    Attributes:
        name: of the function.
        confusion: int64 [classes, classes]; row: the label, column: what the function says.
        matching: int64 [classes]; for each class of the function the label that it is best taken
            for, each label once, so that most images come out right.

    """

    name: str
    confusion: Array
    matching: Array

    @property
    def count(self) -> int:
        """The number of images."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of images whose class is the label."""
        return float(np.trace(self.confusion)) / self.count

    @property
    def matched_accuracy(self) -> float:
        """The share of images that come out right when classes are renamed by `matching`."""
        columns = np.arange(len(self.matching))
        return float(self.confusion[self.matching, columns].sum()) / self.count

    @property
    def renamed(self) -> bool:
        """Whether the best matching is better than taking the classes as they are."""
        return self.matched_accuracy > self.accuracy

    def __str__(self) -> str:
        """Return the report as a text table."""
        lines = [f"{self.name}: {self.accuracy:.2%} of {self.count} images"]
        if self.renamed:
            pairs = [f"{k} is {label}" for k, label in enumerate(self.matching) if k != label]
            lines.append(f"with its classes renamed: {self.matched_accuracy:.2%} "
                         f"({', '.join(pairs)})")  # fmt: skip
        return "\n".join(lines + self._table())

    def _table(self) -> list[str]:
        size = len(self.confusion)
        if size > WIDEST:
            return [f"(no table: {size} classes)"]
        rows = [["label", *map(str, range(size)), "right"]]
        for label, row in enumerate(self.confusion):
            right = f"{row[label] / row.sum():.1%}" if row.sum() else "-"
            rows.append([str(label), *(str(n) if n else "." for n in row), right])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(cell.rjust(n) for cell, n in zip(r, widths, strict=True)) for r in rows]
        return ["rows: the label, columns: what it says", *table]

    def data(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "count": self.count, "accuracy": self.accuracy,
            "matched_accuracy": self.matched_accuracy, "matching": self.matching.tolist(),
            "confusion": self.confusion.tolist(),
        }  # fmt: skip


def report_function(
    source: Solution | Library | str | Path, name: str, images: Any, labels: Any
) -> FunctionReport:
    """Compare what a neural function says of images with their labels.

    Args:
        source: a solution, the folder of one, or a library.
        name: of a function that takes one tensor, such as "net_0".
        images: [E, *shape].
        labels: integers [E], below the number of the function's classes.

    Raises:
        NeuralcError: there is no such function, or it takes something else, or gives no class.
        DataError: images or labels that do not fit.
        FileError: there is no solution in the folder.

    """
    if isinstance(source, str | Path):
        source = Solution.load(source)
    if isinstance(source, Library):
        function = source[name]
        network, weights = function.network, function.weights()
    else:
        networks = source.model.program.network
        if name not in networks:
            known = ", ".join(networks) or "none"
            raise NeuralcError(f"there is no neural function {name!r}\n  hint: there are: {known}")
        network, weights = networks[name], part(source.weights, name)
    if len(network.inputs) != 1 or not isinstance(network.output, Int):
        raise NeuralcError(f"{name} does not turn one tensor into a class")
    try:
        images, labels = np.asarray(images), np.asarray(labels)
    except ValueError:  # lists of different lengths
        raise DataError(f"images of {name}: they are not all of one size") from None
    labels = _checked(name, images, labels, network.output.size)
    chunks = [images[k : k + CHUNK] for k in range(0, len(images), CHUNK)]
    found = [apply(network, weights, (chunk,)).argmax(-1) for chunk in chunks]
    return report_classes(name, np.concatenate(found), labels, network.output.size)


def _checked(name: str, images: Array, labels: Array, size: int) -> Array:
    """Return the labels as integers [E]."""
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise DataError(
            f"labels of {name}: found {labels.dtype} {labels.shape}, wanted integers, one per image"
        )
    if not len(labels) or images.ndim == 0 or len(images) != len(labels):
        count = len(images) if images.ndim else "no"
        raise DataError(f"labels of {name}: found {len(labels)} for {count} images")
    if labels.min() < 0 or labels.max() >= size:
        raise DataError(
            f"labels of {name}: found {labels.min()}..{labels.max()}, wanted 0..{size - 1}"
        )
    checked: Array = labels.astype(np.int64)
    return checked


def report_classes(name: str, found: Array, labels: Array, classes: int) -> FunctionReport:
    """Compare classes with labels.

    Args:
        name: of the function.
        found: int [E], what it says.
        labels: int [E].
        classes: how many there are of both; all numbers are below.

    """
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, found), 1)
    return FunctionReport(name, confusion, best_matching(confusion.T))


def best_matching(gains: Array) -> Array:
    """Return for each row a column of its own, so that the sum of the chosen entries is largest.

    Args:
        gains: integers [n, n].

    Returns:
        int64 [n]. Among equal ones, those that leave a row its own number are preferred.

    Source: the Hungarian algorithm (H. Kuhn, 1955) with potentials, O(n^3).

    """
    n = len(gains)
    costs = -(np.asarray(gains, dtype=np.int64) * (n + 1) + np.eye(n, dtype=np.int64))
    row_price, column_price = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    row_of = np.zeros(n + 1, np.int64)  # of each column, from 1; 0: none yet
    for row in range(1, n + 1):
        row_of[0], column = row, 0
        least = np.full(n + 1, np.iinfo(np.int64).max)
        before, done = np.zeros(n + 1, np.int64), np.zeros(n + 1, bool)
        while row_of[column]:
            done[column] = True
            r = row_of[column]
            slack = costs[r - 1] - row_price[r] - column_price[1:]
            better = ~done[1:] & (slack < least[1:])
            least[1:][better], before[1:][better] = slack[better], column
            following = int(np.where(done[1:], np.iinfo(np.int64).max, least[1:]).argmin()) + 1
            step = least[following]
            row_price[row_of[done]] += step
            column_price[done] -= step
            least[~done] -= step
            column = following
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    matching = np.zeros(n, np.int64)
    matching[row_of[1:] - 1] = np.arange(n)
    return matching
