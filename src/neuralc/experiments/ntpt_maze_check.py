"""Whether a program walks every maze of street signs right, once its signs are read without error.

Decided by exact execution with the true directions: on all mazes of two small sizes, and on drawn
ones of other sizes. Several programs are right; which of them was found does not matter. Mazes
whose path never ends are left out: nothing is asked there. Knows no images and no learning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import sites
from neuralc.data.digits import Labels
from neuralc.data.mazes import DIRECTIONS, draw_mazes, follow
from neuralc.ir.examples import Examples
from neuralc.learning.model import Model

Array = NDArray[Any]
MACHINE = "maze"
WHOLE = ((2, 2), (3, 2))  # width and height of which every maze is run
OTHERS = ((1, 1), (1, 4), (4, 1), (3, 3), (5, 3), (4, 6), (7, 7))
DRAWN = 2000  # of each of the others
IDLE = 4  # moments beyond those that the longest path takes: a program must stop
FEW = (4, 24)  # mazes that most wrong explanations fail on already, and most that are left
AT_ONCE = 4_000_000  # programs x mazes of one call


def hypers(
    width: int, height: int, longest: int, *, image_size: int, idle: int = 1
) -> dict[str, int]:
    """Return the hyper-parameters of the machine for mazes of a size.

    Args:
        width, height: cells of a row and of a column.
        longest: moves of a path at most; a program of three lines makes one in three moments.
        image_size: side of an image.
        idle: moments beyond that; with one, the last stop sign is looked at.

    """
    return {
        "W": width, "H": height, "T": 3 * longest + 1 + idle, "image_size": image_size,
        "max_int": longest + 2,
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """Mazes of one size by their true directions, int64 [N, H, W]."""

    executor: Executor
    directions: Labels
    examples: Examples

    @staticmethod
    def of(directions: Labels, starts: Labels) -> Case:
        """Make the case of those mazes whose path ends; `starts` int64 [N, 2] are x and y."""
        height, width = directions.shape[1:]
        cells = width * height
        length, end, _ = follow(directions, starts, cells - 1)
        kept = length >= 0
        wanted = hypers(width, height, int(length.max()), image_size=1, idle=IDLE)
        numbers = {"init_X": starts[:, 0], "init_Y": starts[:, 1]}
        targets = {"final_X": end[:, 0], "final_Y": end[:, 1], "path_len": length}
        examples = Examples(numbers, targets, len(directions)).take(kept)
        program = Model.load(MACHINE, wanted).program
        return Case(Executor(program, jit=True), directions[kept], examples)

    def right(self, choices: Mapping[str, Array], read_as: Array | None = None) -> Array:
        """Tell which programs are right on which mazes, bool [C, N].

        Args:
            choices: integers [C, 3] of `instr` and `goto`.
            read_as: int64 [5], what each direction is read as; None: without error.

        """
        (site,) = sites(self.executor.program)
        said = self.directions if read_as is None else read_as[self.directions]
        count = len(choices["instr"])
        step = max(1, AT_ONCE // len(said))
        parts = [
            self.executor.score(
                {name: np.asarray(value)[k : k + step] for name, value in choices.items()},
                self.examples, {site: said[None]},
            ) == 1
            for k in range(0, count, step)
        ]  # fmt: skip
        return np.concatenate(parts)


class MazeChecker:
    """Checks programs on all mazes of the sizes `WHOLE` and on drawn ones of other sizes."""

    def __init__(
        self, *, others: Sequence[tuple[int, int]] = OTHERS, drawn: int = DRAWN, seed: int = 0
    ) -> None:
        """Lay out the mazes; `drawn` of each other size, before those without end are left out."""
        rng = np.random.default_rng(seed)
        self.cases = [Case.of(*all_mazes(*size)) for size in WHOLE]
        for width, height in others:
            signs = rng.integers(len(DIRECTIONS), size=(drawn, height, width))
            starts = np.stack([rng.integers(width, size=drawn), rng.integers(height, size=drawn)])
            self.cases.append(Case.of(signs, starts.T.copy()))

    @property
    def mazes(self) -> int:
        """The number of mazes that a program is run on."""
        return sum(len(case.directions) for case in self.cases)

    def right(self, choices: Mapping[str, Any]) -> bool:
        """Tell whether a program, integers [3] of `instr` and `goto`, walks all of them right."""
        batch = {name: np.asarray(value)[None] for name, value in choices.items()}
        return all(bool(case.right(batch).all()) for case in self.cases)

    def right_programs(self) -> list[dict[str, Array]]:
        """Return all programs that are right, of all there are."""
        left = all_programs()
        for case in self.cases:
            kept = case.right(left).all(1)
            left = {name: value[kept] for name, value in left.items()}
        return [{n: value[k] for n, value in left.items()} for k in range(len(left["instr"]))]


@dataclass(frozen=True)
class Explanation:
    """A program together with what each of the five signs is read as, right on all mazes seen."""

    instr: tuple[int, ...]
    goto: tuple[int, ...]
    read_as: tuple[int, ...]


def explanations(
    width: int, height: int, longest: int, *, count: int = 600, seed: int = 0
) -> list[Explanation]:
    """Return everything that explains mazes of one size: each program with each reading of signs.

    Images and path lengths alone decide what is learned if only right programs with the true
    reading are left. On 2x2 cells they are not: there, left and right are the same; and neither
    on paths of at most one move.

    Args:
        width, height: cells of a row and of a column.
        longest: moves of a path at most; all lengths from 0 occur equally often.
        count: mazes.
        seed: of the mazes.

    """
    signs = np.arange(count) % len(DIRECTIONS)
    blank = np.zeros((count, 3, 1, 1), np.float32)
    drawn = draw_mazes(
        blank, signs, width=width, height=height, count=count, longest=longest, seed=seed
    )
    program = Model.load(MACHINE, hypers(width, height, longest, image_size=1)).program
    numbers = {d.name: drawn.instances[d.name] for d in program.of("input") if d.shape == ()}
    targets = {d.name: drawn.instances[d.name] for d in program.of("output")}
    whole = Case(Executor(program, jit=True), drawn.directions, Examples(numbers, targets, count))
    few = [slice(0, number) for number in FEW]
    parts = [Case(whole.executor, whole.directions[k], whole.examples.take(k)) for k in few]
    found, programs = [], all_programs()
    for read_as in product(range(len(DIRECTIONS)), repeat=len(DIRECTIONS)):
        kept = programs
        for case in (*parts, whole):
            right = case.right(kept, np.array(read_as)).all(1)
            kept = {name: value[right] for name, value in kept.items()}
            if not right.any():
                break
        rows = zip(kept["instr"].tolist(), kept["goto"].tolist(), strict=True)
        found += [Explanation(tuple(instr), tuple(goto), read_as) for instr, goto in rows]
    return found


def all_mazes(width: int, height: int) -> tuple[Labels, Labels]:
    """Return all mazes of a size with all starts: directions [N, H, W], x and y [N, 2]."""
    cells = width * height
    signs = np.indices((len(DIRECTIONS),) * cells).reshape(cells, -1).T
    starts = np.array(list(product(range(width), range(height))))
    directions = np.repeat(signs, len(starts), 0).reshape(-1, height, width)
    return directions, np.tile(starts, (len(signs), 1))


def all_programs() -> dict[str, Array]:
    """Return all programs of the machine: `instr` and `goto`, int64 [C, 3] each."""
    rows = np.array(list(product(*[range(4)] * 3, *[range(3)] * 3)))
    return {"instr": rows[:, :3], "goto": rows[:, 3:]}
