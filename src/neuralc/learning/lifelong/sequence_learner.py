"""The learner that a description asks for, with its settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from neuralc.errors import NeuralcError
from neuralc.learning.lifelong.learner import Learner
from neuralc.learning.lifelong.programs import LIFELONG, ProgramLearner
from neuralc.learning.lifelong.table import Table
from neuralc.learning.lifelong.task import Task

LEARNERS = ("programs", "indep", "pnn", "mtnn-1", "mtnn-2")
PROGRAMS = ("restarts", "rate", "network_rate", "augment", "input_noise", "average", "accept",
            "check_every", "patience", "noise", "entropy", "entropy_decay", "clip", "decay",
            "concentration", "precision")  # fmt: skip
"""Settings of the learner "programs": those of `Settings` that it heeds."""


def settings_of(table: Table, learner: str) -> dict[str, Any]:
    """Return all settings of a learner, those that the table `settings` does not name included.

    Raises:
        NeuralcError: a setting that there is not, or that cannot be.

    """
    known = PROGRAMS
    given = Table(table.path, "settings", table.get("settings") or {}, known)
    try:
        chosen = dataclasses.replace(LIFELONG, **given.content)
    except NeuralcError as error:
        given.wrong(str(error))
    return {name: getattr(chosen, name) for name in known}


def make_learner(
    name: str, tasks: Sequence[Task], settings: Mapping[str, Any], seed: int,
    networks: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> Learner:  # fmt: skip
    """Return a new learner.

    Args:
        name: of `LEARNERS`.
        tasks: of its lifetime.
        settings: as `settings_of` gives them.
        seed: of its random choices.
        networks: parameters of networks that are known already; for "programs".

    """
    chosen = dataclasses.replace(LIFELONG, **settings)
    return ProgramLearner(tasks, seed=seed, settings=chosen, networks=networks)
