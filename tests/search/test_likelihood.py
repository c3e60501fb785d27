"""Programs are found from what networks say, though that is often wrong."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import numpy as np
import pytest

from neuralc.backends.base.problem import Candidate, Outcome, Problem
from neuralc.backends.exact.sites import Site
from neuralc.backends.search import likelihood
from neuralc.backends.search.likelihood import Likelihood, declines, solve_likelihood
from neuralc.backends.search.proposals import Proposals
from neuralc.ir.examples import bind
from neuralc.ir.nodes import Program
from neuralc.lang.model import parse
from neuralc.source import Source
from tests.machines.solved import machine

CELLS, CLASSES = 4, 5
TOY = """
@Learn([Tensor(1), 2], 5)
def SEE(image, side): pass

@Runtime([5, 5], 9)
def ADD(a, b): return a + b

images = InputTensor(1)[4]
side = Input(2)
first = Param(4)
second = Param(4)
spare = Param(3)[2]
spare[1].set_to_constant(2)
total = Output(9)
other = Output(2)

a = Var(5)
b = Var(5)
with first as i:
    a.set_to(SEE(images[i], side))
with second as i:
    b.set_to(SEE(images[i], side))
total.set_to(ADD(a, b))
other.set_to(0)
"""


def toy() -> Program:
    return parse(Source("toy.model", TOY), {}).program


def noisy(classes: np.ndarray, count: int, right: float, rng: np.random.Generator) -> np.ndarray:
    """Return log-likelihoods of a network that reads with this accuracy, and knows it."""
    wrong = (classes + rng.integers(1, count, size=classes.shape)) % count
    seen = np.where(rng.random(classes.shape) < right, classes, wrong)
    chances = np.full((*classes.shape, count), (1 - right) / (count - 1))
    np.put_along_axis(chances, seen[..., None], right, -1)
    return np.log(chances)


def toy_problem(right: float = 0.8, count: int = 200, **settings: Any) -> Problem:
    """The sum of the cells 1 and 3, where the side decides what is on a cell."""
    rng = np.random.default_rng(0)
    classes = rng.integers(CLASSES, size=(count, CELLS, 2))
    side = rng.integers(2, size=count)
    total = classes[np.arange(count), 1, side] + classes[np.arange(count), 3, side]
    program = toy()
    images = np.zeros((count, CELLS, 1), np.float32)
    targets = np.where(np.arange(count) % 10 == 0, -1, total)  # some are not observed
    data = {"images": images, "side": side, "total": targets, "other": np.full(count, -1)}
    networks = (noisy(classes, CLASSES, right, rng),)
    return Problem(program, bind(program, data), networks=networks, **settings)


def ask(problem: Problem) -> tuple[Outcome, list[tuple[str, Candidate | None]]]:
    assert declines(problem) == []
    told: list[tuple[str, Candidate | None]] = []
    outcome = solve_likelihood(problem, lambda remark, candidate: told.append((remark, candidate)))
    return outcome, told


def cells(outcome: Outcome) -> set[int]:
    assert outcome.best is not None
    return {int(outcome.best.choices["first"]), int(outcome.best.choices["second"])}


# ---- scores


def test_the_score_is_the_likelihood() -> None:
    problem = toy_problem(0.6, 30)
    space = Proposals(problem)
    judge = Likelihood(problem, space)
    sheet = judge.sheet(30, 3000, 1, np.random.default_rng(1))
    rows = np.array([[1, 3, 0], [0, 1, 2], [2, 2, 1]])
    found = judge.right(rows, sheet)
    chances = np.exp(problem.networks[0])
    for row, estimates in zip(rows.tolist(), found, strict=True):
        for k, estimate in enumerate(estimates):
            total, side = problem.examples.outputs["total"][k], problem.examples.inputs["side"][k]
            one, two = chances[k, row[0], side], chances[k, row[1], side]
            if row[0] == row[1]:
                exact = sum(one[a] for a in range(CLASSES) if 2 * a == total)
            else:
                pairs = product(range(CLASSES), repeat=2)
                exact = sum(one[a] * two[b] for a, b in pairs if a + b == total)
            assert estimate == pytest.approx(1 if total < 0 else exact, abs=0.04)
    totals = problem.examples.outputs["total"].tolist()
    assert judge.frequency.tolist() == [1 if t < 0 else totals.count(t) / 27 for t in totals]
    guess = judge.frequency[sheet.rows]
    wanted = np.log(0.9 * found + 0.1 * guess).mean(1)
    assert judge.score(rows, sheet) == pytest.approx(wanted)


def test_what_the_networks_foretell() -> None:
    problem = toy_problem(0.7)
    judge = Likelihood(problem, Proposals(problem))
    sheet = judge.sheet(200, 50, 1, np.random.default_rng(1))
    observed = 0.9
    same = 0.7**2 + 0.3**2 / 4  # both are the likeliest, or (less often than this) errors cancel
    foretold = judge.foretold(np.array([1, 3, 0]), sheet)
    assert foretold == pytest.approx(1 - observed * (1 - same), abs=0.03)


def test_samples_have_the_chances_of_the_classes() -> None:
    problem = toy_problem(0.7, 40)
    judge = Likelihood(problem, Proposals(problem))
    sheet = judge.sheet(5, 4000, 1, np.random.default_rng(0))
    assert (len(sheet.rows), sheet.examples.count) == (5, 20_000)
    drawn = sheet.tables[Site("SEE", ("images",))].reshape(5, 4000, CELLS, 2)
    shares = (drawn[..., None] == np.arange(CLASSES)).mean(1)
    assert np.abs(shares - np.exp(problem.networks[0][sheet.rows])).max() < 0.04
    inputs = sheet.examples.inputs["side"].reshape(5, 4000)
    assert (inputs == problem.examples.inputs["side"][sheet.rows, None]).all()
    assert "images" not in sheet.examples.inputs  # they are large, and not looked at


# ---- the search


@pytest.mark.parametrize("space", ["tried whole", "annealed"])
def test_the_cells_are_found(space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if space == "annealed":
        monkeypatch.setattr(likelihood, "SMALL_SPACE", 0)
        monkeypatch.setattr(likelihood, "CHAINS", 8)
        monkeypatch.setattr(likelihood, "STEPS", 30)
    problem = toy_problem(0.8)
    outcome, told = ask(problem)
    assert (outcome.status, cells(outcome)) == ("found", {1, 3})
    best = outcome.best
    assert best is not None
    assert best.choices["spare"].shape == (2,)
    assert best.choices["spare"][1] == 2  # fixed
    assert 0.6 < best.right / problem.examples.count < 0.85
    assert f"{best.right} of 200 right with the likeliest classes" in outcome.note
    assert told[-1][1] is not None
    assert told[-1][1].right == best.right
    again, _ = ask(problem)
    assert again.note == outcome.note


def test_right_counts_the_likeliest_classes() -> None:
    outcome, _ = ask(problem := toy_problem(0.7))
    side, total = problem.examples.inputs["side"], problem.examples.outputs["total"]
    seen = problem.networks[0].argmax(-1)[np.arange(200), :, side]
    wanted = ((seen[:, 1] + seen[:, 3] == total) | (total < 0)).sum()
    assert outcome.best is not None
    assert outcome.best.right == wanted


@pytest.mark.parametrize("annealed", [False, True])
def test_targets_that_nothing_explains(annealed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if annealed:
        monkeypatch.setattr(likelihood, "SMALL_SPACE", 0)
        monkeypatch.setattr(likelihood, "CHAINS", 8)
        monkeypatch.setattr(likelihood, "STEPS", 10)
    problem = toy_problem(0.9)
    rng = np.random.default_rng(5)
    problem.examples.outputs["total"][:] = rng.integers(9, size=200)
    outcome, _ = ask(problem)
    assert outcome.status == "unknown"
    assert outcome.best is not None
    assert outcome.best.right < 60


def test_networks_that_see_nothing() -> None:
    problem = toy_problem(1 / CLASSES)
    assert ask(problem)[0].status == "unknown"


@pytest.mark.parametrize(("power", "sharpness"), [(1, 1), (2, 0.5), (0.5, 2), (0.25, 4)])
def test_networks_that_are_too_sure_or_too_unsure(power: float, sharpness: float) -> None:
    problem = toy_problem(0.85)
    logs = power * problem.networks[0]
    outcome, _ = ask(Problem(problem.program, problem.examples, networks=(logs,)))
    assert (outcome.status, cells(outcome)) == ("found", {1, 3})
    assert outcome.note.endswith(f"foretold at sharpness {sharpness:g}")


def test_math_is_found() -> None:
    rng = np.random.default_rng(0)
    program = machine("math", {"image_size": 1, "length": 3, "num_steps": 6}).program
    digits, signs = rng.integers(10, size=(400, 2)), rng.integers(4, size=400)
    a, b = digits.T
    quotient = np.where(b == 0, 18, a // np.maximum(b, 1))
    result = np.choose(signs, [(a + b) % 19, (a - b) % 19, a * b % 19, quotient])
    as_digit = np.stack([a, rng.integers(10, size=400), b], 1)  # a sign is read as anything
    as_sign = np.stack([rng.integers(4, size=400), signs, rng.integers(4, size=400)], 1)
    data = {"tape": np.zeros((400, 3, 1, 1)), "result": result, "is_halted": np.ones(400, int)}
    networks = (noisy(as_digit, 10, 0.9, rng), noisy(as_sign, 4, 0.9, rng))
    outcome, _ = ask(Problem(program, bind(program, data), networks=networks))
    assert outcome.status == "found"
    assert outcome.best is not None
    found = {name: value.tolist() for name, value in outcome.best.choices.items()}
    one = found["instr"].index(1)  # the block that applies; the others read
    sign = 3 - one
    assert found["goto"] == ([1, 2, 0] if one == 1 else [2, 0, 1])
    assert (found["net_choice"][0], found["net_choice"][sign]) == (0, 1)
    assert (found["arg1"][one], found["arg2"][one], found["arg_op"][one]) == (one, 0, sign)
    assert found["ret"] == one


def test_the_deadline() -> None:
    outcome, _ = ask(toy_problem(deadline=time.monotonic() - 1))
    assert outcome.status in ("found", "unknown")
    assert outcome.best is not None


def test_the_deadline_of_annealing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "SMALL_SPACE", 0)
    outcome, _ = ask(toy_problem(deadline=time.monotonic() - 1))
    assert outcome.status == "unknown"
    assert outcome.best is not None


def test_proposals_follow_the_chances() -> None:
    sure = np.array([0, 0, 1.0, 0])
    space = Proposals(toy_problem(chances={"first": sure}))
    drawn = space.random(4000, np.random.default_rng(0))
    shares = (drawn[:, 0, None] == np.arange(4)).mean(0)
    assert shares == pytest.approx([0.05, 0.05, 0.85, 0.05], abs=0.02)
    assert (drawn[:, 1, None] == np.arange(4)).mean(0) == pytest.approx([0.25] * 4, abs=0.03)
    changed = space.changed(drawn, np.random.default_rng(0))
    assert 1 <= (changed != drawn).sum(1).max() <= 2


def test_neighbours_and_numbers() -> None:
    space = Proposals(toy_problem())
    assert space.sizes == [4, 4, 3]
    everything = space.numbered(0, 48)
    assert len({tuple(row) for row in everything.tolist()}) == 48
    assert everything[1].tolist() == [0, 0, 1]
    row = np.array([1, 3, 0])
    found = {tuple(r) for r in space.neighbours(row, np.random.default_rng(0)).tolist()}
    wanted = {tuple(r) for r in everything.tolist() if 1 <= (np.array(r) != row).sum() <= 2}
    assert found == wanted


# ---- what it cannot be asked


def test_declines() -> None:
    problem = toy_problem()
    assert declines(problem) == []
    none = Problem(problem.program, problem.examples)
    assert declines(none) == ["1 networks are called, but 0 are known"]
    short = Problem(problem.program, problem.examples, networks=(problem.networks[0][:, :3],))
    assert declines(short) == ["log-likelihoods of SEE: (200, 3, 2, 5), not (200, 4, 2, 5)"]
    empty = Problem(problem.program, problem.examples.take([]), networks=(problem.networks[0][:0],))
    assert declines(empty) == ["there is no example"]
    plain = machine("circuit", {"numGates": 1, "numWires": 2, "numOutputs": 1}).program
    data = bind(plain, [{"initial_wires": [0, 1], "final_wires": [1]}])
    (reason,) = declines(Problem(plain, data))
    assert reason.startswith("the program calls no network")
