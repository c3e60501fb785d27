"""Learners without programs, on tiny grids: they learn, forget or not, and can be put away."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neuralc.data.grids import draw_grids
from neuralc.errors import NeuralcError
from neuralc.ir.examples import Examples, bind
from neuralc.learning.lifelong.baselines import BASELINES, TUNING, Baseline, Tuning, shape_of
from neuralc.learning.lifelong.learner import Learner, right
from neuralc.learning.lifelong.task import Task
from neuralc.learning.model import Model
from neuralc.source import Source
from neuralc.zoo.columns import Shape

SIDE = 3
FAST = Tuning(rate=3e-3, shared=3e-3)


def pool(symbols: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images of a few symbols that are easy to tell apart."""
    shapes = np.random.default_rng(7).random((10, SIDE, SIDE))
    labels = np.arange(100) % symbols
    noise = np.random.default_rng(seed).normal(0, 0.02, (100, SIDE, SIDE))
    return (shapes[labels] + noise).astype(np.float32), labels


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    """Return an ADD2X2 task of digits 0..2, an APPLY2X2 task, and another ADD2X2 task."""
    made = []
    for name in ("ADD2X2:top", "APPLY2X2:top", "ADD2X2:left"):
        add = name.startswith("ADD")
        machine = "grid2x2_add" if add else "grid2x2_apply"
        model = Model.load(machine, {"image_size": SIDE, "num_lines": 2})
        symbols = 3 if add else 4
        train, test = (
            bind(model.program, draw_grids(name, pool(symbols, seed), 300, seed).columns)
            for seed in (1, 2)
        )
        made.append(Task(name, model, train, test))
    return made


def live(learner: Learner, task: Task, steps: int, seed: int = 0) -> float:
    """Make some steps, and return the last loss."""
    rng = np.random.default_rng(seed)
    return [learner.step(task.name, rng.integers(task.train.count, size=32))
            for _ in range(steps)][-1]  # fmt: skip


def share(learner: Learner, task: Task) -> float:
    return float(right(task, learner.predict(task.name, task.test)).mean())


def test_all_four_are_there() -> None:
    assert list(BASELINES) == ["indep", "pnn", "mtnn-1", "mtnn-2"]
    assert set(TUNING) == set(BASELINES)


@pytest.mark.parametrize("name", BASELINES)
def test_it_learns(name: str, tasks: list[Task]) -> None:
    learner = BASELINES[name](tasks, seed=0, tuning=FAST)
    first = learner.step("ADD2X2:top", np.arange(32))
    assert 2.0 < first < 4.0  # about log 19
    last = live(learner, tasks[0], 120)
    assert last < 0.5
    assert share(learner, tasks[0]) > 0.8
    assert learner.programs() == {}


def test_the_usual_tuning_learns_too(tasks: list[Task]) -> None:
    learner = BASELINES["indep"](tasks, seed=0)
    assert learner.tuning == TUNING["indep"]
    before = live(learner, tasks[0], 1)
    assert live(learner, tasks[0], 60) < before


@pytest.mark.parametrize("name", BASELINES)
def test_what_another_task_changes(name: str, tasks: list[Task]) -> None:
    learner = BASELINES[name](tasks, seed=0, tuning=FAST)
    live(learner, tasks[0], 5)
    before = learner.state()[0]
    live(learner, tasks[1], 5)
    after = learner.state()[0]
    changed = [key for key in before if key.startswith("part.")
               and not torch.equal(before[key], after[key])]  # fmt: skip
    if name in ("indep", "pnn"):
        assert not changed
    else:
        assert {key.split(".")[1] for key in changed} == {"0", "1"}  # both embeddings, no head


def test_the_first_task_reads_with_net_0_only(tasks: list[Task]) -> None:
    learner = BASELINES["mtnn-1"](tasks, seed=0, tuning=FAST)
    before = learner.weights()
    live(learner, tasks[0], 3)
    after = learner.weights()
    assert set(after) == {"net_0", "net_1"}
    same = {name: all(torch.equal(before[name][k], v) for k, v in after[name].items())
            for name in after}  # fmt: skip
    assert same == {"net_0": False, "net_1": True}


def test_short_heads(tasks: list[Task]) -> None:
    sizes = {}
    for name in ("mtnn-1", "mtnn-2"):
        learner = BASELINES[name](tasks, seed=0, tuning=FAST)
        for task in tasks[:2]:
            live(learner, task, 1)
        sizes[name] = [sum(p.numel() for p in learner.parts[task.name].parameters())
                       for task in tasks[:2]]  # fmt: skip
    assert sizes["mtnn-2"][0] == 41 * 128 + 129 * 19
    assert sizes["mtnn-1"][0] == sizes["mtnn-2"][0] + 2 * 129 * 128
    assert sizes["mtnn-1"][1] == sizes["mtnn-2"][1]


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("met", [0, 1, 3])
def test_put_away_and_taken_up(name: str, met: int, tasks: list[Task]) -> None:
    tuning = Tuning(rate=1e-2, shared=1e-2, dropout=0.2, decay=0.1, noise=0.1)

    def made() -> Baseline:
        return BASELINES[name](tasks, seed=3, tuning=tuning)

    one = made()
    for task in tasks[:met]:
        live(one, task, 2)
    other = made()
    live(other, tasks[2], 1)  # a life that is given up
    other.restore(*one.state())
    for task in (tasks[0], tasks[2]):
        assert live(one, task, 2, seed=1) == live(other, task, 2, seed=1)
    mine, its = one.state(), other.state()
    assert mine[1] == its[1]
    assert mine[0].keys() == its[0].keys()
    assert all(torch.equal(value, its[0][key]) for key, value in mine[0].items())


@pytest.mark.parametrize("name", BASELINES)
def test_a_state_of_another_kind(name: str, tasks: list[Task]) -> None:
    learner = BASELINES[name](tasks, seed=0, tuning=FAST)
    live(learner, tasks[0], 1)
    tensors, numbers = learner.state()
    key = next(key for key in tensors if key.startswith("part."))
    with pytest.raises((KeyError, ValueError, RuntimeError)):
        learner.restore({**tensors, key: torch.zeros(1)}, numbers)
    with pytest.raises((KeyError, ValueError, RuntimeError)):
        learner.restore(tensors, {"met": ["unknown"]})


def test_seeds(tasks: list[Task]) -> None:
    losses = [live(BASELINES["pnn"](tasks, seed=seed), tasks[0], 2) for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_answers_that_are_not_observed(tasks: list[Task]) -> None:
    task = tasks[0]
    hidden = Examples(task.train.inputs, {"result": np.full(300, -1)}, 300)
    learner = BASELINES["indep"]([Task("t", task.model, hidden, task.test)], seed=0)
    assert learner.step("t", np.arange(8)) == 0.0


# ---- what is refused


def test_a_task_that_was_not_met(tasks: list[Task]) -> None:
    with pytest.raises(NeuralcError, match="learned nothing of the task 'ADD2X2:top'"):
        BASELINES["pnn"](tasks, seed=0).predict("ADD2X2:top", tasks[0].test)


def test_two_tasks_of_one_name(tasks: list[Task]) -> None:
    with pytest.raises(NeuralcError, match="two tasks are named 'ADD2X2:top'"):
        BASELINES["indep"]([tasks[0], tasks[0]], seed=0)


def test_a_task_named_like_a_network(tasks: list[Task]) -> None:
    task = dataclasses.replace(tasks[0], name="net_0")
    with pytest.raises(NeuralcError, match="'net_0' is a task and a network"):
        BASELINES["mtnn-1"]([task], seed=0)


def program(text: str) -> Model:
    return Model.load(Source("m.py", text))


def test_shapes_of_models(tasks: list[Task]) -> None:
    assert shape_of(tasks[0].model.program) == Shape(4, 9, 0, 19)
    assert shape_of(tasks[1].model.program) == Shape(4, 9, 30, 19)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = Input(3)\nb = Output(3)\np = Param(2)\nb.set_to(a)\n", "images of one size, found 0"),
        ("a = Input(3)\nb = Output(3)[2]\np = Param(2)\nb[0].set_to(a)\nb[1].set_to(a)\n",
         "gives one integer"),
    ],
)  # fmt: skip
def test_models_that_are_not_for_them(text: str, message: str) -> None:
    with pytest.raises(NeuralcError, match=message):
        shape_of(program(text).program)
