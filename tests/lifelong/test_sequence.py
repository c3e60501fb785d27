"""Descriptions of lifetimes: what is read, and what is refused with file, task, key and hint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.data.expressions import find_operators
from neuralc.data.grids import NAMES
from neuralc.data.mnist import find_mnist
from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.learning.lifelong.sequence import Lifetime, read_lifetime
from tests.lifelong.fake_learner import SIZE, TEXT

EXAMPLES = Path(__file__).parents[2] / "examples" / "lifelong"
HEAD = "steps = 100\n"
TASK = """
[[task]]
name = "one"
model = "shift.py"
data = "one.npz"
test = "test.npz"
"""
READS = """
@Learn([Tensor(4)], 3, hid_sizes=[5])
def {name}(row): pass
row = InputTensor(4)
z = Output(3)
shift = Param(3)
@Runtime([3, 3], 3)
def ADD(a, b): return (a + b) % 3
z.set_to(ADD({name}(row), shift))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shift.py").write_text(TEXT)
    (tmp_path / "first.py").write_text(READS.format(name="net_0"))
    (tmp_path / "larger.py").write_text(READS.format(name="net_0").replace("[5]", "[6]"))
    second = READS.format(name="net_1").replace("(row), shift)", "(row), net_0(row))")
    learn = "@Learn([Tensor(4)], 3, hid_sizes=[5])\ndef net_0(row): pass\n"
    both = second.replace("row =", learn + "row =")
    (tmp_path / "both.py").write_text(both)
    x = np.arange(SIZE)
    np.savez(tmp_path / "one.npz", x=x, z=(x + 1) % SIZE)
    np.savez(tmp_path / "test.npz", x=x[:5], z=(x[:5] + 1) % SIZE)
    np.savez(tmp_path / "wrong.npz", x=x, z=x + 1)
    np.savez(tmp_path / "rows.npz", row=np.ones((9, 4)), z=np.zeros(9, int))
    rows = [{"x": int(k), "z": int((k + 2) % SIZE)} for k in x]
    batches = [{"batch_name": "train", "instances": rows},
               {"batch_name": "more", "instances": rows[:3]}]  # fmt: skip
    (tmp_path / "two.json").write_text(json.dumps(batches))
    (tmp_path / "plain.json").write_text(json.dumps(batches[:1]))
    return tmp_path


def read(folder: Path, text: str, **given: Any) -> Lifetime:
    path = folder / "life.toml"
    path.write_text(text, "utf-8")
    return read_lifetime(path, **given)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(NeuralcError) as caught:
        read(folder, text)
    message = str(caught.value)
    assert str(folder / "life.toml") in message
    return message


# ---- what is read


def test_defaults(folder: Path) -> None:
    life = read(folder, HEAD + TASK)
    assert (life.seed, life.steps, life.batch, life.learner) == (0, 100, 64, "programs")
    assert life.evaluate_at == list(range(5, 101, 5))
    assert life.library is None
    assert life.settings["restarts"] == 16
    (task,) = life.tasks
    assert task.name == "one"
    assert (task.train.count, task.test.count) == (SIZE, 5)
    assert life.schedule.shares(101)["one"].tolist() == [1.0] * 100 + [0.0]


def test_everything(folder: Path) -> None:
    text = """
seed = 3
steps = 90
batch = 8
evaluate_every = 40
evaluate_rows = 4
accept = 0.9
library = "shelf"

[settings]
restarts = 4
rate = 0.05
augment = false

[[task]]
name = "one"
model = "shift.py"
data = "one.npz"
held_out = 4
until = 30

[[task]]
name = "two"
model = "shift.py"
data = "two.json"
schedule = [[20, 0.0], [40, 1], [90, 1]]
"""
    life = read(folder, text)
    assert (life.seed, life.steps, life.batch, life.accept) == (3, 90, 8, 0.9)
    assert life.evaluate_at == [40, 80, 90]
    assert life.evaluate_rows == 4
    assert life.library == folder / "shelf"
    assert not (folder / "shelf").exists()
    assert (life.settings["restarts"], life.settings["rate"]) == (4, 0.05)
    one, two = life.tasks
    assert (one.train.count, one.test.count) == (SIZE - 4, 4)
    both = np.concatenate([one.train.inputs["x"], one.test.inputs["x"]])
    assert sorted(both.tolist()) == list(range(SIZE))
    assert (two.train.count, two.test.count) == (SIZE, 3)
    assert (life.schedule.first("one"), life.schedule.last("one")) == (0, 29)
    assert (life.schedule.first("two"), life.schedule.last("two")) == (21, 90)
    assert read(folder, text, seed=4).seed == 4
    assert not np.array_equal(
        read(folder, text, seed=4).tasks[0].test.inputs["x"], one.test.inputs["x"]
    )


def test_json_says_the_same(folder: Path) -> None:
    task = {"name": "one", "model": "shift.py", "data": "one.npz", "test": "test.npz"}
    path = folder / "life.json"
    path.write_text(json.dumps({"steps": 100, "task": [task]}))
    assert read_lifetime(path).tasks[0].test.count == 5


def test_hypers_from_a_file(folder: Path) -> None:
    (folder / "sized.py").write_text("n = Hyper()\n" + TEXT.replace(str(SIZE), "n"))
    (folder / "sizes.json").write_text('{"small": {"n": 12}, "large": {"n": 20}}')
    rows = [{"x": k, "z": k} for k in range(12)]
    batch = {"batch_name": "train", "hypers": "small", "instances": rows}
    (folder / "small.json").write_text(json.dumps([batch]))
    own = TASK.replace("shift", "sized").replace("one.npz", "small.json")
    life = read(folder, HEAD + own + 'hypers = "sizes.json"')
    assert life.tasks[0].model.hypers == {"n": 12}
    mixed = [batch, {**batch, "batch_name": "more", "hypers": "large"}]
    (folder / "small.json").write_text(json.dumps(mixed))
    message = refused(folder, HEAD + own + 'hypers = "sizes.json"')
    assert "batch 'more' is for other hyper-parameters" in message


def test_what_suits_a_body(folder: Path) -> None:
    text = HEAD + '[[task]]\nname = "a"\ndata = "ADD2X2:top"\nimages = "digits"\ngrids = 9\n'
    plain = read(folder, text + "held_out = 9")
    other = read(folder, 'net = "cnn"\n' + text + "held_out = 9")
    assert (plain.settings["augment"], plain.settings["input_noise"]) == (False, 0.4)
    assert (other.settings["augment"], other.settings["input_noise"]) == (True, 0.0)
    assert [n.body for n in other.tasks[0].model.program.networks] == ["cnn"]
    own = read(folder, 'net = "cnn"\nsettings = {input_noise = 0.1}\n' + text + "held_out = 9")
    assert (own.settings["augment"], own.settings["input_noise"]) == (True, 0.1)


def test_small_grids(folder: Path) -> None:
    text = """
steps = 100

[[task]]
name = "top"
data = "ADD2X2:top"
images = "digits"
grids = 30
held_out = 20
"""
    (task,) = read(folder, text).tasks
    assert task.model.hypers == {"image_size": 8, "num_lines": 4}
    assert task.train.inputs["images"].shape == (30, 4, 8, 8)
    assert task.test.count == 20
    other = 'learner = "indep"' + text.replace("ADD2X2:top", "APPLY2X2:top")
    assert "task 'top': images: APPLY2X2 has no operators of the size" in refused(folder, other)
    few = text.replace("grids = 30", "grids = 3000000000000")
    assert "distinct grids" in refused(folder, few)


@pytest.mark.skipif(find_mnist() is None or find_operators() is None, reason="no images")
def test_grids_of_operators(folder: Path) -> None:
    text = HEAD
    for name, first in (("ADD2X2:left", 0), ("APPLY2X2:left", 10)):
        text += f'[[task]]\nname = "{name}"\ndata = "{name}"\ngrids = 12\nheld_out = 10\n'
        text += f"from = {first}\n"
    life = read(folder, text + "[task.hypers]\nimage_size = 28\nnum_lines = 3\n")
    assert [task.model.hypers["num_lines"] for task in life.tasks] == [4, 3]
    assert set(life.tasks[1].train.inputs) == {"images", "d1", "d2", "d3"}


@pytest.mark.skipif(find_mnist() is None or find_operators() is None, reason="no images")
def test_the_lifetime_of_the_paper(folder: Path) -> None:
    text = (EXAMPLES / "ntpt.toml").read_text("utf-8")
    life = read(folder, text.replace("schedule =", "grids = 20\nheld_out = 20\nschedule ="))
    assert [task.name for task in life.tasks] == [NAMES[k] for k in (0, 4, 1, 5, 2, 6, 3, 7)]
    shares = np.stack(list(life.schedule.shares(life.steps).values()))
    assert shares.argmax(0)[500::1000].tolist() == list(range(8))  # ADD2X2 and APPLY2X2 by turns
    assert np.all((shares > 0).sum(0) <= 2)
    assert shares.sum(1) == pytest.approx([1000] * 8, abs=2)


# ---- what is refused


def swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def add(line: str) -> Callable[[str], str]:
    return lambda text: text + line


def put(line: str) -> Callable[[str], str]:
    return lambda text: line + "\n" + text


MISTAKES: list[tuple[Callable[[str], str], str, str]] = [
    (put("stepz = 3"), "there is no key 'stepz'", "did you mean 'steps'?"),
    (swap("steps = 100", ""), "'steps' is missing", "such as steps = 8000"),
    (swap("100", "0"), "steps: found 0, wanted a whole number from 1", ""),
    (swap("100", '"many"'), "steps: found 'many', wanted a whole number", ""),
    (swap("100", "true"), "steps: found True, wanted a whole number", ""),
    (put("seed = -1"), "seed: found -1, wanted a whole number from 0", ""),
    (put("accept = 1.5"), "accept: found 1.5, wanted a number above 0 and at most 1", ""),
    (put("accept = nan"), "accept: found nan, wanted a number", ""),
    (put('learner = "program"'), "learner: found 'program'", "did you mean 'programs'?"),
    (put('net = "cn"'), "net: found 'cn'", "did you mean 'cnn'?"),
    (put('learner = "pnn"\nnet = "cnn"'), "net: the learner 'pnn' does not use", "leave it out"),
    (put('learner = "indep"\nlibrary = "x"'), "library: the learner 'indep'", "leave it out"),
    (put("settings = 3"), "settings: wanted a table of keys, found 3", ""),
    (put("settings = {rat = 1}"), "settings: there is no key 'rat'", "did you mean 'rate'?"),
    (put("settings = {rate = -1}"), "settings: rate must be positive, found -1", ""),
    (put('learner = "pnn"\nsettings = {rate = 0}'), "settings: rate: found 0", ""),
    (put('learner = "pnn"\nsettings = {dropout = 1}'), "dropout: found 1, wanted", ""),
    (put('learner = "pnn"\nsettings = {restarts = 1}'), "no key 'restarts'", "the keys are"),
    (swap("[[task]]", "[task]"), "task: found {'name': 'one'", "write [[task]] for each"),
    (lambda text: HEAD, "'task' is missing", "write [[task]]"),
    (swap('name = "one"', ""), "task number 0: 'name' is missing", 'such as name = "ADD2X2:top"'),
    (swap('"one"', "1"), "task number 0: name: found 1, wanted a text", ""),
    (swap('"one"', '"a\\nb"'), "name: a task's name is a printable text", ""),
    (add(TASK), "task 'one': name: there is another task of this name", "rename"),
    (add("\nimage = 3"), "task 'one': there is no key 'image'", "did you mean 'images'?"),
    (swap('data = "one.npz"', ""), "task 'one': 'data' is missing", "such as data ="),
    (swap('"one.npz"', '"none.npz"'), "task 'one': data: there is no file", "none.npz"),
    (swap('"one.npz"', '"none.json"'), "task 'one': data: there is no file", "in this folder"),
    (swap('"one.npz"', '"one.csv"'), "data: found 'one.csv', wanted a file .json or .npz", ""),
    (swap('"one.npz"', '"ADD2X2:tpo"'), "data: found 'ADD2X2:tpo'", "did you mean 'ADD2X2:top'?"),
    (swap('"one.npz"', '"ADD2X2:top"'), "test: is for data from files", "held_out"),
    (swap('"one.npz"', '"shift.npz"'), "data: there is no file", "shift.npz"),
    (swap('"one.npz"', '"wrong.npz"'), "task 'one': data: batch 'data': instance 11: z", "12"),
    (swap('"test.npz"', '"wrong.npz"'), "task 'one': test: batch 'data': instance 11", ""),
    (swap('"test.npz"', '"rows.npz"'), "task 'one': test: batch 'data': 'row' is no input", ""),
    (swap('"test.npz"', '"test"'), "test: found 'test', wanted a file .json or .npz", ""),
    (swap('test = "test.npz"', ""), "no held-out examples", "how many examples as held_out"),
    (swap('test = "test.npz"', "held_out = 12"), "held_out: found 12, but there are 12", "leave"),
    (add("\nheld_out = 3"), "'test' and 'held_out' cannot both be given", "leave one out"),
    (swap('"one.npz"', '"two.json"'), "test: the data have held-out examples already", "leave"),
    (add("\ngrids = 3"), "grids: is for built-in data only", "leave it out"),
    (swap('model = "shift.py"', ""), "'model' is missing", "a machine such as"),
    (swap("shift.py", "grid2x2_ad"), "neither a machine nor a file 'grid2x2_ad'",
     "did you mean 'grid2x2_add'?"),
    (add("\nhypers = {n = 3}"), "task 'one': model: ", "n"),
    (add('\nhypers = "none.json"'), "task 'one': hypers: there is no file", ""),
    (add("\nhypers = 3"), "hypers: found 3, wanted a table or a file", "such as hypers ="),
    (add("\nfrom = 50\nuntil = 50"), "until: found 50, wanted a step after 50", ""),
    (add("\nfrom = 100\nuntil = 200"), "it begins at step 100, and there are 100", "schedule ="),
    (add("\nschedule = [[0, 0], [9, 0]]"), "never seen: it has no weight at any step", ""),
    (add("\nschedule = [[0, 1], [9, 1]]\nfrom = 0"), "'from' and 'schedule' cannot both", "leave"),
    (add("\nschedule = [[0, 1], [9, -1]]"), "'one': schedule: point 1: found the weight -1", ""),
    (add("\nschedule = [[9, 1], [0, 1]]"), "point 1: step 0 comes after step 9", "steps ascend"),
    (add("\nschedule = []"), "never seen", ""),
    (add("\nschedule = [[0, 1], [50, 0]]"), "at step 50 of 100 no task has any weight", "overlap"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words", "hint"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_mistakes(folder: Path, change: Callable[[str], str], words: str, hint: str) -> None:
    text = change(HEAD + TASK)
    assert text != HEAD + TASK
    message = refused(folder, text)
    assert words in message
    assert hint in message.partition(words)[2]


def networks(*models: str, **more: str) -> str:
    return HEAD + "".join(
        f'[[task]]\nname = "{name}"\nmodel = "{name}.py"\ndata = "rows.npz"\nheld_out = 2\n'
        + more.get(name, "")
        for name in models
    )


def test_networks_that_differ(folder: Path) -> None:
    message = refused(folder, networks("first", "larger"))
    assert "task 'larger': model: its network net_0 is not that of the task 'first'" in message
    assert "hidden sizes [6]" in message
    assert "hidden sizes [5]" in message


def test_two_new_networks(folder: Path) -> None:
    read(folder, networks("first", "both", both="from = 10"))
    read(folder, networks("both", "first", both="from = 10\n"))  # the schedule is what counts
    message = refused(folder, networks("both", "first", first="from = 10\n"))
    assert "task 'both': model: net_1 and net_0 are both new" in message
    assert "Gaunt et al. 2017" in message
    read(folder, 'learner = "indep"\n' + networks("both"))  # which has networks of its own


def test_another_body(folder: Path) -> None:
    message = refused(folder, 'net = "cnn"\n' + networks("first"))
    assert "task 'first': model: net: net_0([Tensor(4)]) cannot be convolutional" in message


@pytest.mark.parametrize("name", ["life.toml", "life.json", "life.yaml", "none.toml"])
def test_files_that_cannot_be_read(folder: Path, name: str) -> None:
    if not name.startswith("none"):
        (folder / name).write_text("steps == 3\n{")
    with pytest.raises(FileError, match=name.replace(".", r"\.")) as caught:
        read_lifetime(folder / name)
    assert name.endswith("yaml") or name.startswith("none") or "line 1" in str(caught.value)


def test_a_library_that_is_none(folder: Path) -> None:
    with pytest.raises((FileError, SolutionError), match="shift"):
        read(folder, 'library = "shift.py"\n' + HEAD + TASK)
