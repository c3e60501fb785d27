"""`learn` with a library: what it takes, how fast it trains, and when it saves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from neuralc.errors import NeuralcError
from neuralc.ir.examples import bind
from neuralc.learning import learn
from neuralc.learning.library.library import Library
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from neuralc.learning.train import Trainer
from tests.learning.tasks import assert_same, image_data, line_data, lines, see
from tests.library.models import (
    FAST,
    convolutional,
    either,
    first_data,
    larger,
    larger_data,
    learn_sum,
    picture_data,
    state,
)


def test_the_next_task_begins_with_the_function(folder: Path) -> None:
    """One step at a rate of next to nothing: the weights are still those of the library."""
    library = Library(folder)
    before = library["SEE"].weights()
    solution = learn(larger, larger_data(), library=library, task="larger", settings=FAST,
                     steps=1, check_every=1, library_rate=1e-12)  # fmt: skip
    for name, value in before.items():
        torch.testing.assert_close(solution.weights[f"networks.SEE.{name}"], value)


def test_the_next_task_makes_a_new_version(folder: Path) -> None:
    library = Library(folder)
    solution = learn(larger, larger_data(), library=library, task="larger", settings=FAST,
                     accept=0.9, out=folder.parent / "out")  # fmt: skip
    assert solution.report.solved
    assert solution.report.library == f"task 'larger' is saved in {folder}: SEE version 2"
    assert Solution.load(folder.parent / "out").report == solution.report
    assert [v.task for v in library.history("SEE")] == ["sum", "larger"]
    for name, value in library["SEE"].weights().items():
        assert torch.equal(value, solution.weights[f"networks.SEE.{name}"])
    task = library.tasks["larger"]
    assert (task.functions, task.held_out, task.count) == ({"SEE": 2}, False, 40)
    assert task.right == solution.report.train_right
    assert [(s.task, s.functions["SEE"]) for s in library.check()] == [
        ("sum", (1, 2)), ("larger", (2, 2)),
    ]  # fmt: skip


def test_rates() -> None:
    """The first step of Adam is as long as the rate, whatever the gradient is."""
    module = either.compile(restarts=2, seed=0)
    before = {k: v.detach().clone() for k, v in module.named_parameters()}
    settings = Settings(restarts=2, rate=0.3, network_rate=0.01)
    assert settings.library_rate_used == pytest.approx(0.003)
    examples = bind(either.program, first_data())
    Trainer(module, examples, settings, frozenset({"SEE"})).step()
    moved = {k: float((v.detach() - before[k]).abs().max()) for k, v in module.named_parameters()}
    assert moved["networks.SEE.biases.1"] == pytest.approx(0.003, rel=0.01)
    assert moved["networks.OTHER.biases.1"] == pytest.approx(0.01, rel=0.01)
    for rate in (0.0, -1.0, float("nan"), "fast"):
        with pytest.raises(NeuralcError, match="library_rate"):
            Settings(library_rate=rate)  # type: ignore[arg-type]


def test_search_takes_the_functions_as_they_are(folder: Path) -> None:
    library = Library(folder)
    solution = learn(larger, larger_data(), library=library, task="larger", solver="search",
                     accept=0.9, timeout=20)  # fmt: skip
    assert solution.report.solved
    assert "SEE version 1 (unchanged)" in solution.report.library
    assert library["SEE"].version == 1
    assert library.tasks["larger"].functions == {"SEE": 1}


def test_auto_trains_them_by_turns(folder: Path) -> None:
    library = Library(folder)
    said: list[str] = []
    solution = learn(larger, larger_data(), library=library, task="larger", solver="auto",
                     settings=FAST, accept=0.9, tell=said.append)  # fmt: skip
    assert solution.report.solved
    assert library["SEE"].version == 2
    assert said[-1] == f"library: task 'larger' is saved in {folder}: SEE version 2"


def test_not_solved(folder: Path) -> None:
    before = state(folder)
    said: list[str] = []
    solution = learn(larger, {**larger_data(), "total": image_data(seed=9)["total"]}, task="noise",
                     library=folder, settings=FAST, steps=20, tell=said.append)  # fmt: skip
    assert not solution.report.solved
    assert solution.report.library == f"not solved: {folder} is unchanged"
    assert said == ["engine: torch", f"library: not solved: {folder} is unchanged"]
    assert state(folder) == before


def test_a_task_without_functions(tmp_path: Path) -> None:
    library = Library(tmp_path / "lib")
    solution = learn(lines, line_data(), library=library, solver="search", timeout=20)
    assert solution.report.solved
    (task,) = library.tasks.values()
    assert (task.functions, task.accuracy, dict(library.functions)) == ({}, 1, {})
    assert library.check()[0].now == 1


def test_a_function_that_the_program_leaves_alone(folder: Path) -> None:
    """OTHER learns nothing here: it must not stand in the library as if it had."""
    library = Library(folder)
    solution = learn(either, first_data(), library=library, task="first", settings=FAST, accept=0.9)
    assert solution.report.solved
    used = {0: "SEE", 1: "OTHER"}[int(solution.choices["which"])]
    assert list(library.tasks["first"].functions) == [used]
    assert ("OTHER" in library) == (used == "OTHER")
    unused = "OTHER" if used == "SEE" else "SEE"
    assert f"{unused} unchanged, the program does not use it" in solution.report.library
    assert library.check()[1].now == library.tasks["first"].accuracy


def test_another_body(tmp_path: Path) -> None:
    """The body that is asked for belongs to the signature, and to the task."""
    library, data = Library(tmp_path / "lib"), picture_data()
    given: dict[str, Any] = {"library": library, "settings": FAST, "accept": 0.9, "steps": 100}
    picture = convolutional(None)
    solution = learn(convolutional("cnn"), data, task="cnn", **given)
    assert solution.report.solved
    assert library["READ"].network.body == "cnn"
    assert library["READ"](data["image"]).shape == (40, 2)
    assert library.check()[0].change == 0
    with pytest.raises(NeuralcError, match="has another signature"):
        learn(picture, data, task="mlp", **given)


@pytest.mark.parametrize("stop_at", [20, 40])
def test_an_interrupted_task_goes_on(folder: Path, tmp_path: Path, stop_at: int) -> None:
    changes: dict[str, Any] = {"settings": FAST, "accept": 0.9, "task": "larger", "stop": "all"}
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    whole = learn(larger, larger_data(), library=other, **changes)

    def stop(done: int, total: int, remark: str) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    before, out = state(folder), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        learn(larger, larger_data(), library=folder, out=out, progress=stop, **changes)
    assert state(folder) == before
    again = learn(larger, larger_data(), library=folder, out=out, **changes)
    assert again.report.library.replace(str(folder), str(other)) == whole.report.library
    same = {"report": whole.report}
    again.__dict__.update(same)  # its words name another folder
    assert_same(again, whole)
    assert state(folder) == state(other)


# ---- names


def test_a_task_is_named_after_its_model(tmp_path: Path) -> None:
    library = Library(tmp_path / "lib")
    learn_sum(library, task=None)
    (name,) = library.tasks
    assert name == Path(see.source.name).stem


def test_replaced_on_request(folder: Path) -> None:
    library = Library(folder)
    learn_sum(library, replace_task=True, seed=1)
    assert list(library.tasks) == ["sum"]
    assert library.tasks["sum"].functions == {"SEE": 2}
    assert len(list((folder / "tensors").iterdir())) == 3  # two versions, one set of examples


def test_a_task_without_a_library() -> None:
    with pytest.raises(NeuralcError, match="a task is named without a library"):
        learn(see, image_data(), task="sum")
