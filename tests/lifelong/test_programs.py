"""Programs and networks over several tasks, on the small digits of scikit-learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import neuralc as nc
from neuralc.data.digits import load_digits
from neuralc.data.grids import TASKS, sum_grids
from neuralc.errors import NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning.lifelong.learner import right
from neuralc.learning.lifelong.programs import LIFELONG, ProgramLearner
from neuralc.learning.lifelong.task import Task

QUICK = dataclasses.replace(LIFELONG, restarts=8, input_noise=0.1, average=0.98)
MODEL = nc.load("grid2x2_add", {"image_size": 8, "num_lines": 2})


def task(name: str, cells: str, model: nc.Model = MODEL, count: int = 600) -> Task:
    """Return a task of sums."""
    digits = load_digits()
    parts = []
    for images, labels, many in (
        (digits.train_images, digits.train_labels, count),
        (digits.test_images, digits.test_labels, 300),
    ):
        drawn, sums, _ = sum_grids(images, labels, TASKS[cells], many, seed=len(name))
        parts.append(bind(model.program, {"images": drawn, "result": sums}))
    return Task(name, model, *parts)


def steps(learner: ProgramLearner, name: str, count: int, seed: int = 0) -> None:
    """Make steps with random batches of 64."""
    rng = np.random.default_rng(seed)
    total = learner.trials[name].task.train.count
    for _ in range(count):
        learner.step(name, rng.choice(total, 64, replace=False))


def share(learner: ProgramLearner, one: Task) -> float:
    """Return the share of held-out examples that come out right."""
    return float(right(one, learner.predict(one.name, one.test)).mean())


@pytest.fixture(name="lived", scope="module")
def _lived() -> tuple[ProgramLearner, Task, Task, list[float]]:
    one, two = task("sums at the top", "top", count=250), task("sums at the left", "left")
    learner = ProgramLearner([one, two], seed=0, settings=QUICK)
    steps(learner, one.name, 300)
    after = [share(learner, one)]
    steps(learner, two.name, 200)
    return learner, one, two, [*after, share(learner, one), share(learner, two)]


def test_both_programs_are_found(lived: tuple[ProgramLearner, Task, Task, list[float]]) -> None:
    learner, one, two, _ = lived
    assert all(learner.trials[t.name].settled for t in (one, two))
    programs = learner.programs()
    assert "MOVE_EAST" in programs[one.name]
    assert "MOVE_SOUTH" in programs[two.name]
    assert all("ADD" in text for text in programs.values())


def test_the_first_task_gains_from_the_second(
    lived: tuple[ProgramLearner, Task, Task, list[float]],
) -> None:
    first, later, second = lived[3]
    assert first > 0.6
    assert later > first + 0.01
    assert second > 0.75


def test_a_restored_learner_goes_on_as_the_other(
    lived: tuple[ProgramLearner, Task, Task, list[float]],
) -> None:
    learner, one, two, _ = lived
    tensors, numbers = learner.state()
    other = ProgramLearner([one, two], seed=5, settings=QUICK)
    other.restore(tensors, numbers)
    again, facts = other.state()
    assert facts == numbers
    assert all(torch.equal(again[name], value) for name, value in tensors.items())
    rows = np.arange(64)
    assert other.step(two.name, rows) == learner.step(two.name, rows)
    for name, weights in learner.weights().items():
        assert all(torch.equal(v, other.weights()[name][k]) for k, v in weights.items())


def test_programs_in_the_middle_of_their_trial_are_restored() -> None:
    one = task("sums at the top", "top")
    learner = ProgramLearner([one], seed=1, settings=QUICK)
    steps(learner, one.name, 20)
    other = ProgramLearner([one], seed=2, settings=QUICK)
    other.restore(*learner.state())
    for each in (learner, other):
        steps(each, one.name, 40, seed=3)
    assert learner.programs() == other.programs()
    mine, theirs = learner.state()[0], other.state()[0]
    assert all(torch.equal(theirs[name], value) for name, value in mine.items())


def test_a_half_found_program_does_not_train_what_is_known() -> None:
    one, two = task("sums at the top", "top"), task("sums at the left", "left")
    known = ProgramLearner([one], seed=0, settings=QUICK).weights()
    learner = ProgramLearner([one, two], seed=1, settings=QUICK, networks=known)
    steps(learner, two.name, 10)
    assert not learner.trials[two.name].settled
    for k, v in learner.weights()["net_0"].items():
        assert torch.equal(v, known["net_0"][k])


def test_networks_that_a_settled_program_does_not_read_with_stay_as_they_are() -> None:
    """Adam would go on with its momentum where the gradient is nothing."""
    text = """
@Learn([Tensor(8, 8)], 10, hid_sizes=[32])
def net_0(image): pass
@Learn([Tensor(8, 8)], 10, hid_sizes=[32])
def net_1(image): pass
images = InputTensor(8, 8)[4]
which = Param(2)
result = Output(19)
value = Var(10)
if which == 0:
    value.set_to(net_0(images[0]))
else:
    value.set_to(net_1(images[0]))
@Runtime([10], 19)
def UP(a): return a
result.set_to(UP(value))
"""
    one = task("the first digit", "top", nc.load(nc.Source("which.py", text)))
    learner = ProgramLearner([one], seed=0, settings=QUICK)
    steps(learner, one.name, 20)
    trial = learner.trials[one.name]
    trial.settle({"which": np.array(1)})
    before = learner.weights()
    steps(learner, one.name, 5)
    after = learner.weights()
    assert all(torch.equal(v, after["net_0"][k]) for k, v in before["net_0"].items())
    assert not all(torch.equal(v, after["net_1"][k]) for k, v in before["net_1"].items())


def test_without_success_everything_new_is_drawn_anew() -> None:
    one = task("sums at the top", "top", count=250)
    settings = dataclasses.replace(QUICK, check_every=5, patience=10, accept=1.0)
    learner = ProgramLearner([one], seed=0, settings=settings)
    steps(learner, one.name, 9)
    before = learner.state()[0]
    steps(learner, one.name, 1)
    after = learner.state()[0]
    moved = (after["trial.0.logits"] - before["trial.0.logits"]).abs()
    assert float(moved.mean()) > 0.3, "one step moves a choice by 0.3 at most"
    assert float(after["trial.0.mean_square"].abs().max()) == 0.0
    weights = "network.net_0.weights.0"
    assert float((after[weights] - before[weights]).abs().max()) > 0.05


def test_what_cannot_be() -> None:
    one, two = task("sums", "top"), task("sums", "left")
    with pytest.raises(NeuralcError, match="two tasks are named 'sums'"):
        ProgramLearner([one, two], seed=0)
    wider = nc.load("grid2x2_add", {"image_size": 8, "num_lines": 2}, net="cnn")
    with pytest.raises(NeuralcError, match="net_0 of the task 'other' differs"):
        ProgramLearner([one, Task("other", wider, two.train, two.test)], seed=0)
    with pytest.raises(NeuralcError, match="net_0 has parameters of shapes"):
        ProgramLearner([one], seed=0, networks={"net_0": {"weights.0": torch.zeros(1, 2, 2)}})
