"""`auto`: whom it asks and in which order, who wins, what becomes of the others."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.backends.base import Problem
from neuralc.errors import Contradiction, Declined, MissingExtra, SolverFailed
from neuralc.ir.examples import Examples, bind
from neuralc.ir.space import log10_size
from neuralc.learning import learn, portfolio
from neuralc.learning.model import Model
from neuralc.learning.race import Entrant, Race
from neuralc.learning.settings import Settings
from tests.learning.tasks import contradictory_data, image_data, line_data, lines, see

FAKES = "tests.learning.fakes"


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let solvers be fakes: `search="brute"`; those that are not named are unwilling."""

    def install(**names: str) -> None:
        named = {name: f"{FAKES}.{names.get(name, 'unwilling')}" for name in portfolio.SOLVERS}
        monkeypatch.setattr(portfolio, "SOLVERS", named)
        order = tuple(names)  # as they are named, gradients left out
        rest = tuple(name for name in named if name not in order and name != "gradient")
        monkeypatch.setattr(portfolio, "_order", lambda problem: ((*order, *rest), "a test"))

    return install


def reached(report: Any) -> dict[str, tuple[str, str]]:
    return {row.solver: (row.status, row.note) for row in report.others}


# ---- who wins


def test_the_first_exact_program_ends_the_others(
    fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBERS", str(tmp_path))
    fakes(sat="slow", search="brute", smt="silent")
    told: list[str] = []
    began = time.monotonic()
    report = learn(lines, line_data(), solver="auto", threads=2, tell=told.append).report
    assert time.monotonic() - began < 30
    assert (report.solver, report.status, report.train_exact) == ("search", "found", True)
    rows = reached(report)
    assert set(rows) == {"sat", "smt", "cp"}
    assert rows["sat"][0] == "unknown"
    assert rows["smt"] == ("skipped", "not needed")
    assert rows["cp"] == ("skipped", "it is Sunday; it is late")
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)
    assert told[0] == "auto: 10^1.6 programs, 16 examples: a test"
    assert "cp skipped: it is Sunday; it is late" in told
    assert any(line.startswith("search: found after") for line in told) or any(
        line.startswith("search: 16 of 16 right") for line in told
    )


def test_who_gives_up_is_replaced(fakes: Any) -> None:
    fakes(sat="broken", smt="missing", cp="killed", search="brute")
    report = learn(lines, line_data(), solver="auto", threads=1, timeout=60).report
    assert (report.solver, report.status) == ("search", "found")
    assert reached(report) == {
        "sat": ("failed", "failed: IndexError: there is no seventh gate"),
        "smt": ("skipped", "not installed"),
        "cp": ("failed", "failed: ended by signal 9, perhaps for want of memory"),
    }


def test_a_proof_ends_the_others_too(fakes: Any) -> None:
    fakes(sat="slow", search="brute")
    with pytest.raises(Contradiction) as caught:
        learn(lines, contradictory_data(), solver="auto", threads=2)
    assert caught.value.instances == (0,)


def test_the_best_of_all_when_nobody_finds_it(fakes: Any) -> None:
    fakes(sat="humble", search="slow")
    report = learn(lines, line_data(), solver="auto", threads=2, timeout=2).report
    assert (report.status, report.solver) == ("unknown", "search")
    assert 0 < report.train_right < 16
    assert reached(report)["sat"][0] == "unknown"


def test_nobody_can_be_asked(fakes: Any) -> None:
    fakes()
    with pytest.raises(Declined, match="auto cannot run this model: search: it is Sunday"):
        learn(lines, line_data(), solver="auto")


def test_nobody_answers(fakes: Any) -> None:
    fakes(sat="aborted", smt="missing")
    with pytest.raises(SolverFailed, match="sat: failed: ended with code 7") as caught:
        learn(lines, line_data(), solver="auto")
    assert "smt: not installed" in str(caught.value)


def test_a_package_that_is_missed_early(fakes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver may notice it when it is asked whether it can be asked."""
    fakes(sat="brute", smt="missing")

    def declines(problem: Problem) -> list[str]:
        raise MissingExtra("z3", "smt", "the solver smt")

    monkeypatch.setattr(f"{FAKES}.missing.declines", declines)
    report = learn(lines, line_data(), solver="auto").report
    assert reached(report)["smt"] == ("skipped", "not installed")
    with pytest.raises(MissingExtra):
        learn(lines, line_data(), solver="smt")


# ---- how the time and the threads are shared


def race(names: list[str], *, threads: int, seconds: float) -> Race:
    """Return a race of solvers that take all the time they are given."""
    problem = Problem(
        lines.program, bind(lines.program, line_data()), 0, threads, time.monotonic() + seconds
    )
    entrants = [
        Entrant(name, f"{FAKES}.humble", portfolio._SHARES.get(name, 1.0)) for name in names
    ]
    return Race(problem, entrants, lambda *told: None, lambda words: None)


@pytest.mark.parametrize(
    ("names", "threads", "seconds"),
    [
        (["sat", "cp"], 1, 450),
        (["sat", "search", "cp", "smt", "gradient"], 2, 450),
        (["sat", "cp"], 2, 600),
        (["cp"], 1, 600),
    ],
)
def test_everybody_gets_a_share_of_the_time(names: list[str], threads: int, seconds: float) -> None:
    run = race(names, threads=threads, seconds=600)
    end = run._slice(threads)
    assert end is not None
    assert end - time.monotonic() == pytest.approx(seconds, abs=5)


def test_one_after_the_other() -> None:
    run = race(["sat", "cp"], threads=1, seconds=2)
    run.run()
    assert [(row.solver, row.status) for row in run.rows.values()] == [
        ("sat", "unknown"), ("cp", "unknown"),
    ]  # fmt: skip
    assert run.rows["sat"].seconds + run.rows["cp"].seconds >= 1.5


def test_one_solver_gets_all_threads() -> None:
    run = race(["sat"], threads=4, seconds=60)
    run.problem = dataclasses.replace(run.problem, deadline=None)
    run.run()
    assert (run.slots, run.rows["sat"].note) == (1, "inf s, 4 threads")
    both = race(["sat", "search"], threads=5, seconds=60)
    both.problem = dataclasses.replace(both.problem, deadline=None)
    both.run()
    assert both.slots == 2
    assert [row.note for row in both.rows.values()] == ["inf s, 2 threads"] * 2


# ---- whom it chooses


def order(model: Model, count: int) -> tuple[str, ...]:
    problem = Problem(model.program, Examples({}, {}, count))
    return tuple(portfolio._order(problem)[0])


def test_the_order() -> None:
    assert log10_size(lines.program) < portfolio.ENUMERATED
    assert order(lines, 16)[0] == "search", "few programs are all tried"
    circuit = Model.load("circuit", {"numGates": 5, "numWires": 4, "numOutputs": 2})
    assert log10_size(circuit.program) > portfolio.ENUMERATED
    assert order(circuit, 16)[:2] == ("sat", "search")
    assert order(circuit, 100_000)[0] == "search", "an encoding would be too large"
    for model, count in ((lines, 16), (circuit, 16), (circuit, 100_000)):
        assert sorted(order(model, count)) == sorted(portfolio.SOLVERS)


def test_gradients_are_not_loaded_to_be_asked() -> None:
    problem = Problem(see.program, Examples({}, {}, 1))
    assert portfolio._declines("gradient", problem)
    assert not portfolio._declines("gradient", Problem(lines.program, Examples({}, {}, 1)))


def test_networks_are_learned_by_turns() -> None:
    told: list[str] = []
    data = image_data(8)
    report = learn(see, data, solver="auto", restarts=2, steps=5, tell=told.append).report
    assert (report.solver, report.steps) == ("gradient and search", 5)
    assert {row.status for row in report.others} == {"skipped"}
    assert {row.solver for row in report.others} == {"sat", "smt", "cp"}
    assert told[0] == "auto: the model has networks: gradients and search by turns"


def test_chances_go_from_gradients_to_those_after_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(restarts=2, steps=3)
    problem = Problem(lines.program, bind(lines.program, contradictory_data()), 0, 1)
    entrant = portfolio.single("gradient", problem, settings)
    run = Race(problem, [entrant], lambda *told: None, lambda words: None)
    run.run()
    assert run.rows["gradient"].status == "unknown"
    assert {name: array.shape for name, array in run.chances.items()} == {
        "op": (2, 3), "arg": (2, 2),
    }  # fmt: skip
    for array in run.chances.values():
        np.testing.assert_allclose(array.sum(-1), 1, rtol=1e-5)
