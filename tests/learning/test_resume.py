"""A run that was interrupted ends as it would have; nothing saved is lost on the way."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuralc.errors import FileError, SolutionError
from neuralc.learning import gradient, learn
from neuralc.learning.interrupts import held_back
from neuralc.learning.score import Judge
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from neuralc.learning.train import Trainer
from tests.learning.tasks import assert_same, contradictory_data, image_data, line_data, lines, see

VARIANTS: dict[str, tuple[Any, Any, Settings]] = {
    "plain": (lines, line_data(), Settings(restarts=8, steps=100, rate=0.02)),
    "every step": (
        lines, line_data(), Settings(restarts=8, steps=60, check_every=1, rate=0.02),
    ),
    "adam, noise, entropy, minibatches": (
        lines, line_data(),
        Settings(restarts=8, steps=60, optimizer="adam", noise=0.1, entropy=0.2, batch=5,
                 rate=0.02),
    ),
    "replaced": (
        lines, contradictory_data(),
        Settings(restarts=8, steps=120, replace="fresh", patience=40, rate=1.0),
    ),
    "perturbed": (
        lines, contradictory_data(),
        Settings(restarts=8, steps=120, replace="perturb", patience=40, rate=1.0),
    ),
    "networks, minibatches": (
        see, image_data(), Settings(restarts=3, steps=60, batch=7, network_rate=0.02),
    ),
    "networks, polished, replaced": (
        see, image_data(),
        Settings(restarts=3, steps=60, polish=20, batch=9, replace="fresh", patience=20, rate=1.0),
    ),
}  # fmt: skip


class Stop:
    """Ctrl-C when so many steps are done, once for each of them."""

    def __init__(self, *steps: int) -> None:
        self.steps = list(steps)

    def __call__(self, done: int, total: int, remark: str) -> None:
        if self.steps and done >= self.steps[0] and not remark.startswith("polish"):
            self.steps.pop(0)
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def whole() -> dict[str, Solution]:
    """Return what every variant gives when nobody interrupts it."""
    return {name: learn(model, data, settings=how) for name, (model, data, how) in VARIANTS.items()}


@pytest.mark.parametrize("steps", [(10,), (30, 31, 50), (1, 20)], ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_as_without_interruption(
    name: str, steps: tuple[int, ...], whole: dict[str, Solution], tmp_path: Path
) -> None:
    model, data, how = VARIANTS[name]
    stop = Stop(*steps)
    times = 0
    while True:
        try:
            found = learn(model, data, settings=how, out=tmp_path, progress=stop)
            break
        except KeyboardInterrupt:
            times += 1
            assert (tmp_path / "checkpoint.json").is_file()
            assert not (tmp_path / "solution.json").exists()
    assert times > 0
    assert_same(found, whole[name])
    assert not list(tmp_path.glob("checkpoint*")), "the run has ended"
    assert_same(Solution.load(tmp_path), whole[name], history=False)


def interrupted(name: str, out: Path, at: int = 30) -> None:
    """Leave a checkpoint behind."""
    model, data, how = VARIANTS[name]
    with pytest.raises(KeyboardInterrupt):
        learn(model, data, settings=how, out=out, progress=Stop(at))


@pytest.mark.parametrize("name", ["adam, noise, entropy, minibatches", "networks, minibatches"])
def test_a_real_signal_in_the_middle_of_a_step(
    name: str, whole: dict[str, Solution], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data, how = VARIANTS[name]
    clip, count = Trainer.clip, iter(range(1000))

    def struck(self: Trainer) -> None:
        if next(count) == 17:
            signal.raise_signal(signal.SIGINT)
        clip(self)

    monkeypatch.setattr(Trainer, "clip", struck)
    with pytest.raises(KeyboardInterrupt):
        learn(model, data, settings=how, out=tmp_path)
    assert json.loads((tmp_path / "checkpoint.json").read_text())["trainer"]["step"] == 18
    assert_same(learn(model, data, settings=how, out=tmp_path), whole[name])


def test_interrupted_while_the_restarts_are_judged(
    whole: dict[str, Solution], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data, how = VARIANTS["replaced"]
    right, count = Judge.right, iter(range(1000))

    def struck(self: Judge, *args: Any) -> Any:
        if next(count) == 3:
            raise KeyboardInterrupt
        return right(self, *args)

    monkeypatch.setattr(Judge, "right", struck)
    with pytest.raises(KeyboardInterrupt):
        learn(model, data, settings=how, out=tmp_path)
    assert_same(learn(model, data, settings=how, out=tmp_path), whole["replaced"])


def test_interrupted_while_the_networks_are_polished(
    whole: dict[str, Solution], tmp_path: Path
) -> None:
    name = "networks, polished, replaced"
    model, data, how = VARIANTS[name]

    def progress(done: int, total: int, remark: str) -> None:
        if remark.startswith("polish"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(model, data, settings=how, out=tmp_path, progress=progress)
    assert_same(learn(model, data, settings=how, out=tmp_path), whole[name])


def test_checkpoints_are_kept_while_learning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: dict[str, Solution]
) -> None:
    """A crash leaves the last one; here every check leaves one."""
    model, data, how = VARIANTS["adam, noise, entropy, minibatches"]
    monkeypatch.setattr(gradient, "SAVE_EVERY", -1.0)

    def crash(done: int, total: int, remark: str) -> None:
        if done == 40:
            raise RuntimeError("a crash")

    with pytest.raises(RuntimeError, match="a crash"):
        learn(model, data, settings=how, out=tmp_path, progress=crash)
    assert json.loads((tmp_path / "checkpoint.json").read_text())["trainer"]["step"] == 30
    assert_same(learn(model, data, settings=how, out=tmp_path),
                whole["adam, noise, entropy, minibatches"])  # fmt: skip


def test_without_a_folder_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        learn(lines, line_data(), settings=VARIANTS["plain"][2], progress=Stop(10))
    assert list(tmp_path.iterdir()) == []


# ---- checkpoints of other runs, and damaged ones

OTHERS: dict[str, dict[str, Any]] = {
    "seed": {"seed": 1},
    "restarts": {"restarts": 9},
    "precision": {"precision": "log"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_checkpoint_of_another_run_is_ignored(name: str, tmp_path: Path) -> None:
    model, data, how = VARIANTS["plain"]
    saved = learn(model, data, settings=how, out=tmp_path)
    interrupted("replaced", tmp_path)
    assert_same(Solution.load(tmp_path), saved, history=False)
    found = learn(model, data, settings=how, out=tmp_path, **OTHERS[name])
    assert_same(found, learn(model, data, settings=how, **OTHERS[name]))
    assert_same(Solution.load(tmp_path), found, history=False)


def test_a_checkpoint_with_other_data_or_another_model_is_ignored(tmp_path: Path) -> None:
    model, _, how = VARIANTS["replaced"]
    interrupted("replaced", tmp_path)
    other = line_data()
    assert_same(learn(model, other, settings=how, out=tmp_path), learn(model, other, settings=how))
    interrupted("replaced", tmp_path)
    model, data, how = VARIANTS["networks, minibatches"]
    assert_same(learn(model, data, settings=how, out=tmp_path), learn(model, data, settings=how))


def test_an_interrupted_run_keeps_the_solution_that_was_there(tmp_path: Path) -> None:
    model, data, how = VARIANTS["plain"]
    saved = learn(model, data, settings=how, out=tmp_path)
    interrupted("replaced", tmp_path)
    assert_same(Solution.load(tmp_path), saved, history=False)


def test_a_damaged_checkpoint_is_said_to_be(tmp_path: Path) -> None:
    model, data, how = VARIANTS["plain"]
    saved = learn(model, data, settings=how, out=tmp_path)
    interrupted("replaced", tmp_path)
    file = tmp_path / "checkpoint.json"
    file.write_text(file.read_text()[:-40])
    model, data, how = VARIANTS["replaced"]
    with pytest.raises(SolutionError, match=r"checkpoint\.json is damaged"):
        learn(model, data, settings=how, out=tmp_path)
    assert file.exists()
    assert_same(Solution.load(tmp_path), saved, history=False)
    file.unlink()
    learn(model, data, settings=how, out=tmp_path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    interrupted("plain", folder, at=10)
    return folder


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_checkpoint_with_random_bytes(
    checkpoint: Path, whole: dict[str, Solution], tmp_path: Path, data: st.DataObject
) -> None:
    """Whatever is overwritten, cut off or put in: an error, or the same result."""
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(checkpoint, folder)
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 20))
    content[at : at + length] = data.draw(st.binary(max_size=10))
    file.write_bytes(bytes(content))
    model, examples, how = VARIANTS["plain"]
    try:
        found = learn(model, examples, settings=how, out=folder)
    except (SolutionError, FileError) as error:
        assert "checkpoint" in str(error)  # noqa: PT017  (there may be no error at all)
    else:
        assert_same(found, whole["plain"])


# ---- holding Ctrl-C back


def test_ctrl_c_waits_for_the_end_of_a_block() -> None:
    seen: list[str] = []

    def block() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            seen.append("still here")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert seen == ["still here"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_comes_first() -> None:
    def block() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        block()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_elsewhere_than_in_the_main_thread_learning_works_too() -> None:
    found: list[Solution] = []
    model, data, how = VARIANTS["plain"]
    thread = threading.Thread(target=lambda: found.append(learn(model, data, settings=how)))
    thread.start()
    thread.join()
    assert found[0].report.train_exact
