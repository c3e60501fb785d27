"""What commands read: the model with its hyper-parameters, and the batches of examples.

Shared by the commands so that each says "no such file", "which set?" and "which batch?" alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from neuralc.errors import DataError

if TYPE_CHECKING:
    from neuralc.data.examples_json import Batch
    from neuralc.source import Source

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)  # not exists=True: our own messages say more


def hypers_options(function: Command) -> Command:
    """Add `--hypers FILE` and `--set NAME`."""
    function = click.option(
        "--set", "set_name", metavar="NAME", help="The set in the hypers file, if it has several."
    )(function)
    return click.option(
        "--hypers", type=FILE, metavar="FILE", help="JSON file with the hyper-parameters."
    )(function)


def model_text(model: Path) -> Source:
    """Return the text of a model file, or of a machine that comes with neuralc.

    Raises:
        FileError: there is neither.

    """
    from neuralc import machines
    from neuralc.files import read_text
    from neuralc.source import Source

    path = machines.path(str(model)) if str(model) in machines.names() else model
    return Source(str(path), read_text(path))


def hypers_of(path: Path | None, name: str | None) -> dict[str, int]:
    """Return a set of hyper-parameters; empty without a file."""
    from neuralc.data.examples_json import read_hypers

    if path is None:
        return {}
    return read_hypers(path, name)


def training_batch(batches: Sequence[Batch], source: Path) -> Batch:
    """Return the batch to learn from: the one named `train`, else the first.

    Raises:
        DataError: there is no batch at all.

    """
    if not batches:
        raise DataError(f"{source}: there is no batch in this file")
    return next((batch for batch in batches if batch.name == "train"), batches[0])
