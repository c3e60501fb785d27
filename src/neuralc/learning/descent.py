"""Gradient descent as one solver among others, in a process of its own.

For programs without networks: a solver answers with choices alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.backends.base import Candidate, Outcome, Problem, Report
from neuralc.backends.soft.parameters import softmaxes
from neuralc.learning.gradient import GradientRun, torch_threads
from neuralc.learning.model import Model
from neuralc.learning.settings import Settings
from neuralc.source import Source

Array = np.ndarray[Any, Any]


def declines(problem: Problem) -> list[str]:
    """Return why gradients cannot be asked: an empty list, if they can."""
    return ["it has networks"] if problem.program.networks else []


def solve(problem: Problem, report: Report, settings: Mapping[str, Any]) -> Outcome:
    """Look for the choices by gradient descent, until the first restart is exact.

    Args:
        problem: a program without networks; the outcome has the probabilities of all choices,
            which a search may draw from.
        report: told at every judgement.
        settings: fields of `Settings`; seed and threads are those of the problem.

    """
    chosen = dataclasses.replace(
        Settings(**settings), seed=problem.seed, threads=problem.threads, stop="first"
    )
    model = Model(Source(problem.program.name, ""), problem.program, None)
    with torch_threads(problem.threads):
        run = GradientRun(model, problem.examples, chosen, None, {}, problem.deadline)
        run.loop(lambda done, total, remark: report(f"step {done}: {remark}", _best(run)))
    best = _best(run)
    logits = run.found.get("logits", run.module.logits.detach()[:1])
    chances = softmaxes(logits, run.module.choices)
    return Outcome(
        "found" if run.solved else "unknown",
        best,
        note=f"{run.trainer.step_number} steps of {chosen.restarts} restarts",
        arrays={
            f"chances:{name}": chance[0].double().cpu().numpy() for name, chance in chances.items()
        },
    )


def _best(run: GradientRun) -> Candidate | None:
    """Return the best program so far; it was judged by the exact execution."""
    if not run.found:
        return None
    return Candidate(run.found_choices, round(run.best[0] * run.train.count))
