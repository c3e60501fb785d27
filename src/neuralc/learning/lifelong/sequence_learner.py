"""The learner that a description asks for, with its settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from neuralc.errors import NeuralcError
from neuralc.learning.lifelong.baselines import BASELINES, TUNING, Tuning
from neuralc.learning.lifelong.learner import Learner
from neuralc.learning.lifelong.programs import CONVOLUTIONAL, LIFELONG, ProgramLearner
from neuralc.learning.lifelong.table import Table
from neuralc.learning.lifelong.task import Task

LEARNERS = ("programs", *BASELINES)
PROGRAMS = ("restarts", "rate", "network_rate", "augment", "input_noise", "average", "accept",
            "check_every", "patience", "noise", "entropy", "entropy_decay", "shake", "shake_decay",
            "clip", "decay",
            "concentration", "precision")  # fmt: skip
"""Settings of the learner "programs": those of `Settings` that it heeds."""


def settings_of(table: Table, learner: str, net: str | None) -> dict[str, Any]:
    """Return all settings of a learner, those that the table `settings` does not name included.

    Args:
        table: the description.
        learner: of `LEARNERS`.
        net: the body of the networks that it asks for, or None.

    Raises:
        NeuralcError: a setting that there is not, or that cannot be.

    """
    given = table.get("settings") or {}
    if learner != "programs":
        usual = vars(TUNING.get(learner, Tuning()))
        own = Table(table.path, "settings", given, list(usual))
        rates = {name: own.number(name, usual[name]) for name in ("rate", "shared")}
        others = {name: own.number(name, usual[name], zero=True) for name in ("decay", "noise")}
        dropout = own.number("dropout", usual["dropout"], most=0.99, zero=True)
        return {**rates, **others, "dropout": dropout}
    own = Table(table.path, "settings", given, PROGRAMS)
    try:
        usual_settings = CONVOLUTIONAL if net == "cnn" else LIFELONG
        chosen = dataclasses.replace(usual_settings, **own.content)
    except NeuralcError as error:
        own.wrong(str(error))
    return {name: getattr(chosen, name) for name in PROGRAMS}


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

    Raises:
        NeuralcError: a task is not for such a learner.

    """
    if name != "programs":
        return BASELINES[name](tasks, seed=seed, tuning=Tuning(**settings))
    chosen = dataclasses.replace(LIFELONG, **settings)
    return ProgramLearner(tasks, seed=seed, settings=chosen, networks=networks)
