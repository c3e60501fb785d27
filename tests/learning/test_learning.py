"""Learning: what it takes, what it gives back, what a seed decides, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuralc.data.examples_json import Batch
from neuralc.errors import DataError, Declined, NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning import learn
from neuralc.learning.model import Model
from neuralc.learning.settings import Settings
from tests.learning.tasks import (
    assert_same,
    contradictory_data,
    image_data,
    line_data,
    lines,
    see,
)
from tests.soft.models import CHAIN, model

SMALL = Settings(restarts=12, steps=80)


def test_a_program_is_found() -> None:
    solution = learn(lines, line_data(), settings=SMALL)
    report = solution.report
    assert 0 < report.solved <= report.restarts == report.attempts == 12
    assert report.train_exact
    assert (report.train_right, report.train_count) == (16, 16)
    assert (report.test_accuracy, report.test_count) == (None, 0)
    assert 0 < report.steps <= 80
    assert report.seconds > 0
    outputs = solution({name: [row[name] for row in line_data()] for name in ("x", "z")})
    assert outputs["z"].tolist() == [row["z"] for row in line_data()]
    assert {name: value.shape for name, value in solution.population.items()} == {
        "op": (12, 2), "arg": (12, 2),
    }  # fmt: skip


def test_a_network_and_a_program_are_found() -> None:
    solution = learn(see, image_data(), test=image_data(50, seed=1), settings=SMALL,
                     steps=150, network_rate=0.02, batch=20)  # fmt: skip
    assert solution.report.train_exact
    assert solution.report.test_accuracy is not None
    assert solution.report.test_accuracy > 0.9
    assert sorted(solution.choices["pick"].tolist()) == [0, 1]


def test_the_history() -> None:
    solution = learn(lines, line_data(), settings=SMALL, check_every=7)
    steps = [row["step"] for row in solution.history]
    assert steps == sorted({*range(7, 81, 7), 80})[: len(steps)]
    solved = [row["solved"] for row in solution.history]
    assert solved == sorted(solved)
    assert solved[-1] == solution.report.solved
    for row in solution.history:
        assert row.keys() == {"step", "solved", "best_loss", "median_loss", "best_share"}


# ---- what a seed decides

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "adam, noise, entropy": {"optimizer": "adam", "noise": 0.1, "entropy": 0.2, "batch": 5},
    "replaced": {"replace": "fresh", "patience": 20, "rate": 0.5},
    "perturbed": {"replace": "perturb", "patience": 20, "rate": 0.5, "concentration": 1.0},
    "log": {"precision": "log"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_seed_gives_the_same_result(name: str) -> None:
    """Whatever was drawn before from the generators that everybody shares."""
    runs = []
    for k in range(2):
        torch.manual_seed(k)
        np.random.seed(k)  # noqa: NPY002
        runs.append(learn(lines, contradictory_data(), settings=SMALL, seed=3, **VARIANTS[name]))
    assert_same(*runs)
    other = learn(lines, contradictory_data(), settings=SMALL, seed=4, **VARIANTS[name])
    assert other.history != runs[0].history


def test_the_same_seed_gives_the_same_result_with_networks() -> None:
    settings = Settings(restarts=3, steps=30, batch=7, polish=10)
    runs = []
    for k in range(2):
        torch.manual_seed(k)
        runs.append(learn(see, image_data(), settings=settings))
    assert_same(*runs)
    assert learn(see, image_data(), settings=settings, seed=1).history != runs[0].history


def test_restarts_that_are_replaced_count_as_attempts() -> None:
    eager = Settings(restarts=12, steps=200, rate=1.0)
    kept = learn(lines, contradictory_data(), settings=eager)
    assert kept.report.attempts == kept.report.restarts == 12
    for how in ("fresh", "perturb"):
        replaced = learn(lines, contradictory_data(), settings=eager, replace=how, patience=50)
        assert replaced.report.restarts == 12
        # at most every 50 steps each, and then only where they are decided
        assert 12 < replaced.report.attempts <= 12 + 12 * 4
        assert replaced.report.solved == 0


def test_stop_at_the_first() -> None:
    every = learn(lines, line_data(), settings=SMALL, check_every=2)
    first = learn(lines, line_data(), settings=SMALL, check_every=2, stop="first")
    assert first.report.steps < every.report.steps
    assert first.report.train_exact
    assert first.history == every.history[: len(first.history)]


def test_progress_is_told() -> None:
    told: list[tuple[int, int, str]] = []
    learn(lines, line_data(), settings=SMALL, progress=lambda *args: told.append(args))
    assert [step for step, _, _ in told] == list(range(10, told[-1][0] + 1, 10))
    assert all(total == 80 and "solved" in remark for _, total, remark in told)


def test_threads_are_as_before() -> None:
    before = torch.get_num_threads()
    learn(lines, line_data(), settings=SMALL, steps=10, threads=2)
    assert torch.get_num_threads() == before
    with pytest.raises(DataError):
        learn(lines, [{"x": [0, 9], "z": 0}], settings=SMALL)
    assert torch.get_num_threads() == before


# ---- the forms of data


def test_all_forms_of_data_are_the_same() -> None:
    rows = line_data()
    columns = {name: np.array([row[name] for row in rows]) for name in ("x", "z")}
    forms = [
        columns,
        {name: torch.from_numpy(value) for name, value in columns.items()},
        bind(lines.program, rows),
        [{"batch_name": "test", "instances": rows[:3]}, {"batch_name": "train", "instances": rows}],
        [Batch("other", None, rows)],
    ]
    wanted = learn(lines, rows, settings=SMALL, steps=20)
    for form in forms:
        found = learn(lines, form, settings=SMALL, steps=20)
        assert found.history == wanted.history


def test_held_out_examples() -> None:
    rows = line_data()
    wrong = [{**row, "z": (row["z"] + 1) % 4} for row in rows]
    batches = [
        {"batch_name": "train", "instances": rows},
        {"batch_name": "a", "instances": rows[:4]},
        {"batch_name": "b", "instances": wrong[:3]},
    ]
    report = learn(lines, batches, test=rows[:1], settings=SMALL).report
    assert (report.test_right, report.test_count) == (5, 8)
    assert report.test_accuracy == 5 / 8


def test_no_held_out_example_after_all() -> None:
    rows = line_data()
    batches = [{"batch_name": "train", "instances": rows}, {"batch_name": "a", "instances": []}]
    assert learn(lines, batches, settings=SMALL, steps=10).report.test_accuracy is None
    assert learn(lines, rows, test=[], settings=SMALL, steps=10).report.test_accuracy is None


@pytest.mark.parametrize("data", [[], {}, {"x": [], "z": []}, [{"instances": []}]])
def test_no_training_example(data: Any) -> None:
    with pytest.raises(DataError):
        learn(lines, data, settings=SMALL)


def test_targets_that_are_not_observed() -> None:
    rows = [{**row, "z": None} if k % 2 else row for k, row in enumerate(line_data())]
    assert learn(lines, rows, settings=SMALL).report.train_right == 16


# ---- models of all kinds


def test_a_model_without_inputs() -> None:
    text = "p = Param(3)[2]\ny = Output(3)[2]\nfor i in range(2):\n    y[i].set_to(p[i])\n"
    data = [{"y": [2, None]}, {"y": [None, 1]}, {"y": [2, 1]}]
    solution = learn(model(text), data, settings=SMALL)
    assert solution.report.train_exact
    assert solution.choices["p"].tolist() == [2, 1]


def test_a_model_with_networks_only() -> None:
    text = """
        @Learn([Tensor(3)], 3, hid_sizes=[8])
        def SEE(image): pass
        image = InputTensor(3)
        total = Output(3)
        total.set_to(SEE(image))
    """
    data = image_data()
    data = {"image": data["images"][:, 0], "total": data["images"][:, 0].argmax(1)}
    for how in ("never", "fresh", "perturb"):
        solution = learn(model(text), data, settings=SMALL, network_rate=0.05, patience=5,
                         replace=how)  # fmt: skip
        assert solution.report.train_exact
        assert solution({"image": data["image"][0]})["total"] == data["total"][0]


def test_a_model_with_nothing_to_learn() -> None:
    text = "x = Input(3)\ny = Output(3)\ny.set_to(x)\n"
    solution = learn(model(text), [{"x": 1, "y": 1}], settings=SMALL, steps=10)
    assert solution.report.train_exact
    assert solution({"x": 2})["y"] == 2


def test_choices_that_are_fixed_stay() -> None:
    text = """
        p = Param(3)[2]
        p[0].set_to_constant(2)
        x = Input(3)
        y = Output(3)[2]
        y[0].set_to(p[0])
        y[1].set_to(p[1])
    """
    data = [{"x": 0, "y": [0, 1]}]  # the first cannot be had
    solution = learn(model(text), data, settings=SMALL)
    assert solution.choices["p"].tolist() == [2, 1]
    assert not solution.report.train_exact


def test_observations_count() -> None:
    text = """
        p = Param(3)
        x = Input(3)
        y = Output(3)
        y.set_to(x)
        p.observe_value(1)
    """
    try:
        loaded = model(text)
    except NeuralcError:
        pytest.skip("a Param cannot be observed in the language")
    solution = learn(loaded, [{"x": 1, "y": 1}], settings=SMALL)
    assert solution.choices["p"] == 1


def test_real_valued_intermediates_are_declined() -> None:
    images = np.zeros((2, 2, 4))
    data = {"images": images, "bit": [0, 1], "again": [0, 1], "out": [0, 1]}
    with pytest.raises(Declined, match=r"Tensor\(3\)"):
        learn(model(CHAIN), data, settings=SMALL)


def test_trained_networks_are_taken_up() -> None:
    first = learn(see, image_data(), settings=SMALL, steps=150, network_rate=0.02)
    assert first.report.train_exact
    second = learn(see, image_data(60, seed=2), settings=SMALL, steps=40, stop="first",
                   networks=first.weights, network_rate=1e-9)  # fmt: skip
    assert second.report.train_right >= 55
    for name, value in first.weights.items():
        if name != "logits":
            torch.testing.assert_close(second.weights[name], value, rtol=0, atol=1e-6)


# ---- what is refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("restarts", 0), ("restarts", -1), ("restarts", 2.5), ("restarts", True), ("steps", 0),
        ("steps", "10"), ("seed", -1), ("seed", 2**64), ("seed", 0.5), ("rate", 0), ("rate", -0.1),
        ("rate", float("nan")), ("rate", float("inf")), ("rate", "fast"), ("network_rate", 0),
        ("network_rate", -1), ("decay", 1.0), ("decay", 0.0), ("decay", 7), ("clip", 0),
        ("noise", -1), ("entropy", -0.5), ("entropy_decay", -1), ("concentration", 0),
        ("batch", 0), ("batch", -3), ("batch", 2.0), ("check_every", 0), ("accept", 0),
        ("accept", 1.5), ("accept", float("nan")), ("patience", -1), ("polish", -1),
        ("threads", 0), ("optimizer", "sgd"), ("stop", "never"), ("replace", "always"),
        ("precision", "double"),
    ],
)  # fmt: skip
def test_settings_that_cannot_mean_anything(name: str, value: Any) -> None:
    with pytest.raises(NeuralcError, match=name):
        Settings(**{name: value})
    with pytest.raises(NeuralcError, match=name):
        learn(lines, line_data(), **{name: value})


def test_an_unknown_setting() -> None:
    with pytest.raises(TypeError, match="restart"):
        learn(lines, line_data(), restart=3)


@pytest.mark.parametrize("device", ["none", "cuda:99", "cpu:x"])
def test_an_unknown_device(device: str, tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match=device):
        learn(lines, line_data(), device=device, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_turing_invert_on_published_sizes_needs_no_files() -> None:
    hypers = {"tapeLength": 5, "numTimesteps": 6, "numHeadStates": 2, "numTapeSymbols": 3}
    turing = Model.load("turing", hypers)
    tapes = [[1, 0, 1, 1, 2], [0, 0, 0, 2, 2], [1, 1, 2, 2, 2], [0, 1, 0, 0, 2]]
    data = [
        {"initial_tape": t, "final_tape": [(1, 0, 2)[x] for x in t], "final_is_halted": 1}
        for t in tapes
    ]
    solution = learn(turing, data, restarts=20, steps=100)
    assert solution.report.solved >= 15
    assert "if_reads" not in solution.program
    assert solution({"initial_tape": [0, 1, 1, 2, 2]})["final_tape"].tolist() == [1, 0, 0, 2, 2]
