"""Data in all the forms that `learn` takes, as examples to learn from and examples held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuralc.ir.examples import Examples, bind
from neuralc.ir.nodes import Program


def split(program: Program, data: Any, test: Any = None) -> tuple[Examples, Examples | None]:
    """Return training examples and held-out ones, bound to the program."""
    batches = _batches(data)
    named = [name for name, _ in batches]
    place = named.index("train") if "train" in named else 0
    train = _bound(program, *batches[place])
    others = [batch for k, batch in enumerate(batches) if k != place]
    others += _batches(test) if test is not None else []
    held_out = [_bound(program, *batch) for batch in others]
    if not sum(part.count for part in held_out):
        return train, None
    return train, concatenated(held_out)


def _batches(data: Any) -> list[tuple[str, Any]]:
    if isinstance(data, Examples | Mapping):
        return [("data", data)]
    try:
        rows = list(data)
    except TypeError:
        return [("data", data)]  # `bind` says what is wrong with it
    if rows and all(hasattr(batch, "instances") for batch in rows):
        return [(str(batch.name), batch.instances) for batch in rows]
    if rows and all(isinstance(batch, Mapping) and "instances" in batch for batch in rows):
        return [(str(batch.get("batch_name", "")), batch["instances"]) for batch in rows]
    return [("data", rows)]


def _bound(program: Program, name: str, instances: Any) -> Examples:
    if isinstance(instances, Examples):
        return instances
    return bind(program, instances, where=f"batch {name!r}")


def concatenated(parts: Sequence[Examples]) -> Examples:
    """Return several sets of examples as one."""
    first = parts[0]
    return Examples(
        {name: np.concatenate([part.inputs[name] for part in parts]) for name in first.inputs},
        {name: np.concatenate([part.outputs[name] for part in parts]) for name in first.outputs},
        sum(part.count for part in parts),
    )
