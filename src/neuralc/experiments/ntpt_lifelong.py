"""A lifetime of the eight 2x2 tasks: programs over a growing library, and networks without.

ADD2X2 and APPLY2X2 take turns, so whoever forgets one while it learns the other is found out. All
learners see the same grids in the same order. Each life is kept in a folder of its own, so an
interrupted reproduction goes on where it was. Labels of single images are used to judge programs
and networks at the end, never to learn.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
section 4.1, figures 6 and 7.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neuralc.data.digits import Digits
from neuralc.data.grids import KINDS, TASKS, grid_task
from neuralc.errors import NeuralcError
from neuralc.experiments.ntpt_lifelong_check import exact_programs, network_accuracy
from neuralc.experiments.ntpt_lifelong_table import OURS, Lifelong, Outcome, summary
from neuralc.experiments.side_by_side import side_by_side
from neuralc.ir.examples import bind
from neuralc.learning.gradient import torch_threads
from neuralc.learning.lifelong.baselines import BASELINES
from neuralc.learning.lifelong.learner import Learner
from neuralc.learning.lifelong.life import live
from neuralc.learning.lifelong.programs import CONVOLUTIONAL, LIFELONG, ProgramLearner
from neuralc.learning.lifelong.schedule import Schedule
from neuralc.learning.lifelong.task import Task
from neuralc.learning.model import Model
from neuralc.learning.settings import Settings

Progress = Callable[[int, int, str], None]
LINES = 4  # of the programs
ORDER = tuple(f"{kind}:{side}" for side in TASKS for kind in KINDS)  # ADD, APPLY, ADD, ...
MACHINES = {"ADD2X2": "grid2x2_add", "APPLY2X2": "grid2x2_apply"}
PROGRAMS: Mapping[str, tuple[str, Settings]] = MappingProxyType(
    {
        "ours": ("mlp", LIFELONG),
        "ours-cnn": ("cnn", CONVOLUTIONAL),
    }
)
LEARNERS = (*PROGRAMS, *BASELINES)


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        learners: of `LEARNERS`; seeds: how many lives of each.
        phase: steps from the time when one task dominates to that of the next.
        grids: distinct training grids of each task; held_out: those that are held out.
        measured: held-out grids at an examination; at the end it is all of them.
        every: steps between examinations.
        batch: grids in each step.
        alone: numbers of training grids of one task that each baseline is shown alone, to see
            whether it learns well when nothing disturbs it.

    """

    learners: tuple[str, ...] = LEARNERS
    seeds: int = 3
    phase: int = 1000
    grids: int = 1000
    held_out: int = 10_000
    measured: int = 2000
    every: int = 250
    batch: int = 64
    alone: tuple[int, ...] = (1000, 4000)

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in self.learners:
            if name not in LEARNERS:
                raise NeuralcError(
                    f"there is no learner {name!r}\n  hint: there are {', '.join(LEARNERS)}"
                )
        least = {"seeds": 1, "phase": 4, "grids": 1, "held_out": 1, "measured": 1, "every": 1,
                 "batch": 1}  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise NeuralcError(f"{name} is at least {low}, found {getattr(self, name)}")

    @property
    def steps(self) -> int:
        """Steps of a life."""
        return self.phase * len(ORDER)


FULL = Size()
QUICK = Size(learners=("ours", "indep", "mtnn-2"), seeds=1, phase=400, held_out=2000,
             measured=1000, every=200, alone=(4000,))  # fmt: skip
ALONE, ALONE_STEPS = "ADD2X2:left", 1000  # the task that baselines are shown alone, and how long


def schedule_of(phase: int) -> Schedule:
    """Return the mixture: each task dominates for a phase and overlaps with its neighbours.

    A task comes up over 6 tenths of a phase while the one before goes. The first 7 tenths of the
    first phase are ADD2X2:top alone.
    """
    half = max(1, 3 * phase // 10)
    points = {}
    for k, name in enumerate(ORDER):
        start, end = k * phase, (k + 1) * phase
        rising = [(0, 1.0)] if k == 0 else [(start - half, 0.0), (start + half, 1.0)]
        last = k == len(ORDER) - 1
        points[name] = [*rising, *([(end, 1.0)] if last else [(end - half, 1.0),
                                                              (end + half, 0.0)])]  # fmt: skip
    return Schedule(points)


def tasks_of(
    digits: Digits, operators: Digits, size: Size, seed: int, body: str = "mlp"
) -> list[Task]:
    """Return the eight tasks with their grids, in the order of their first steps.

    Args:
        digits, operators: images of one size.
        size: how many grids.
        seed: of the grids.
        body: of the networks, "mlp" (2 x 256) or "cnn".

    Raises:
        DataError: fewer images than so many grids need, or images of other sizes.

    """
    hypers = hypers_of(digits)
    models = {kind: Model.load(machine, hypers, net=body) for kind, machine in MACHINES.items()}
    tasks = []
    for name in ORDER:
        program = models[name.split(":")[0]].program
        train, test = grid_task(
            name, digits, operators, train=size.grids, test=size.held_out, seed=seed
        )
        tasks.append(Task(
            name, models[name.split(":")[0]], bind(program, train.columns, where=name),
            bind(program, test.columns, where=f"{name}, held out"),
        ))  # fmt: skip
    return tasks


def hypers_of(digits: Digits) -> dict[str, int]:
    """Return the hyper-parameters of both machines."""
    return {"image_size": digits.train_images.shape[-1], "num_lines": LINES}


def make_learner(name: str, tasks: Sequence[Task], seed: int) -> tuple[Learner, dict[str, Any]]:
    """Return a new learner, and its settings as JSON can hold them."""
    if name in PROGRAMS:
        body, settings = PROGRAMS[name]
        used = {"body": body, **dataclasses.asdict(settings)}
        return ProgramLearner(tasks, seed=seed, settings=settings), used
    learner = BASELINES[name](tasks, seed=seed)
    return learner, dataclasses.asdict(learner.tuning)


def run_lifelong(
    digits: Digits, operators: Digits, *, size: Size = FULL, out: Path | None = None,
    progress: Progress | None = None, first_seed: int = 0, processes: int = 1,
) -> Lifelong:  # fmt: skip
    """Let all learners live, and lay out what came of it beside the paper's figures.

    Args:
        digits: images of digits; operators: of operators, of the same size.
        size: how much is done.
        out: a folder that keeps every life; what is done already is not done again.
        progress: called with steps made, all steps, and a remark.
        first_seed: the seeds are this one and those after it.
        processes: lives at the same time; each takes about 2 GB of memory.

    Raises:
        DataError: fewer images than the grids need.
        SolutionError: what `out` holds is damaged.
        KeyboardInterrupt: after a checkpoint was saved.

    """
    lives = [
        (name, digits, operators, size, seed, out)
        for seed in range(first_seed, first_seed + size.seeds) for name in size.learners
    ]  # fmt: skip
    single = [(name, digits, grids, size, first_seed, out)
              for name in size.learners if name in BASELINES for grids in size.alone]  # fmt: skip
    total = len(lives) * size.steps + len(single) * ALONE_STEPS
    done: dict[tuple[str, int], int] = {}

    def tell(kind: str, number: int, made: int, remark: str) -> None:
        done[kind, number] = made
        if progress is not None:
            name, seed = (lives if kind == "lives" else single)[number][0::4][:2]
            progress(sum(done.values()), total, f"{name}, seed {seed}: {remark}")

    shares = side_by_side(
        alone, single, processes=processes, progress=functools.partial(tell, "single")
    )
    outcomes = side_by_side(
        one_life, lives, processes=processes, progress=functools.partial(tell, "lives")
    )
    found: dict[str, dict[str, float]] = {}
    for (name, _, grids, *_), share in zip(single, shares, strict=True):
        found.setdefault(name, {})[str(grids)] = share
    return summary(outcomes, found, schedule_of(size.phase), size.phase, dataclasses.asdict(size))


def alone(
    name: str, digits: Digits, grids: int, size: Size, seed: int, out: Path | None,
    progress: Progress,
) -> float:  # fmt: skip
    """Return the share of held-out grids that a baseline gets right when it learns one task."""
    model = Model.load(MACHINES["ADD2X2"], hypers_of(digits))
    drawn = grid_task(ALONE, digits, None, train=grids, test=size.held_out, seed=seed)
    train, test = (bind(model.program, part.columns, where=ALONE) for part in drawn)
    tasks = [Task(ALONE, model, train, test)]
    folder = None if out is None else out / f"{name}-alone{grids}-seed{seed}"
    with torch_threads(1):
        learner, settings = make_learner(name, tasks, seed)
        life = live(
            learner, tasks, Schedule({ALONE: [(0, 1.0), (ALONE_STEPS, 1.0)]}), steps=ALONE_STEPS,
            batch=size.batch, seed=seed, evaluate_at=(), out=folder, progress=progress,
            settings=settings,
        )  # fmt: skip
    return life.accuracy[ALONE]


def one_life(
    name: str, digits: Digits, operators: Digits, size: Size, seed: int, out: Path | None,
    progress: Progress,
) -> Outcome:  # fmt: skip
    """Let one learner live, or go on with its life, and judge what it has learned."""
    body = PROGRAMS[name][0] if name in PROGRAMS else "mlp"
    tasks = tasks_of(digits, operators, size, seed, body)
    folder = None if out is None else out / f"{name}-seed{seed}-phase{size.phase}"
    points = range(size.every, size.steps + 1, size.every)
    with torch_threads(1):
        learner, settings = make_learner(name, tasks, seed)
        life = live(
            learner, tasks, schedule_of(size.phase), steps=size.steps, batch=size.batch, seed=seed,
            evaluate_at=points, out=folder, progress=progress, evaluate_rows=size.measured,
            settings=settings,
        )  # fmt: skip
        exact: dict[str, bool] = {}
        reads: dict[str, float] = {}
        if isinstance(learner, ProgramLearner):
            found = learner.choices()
            exact = {task.name: exact_programs(task.model, found[task.name], task.name)
                     for task in tasks if task.name in found}  # fmt: skip
            reads = network_accuracy(learner, {"net_0": digits, "net_1": operators})
    return Outcome(name, life, exact, reads, settings)


__all__ = ["FULL", "LEARNERS", "ORDER", "OURS", "QUICK", "Lifelong", "Outcome", "Size",
           "run_lifelong", "schedule_of", "tasks_of"]  # fmt: skip
