"""A described lifetime, made: the learner, its library, the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neuralc.learning.gradient import torch_threads
from neuralc.learning.lifelong import shelf
from neuralc.learning.lifelong.life import live
from neuralc.learning.lifelong.programs import ProgramLearner
from neuralc.learning.lifelong.result import Life
from neuralc.learning.lifelong.sequence import Lifetime
from neuralc.learning.lifelong.sequence_learner import make_learner

Progress = Callable[[int, int, str], None]


def run_lifetime(
    lifetime: Lifetime, out: str | Path, progress: Progress | None = None
) -> tuple[Life, dict[str, int]]:
    """Make a run, or go on with it, and save what it has learned in its library.

    Args:
        lifetime: what `read_lifetime` returned.
        out: the folder of the run.
        progress: called with steps made, all steps, and a remark.

    Returns:
        What came of it; and the versions of the library's functions, empty where nothing is saved.

    Raises:
        NeuralcError: the library has such a task already, or another process has saved.
        SolutionError: the checkpoint or the library is damaged.
        KeyboardInterrupt: after a checkpoint was saved.

    """
    out = Path(out)
    library = shelf.begin(lifetime, out)
    networks = library.networks() if library is not None else {}
    with torch_threads(1):
        learner = make_learner(
            lifetime.learner, lifetime.tasks, lifetime.settings, lifetime.seed, networks
        )
        life = live(
            learner, lifetime.tasks, lifetime.schedule, steps=lifetime.steps,
            batch=lifetime.batch, seed=lifetime.seed, evaluate_at=lifetime.evaluate_at, out=out,
            progress=progress, evaluate_rows=lifetime.evaluate_rows, settings=lifetime.settings,
        )  # fmt: skip
        saved: dict[str, int] = {}
        if library is not None and isinstance(learner, ProgramLearner):
            saved = library.save(life, learner, lifetime)
    return life, saved
