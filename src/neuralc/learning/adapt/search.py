"""Adaptation by search: every seed anneals the program on the exact execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.learning.adapt.gradient import Tell
from neuralc.learning.adapt.problem import Choices, Problem

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Found:
    """What a seed has found; `choices` None: nothing. `seconds` of search."""

    choices: Choices | None
    seconds: float


def search_all(
    problem: Problem, seeds: Sequence[int], starts: Sequence[Choices | None],
    chances: Sequence[Mapping[str, Array] | None], threads: int, tell: Tell | None,
) -> list[Found]:  # fmt: skip
    """Search for every seed."""
    raise NotImplementedError
