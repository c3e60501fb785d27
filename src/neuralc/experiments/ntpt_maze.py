"""The street-sign maze: what the signs mean and how to walk, learned from where walks end.

Training mazes are of 3x3 photographs, with paths of no, one and two moves in equal parts; nothing
but start, goal and the length of the path is told. Tests are on larger mazes of photographs that
were held out, by the same program and network in the machine for that size.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), arXiv:1611.02109,
figure 1, where the task is an illustration without figures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralc import saved
from neuralc.backends.exact.sites import sites
from neuralc.data.mazes import Mazes, directions_of, draw_mazes
from neuralc.data.signs import Signs
from neuralc.errors import NeuralcError
from neuralc.experiments.ntpt_maze_check import MACHINE, MazeChecker, explanations, hypers
from neuralc.experiments.ntpt_maze_picture import draw_walk
from neuralc.experiments.ntpt_maze_table import markdown
from neuralc.inspect.functions import report_function
from neuralc.ir.examples import bind
from neuralc.learning.model import Model
from neuralc.learning.run import learn
from neuralc.learning.score import class_tables
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int, str], None]
NETWORK = "LOOK"
ACCEPT = 0.95  # share of the training mazes; real signs are read wrong now and then
_GRADIENT = Settings(
    restarts=32, shared=True, batch=32, steps=400, rate=0.1, network_rate=1e-3, accept=ACCEPT,
    stop="first", check_every=25, polish=300,
)  # fmt: skip
_AUTO = dataclasses.replace(_GRADIENT, steps=100)
_MEASURED = "measured"  # the file of a seed that is done


@dataclass(frozen=True)
class Way:
    """How it is learned: the solver, the body of LOOK, and the settings."""

    solver: str
    net: str
    settings: Settings

    @property
    def name(self) -> str:
        """The name in tables, files and JSON."""
        return f"{self.solver}-{self.net}"


WAYS = (Way("gradient", "mlp", _GRADIENT), Way("auto", "mlp", _AUTO), Way("auto", "cnn", _AUTO))


@dataclass(frozen=True)
class Plan:
    """What is learned from and tested on.

    Attributes:
        seeds: how many; each is other mazes, other networks and other programs to begin with.
        ways: how.
        width, height, longest, count: of the training mazes; paths of 0 to `longest` moves.
        tests: width, height and longest path of test mazes, the first those of the bar.
        tested: how many of each.

    """

    seeds: int = 10
    ways: tuple[Way, ...] = WAYS
    width: int = 3
    height: int = 3
    longest: int = 2
    count: int = 1000
    tests: tuple[tuple[int, int, int], ...] = ((5, 3, 8), (8, 6, 12))
    tested: tuple[int, ...] = (500, 100)


FULL = Plan()
QUICK = Plan(seeds=3, ways=WAYS[:2], tests=((5, 3, 8),), tested=(300,))


@dataclass(frozen=True)
class Maze:
    """What the command prints: text for people, data for programs.

    `solution` is the one whose network reads best, of those whose program is right.
    """

    text: str
    data: dict[str, Any]
    solution: Solution | None


def run_maze(
    signs: Signs, *, plan: Plan = FULL, first_seed: int = 0, out: Path | None = None,
    progress: Progress | None = None, checker: MazeChecker | None = None,
) -> Maze:  # fmt: skip
    """Learn the maze once for each way and seed, and measure what was learned.

    Args:
        signs: photographs; those for learning are for the training mazes, those held out for the
            tests.
        plan: how much of it.
        first_seed: the seeds are this one and those that follow.
        out: a folder; every seed that is done is kept there, and not learned again by a call with
            the same arguments.
        progress: called with seeds done, seeds in all, and a remark.
        checker: decides which programs are right; None: the one with all sizes.

    Raises:
        FileError, SolutionError: the folder cannot be written, or is damaged.
        DataError: there are not enough signs.

    """
    trial = _Trial(signs, plan, checker or MazeChecker())
    seeds = range(first_seed, first_seed + plan.seeds)
    jobs = [(way, seed) for way in plan.ways for seed in seeds]
    rows: list[dict[str, Any]] = []
    best: Solution | None = None
    reads = 0.0
    for number, (way, seed) in enumerate(jobs):
        row, solution = trial.kept(way, seed, out)
        rows.append(row)
        read = float(row["classifier"]["accuracy"])
        if row["right_program"] and read > reads:
            best, reads = solution, read
        if progress is not None:
            right = "right" if row["right_program"] else "wrong"
            remark = f"{way.name}, seed {seed}: {right} program, signs {read:.1%}"
            progress(number + 1, len(jobs), remark)
    data = _data(trial, rows)
    return Maze(markdown(data), data, best)


@dataclass(frozen=True, eq=False)
class _Trial:
    """The photographs, and what is done with them for one seed."""

    signs: Signs
    plan: Plan
    checker: MazeChecker

    def kept(self, way: Way, seed: int, out: Path | None) -> tuple[dict[str, Any], Solution]:
        """Return what is measured for a seed, from the folder if it is there already."""
        if out is None:
            return self.measure(way, seed, None)
        folder = out / way.name / f"seed-{seed}"
        fingerprint = self.fingerprint(way, seed)
        if (folder / f"{_MEASURED}.json").exists():
            content, _ = saved.read(folder, _MEASURED)
            if content.get("fingerprint") == fingerprint and isinstance(content.get("row"), dict):
                return dict(content["row"]), Solution.load(folder)
        row, solution = self.measure(way, seed, folder)
        saved.write(folder, _MEASURED, {"fingerprint": fingerprint, "row": row}, {})
        return row, solution

    def fingerprint(self, way: Way, seed: int) -> str:
        """Return a digest of everything that the result depends on."""
        plan = dataclasses.replace(self.plan, seeds=1, ways=())
        digest = hashlib.sha256()
        parts = [dataclasses.asdict(plan), dataclasses.asdict(way), seed]
        digest.update(json.dumps(parts, sort_keys=True).encode())
        for part in dataclasses.fields(self.signs):
            digest.update(np.ascontiguousarray(getattr(self.signs, part.name)).tobytes())
        return digest.hexdigest()

    @property
    def image_size(self) -> int:
        """The side of an image."""
        return int(self.signs.train_images.shape[-1])

    def mazes(self, seed: int) -> Mazes:
        """Return the training mazes of a seed."""
        plan = self.plan
        return draw_mazes(
            self.signs.train_images, directions_of(self.signs.train_labels), width=plan.width,
            height=plan.height, count=plan.count, longest=plan.longest, seed=seed,
        )  # fmt: skip

    def measure(self, way: Way, seed: int, out: Path | None) -> tuple[dict[str, Any], Solution]:
        """Learn and test; see `run_maze`."""
        plan = self.plan
        began, cpu = time.monotonic(), time.process_time()
        wanted = hypers(plan.width, plan.height, plan.longest, image_size=self.image_size)
        model = Model.load(MACHINE, wanted, net=way.net)
        settings = dataclasses.replace(way.settings, seed=seed)
        solution = learn(
            model, self.mazes(seed).instances, solver=way.solver, settings=settings, out=out
        )
        learned, spent = time.monotonic() - began, time.process_time() - cpu
        directions = directions_of(self.signs.test_labels)
        known = directions >= 0
        reading = report_function(
            solution, NETWORK, self.signs.test_images[known], directions[known]
        )
        row = {
            "way": way.name, "solver": way.solver, "net": way.net, "seed": seed,
            "right_program": self.checker.right(solution.choices),
            "program": solution.program,
            "choices": {name: value.tolist() for name, value in solution.choices.items()},
            "solved": solution.report.solved, "restarts": solution.report.restarts,
            "steps": solution.report.steps,
            "train_right": solution.report.train_right / solution.report.train_count,
            "classifier": reading.data(),
            "tests": list(self.tests(solution, seed)),
            "seconds": learned, "cpu_seconds": spent,
        }  # fmt: skip
        return row, solution

    def tests(self, solution: Solution, seed: int) -> Iterator[dict[str, Any]]:
        """Yield what becomes of a solution on larger mazes of signs that were held out."""
        for (width, height, longest), count in zip(self.plan.tests, self.plan.tested, strict=True):
            drawn = draw_mazes(
                self.signs.test_images, directions_of(self.signs.test_labels), width=width,
                height=height, count=count, longest=longest, seed=seed,
            )  # fmt: skip
            size = hypers(width, height, longest, image_size=self.image_size)
            right, read = walk(solution.resized(size), drawn)
            well = int(read.sum())
            yield {
                "width": width, "height": height, "longest": longest, "mazes": count,
                "exact": float(right.mean()), "read_right": well,
                "exact_if_read_right": float(right[read].mean()) if well else None,
                "by_length": _by_length(drawn.instances["path_len"], right),
            }  # fmt: skip


def walk(solution: Solution, mazes: Mazes) -> tuple[Array, Array]:
    """Run a solution on mazes of its size.

    Returns:
        Which come out right, and of which all signs on the path are read right; bool [N] each.

    """
    program = solution.model.program
    examples = bind(program, mazes.instances, where="test mazes")
    found = solution.run(examples)
    right = np.all([found[name] == wanted for name, wanted in examples.outputs.items()], 0)
    (site,) = sites(program)
    said = class_tables(solution.module(), examples.inputs)[site][0]
    return right, ((said == mazes.directions) | ~mazes.on_path).all((1, 2))


def _by_length(lengths: Array, right: Array) -> dict[str, float]:
    return {str(n): float(right[lengths == n].mean()) for n in np.unique(lengths).tolist()}


def _data(trial: _Trial, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of all seeds, their sums, and what else could explain the mazes."""
    plan = trial.plan
    found = explanations(plan.width, plan.height, plan.longest)
    right = trial.checker.right_programs()
    known = {(tuple(p["instr"].tolist()), tuple(p["goto"].tolist())) for p in right}
    truth = tuple(range(5))
    others = [e for e in found if (e.instr, e.goto) not in known or e.read_as != truth]
    final = {way.name: _summary([r for r in rows if r["way"] == way.name]) for way in plan.ways}
    return {
        "seeds": plan.seeds, "final": final, "rows": [dict(row) for row in rows],
        "right_programs": [
            {name: value.tolist() for name, value in program.items()} for program in right
        ],
        "checked_on": trial.checker.mazes,
        "other_explanations": [dataclasses.asdict(one) for one in others],
        "training": {"width": plan.width, "height": plan.height, "longest": plan.longest,
                     "mazes": plan.count},
        "bars": {name: _bars(one, plan.seeds) for name, one in final.items()},
    }  # fmt: skip


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of one way: a count of seeds, and means over those that are right."""
    good = [row for row in rows if row["right_program"]]
    first = [row["tests"][0] for row in good]
    shares = [test["exact_if_read_right"] for test in first]
    return {
        "right_programs": len(good), "seeds": len(rows),
        "classifier": _mean([row["classifier"]["accuracy"] for row in good]),
        "worst_classifier": min((row["classifier"]["accuracy"] for row in good), default=None),
        "exact": _mean([test["exact"] for test in first]),
        "exact_if_read_right": None if None in shares else _mean(shares),
        "seconds": _mean([row["seconds"] for row in rows]),
        "cpu_seconds": _mean([row["cpu_seconds"] for row in rows]),
    }  # fmt: skip


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _bars(final: Mapping[str, Any], seeds: int) -> dict[str, bool]:
    """Tell which bars are reached: half of the seeds, all mazes that are read right, 90 % read."""
    return {
        "program": 2 * final["right_programs"] >= seeds,
        "mazes": final["exact_if_read_right"] == 1.0,
        "classifier": (final["worst_classifier"] or 0.0) >= 0.9,
    }


def draw_example(result: Maze, signs: Signs, path: Path, *, moves: int = 6) -> None:
    """Draw how the best solution walks through a larger maze of signs that were held out.

    Args:
        result: of `run_maze`.
        signs: the photographs.
        path: the PNG file.
        moves: of the path.

    Raises:
        NeuralcError: no program was right.
        MissingExtra: matplotlib is not installed.
        FileError: the file cannot be written.

    """
    if result.solution is None:
        raise NeuralcError("there is nothing to draw: no right program was found")
    width, height, _ = FULL.tests[0]
    drawn = draw_mazes(
        signs.test_images, directions_of(signs.test_labels), width=width, height=height, count=1,
        longest=moves, seed=0, lengths=(moves,),
    )  # fmt: skip
    size = hypers(width, height, moves, image_size=int(signs.test_images.shape[-1]))
    solution = result.solution.resized(size)
    program = solution.model.program
    examples = bind(program, drawn.instances, where="the maze")
    (site,) = sites(program)
    said = class_tables(solution.module(), examples.inputs)[site][0]
    draw_walk(drawn, 0, said[0], solution.run(examples), path)
