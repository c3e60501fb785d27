"""The loop: what is shown and measured when, checkpoints, and the verdicts."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.ir.examples import Examples
from neuralc.learning.lifelong import life as loop
from neuralc.learning.lifelong.life import live, read_life
from neuralc.learning.lifelong.result import Final, Life, drops, rise
from neuralc.learning.lifelong.schedule import Schedule
from tests.lifelong.fake_learner import SIZE, Array, FakeLearner, make_task

TASKS = [make_task("a", 1), make_task("b", 2), make_task("c", 3)]
SCHEDULE = Schedule({"a": [(0, 1.0), (20, 1.0), (40, 0.0)], "b": [(20, 0.0), (60, 1.0)],
                     "c": [(50, 1.0), (100, 1.0)]})  # fmt: skip
USUAL: dict[str, Any] = {"steps": 80, "batch": 5, "seed": 3, "evaluate_at": range(0, 81, 10)}


def run(out: Path | None = None, learner: FakeLearner | None = None, **changes: Any) -> Life:
    return live(learner or FakeLearner(TASKS), TASKS, SCHEDULE, out=out, **{**USUAL, **changes})


def same(a: Life, b: Life) -> bool:
    return dataclasses.replace(a, seconds=0.0) == dataclasses.replace(b, seconds=0.0)


# ---- what is shown and measured


def test_examples_come_equally_often() -> None:
    learner = FakeLearner(TASKS)
    life = run(learner=learner)
    assert len(learner.seen) == 80
    for name in "abc":
        rows = [row for task, own in learner.seen if task == name for row in own]
        counts = Counter(rows)
        assert life.shown[name] == len(rows) > SIZE
        assert set(counts) == set(range(SIZE))
        assert max(counts.values()) - min(counts.values()) <= 1
    assert learner.seen[0][0] == "a"
    assert {name for name, _ in learner.seen[60:]} == {"b", "c"} or {
        name for name, _ in learner.seen[61:]
    } == {"c"}


def test_tasks_are_measured_once_they_were_met() -> None:
    learner = FakeLearner(TASKS)
    life = run(learner=learner, evaluate_rows=7)
    assert [entry["step"] for entry in life.history] == list(range(10, 81, 10))
    met: set[str] = set()
    for entry in life.history:
        now = {name for name, _ in learner.seen[: entry["step"]]}
        recent = {name for name, _ in learner.seen[entry["step"] - 10 : entry["step"]]}
        assert set(entry["accuracy"]) == now >= met
        assert set(entry["loss"]) == recent
        met = now
    counts = Counter(count for _, count in learner.measured)
    assert set(counts) == {7, SIZE}
    assert counts[SIZE] == 3  # all held-out examples only once, at the end
    for name, final in life.final.items():
        good = sum(int(learner.known[name][x]) == (x + "abc".index(name) + 1) % SIZE
                   for x in range(SIZE))  # fmt: skip
        assert final == Final(good, SIZE)
        first = [int(learner.known[name][x]) == (x + "abc".index(name) + 1) % SIZE
                 for x in range(7)]  # fmt: skip
        assert life.history[-1]["accuracy"][name] == pytest.approx(sum(first) / 7)


def test_the_end_is_measured_without_being_asked() -> None:
    assert [entry["step"] for entry in run(evaluate_at=[]).history] == [80]


def test_the_seed_decides() -> None:
    assert same(run(), run())
    assert not same(run(), dataclasses.replace(run(seed=4), seed=3))


def test_large_tests_are_predicted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run()
    monkeypatch.setattr(loop, "CHUNK", 5)
    learner = FakeLearner(TASKS)
    assert same(run(learner=learner), whole)
    assert {count for _, count in learner.measured} == {5, 2}


# ---- checkpoints


@pytest.mark.parametrize("stops", [[37], [1, 40, 79], [80]])
def test_an_interrupted_run_ends_like_another(tmp_path: Path, stops: list[int]) -> None:
    plain = FakeLearner(TASKS)
    whole = run(learner=plain)
    for stop in stops:
        learner = FakeLearner(TASKS)
        learner.at_step = lambda n, at=stop: signal.raise_signal(signal.SIGINT) if n == at else None
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, learner)
        assert len(learner.seen) == stop  # the step is made whole
    learner = FakeLearner(TASKS)
    told: list[int] = []
    life = run(tmp_path, learner, progress=lambda done, total, remark: told.append(done))
    assert same(life, whole)
    assert learner.seen == plain.seen
    assert told == list(range(stops[-1] + 1, 81))
    assert not list(tmp_path.glob("checkpoint*"))


def test_an_examination_that_was_interrupted_is_made_again(tmp_path: Path) -> None:
    class Slow(FakeLearner):
        def predict(self, task: str, examples: Examples) -> dict[str, Array]:
            if len(self.measured) == 2:
                signal.raise_signal(signal.SIGINT)
            return super().predict(task, examples)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Slow(TASKS))
    assert (tmp_path / "checkpoint.json").exists()
    assert same(run(tmp_path), run())


def test_checkpoints_come_with_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "EVERY", 0.0)
    learner = FakeLearner(TASKS)

    def killed(number: int) -> None:
        if number == 33:
            raise RuntimeError("killed")

    learner.at_step = killed
    with pytest.raises(RuntimeError):
        run(tmp_path, learner)
    again = FakeLearner(TASKS)
    told: list[int] = []
    life = run(tmp_path, again, progress=lambda done, total, remark: told.append(done))
    assert told[0] == 33  # what was saved last was step 32
    assert same(life, run())


def test_a_finished_run_is_read_back(tmp_path: Path) -> None:
    plain = FakeLearner(TASKS)
    life = run(tmp_path, plain)
    learner = FakeLearner(TASKS)
    learner.at_step = lambda number: pytest.fail("it is made again")
    assert run(tmp_path, learner) == life == read_life(tmp_path)
    for name, values in plain.known.items():
        assert values.equal(learner.known[name])  # the learner is as the run has left it


CHANGES: list[dict[str, Any]] = [
    {"seed": 4}, {"batch": 6}, {"steps": 79, "evaluate_at": [10]}, {"evaluate_at": [10]},
    {"evaluate_rows": 3}, {"settings": {"rate": 0.1}}, {"learner": FakeLearner(TASKS, seed=1)},
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("finished", [False, True])
def test_that_of_another_run_is_not_used(
    tmp_path: Path, change: dict[str, Any], finished: bool
) -> None:
    learner = FakeLearner(TASKS)
    if finished:
        run(tmp_path, learner)
    else:
        learner.at_step = lambda n: signal.raise_signal(signal.SIGINT) if n == 30 else None
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, learner)
    told: list[int] = []
    run(tmp_path, **change, progress=lambda done, total, remark: told.append(done))
    assert told[0] == 1


def test_other_data_are_another_run(tmp_path: Path) -> None:
    run(tmp_path)
    tasks = [make_task("a", 1), make_task("b", 2), make_task("c", 4)]
    told: list[int] = []
    live(FakeLearner(tasks), tasks, SCHEDULE, out=tmp_path, **USUAL,
         progress=lambda done, total, remark: told.append(done))  # fmt: skip
    assert told[0] == 1


def broken(text: str, content: dict[str, Any]) -> str:
    return text[: len(text) // 2]


def other_step(text: str, content: dict[str, Any]) -> str:
    return text.replace('"step": 30', '"step": 31')


@pytest.mark.parametrize("damage", [broken, other_step])
def test_a_damaged_checkpoint_is_told(tmp_path: Path, damage: Any) -> None:
    learner = FakeLearner(TASKS)
    learner.at_step = lambda n: signal.raise_signal(signal.SIGINT) if n == 30 else None
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, learner)
    path = tmp_path / "checkpoint.json"
    text = path.read_text("utf-8")
    path.write_text(damage(text, json.loads(text)), "utf-8")
    with pytest.raises(SolutionError, match=r"checkpoint\.json is damaged"):
        run(tmp_path)


def test_a_state_that_does_not_fit_is_told(tmp_path: Path) -> None:
    from neuralc import saved

    run(tmp_path)
    content, tensors = saved.read(tmp_path, "life")
    del content["version"], content["weights"]
    saved.write(tmp_path, "life", {**content, "shown": {"x": 3}}, tensors)
    with pytest.raises(SolutionError, match=r"life\.json is damaged: its numbers do not fit"):
        run(tmp_path)
    del tensors["learner.generator"]
    saved.write(tmp_path, "life", content, tensors)
    with pytest.raises(SolutionError, match=r"life\.json is damaged.*generator"):
        run(tmp_path)
    content["life"]["final"]["a"] = [13, 12]
    saved.write(tmp_path, "life", content, tensors)
    with pytest.raises(SolutionError, match="13 of 12 of a"):
        read_life(tmp_path)


def test_nothing_to_read_back(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no finished run"):
        read_life(tmp_path)
    out = tmp_path / "out"
    run(out)
    for path in out.glob("*.safetensors"):
        shutil.move(path, tmp_path)
    with pytest.raises(FileError):
        run(out)


# ---- what is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps is a positive whole number, found 0"),
        ({"batch": 2.5}, "batch is a positive whole number, found 2.5"),
        ({"evaluate_rows": 0}, "evaluate_rows is a positive"),
        ({"evaluate_at": [81]}, "step 81 is not in 0..80"),
        ({"steps": 120}, "at step 101 of 120 no task has any weight"),
    ],
)
def test_what_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NeuralcError, match=words):
        run(**changes)


def test_tasks_that_cannot_be() -> None:
    twice = [TASKS[0], TASKS[0]]
    with pytest.raises(NeuralcError, match="two tasks are named 'a'"):
        live(FakeLearner(twice), twice, Schedule({"a": [(0, 1.0), (99, 1.0)]}), **USUAL)
    none = [dataclasses.replace(TASKS[0], test=TASKS[0].test.take([]))]
    with pytest.raises(NeuralcError, match="'a' has no held-out examples"):
        live(FakeLearner(none), none, Schedule({"a": [(0, 1.0), (99, 1.0)]}), **USUAL)
    with pytest.raises(NeuralcError, match="the schedule names 'b'"):
        live(FakeLearner(TASKS[:1]), TASKS[:1], SCHEDULE, **USUAL)


# ---- verdicts


def life_of(**curves: list[float | None]) -> Life:
    """Return a life with an examination every ten steps."""
    count = max(map(len, curves.values()))
    history = [
        {"step": 10 * k + 10, "loss": {},
         "accuracy": {n: c[k] for n, c in curves.items() if c[k] is not None}}
        for k in range(count)
    ]  # fmt: skip
    final = {name: Final(1, 2) for name in curves}
    return Life("fake", 0, 10 * count, history, final, {}, {}, 1.0)


def test_rise() -> None:
    life = life_of(a=[0.5, 0.7, 0.8, 0.9], b=[None, 0.2, 0.6, 0.5])
    ends = Schedule({"a": [(0, 1.0), (20, 0.0)], "b": [(10, 1.0), (1000, 1.0)], "c": []})
    assert rise(life, "a", ends) == pytest.approx(0.2)  # its last step is 19: from 20 steps on
    later = Schedule({"a": [(0, 1.0), (20, 1.0)]})
    assert rise(life, "a", later) == pytest.approx(0.1)  # 20 steps do not include step 20
    assert rise(life, "b", ends) == 0.0
    with pytest.raises(NeuralcError, match="'c' was not met"):
        rise(life, "c", ends)


def test_drops() -> None:
    life = life_of(
        never=[0.2, 0.5, 0.9, 0.9], early=[0.4, 0.1, 0.9, 0.88], late=[0.9, 0.5, 0.7, 0.2],
        small=[0.1, 0.3, 0.2, 0.3], none=[0.0, 0.0, 0.0, 0.0],
    )  # fmt: skip
    assert drops(life) == {
        "never": 0.0, "early": pytest.approx(0.02), "late": pytest.approx(0.7),
        "small": pytest.approx(0.1), "none": 0.0,
    }  # fmt: skip
