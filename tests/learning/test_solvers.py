"""`learn` with a solver in a process of its own: what it gives back, and what can go wrong."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc import saved
from neuralc.backends.exact import Executor
from neuralc.errors import Contradiction, Declined, MissingExtra, NeuralcError, SolverFailed
from neuralc.ir.examples import bind
from neuralc.learning import learn, portfolio
from neuralc.learning.reached import Reached
from neuralc.learning.run import Interrupted
from neuralc.learning.solution import Solution
from tests.learning.tasks import assert_same, contradictory_data, image_data, line_data, lines, see
from tests.soft.models import model

FAKES = "tests.learning.fakes"
POSIX = pytest.mark.skipif(os.name != "posix", reason="looks for processes by their numbers")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the solver "search" be one of the fakes."""
    return lambda name: monkeypatch.setitem(portfolio.SOLVERS, "search", f"{FAKES}.{name}")


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder where the fake `slow` leaves the numbers of its processes."""
    folder = tmp_path / "numbers"
    folder.mkdir()
    monkeypatch.setenv("NUMBERS", str(folder))
    return folder


def alive(number: int) -> bool:
    """Tell whether a process is at work: neither gone nor waiting to be buried."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/status")
    return not status.exists() or "State:\tZ" not in status.read_text()


# ---- what it gives back


def test_a_solution_like_any_other(fake: Any, tmp_path: Path) -> None:
    fake("brute")
    batches = [
        {"batch_name": "train", "instances": line_data()},
        {"batch_name": "test", "instances": [{**line_data()[0], "z": 3}, *line_data()[1:4]]},
    ]
    solution = learn(lines, batches, solver="search", seed=5, out=tmp_path)
    report = solution.report
    assert (report.solver, report.status, report.others) == ("search", "found", ())
    assert (report.solved, report.restarts, report.attempts, report.steps) == (1, 1, 1, 0)
    assert (report.train_right, report.train_count, report.seed) == (16, 16, 5)
    assert (report.test_right, report.test_count) == (3, 4)
    assert "programs tried" in report.note
    assert report.seconds > 0
    outputs = solution({name: [row[name] for row in line_data()] for name in ("x", "z")})
    assert outputs["z"].tolist() == [row["z"] for row in line_data()]
    assert all((p == 1).all() for p in solution.probabilities.values())
    assert_same(Solution.load(tmp_path), solution)


def test_the_module_has_decided(fake: Any) -> None:
    fake("brute")
    solution = learn(lines, line_data(), solver="search")
    outputs = solution.module()({"x": [row["x"] for row in line_data()]})
    found = outputs["z"][0].detach().numpy()
    assert found.argmax(-1).tolist() == [row["z"] for row in line_data()]
    assert found.max(-1).min() > 0.999


def test_the_same_seed_gives_the_same_result(fake: Any) -> None:
    fake("brute")
    first, again, other = (
        learn(lines, line_data()[:4], solver="search", seed=seed) for seed in (1, 1, 2)
    )
    assert_same(_unsaid(first), _unsaid(again))
    assert other.choices.keys() == first.choices.keys()
    assert any((other.choices[name] != first.choices[name]).any() for name in other.choices)


def _unsaid(solution: Solution) -> Solution:
    """Drop the last remark: a solver is ended as soon as its program has come out right."""
    return dataclasses.replace(solution, report=dataclasses.replace(solution.report, note=""))


def test_choices_that_are_fixed_stay(fake: Any) -> None:
    fake("slow")
    text = """
        p = Param(3)[2]
        p[0].set_to_constant(2)
        y = Output(3)[2]
        y[0].set_to(p[0])
        y[1].set_to(p[1])
    """
    data = [{"y": [2, 0]}, {"y": [2, None]}]
    solution = learn(model(text), data, solver="search", timeout=20)
    assert solution.choices["p"].tolist() == [2, 0]
    assert (solution.report.status, solution.report.train_right) == ("found", 2)


def test_what_libraries_print_is_not_in_the_way(fake: Any) -> None:
    fake("talkative")
    assert learn(lines, line_data(), solver="search", timeout=30).report.status == "found"


def test_gradients_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "_order", lambda problem: (("gradient",), "only that"))
    found = learn(lines, line_data(), solver="auto", restarts=12, steps=80, timeout=50)
    assert (found.report.solver, found.report.status) == ("gradient", "found")
    assert found.report.train_exact
    assert "12" in found.report.note


def test_solutions_of_the_old_format_are_read(tmp_path: Path) -> None:
    solution = learn(lines, line_data(), restarts=12, steps=80, out=tmp_path)
    new = dataclasses.asdict(solution.report)
    for solved, status in ((3, "found"), (0, "unknown")):
        old = {k: v for k, v in new.items() if k not in ("status", "note", "others")}
        changed = _with_report(tmp_path, {**old, "solved": solved})
        assert (changed.report.status, changed.report.others) == (status, ())
    row = ["sat", "failed", 3, 1.5, "failed: no memory"]
    changed = _with_report(tmp_path, {**new, "others": [row]})
    assert changed.report.others == (Reached("sat", "failed", 3, 1.5, "failed: no memory"),)
    for damage in (["sat"], ["sat", "failed", "3", 1.5, ""], 5):
        with pytest.raises(NeuralcError, match="damaged"):
            _with_report(tmp_path, {**new, "others": [damage]})


def _with_report(folder: Path, report: dict[str, Any]) -> Solution:

    content, weights = saved.read(folder, "solution")
    content = {k: v for k, v in content.items() if k not in ("version", "weights")}
    saved.write(folder, "solution", {**content, "report": report}, weights)
    return Solution.load(folder)


# ---- time, and Ctrl-C


@POSIX
def test_the_best_so_far_when_time_is_over(fake: Any, numbers: Path) -> None:
    fake("slow")
    began = time.monotonic()
    solution = learn(lines, line_data(), solver="search", timeout=1.5)
    assert time.monotonic() - began < 15
    assert (solution.report.status, solution.report.solver) == ("unknown", "search")
    assert solution.report.solved == 0
    assert solution.report.note == "one program tried"
    zeros = {name: np.zeros(2, int) for name in ("op", "arg")}
    assert all((solution.choices[name] == value).all() for name, value in zeros.items())
    assert solution.report.train_right == _right(zeros), "counted here, whatever it claims"
    (number,) = (int(path.name) for path in numbers.iterdir())
    assert not alive(number)


def _right(choices: dict[str, Any]) -> int:

    batch = {name: value[None] for name, value in choices.items()}
    executor = Executor(lines.program, jit=False)
    return int(executor.score(batch, bind(lines.program, line_data())).sum())


def test_time_is_over_and_nothing_was_reported(fake: Any) -> None:
    fake("silent")
    report = learn(lines, line_data(), solver="search", timeout=0.5).report
    assert (report.status, report.solver, report.train_count) == ("unknown", "search", 16)


def test_a_solver_can_still_say_what_it_has_reached(fake: Any) -> None:
    fake("humble")
    report = learn(lines, line_data(), solver="search", timeout=2, threads=3).report
    assert report.status == "unknown"
    assert report.note.endswith(" s, 3 threads")


def test_time_is_over_for_gradients(tmp_path: Path) -> None:
    rows = contradictory_data()
    began = time.monotonic()
    found = learn(lines, rows, restarts=8, steps=10**6, timeout=0.5, out=tmp_path)
    assert time.monotonic() - began < 15
    assert 0 < found.report.steps < 10**6
    assert (found.report.status, found.report.train_right > 0) == ("unknown", True)
    assert found.history[-1]["step"] == found.report.steps, "the last step was judged"
    assert not list(tmp_path.glob("checkpoint*"))
    assert_same(Solution.load(tmp_path), found, history=False)


@POSIX
@pytest.mark.parametrize("out", [True, False])
def test_ctrl_c_keeps_the_best(fake: Any, numbers: Path, tmp_path: Path, out: bool) -> None:
    fake("slow")

    def progress(done: int, total: int, remark: str) -> None:
        if done and list(numbers.iterdir()):
            raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(Interrupted) as caught:
        learn(lines, line_data(), solver="search", progress=progress, out=folder if out else None)
    best = caught.value.solution
    assert (best.report.status, best.report.train_right > 0) == ("unknown", True)
    assert folder.exists() == out
    if out:
        assert_same(Solution.load(folder), best)
    assert not any(alive(int(path.name)) for path in numbers.iterdir())


def test_ctrl_c_before_anything_was_found(fake: Any, tmp_path: Path) -> None:
    fake("silent")

    def progress(done: int, total: int, remark: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        learn(lines, line_data(), solver="search", progress=progress, out=tmp_path / "out")
    assert not isinstance(caught.value, Interrupted)
    assert not (tmp_path / "out").exists()


PARENT = """
import sys
from neuralc.learning import portfolio
from neuralc.learning.run import learn
from tests.learning.tasks import line_data, lines
portfolio.SOLVERS["search"] = "tests.learning.fakes.slow"
learn(lines, line_data(), solver="search")
"""


@POSIX
def test_processes_end_with_a_parent_that_is_killed(numbers: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment) as parent:
        try:
            wait_for(lambda: bool(list(numbers.iterdir())) or parent.poll() is not None)
        finally:
            parent.kill()
    (number,) = (int(path.name) for path in numbers.iterdir())
    wait_for(lambda: not alive(number))


def wait_for(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.05)


def test_in_a_thread_of_the_user(fake: Any) -> None:
    fake("brute")
    found: list[Solution] = []
    asking = threading.Thread(
        target=lambda: found.append(learn(lines, line_data(), solver="search"))
    )
    asking.start()
    asking.join(60)
    assert found[0].report.status == "found"


# ---- what cannot be


def test_impossible_examples(fake: Any) -> None:
    fake("brute")
    with pytest.raises(Contradiction) as caught:
        learn(lines, contradictory_data(), solver="search")
    assert caught.value.instances == (0,)
    assert "no program of model is right on instance 0:" in str(caught.value)
    assert '  instance 0: {"x": [0, 0]} -> {"z": 3}' in str(caught.value)


def test_the_smallest_contradiction_is_named(fake: Any) -> None:
    fake("brute")
    text = "p = Param(3)\nx = Input(3)\ny = Output(3)\nwith x as i:\n    y.set_to(p)\n"
    data = [{"x": 0, "y": 1}, {"x": 1, "y": None}, {"x": 2, "y": 1}, {"x": 1, "y": 2}]
    with pytest.raises(Contradiction) as caught:
        learn(model(text), data, solver="search")
    first, last = caught.value.instances
    assert (data[first]["y"], data[last]["y"]) in ((1, 2), (2, 1))
    assert f"instances {first} and {last} at once:" in str(caught.value)
    assert len([line for line in str(caught.value).splitlines() if "->" in line]) == 2


@pytest.mark.parametrize("solver", ["gradient", "search", "auto"])
def test_equal_inputs_with_different_outputs(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in portfolio.SOLVERS:
        monkeypatch.setitem(portfolio.SOLVERS, name, "no.such.module")  # nobody is started
    rows = [*line_data(), {**line_data()[5], "z": 0}]
    assert line_data()[5]["z"] != 0
    with pytest.raises(Contradiction, match="instances 5 and 16 have equal inputs") as caught:
        learn(lines, rows, solver=solver)
    assert caught.value.instances == (5, 16)
    assert str(caught.value).count("instance ") == 2


def test_equal_inputs_that_agree_where_they_are_observed() -> None:
    text = "p = Param(3)[2]\ny = Output(3)[2]\nfor i in range(2):\n    y[i].set_to(p[i])\n"
    fine = [{"y": [2, None]}, {"y": [None, 1]}, {"y": [2, 1]}]
    assert learn(model(text), fine, restarts=5, steps=60).report.train_exact
    with pytest.raises(Contradiction) as caught:
        learn(model(text), [*fine, {"y": [None, 0]}])
    assert caught.value.instances == (1, 3), "the first that says so, not the one in between"


def test_equal_images_may_disagree() -> None:
    data = image_data(4)
    data = {"images": np.repeat(data["images"][:1], 2, 0), "total": [0, 1]}
    assert learn(see, data, restarts=2, steps=3).report.train_right < 2


BAD: dict[str, tuple[str, type[NeuralcError], str]] = {
    "broken": ("broken", SolverFailed, "search failed: IndexError: there is no seventh gate$"),
    "killed": ("killed", SolverFailed, "failed: ended by signal 9, perhaps for want of memory"),
    "aborted": ("aborted", SolverFailed, "failed: ended with code 7: the library is out of luck"),
    "wild": ("wild", SolverFailed, r"cannot be used: .*found \[99, 99\], wanted 0\.\."),
    "missing": ("missing", MissingExtra, r"pip install \"neuralc\[smt\]\""),
    "unwilling": ("unwilling", Declined, "search cannot run this model: it is Sunday; it is late"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_solver_that_fails(name: str, fake: Any) -> None:
    module, kind, words = BAD[name]
    fake(module)
    with pytest.raises(kind, match=words):
        learn(lines, line_data(), solver="search", timeout=30)


def test_a_solver_that_claims_too_much(fake: Any) -> None:
    fake("lying")
    report = learn(lines, line_data(), solver="search", timeout=30).report
    assert (report.status, report.solved, report.train_exact) == ("unknown", 0, False)
    assert report.train_right > 0, "what it has is still the best so far"
    words = f"its program is right on {report.train_right} of 16 examples only"
    assert report.note == f"failed: its answer cannot be used: {words}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"solver": "sats"}, "there is no solver 'sats'\n  hint: the solvers are gradient, search"),
        ({"timeout": 0}, "timeout is a positive number of seconds, found 0"),
        ({"timeout": float("nan")}, "timeout is a positive"),
        ({"timeout": "1"}, "timeout is a positive"),
        ({"threads": 0}, "threads must be positive, found 0"),
    ],
)
def test_arguments_that_cannot_mean_anything(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(NeuralcError, match=words):
        learn(lines, line_data(), **arguments)
