"""The examples of a task that a description names: built-in grids, or files.

Built-in grids for learning are drawn from training images, those held out from test images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.data.digits import Digits, load_digits
from neuralc.data.examples_json import Batch, load_arrays, read_batches
from neuralc.data.expressions import load_operators
from neuralc.data.grids import NAMES, grid_task
from neuralc.data.mnist import load_mnist
from neuralc.errors import DataError, FileError
from neuralc.ir.examples import Examples, bind
from neuralc.learning.batches import concatenated, split
from neuralc.learning.lifelong.table import Table, meant, short
from neuralc.learning.model import Model

GRIDS, HELD_OUT, LINES = 1000, 10_000, 4
SIZES = {"mnist": 28, "digits": 8}
MACHINES = {"ADD2X2": "grid2x2_add", "APPLY2X2": "grid2x2_apply"}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class BuiltIn:
    """Built-in grids: `name` is one of `NAMES`."""

    name: str

    @property
    def family(self) -> str:
        """The first part of the name."""
        return self.name.split(":")[0]

    @property
    def machine(self) -> str:
        """The model for which they are made."""
        return MACHINES[self.family]

    @staticmethod
    def hypers(table: Table) -> dict[str, int]:
        """Return the hyper-parameters of that model."""
        images = table.choice("images", "mnist", list(SIZES))
        return {"image_size": SIZES[images], "num_lines": LINES}


class Pools:
    """Images to draw grids from; each set is read when it is first asked for."""

    @cached_property
    def mnist(self) -> Digits:
        """MNIST."""
        return load_mnist()

    @cached_property
    def digits(self) -> Digits:
        """The small digits of scikit-learn."""
        return load_digits()

    @cached_property
    def operators(self) -> Digits:
        """The operators + - * /."""
        return load_operators()


def built_in(table: Table) -> BuiltIn | None:
    """Return which built-in grids a task asks for; None where it names a file."""
    data = table.text("data", "")
    if Path(data).suffix in (".json", ".npz"):
        for key in ("grids", "images"):
            if key in table:
                table.wrong("is for built-in data only", key, "leave it out")
        return None
    if data not in NAMES:
        table.wrong(f"found {short(data)}, wanted a file .json or .npz, or built-in grids", "data",
                    meant(data, NAMES, "the grids are"))  # fmt: skip
    if "test" in table:
        table.wrong("is for data from files", "test",
                    f"leave it out: {data} has held-out grids, held_out = {HELD_OUT}")  # fmt: skip
    return BuiltIn(data)


def examples_of(
    table: Table, model: Model, batches: list[Batch] | None, pools: Pools, seed: Sequence[int]
) -> tuple[Examples, Examples]:
    """Return the examples of a task to learn from, and those held out.

    Args:
        table: the task of the description.
        model: its model.
        batches: its data, where they are JSON.
        pools: images for built-in grids.
        seed: that of the lifetime, and the number of the task: of which grids are drawn, or
            which examples are held out.

    Raises:
        NeuralcError: a mistake, with the file, the task and the key.

    """
    kind = built_in(table)
    try:
        if kind is not None:
            return _grids(table, kind, model, pools, seed)
        return _from_files(table, model, batches, seed)
    except (DataError, FileError) as error:
        table.wrong(str(error), "data")


# ---- built-in grids


def _grids(
    table: Table, kind: BuiltIn, model: Model, pools: Pools, seed: Sequence[int]
) -> tuple[Examples, Examples]:
    counts = table.whole("grids", GRIDS, least=1), table.whole("held_out", HELD_OUT, least=1)
    images = table.choice("images", "mnist", list(SIZES))
    if kind.family != "ADD2X2" and images != "mnist":
        table.wrong(f"{kind.family} has no operators of the size of {images!r}", "images",
                    'leave it out, or write images = "mnist"')  # fmt: skip
    drawn = grid_task(
        kind.name,
        pools.mnist if images == "mnist" else pools.digits,
        pools.operators if kind.family == "APPLY2X2" else None,
        train=counts[0], test=counts[1], seed=seed[0],
    )  # fmt: skip
    train, test = (bind(model.program, grids.columns, where=kind.name) for grids in drawn)
    return train, test


# ---- files


def training(batches: Sequence[Batch]) -> Batch:
    """Return the batch to learn from: the one named `train`, else the first."""
    return next((batch for batch in batches if batch.name == "train"), batches[0])


def _from_files(
    table: Table, model: Model, batches: list[Batch] | None, seed: Sequence[int]
) -> tuple[Examples, Examples]:
    data = batches if batches is not None else _columns(table, "data")
    train, held_out = split(model.program, data)
    if not train.count:
        table.wrong("there are no examples to learn from", "data")
    given = [key for key in ("test", "held_out") if key in table]
    if len(given) > 1:
        table.wrong("'test' and 'held_out' cannot both be given", hint="leave one out")
    if given and held_out is not None:
        table.wrong("the data have held-out examples already", given[0], "leave it out")
    if "test" in table:
        return train, _test(table, model)
    if "held_out" in table:
        return _parted(table, train, seed)
    if held_out is None:
        table.wrong("there are no held-out examples to measure on",
                    hint="give a file as test, or how many examples as held_out")  # fmt: skip
    return train, held_out


def _test(table: Table, model: Model) -> Examples:
    """Return the examples of the file that `test` names."""
    name = table.text("test", "")
    if Path(name).suffix not in (".json", ".npz"):
        table.wrong(f"found {short(name)}, wanted a file .json or .npz", "test")
    try:
        is_json = name.endswith(".json")
        data: Any = read_batches(table.path.parent / name) if is_json else _columns(table, "test")
        first, others = split(model.program, data)
    except (DataError, FileError) as error:
        table.wrong(str(error), "test")
    test = first if others is None else concatenated([first, others])
    if not test.count:
        table.wrong("there are no examples", "test")
    return test


def _parted(table: Table, examples: Examples, seed: Sequence[int]) -> tuple[Examples, Examples]:
    """Return some of the examples to learn from, and so many held out."""
    count = table.whole("held_out", 0, least=1)
    if count >= examples.count:
        table.wrong(f"found {count}, but there are {examples.count} examples", "held_out",
                    "leave some of them to learn from")  # fmt: skip
    order = np.random.default_rng(seed).permutation(examples.count)
    return examples.take(np.sort(order[count:])), examples.take(np.sort(order[:count]))


def _columns(table: Table, key: str) -> dict[str, Array]:
    """Return the arrays of an `.npz` by name."""
    file = table.path.parent / table.text(key, "")
    return {name: array for (_, name), array in load_arrays(file, file.name).items()}
