"""The lifetimes of the eight 2x2 tasks: schedule, judges, verdicts, and a tiny run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from neuralc.cli import reproduce_ntpt
from neuralc.data import expressions, mnist
from neuralc.data.digits import Digits
from neuralc.data.grids import NAMES
from neuralc.errors import DataError, NeuralcError
from neuralc.experiments import ntpt_lifelong
from neuralc.experiments.ntpt_lifelong import (
    FULL,
    ORDER,
    QUICK,
    Size,
    make_learner,
    run_lifelong,
    schedule_of,
    tasks_of,
)
from neuralc.experiments.ntpt_lifelong_check import exact_programs
from neuralc.experiments.ntpt_lifelong_picture import draw_lives
from neuralc.experiments.ntpt_lifelong_table import Outcome, summary, swap_fall
from neuralc.learning.lifelong.result import Final, Life
from neuralc.learning.model import Model

SIDE = 4
TINY = Size(learners=("indep",), seeds=1, phase=4, grids=40, held_out=30, measured=20, every=8,
            batch=8, alone=())  # fmt: skip


def images(symbols: int, name: str) -> Digits:
    """Return images of symbols that are easy to tell apart, with a little noise."""
    shapes = np.random.default_rng(symbols).random((10, SIDE, SIDE))
    parts: list[Any] = []
    for seed in (1, 2):
        labels = np.arange(80) % symbols
        noise = np.random.default_rng(seed).normal(0, 0.02, (80, SIDE, SIDE))
        parts += [(shapes[labels] + noise).astype(np.float32), labels]
    return Digits(name, *parts)


DIGITS, OPERATORS = images(10, "digits"), images(4, "operators")


# ---- the mixture of tasks


def test_tasks_take_turns() -> None:
    assert sorted(ORDER) == sorted(NAMES)
    assert [name.split(":")[0] for name in ORDER] == ["ADD2X2", "APPLY2X2"] * 4
    schedule = schedule_of(1000)
    assert schedule.gap(8000) is None
    assert schedule.weights(0) == {name: float(name == ORDER[0]) for name in ORDER}
    for k, name in enumerate(ORDER):
        weights = schedule.weights(1000 * k + 500)
        assert max(weights, key=weights.__getitem__) == name
    middle = schedule.weights(1000)
    assert middle[ORDER[0]] == pytest.approx(0.5) == middle[ORDER[1]]
    assert schedule.last(ORDER[0]) == 1299
    assert sum(schedule.shares(8000)[ORDER[0]]) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("phase", [4, 5, 7, 100])
def test_no_phase_leaves_a_gap(phase: int) -> None:
    assert schedule_of(phase).gap(8 * phase) is None


def test_the_full_size_is_that_of_the_paper() -> None:
    assert (FULL.grids, FULL.held_out, FULL.seeds, FULL.steps) == (1000, 10_000, 3, 8000)
    assert QUICK.steps < FULL.steps


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"learners": ("us",)}, "no learner 'us'\n  hint: there are ours, "),
     ({"seeds": 0}, "seeds is at least 1, found 0"), ({"phase": 2}, "phase is at least 4")],
)  # fmt: skip
def test_sizes_that_cannot_be(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(NeuralcError, match=message):
        dataclasses.replace(TINY, **wrong)


def test_tasks_have_their_own_grids() -> None:
    tasks = tasks_of(DIGITS, OPERATORS, TINY, seed=0)
    assert [task.name for task in tasks] == list(ORDER)
    assert {(task.train.count, task.test.count) for task in tasks} == {(40, 30)}
    assert (tasks[0].train.inputs["images"] != tasks[2].train.inputs["images"]).any()
    assert tasks[0].model.program.networks[0] == tasks[1].model.program.networks[0]


def test_too_few_images() -> None:
    few = dataclasses.replace(DIGITS, train_images=DIGITS.train_images[:2],
                              train_labels=DIGITS.train_labels[:2])  # fmt: skip
    with pytest.raises(DataError, match="ADD2X2:top: 2 images are too few for 40 distinct grids"):
        tasks_of(few, OPERATORS, TINY, seed=0)


def test_images_of_two_sizes() -> None:
    wide = dataclasses.replace(OPERATORS, test_images=np.zeros((80, SIDE, 5), np.float32))
    with pytest.raises(DataError, match=r"APPLY2X2:top, held out: .*found shape \(4, 4, 5\)"):
        tasks_of(DIGITS, wide, TINY, seed=0)


def test_learners_say_how_they_learn() -> None:
    tasks = tasks_of(DIGITS, OPERATORS, TINY, seed=0)
    _, settings = make_learner("mtnn-2", tasks, 0)
    assert json.loads(json.dumps(settings)) == settings
    assert settings["rate"] > 0


# ---- programs on true symbols


def choices_of(model: Model, **wanted: Any) -> dict[str, Any]:
    """Return all choices of a model: 0 where nothing else is wanted."""
    found = {d.name: np.zeros(d.shape, np.int64) for d in model.program.of("param")}
    for name, value in wanted.items():
        found[name][...] = value
    return found


def test_a_right_sum_is_known() -> None:
    model = Model.load("grid2x2_add", {"image_size": SIDE, "num_lines": 4})
    # move east, then add what was read before and after
    right = choices_of(model, instr=[2, 5, 0, 0], arg2=[0, 1, 0, 0], ret=2)
    assert exact_programs(model, right, "ADD2X2:top")
    assert not exact_programs(model, right, "ADD2X2:left")
    assert not exact_programs(model, {**right, "ret": np.array(1)}, "ADD2X2:top")
    south = {**right, "instr": np.array([3, 5, 0, 0])}
    assert exact_programs(model, south, "ADD2X2:left")


def test_a_right_application_is_known() -> None:
    model = Model.load("grid2x2_apply", {"image_size": SIDE, "num_lines": 4})
    # apply the operator of the top left to d1 and d2, move east, apply that one to this and d3
    right = choices_of(
        model, instr=[5, 2, 5, 0], net_choice=[1, 0, 1, 0, 0], ret=6,
        arg1=[0, 0, 4, 0], arg2=[1, 0, 2, 0], arg_op=[3, 0, 5, 0],
    )  # fmt: skip
    assert exact_programs(model, right, "APPLY2X2:top")
    assert not exact_programs(model, right, "APPLY2X2:bottom")
    digits = {**right, "net_choice": np.array([1, 0, 0, 0, 0])}
    assert not exact_programs(model, digits, "APPLY2X2:top")


# ---- words and verdicts


def life(name: str, seed: int, top: list[float], rest: float = 0.95) -> Life:
    """Return a life in which ADD2X2:top goes as it is said, and all else is as good at once."""
    history = []
    for k, share in enumerate(top):
        met = ORDER[: k + 1]
        accuracy = {n: share if n == ORDER[0] else rest for n in met}
        history.append({"step": 100 * (k + 1), "accuracy": accuracy, "loss": {}})
    final = {n: Final(round(100 * (top[-1] if n == ORDER[0] else rest)), 100) for n in ORDER}
    programs = dict.fromkeys(ORDER, "R0") if name == "ours" else {}
    return Life(name, seed, 800, history, final, programs, dict.fromkeys(ORDER, 1), 1.0)


def outcome(name: str, seed: int, top: list[float], rest: float = 0.95) -> Outcome:
    exact = dict.fromkeys(ORDER, True) if name == "ours" else {}
    return Outcome(name, life(name, seed, top, rest), exact, {}, {})


RISING = [0.8, 0.85, 0.86, 0.87, 0.88, 0.9, 0.91, 0.92]
FALLING = [0.6, 0.6, 0.4, 0.5, 0.3, 0.4, 0.5, 0.4]


def made(ours: list[float] = RISING) -> Any:
    outcomes = [outcome("ours", 0, ours), outcome("ours", 1, RISING),
                outcome("indep", 0, FALLING, 0.5), outcome("indep", 1, FALLING, 0.6)]  # fmt: skip
    alone = {"indep": {"1000": 0.5, "4000": 0.85}}
    return summary(outcomes, alone, schedule_of(100), 100, dataclasses.asdict(TINY))


def test_figures() -> None:
    data = made().data
    assert data["final"]["ADD2X2:top"] == pytest.approx(0.92)
    assert data["baselines"]["indep"]["ADD2X2:left"] == pytest.approx(0.55)
    assert data["spread"]["indep"]["ADD2X2:left"] == [0.5, 0.6]
    assert data["margin"]["ADD2X2:top"] == pytest.approx(0.52)
    assert data["reverse_transfer"]["ours"] == pytest.approx([0.92 - 0.85] * 2)
    assert data["forgetting"]["ours"]["by_seed"] == [0, 0]
    assert data["forgetting"]["indep"]["largest_drop"]["ADD2X2:top"] == pytest.approx(0.3)
    assert json.loads(json.dumps(data)) == data


def test_falls_at_swaps() -> None:
    assert swap_fall(life("ours", 0, RISING), 100) == 0
    # examinations at 100, 200, ...: APPLY2X2 takes over around 100, 300, 500, 700
    assert swap_fall(life("indep", 0, FALLING), 100) == pytest.approx(0.2)


def test_verdicts_hold_and_fail() -> None:
    good = {v["claim"]: v["holds"] for v in made().data["verdicts"]}
    assert good.pop("ours: lowest APPLY2X2 task at the end, mean of seeds") is False  # 95 %
    assert all(good.values())
    bad = {v["claim"]: v["holds"] for v in made([0.9, 0.9, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5]).data[
        "verdicts"]}  # fmt: skip
    assert not any(bad[claim] for claim in bad if "drop" in claim or "rise" in claim)


def test_text_has_ours_and_theirs() -> None:
    text = made().text
    row = next(line for line in text.splitlines() if line.startswith("| ADD2X2:top"))
    assert row == "| ADD2X2:top | 92.0 (92 to 92) | 87 | 40.0 (40 to 40) | 35 |"
    assert "| indep | 50.0 | 85.0 |" in text
    assert "ADD2X2:top, right in 2 of 2 lives" in text


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'demo' is not installed")
    result = made()
    draw_lives(result.lives, result.schedule, tmp_path / "lives.png")
    assert (tmp_path / "lives.png").read_bytes().startswith(b"\x89PNG")


# ---- a tiny run


def test_baselines_live(tmp_path: Path) -> None:
    size = dataclasses.replace(TINY, learners=("indep", "mtnn-2"))
    told: list[tuple[int, int, str]] = []
    first = run_lifelong(DIGITS, OPERATORS, size=size, out=tmp_path,
                         progress=lambda *x: told.append(x))  # fmt: skip
    assert set(first.data["baselines"]) == {"indep", "mtnn-2"}
    assert first.data["final"] == {} == first.data["margin"]
    assert all(0 <= share <= 1 for share in first.data["baselines"]["indep"].values())
    assert told[-1][:2] == (64, 64)
    assert told[-1][2].startswith("mtnn-2, seed 0: ")
    again = run_lifelong(DIGITS, OPERATORS, size=size, out=tmp_path)
    assert again.data == first.data  # read back, seconds and all
    fresh = run_lifelong(DIGITS, OPERATORS, size=size)
    assert fresh.data["baselines"] == first.data["baselines"]


def test_a_baseline_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntpt_lifelong, "ALONE_STEPS", 20)
    size = dataclasses.replace(TINY, alone=(30, 60))
    result = run_lifelong(DIGITS, OPERATORS, size=size, out=tmp_path)
    assert set(result.data["alone"]["indep"]) == {"30", "60"}
    assert (tmp_path / "indep-alone60-seed0" / "life.json").exists()


def test_programs_live() -> None:
    size = dataclasses.replace(TINY, learners=("ours",), grids=60, every=16)
    result = run_lifelong(DIGITS, OPERATORS, size=size)
    assert set(result.data["final"]) == set(NAMES)
    assert {p["task"] for p in result.data["programs"]} == set(NAMES)
    assert all(isinstance(p["exact"], bool) for p in result.data["programs"])
    (reads,) = result.data["networks"]
    assert 0 <= reads["net_1"] <= 1


# ---- the command


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "load_mnist", lambda _: DIGITS)
    monkeypatch.setattr(expressions, "load_operators", lambda: OPERATORS)
    monkeypatch.setattr(ntpt_lifelong, "QUICK", TINY)


@pytest.mark.usefixtures("tiny")
def test_command(tmp_path: Path) -> None:
    words = ["--quick", "--processes", "1", "--out", str(tmp_path / "out"), "--json"]
    done = CliRunner().invoke(reproduce_ntpt.lifelong, words)
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert set(data["baselines"]["indep"]) == set(NAMES)
    assert {"final", "margin", "forgetting", "reverse_transfer", "verdicts"} <= set(data)
    assert (tmp_path / "out" / "indep-seed0-phase4" / "life.json").exists()


@pytest.mark.usefixtures("tiny")
def test_command_with_a_learner_that_is_not() -> None:
    done = CliRunner().invoke(reproduce_ntpt.lifelong, ["--quick", "--learner", "ourz"])
    assert done.exit_code == 2
    assert "there is no learner 'ourz'" in done.stderr
