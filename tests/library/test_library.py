"""A library in a folder: what it holds, what it gives, and how it changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import neuralc as nc
from neuralc.backends.soft.networks import build_network
from neuralc.errors import DataError, FileError, NeuralcError
from neuralc.ir.examples import bind
from neuralc.ir.nodes import Int, Network, Real
from neuralc.learning import learn
from neuralc.learning.library.functions import Weights
from neuralc.learning.library.library import Library
from neuralc.learning.library.tasks import Lesson
from tests.learning.tasks import image_data, see
from tests.library.models import FAST, WIDER, first_data, larger, larger_data, state

SEE = see.program.network["SEE"]


def random_weights(network: Network = SEE, seed: int = 0) -> Weights:
    torch.manual_seed(seed)
    return dict(build_network(network, 1).named_parameters())


def test_nothing_is_written_before_something_is_saved(tmp_path: Path) -> None:
    library = nc.Library(tmp_path / "new" / "digits")
    assert not library.functions
    assert not library.tasks
    assert library.networks(see) == {}
    assert library.check() == []
    with pytest.raises(NeuralcError, match="there is no function 'SEE'"):
        library["SEE"]
    with pytest.raises(NeuralcError, match="there is no function 'SEE'"):
        library.remove("SEE")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileError, match="there is no library"):
        nc.Library.open(tmp_path / "new")


def test_what_a_task_leaves(folder: Path) -> None:
    library = Library(folder)
    assert list(library) == list(library.functions) == ["SEE"]
    assert "SEE" in library
    assert len(library) == 1
    function = library["SEE"]
    assert str(function) == "SEE([Tensor(3)]) -> 3, mlp, hidden sizes [8]"
    assert [(v.number, v.task) for v in library.history("SEE")] == [(1, "sum")]
    task = library.tasks["sum"]
    assert (task.functions, task.count, task.held_out) == ({"SEE": 1}, 30, True)
    assert task.accuracy > 0.8
    assert task.program == see.show({"pick": np.array(task.choices["pick"])})


def test_the_function_reads_images(folder: Path) -> None:
    """Nobody told it which class is which, but sums fix the classes up to 0 1 2 -> 0 1 2 here."""
    function = Library(folder)["SEE"]
    images = np.eye(3, dtype=np.float32) * 2
    chances = function(images)
    assert chances.shape == (3, 3)
    np.testing.assert_allclose(chances.sum(1), 1, rtol=1e-5)
    assert len(set(chances.argmax(1).tolist())) == 3


def test_weights_of_every_version(folder: Path) -> None:
    library = Library(folder)
    first = library["SEE"].weights()
    second = random_weights()
    assert library.add("SEE", (SEE, second)).version == 2
    found = Library(folder)["SEE"]
    for name, value in second.items():
        assert torch.equal(found.weights()[name], value)
        assert torch.equal(found.weights(1)[name], first[name])
    assert torch.equal(found.module(2).state_dict()["weights.0"], second["weights.0"])
    with pytest.raises(NeuralcError, match=r"no version 3\n  hint: there are 1..2"):
        found.weights(3)


def test_the_same_weights_are_no_new_version(folder: Path) -> None:
    library = Library(folder)
    assert library.add("SEE", (SEE, library["SEE"].weights())).version == 1


def test_a_function_of_another_library(folder: Path, tmp_path: Path) -> None:
    function = Library(folder)["SEE"]
    taken = Library(tmp_path / "lib").add("LOOK", function)
    assert str(taken) == str(function).replace("SEE", "LOOK")
    for name, value in function.weights().items():
        assert torch.equal(taken.weights()[name], value)


def test_a_function_of_a_solution(tmp_path: Path) -> None:
    solution = learn(see, image_data(), settings=FAST, accept=0.9)
    library = Library(tmp_path / "lib")
    library.add("SEE", solution)
    taken = library.networks(larger)
    assert taken.keys() == solution.weights.keys() - {"logits"}
    for name, value in taken.items():
        assert torch.equal(value, solution.weights[name])
    assert library.history("SEE")[0].task == ""
    with pytest.raises(NeuralcError, match="no function 'LOOK'\n  hint: its functions are SEE"):
        library.add("LOOK", solution)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: {**w, "weights.0": torch.zeros(2, 3, 8)}, r"weights.0 is of shape \(2, 3, 8\)"),
        (lambda w: {k: v for k, v in w.items() if k != "biases.0"}, "biases.0 is of shape none"),
        (lambda w: {**w, "more": torch.zeros(1)}, "needed is none"),
        (lambda w: {**w, "biases.0": w["biases.0"] * torch.nan}, "not finite: biases.0"),
    ],
)
def test_weights_that_do_not_fit(folder: Path, change: object, message: str) -> None:
    before = state(folder)
    assert callable(change)
    with pytest.raises(NeuralcError, match=message):
        Library(folder).add("SEE", (SEE, change(random_weights())))
    assert state(folder) == before


def test_arguments_of_a_function(folder: Path) -> None:
    function = Library(folder)["SEE"]
    with pytest.raises(DataError, match=r"found shape \(1, 4\), wanted .* \(examples, 3\)"):
        function(np.zeros((1, 4)))
    with pytest.raises(DataError, match="found <U1"):
        function(np.array([["a", "b", "c"]]))
    with pytest.raises(DataError, match="found 2 arguments"):
        function(np.zeros((1, 3)), 1)


def test_a_function_of_numbers_and_images(tmp_path: Path) -> None:
    network = Network("MIX", (Real((2, 2)), Int(3)), Real((2,)), (4,))
    library = Library(tmp_path / "lib")
    function = library.add("MIX", (network, random_weights(network)))
    assert function.network == network
    assert function(np.ones((5, 2, 2)), np.arange(5) % 3).shape == (5, 2)
    with pytest.raises(DataError, match=r"found 0\.\.3, wanted integers 0\.\.2"):
        function(np.ones((4, 2, 2)), np.arange(4))
    with pytest.raises(DataError, match=r"found \[4, 2\] examples"):
        function(np.ones((4, 2, 2)), np.arange(2))


def test_export(folder: Path, tmp_path: Path) -> None:
    library = Library(folder)
    file = tmp_path / "out" / "see.safetensors"
    library.export("SEE", file)
    with safe_open(file, "pt") as found:
        assert found.metadata()["name"] == "SEE"
        assert '"output": 3' in found.metadata()["signature"]
        for name, value in library["SEE"].weights().items():
            assert torch.equal(found.get_tensor(name), value)
    with pytest.raises(NeuralcError, match=r"name a file \.safetensors"):
        library.export("SEE", tmp_path / "see.pt")


def test_remove(folder: Path) -> None:
    library = Library(folder)
    library.add("TOO", (Network("TOO", (Real((3,)),), Int(2)), random_weights_of_two()))
    before = state(folder)
    with pytest.raises(NeuralcError, match="SEE is used by 1 task: sum"):
        library.remove("SEE")
    assert state(folder) == before
    assert library.remove("TOO") == []
    assert library.remove("SEE", force=True) == ["sum"]
    assert not library.functions
    assert not library.tasks
    assert not list((folder / "tensors").iterdir())


def random_weights_of_two() -> Weights:
    return random_weights(Network("TOO", (Real((3,)),), Int(2)))


def test_remove_a_task(folder: Path) -> None:
    library = Library(folder)
    with pytest.raises(NeuralcError, match=r"no task 'product'.*\n  hint: the tasks are sum"):
        library.remove_task("product")
    library.remove_task("sum")
    assert not library.tasks
    assert library.remove("SEE") == []


# ---- many at once


def lesson(name: str, model: object, pick: list[int], data: object, **more: bool) -> Lesson:
    assert isinstance(model, nc.Model)
    examples = bind(model.program, data)  # type: ignore[arg-type]
    return Lesson(name, model, {"pick": np.array(pick)}, examples, **more)


def test_functions_and_tasks_in_one_step(folder: Path, tmp_path: Path) -> None:
    weights = Library(folder)["SEE"].weights()
    library = Library(tmp_path / "lib", examples=10)
    tasks = [
        lesson("sum", see, [0, 1], image_data(60, 3)),
        lesson("larger", larger, [1, 2], larger_data(60, 4), held_out=False),
    ]
    assert library.save_tasks({"SEE": (SEE, weights)}, tasks) == {"SEE": 1}
    assert [v.task for v in library.history("SEE")] == ["sum, larger"]
    assert [(t.count, t.held_out) for t in library.tasks.values()] == [(10, True), (10, False)]
    assert [score.change for score in library.check()] == [0, 0]


def test_a_bad_one_among_many(folder: Path) -> None:
    library = Library(folder)
    before = state(folder)
    good = lesson("larger", larger, [1, 2], larger_data())
    given = {"SEE": (SEE, random_weights())}
    with pytest.raises(NeuralcError, match="two tasks are named 'larger'"):
        library.save_tasks(given, [good, good])
    with pytest.raises(NeuralcError, match=r"task 'sum' is in .* already"):
        library.save_tasks(given, [good, lesson("sum", see, [0, 1], image_data())])
    with pytest.raises(NeuralcError, match="has another signature"):
        library.save_tasks(given, [good, lesson("wide", WIDER, [1, 2], larger_data())])
    with pytest.raises(NeuralcError, match="has no examples"):
        library.save_tasks(given, [good, lesson("none", larger, [1, 2], larger_data(0))])
    with pytest.raises(NeuralcError, match="a task's name is"):
        library.save_tasks(given, [good, lesson("a\nb", larger, [1, 2], larger_data())])
    assert state(folder) == before


def test_a_task_whose_function_is_nowhere(tmp_path: Path) -> None:
    library = Library(tmp_path / "lib")
    with pytest.raises(NeuralcError, match="uses SEE, which is neither in the library nor given"):
        library.save_tasks({}, [lesson("sum", see, [0, 1], image_data())])
    assert not list(tmp_path.iterdir())


# ---- re-scored


def test_a_task_becomes_worse(folder: Path) -> None:
    library = Library(folder)
    before = library.tasks["sum"]
    assert [score.change for score in library.check()] == [0]
    zeros = {name: torch.zeros_like(v) for name, v in random_weights().items()}
    library.add("SEE", (SEE, zeros))
    (score,) = library.check()
    assert score.learned == before.accuracy
    assert score.functions == {"SEE": (1, 2)}
    classes = image_data(30, 1)["total"]
    assert score.now == np.mean(classes == 0)  # it sees nothing but class 0
    assert score.change == pytest.approx(score.now - score.learned)
    library.save_tasks({"SEE": (SEE, library["SEE"].weights(1))}, [])
    assert [score.change for score in library.check()] == [0]


def test_first_data_is_what_it_says() -> None:
    data = first_data()
    assert (data["images"].argmax(-1)[:, 0] == data["total"]).mean() > 0.95
