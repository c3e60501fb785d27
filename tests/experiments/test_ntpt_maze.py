"""The street-sign maze: which programs are right, and the experiment on made-up signs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from neuralc.cli import group
from neuralc.cli.output import plain
from neuralc.data.mazes import CLASSES, directions_of, draw_mazes
from neuralc.data.signs import NAMES, Signs
from neuralc.errors import NeuralcError, SolutionError
from neuralc.experiments import ntpt_maze
from neuralc.experiments.ntpt_maze import FULL, QUICK, WAYS, Maze, draw_example, run_maze, walk
from neuralc.experiments.ntpt_maze_check import MazeChecker, explanations, hypers
from neuralc.learning.solution import Solution

RIGHT = {"instr": [3, 2, 0], "goto": [1, 2, 0]}
TWICE = {"instr": [3, 2, 0], "goto": [1, 2, 1]}  # never looks again
SIZE = 6


@pytest.fixture(scope="module")
def checker() -> MazeChecker:
    return MazeChecker(others=((5, 3),), drawn=400)


@pytest.fixture(scope="module")
def signs() -> Signs:
    """Return noisy images of seven classes that a small network learns to tell apart."""
    rng = np.random.default_rng(0)
    shapes = rng.random((len(NAMES), 3, SIZE, SIZE))

    def draw(count: int) -> tuple[Any, Any]:
        labels = np.arange(count) % len(NAMES)
        images = shapes[labels] + rng.normal(0, 0.25, (count, 3, SIZE, SIZE))
        return images.astype(np.float32), labels

    images, labels = draw(350)
    return Signs(images, labels, np.arange(350) // 10, *draw(140))


def small(way: int, **changes: Any) -> ntpt_maze.Plan:
    """Return a plan of some seconds for one of the ways."""
    settings = dataclasses.replace(WAYS[way].settings, restarts=12, polish=60)
    one = dataclasses.replace(WAYS[way], settings=settings)
    wanted: dict[str, Any] = {
        "seeds": 1, "ways": (one,), "count": 300, "tests": ((5, 3, 4),), "tested": (40,)
    }  # fmt: skip
    return dataclasses.replace(FULL, **{**wanted, **changes})


@pytest.fixture(scope="module")
def done(
    signs: Signs, checker: MazeChecker, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Maze, Path]:
    folder = tmp_path_factory.mktemp("maze")
    return run_maze(signs, plan=small(1), out=folder, checker=checker), folder


# ---- which programs are right


def test_the_reference_solution_and_its_like(checker: MazeChecker) -> None:
    found = [{n: v.tolist() for n, v in one.items()} for one in checker.right_programs()]
    assert found == [
        {"instr": [3, 0, 2], "goto": [1, 2, 0]},
        {"instr": [3, 0, 2], "goto": [2, 0, 1]},
        {"instr": [3, 2, 0], "goto": [1, 2, 0]},
        {"instr": [3, 2, 0], "goto": [2, 0, 1]},
    ]
    assert all(checker.right(one) for one in found)
    assert checker.mazes > 40_000


@pytest.mark.parametrize(
    "program",
    [
        TWICE,
        {"instr": [3, 2, 1], "goto": [1, 2, 0]},  # counts down
        {"instr": [3, 2, 0], "goto": [1, 0, 0]},  # never counts
        {"instr": [2, 3, 0], "goto": [1, 2, 0]},  # moves before it looks
    ],
)
def test_wrong_programs(checker: MazeChecker, program: dict[str, list[int]]) -> None:
    assert not checker.right(program)


def test_the_training_mazes_have_one_explanation() -> None:
    plan = FULL
    found = explanations(plan.width, plan.height, plan.longest, count=200)
    assert len(found) == 4
    assert {one.read_as for one in found} == {(0, 1, 2, 3, 4)}


def test_paths_of_one_move_have_others() -> None:
    found = explanations(3, 3, 1, count=200)
    mirrored = [one for one in found if one.read_as == (0, 3, 4, 1, 2)]
    assert mirrored  # two moves back are one move ahead, on three cells


# ---- the experiment


def test_it_is_learned_on_made_up_signs(done: tuple[Maze, Path], checker: MazeChecker) -> None:
    result, folder = done
    (row,) = result.data["rows"]
    assert row["right_program"]
    assert row["right_program"] == checker.right(row["choices"])
    assert row["classifier"]["accuracy"] > 0.9
    assert np.sum(row["classifier"]["confusion"]) == 100  # five of seven classes of 140 images
    (test,) = row["tests"]
    assert test["exact_if_read_right"] == 1
    assert test["exact"] >= test["read_right"] / 40
    assert result.data["bars"]["auto-mlp"] == {"program": True, "mazes": True, "classifier": True}
    assert result.data["other_explanations"] == []
    assert row["program"].rstrip() in result.text
    assert "1 of 1" in result.text
    json.dumps(plain(result.data), allow_nan=False)
    kept = Solution.load(folder / "auto-mlp" / "seed-0")
    assert kept.choices["instr"].tolist() == row["choices"]["instr"]


def test_a_seed_that_is_done_is_not_learned_again(
    done: tuple[Maze, Path], signs: Signs, checker: MazeChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, folder = done

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it learns")

    monkeypatch.setattr(ntpt_maze, "learn", refuse)
    told: list[tuple[int, int]] = []
    again = run_maze(
        signs,
        plan=small(1),
        out=folder,
        checker=checker,
        progress=lambda n, total, _: told.append((n, total)),
    )
    assert again.data == result.data
    assert again.text == result.text
    assert told == [(1, 1)]
    with pytest.raises(AssertionError, match="it learns"):  # another seed
        run_maze(signs, plan=small(1), first_seed=1, out=folder, checker=checker)
    with pytest.raises(AssertionError, match="it learns"):  # other data
        run_maze(signs, plan=small(1, count=301), out=folder, checker=checker)


def test_a_damaged_checkpoint(
    done: tuple[Maze, Path], signs: Signs, checker: MazeChecker, tmp_path: Path
) -> None:
    folder = tmp_path / "auto-mlp" / "seed-0"
    folder.mkdir(parents=True)
    text = (done[1] / "auto-mlp" / "seed-0" / "measured.json").read_text()
    (folder / "measured.json").write_text(text.replace("1.0", "0.9", 1))
    with pytest.raises(SolutionError, match="checksum"):
        run_maze(signs, plan=small(1), out=tmp_path, checker=checker)


def test_mazes_that_are_read_right(done: tuple[Maze, Path], signs: Signs) -> None:
    solution = done[0].solution
    assert solution is not None
    directions = directions_of(signs.test_labels)
    drawn = draw_mazes(
        signs.test_images, directions, width=4, height=4, count=60, longest=3, seed=3
    )
    larger = solution.resized(hypers(4, 4, 3, image_size=SIZE))
    right, read = walk(larger, drawn)
    assert read.mean() > 0.8
    assert right[read].all()
    stop = signs.test_images[signs.test_labels == CLASSES[0]][0]
    y, x = drawn.instances["init_Y"], drawn.instances["init_X"]
    moved = drawn.instances["path_len"] > 0
    drawn.instances["img_grid"][np.arange(60), y, x] = stop  # every path ends where it begins
    right, read = walk(larger, drawn)
    assert not read[moved].any()
    assert not right[moved].any()
    assert right[~moved].all()


def test_a_wrong_program_is_told(
    done: tuple[Maze, Path], signs: Signs, checker: MazeChecker, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = done[0].solution
    assert solution is not None
    choices = {name: np.array(value) for name, value in TWICE.items()}
    wrong = dataclasses.replace(solution, choices=choices)
    monkeypatch.setattr(ntpt_maze, "learn", lambda *_, **__: wrong)
    result = run_maze(signs, plan=small(0), checker=checker)
    assert result.solution is None
    assert not any(result.data["bars"]["gradient-mlp"].values())
    assert result.data["rows"][0]["tests"][0]["exact_if_read_right"] < 1
    assert "0 of 1" in result.text
    assert "wrong" in result.text
    with pytest.raises(NeuralcError, match="nothing to draw"):
        draw_example(result, signs, Path("none.png"))


def test_the_picture(done: tuple[Maze, Path], signs: Signs, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_example(done[0], signs, tmp_path / "walk.png")
    assert (tmp_path / "walk.png").read_bytes()[:4] == b"\x89PNG"


def test_the_quick_version_is_smaller() -> None:
    assert QUICK.seeds < FULL.seeds
    assert set(QUICK.ways) < set(FULL.ways)


def test_the_command_refuses_what_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CliRunner().invoke(group, ["reproduce", "ntpt-maze", "--quick", "--way", "guess"])
    assert done.exit_code == 2
    assert "no way 'guess'\n  hint: gradient-mlp, auto-mlp" in done.stderr
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    done = CliRunner().invoke(group, ["reproduce", "ntpt-maze", "--quick"])
    assert done.exit_code == 2
    assert "set NEURALC_DATA" in done.stderr
