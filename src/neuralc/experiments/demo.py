"""The main job on real handwritten digits: a program and a digit classifier from sums alone.

A 2x2 grid of images and one integer, the sum of a row or column, are all that the learner gets.
No digit is labelled, and which cells matter is not told. The true digits are used afterwards, for
the report only: to say how many restarts found a program that is exact.

Source: the ADD2X2 tasks of Gaunt et al., "Differentiable Programs with Neural Libraries" (2017),
arXiv:1611.02109, section 4.1; the programs are printed in the manner of its figure 3.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import sites
from neuralc.data.digits import Digits
from neuralc.data.grids import TASKS, sum_grids
from neuralc.experiments.curves import draw_curves
from neuralc.files import write_atomic
from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model
from neuralc.learning.run import learn
from neuralc.learning.score import Judge
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution

Progress = Callable[[int, int, str], None]
GRIDS = 1000  # distinct training grids of each task, as in the paper
HELD_OUT = 10_000
LINES = 4  # of the programs
SETTINGS = Settings(
    restarts=10, steps=400, batch=64, rate=0.05, concentration=5.0, network_rate=2e-3,
    accept=0.9, check_every=25,
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True)
class _Task:
    name: str
    solution: Solution
    exact: int
    best_exact: bool
    held_out: Examples


def run_demo(
    digits: Digits, *, out: Path, seed: int = 0, restarts: int | None = None,
    progress: Progress | None = None,
) -> Result:  # fmt: skip
    """Learn one task on scikit-learn's digits, or on MNIST all four, one after the other.

    Args:
        digits: the images; those for learning and those held out.
        out: the folder for pictures and solutions.
        seed: of every random choice.
        restarts: independent starts of each task; None: as in `SETTINGS`.
        progress: called with steps done, steps in all, and a remark.

    On MNIST the network that one task trained is what the next begins with, and the held-out
    grids of all tasks are read with the network as it is at the end.
    """
    began = time.monotonic()
    settings = dataclasses.replace(SETTINGS, seed=seed, restarts=restarts or SETTINGS.restarts)
    names = list(TASKS) if digits.name == "mnist" else ["top"]
    size = digits.train_images.shape[-1]
    model = Model.load("grid2x2_add", {"image_size": size, "num_lines": LINES})
    tasks: list[_Task] = []
    for number, name in enumerate(names):
        known = tasks[-1].solution.weights if tasks else {}
        chosen = _settings(settings, first=not tasks, lifelong=len(names) > 1)
        tasks.append(_learn(model, digits, name, number, chosen, known, out, progress))
    seconds = time.monotonic() - began
    last = tasks[-1].solution
    final = [_with_networks(task.solution, last, task.held_out) for task in tasks]
    picture = out / "learning-curve.png"
    draw_curves({task.name: task.solution.history for task in tasks}, picture)
    return _result(tasks, final, seconds, digits, out, picture)


def _settings(settings: Settings, *, first: bool, lifelong: bool) -> Settings:
    """Return the settings of a task: with a trained network the program is found sooner."""
    if not lifelong:
        return settings
    steps = settings.steps if first else settings.steps // 2
    return dataclasses.replace(settings, steps=steps, polish=POLISH)


POLISH = 600  # steps on the network alone, once a program is found


def _learn(
    model: Model, digits: Digits, name: str, number: int, settings: Settings,
    networks: Mapping[str, torch.Tensor], out: Path, progress: Progress | None,
) -> _Task:  # fmt: skip
    cells = TASKS[name]
    seed = 10 * settings.seed + number
    images, sums, truth = sum_grids(digits.train_images, digits.train_labels, cells, GRIDS, seed)
    other, wanted, _ = sum_grids(
        digits.test_images, digits.test_labels, cells, HELD_OUT, seed + 1_000_003
    )
    train = bind(model.program, {"images": images, "result": sums}, where=name)
    held_out = bind(model.program, {"images": other, "result": wanted}, where=f"{name}, held out")

    def report(done: int, total: int, remark: str) -> None:
        if progress is not None:
            progress(done, total, f"{name}: {remark}")

    solution = learn(
        model, train, test=held_out, settings=settings, out=out / name, progress=report,
        networks=networks,
    )  # fmt: skip
    exact = exact_programs(model, solution.population, train, truth)
    best = {key: value[None] for key, value in solution.choices.items()}
    return _Task(name, solution, int(exact.sum()), bool(exact_programs(
        model, best, train, truth)[0]), held_out)  # fmt: skip


def exact_programs(
    model: Model, choices: Mapping[str, Any], examples: Examples, truth: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Tell which programs are right on all grids when the digits are read without error.

    Args:
        model: the 2x2 machine.
        choices: int `[P, *shape]` for each Param.
        examples: E grids with their sums.
        truth: the digits, int `[E, 4]`; they are used here and nowhere in learning.

    Returns:
        bool `[P]`.

    """
    (site,) = sites(model.program)
    executor = Executor(model.program)
    return np.asarray(executor.score(choices, examples, {site: truth[None]}).all(1))


def _with_networks(solution: Solution, last: Solution, held_out: Examples) -> float:
    """Return the share of held-out grids that are right with the networks of another solution."""
    weights = {**last.weights, "logits": solution.weights["logits"]}
    module = dataclasses.replace(solution, weights=weights).module()
    judge = Judge(solution.model.program, held_out, jit=True)
    choices = {name: value[None] for name, value in solution.choices.items()}
    return float(judge.right(choices, module)[0])


def _result(
    tasks: list[_Task], final: list[float], seconds: float, digits: Digits, out: Path,
    picture: Path,
) -> Result:  # fmt: skip
    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    for task, accuracy in zip(tasks, final, strict=True):
        report = task.solution.report
        lines += [
            f"== {task.name}: the sum of two cells, {GRIDS} grids, no digit labelled", "",
            task.solution.program, "",
            f"restarts with an exact program: {task.exact} of {report.restarts}",
            f"held-out grids right: {accuracy:.1%} of {report.test_count}",
            f"time: {report.seconds:.1f} s", "",
        ]  # fmt: skip
        rows.append(
            {
                "task": task.name, "solved": task.exact, "restarts": report.restarts,
                "exact": task.best_exact, "test_accuracy": accuracy,
                "test_accuracy_when_learned": report.test_accuracy, "seconds": report.seconds,
                "program": task.solution.program, "out": str(out / task.name),
            }
        )  # fmt: skip
    first = tasks[0]
    learning = sum(task.solution.report.seconds for task in tasks)
    lines += [
        f"learning: {learning:.1f} s, with reading the held-out grids {seconds:.1f} s",
        f"picture: {picture}",
        *(f"solution: {out / task.name}" for task in tasks),
    ]
    data = {
        "data": digits.name,
        "solved": min(task.exact for task in tasks),
        "restarts": first.solution.report.restarts,
        "train_exact": all(task.best_exact for task in tasks),
        "test_accuracy": min(final),
        "seconds": learning,
        "solver": "gradient",
        "program": "\n\n".join(task.solution.program for task in tasks),
        "out": str(out),
        "picture": str(picture),
        "tasks": rows,
    }
    write_atomic(out / "result.json", json.dumps(data, indent=1) + "\n")
    return Result("\n".join(lines), data)
