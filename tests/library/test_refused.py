"""What cannot be is refused with a clear message, and the library stays as it was."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from neuralc import saved
from neuralc.errors import DataError, FileError, NeuralcError, SolutionError
from neuralc.learning import learn
from neuralc.learning.library.library import Library
from tests.learning.tasks import image_data, see
from tests.library.models import (
    BIGGER,
    FAST,
    WIDER,
    either,
    first_data,
    larger,
    larger_data,
    learn_sum,
    state,
)

Fault = Callable[[Path], Any]


def bad(**columns: Any) -> dict[str, Any]:
    return {**larger_data(), **columns}


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (larger, bad(images=larger_data()["images"][:, :2]), r"found shape \(2, 3\)"),
        (larger, bad(images=larger_data()["images"][..., :2]), r"found shape \(3, 2\)"),
        (larger, bad(images=[["a"] * 3] * 40), "images: found"),
        (larger, bad(total=larger_data()["total"] + 1), r"found 3, wanted 0\.\.2"),
        (larger, bad(total=larger_data()["total"] / 2), "wanted an integer"),
        (larger, bad(total=larger_data()["total"][:9]), "numbers of examples differ"),
        (BIGGER, bad(), r"found shape \(3, 3\), wanted \(3, 4\)"),
    ],
)
def test_data(folder: Path, model: Any, data: Any, message: str) -> None:
    before = state(folder)
    with pytest.raises(DataError, match=message):
        learn(model, data, library=folder, task="larger", settings=FAST)
    assert state(folder) == before


def test_another_signature(folder: Path) -> None:
    before = state(folder)
    with pytest.raises(NeuralcError) as found:
        learn(WIDER, larger_data(), library=folder, task="larger", settings=FAST)
    message = str(found.value)
    assert "SEE([Tensor(3)]) -> 3, mlp, hidden sizes [8]" in message
    assert "SEE([Tensor(3)]) -> 3, mlp, hidden sizes [16]" in message
    assert state(folder) == before


def test_two_tasks_of_one_name(folder: Path) -> None:
    before = state(folder)
    with pytest.raises(NeuralcError, match=r"task 'sum' is in .* already\n  hint: .*--task"):
        learn_sum(folder)
    assert state(folder) == before


def test_two_new_functions(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match=r"SEE and OTHER are not in .* symmetry.*Gaunt") as found:
        learn(either, first_data(), library=tmp_path / "lib", settings=FAST)
    assert "learn a simpler task first" in str(found.value)
    assert not list(tmp_path.iterdir())
    other = {k: v for k, v in either.compile(seed=0).named_parameters() if "OTHER" in k}
    solution = learn(either, first_data(), library=tmp_path / "lib", settings=FAST, accept=0.9,
                     networks=other)  # fmt: skip
    assert solution.report.solved  # one of them was given


def test_a_function_given_twice(folder: Path) -> None:
    networks = Library(folder).networks(larger)
    with pytest.raises(NeuralcError, match=r"SEE is in the library .*, and in networks, too"):
        learn(larger, larger_data(), library=folder, networks=networks, settings=FAST)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, 7])
def test_a_name_that_cannot_be(folder: Path, name: Any) -> None:
    before = state(folder)
    with pytest.raises(NeuralcError, match="a task's name is"):
        learn(larger, larger_data(), library=folder, task=name, settings=FAST)
    assert state(folder) == before


# ---- folders


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "library"):
        with pytest.raises(FileError, match=r"is a file|cannot be written"):
            learn_sum(place)
    assert (tmp_path / "file").read_text() == "mine"


def test_the_library_is_no_place_for_the_solution(folder: Path) -> None:
    before = state(folder)
    with pytest.raises(NeuralcError, match="is the library, and cannot be"):
        learn(larger, larger_data(), library=folder, out=folder, task="larger", settings=FAST)
    assert state(folder) == before


def test_search_with_a_function_that_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="1 networks are called, but 0 are known"):
        learn(larger, larger_data(), library=tmp_path / "lib", solver="search", timeout=10)
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_solution(tmp_path: Path) -> None:
    learn(see, image_data(), settings=FAST, steps=1, out=tmp_path / "out")
    before = state(tmp_path)
    with pytest.raises(SolutionError, match=r"holds solution\.json, it is no library"):
        Library(tmp_path / "out")
    assert state(tmp_path) == before


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with pytest.raises(FileError, match="cannot be written"):
            learn(larger, larger_data(), library=folder, task="larger", settings=FAST)
    finally:
        folder.chmod(0o700)


def test_refused_before_learning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may write anywhere sees it like this."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    steps: list[int] = []
    with pytest.raises(FileError, match="cannot be written"):
        learn(larger, larger_data(), library=folder, task="larger", settings=FAST,
              progress=lambda done, total, remark: steps.append(done))  # fmt: skip
    assert not steps


@pytest.mark.parametrize("examples", [0, -1, 2.5, True])
def test_how_many_examples(tmp_path: Path, examples: Any) -> None:
    with pytest.raises(NeuralcError, match="examples is a positive number"):
        Library(tmp_path, examples=examples)


# ---- damage


def weights(folder: Path) -> Path:
    return next((folder / "tensors").glob(f"{Library(folder).history('SEE')[0].digest}*"))


def examples(folder: Path) -> Path:
    return next((folder / "tensors").glob(f"{Library(folder).tasks['sum'].examples}*"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the index and give it a checksum that fits."""
    content, tensors = saved.read(folder, "library")
    change(content)
    for name in ("version", "weights"):
        content.pop(name)
    saved.write(folder, "library", content, tensors)


def edited(*keys: Any, to: Any) -> Fault:
    """Return a fault that changes one place of the index."""

    def change(content: dict[str, Any]) -> None:
        *way, last = keys
        for key in way:
            content = content[key]
        content[last] = to

    return lambda folder: rewrite(folder, change)


def newer(folder: Path) -> None:
    path = folder / "library.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "version": 99}))


SEE_AT, SUM_AT = ("functions", "SEE"), ("tasks", "sum")
AT_ONCE: dict[str, tuple[Fault, str]] = {
    "newer": (newer, "written by a newer neuralc"),
    "truncated": (lambda f: (f / "library.json").write_text("{"), "damaged: it is no JSON"),
    "flipped": (lambda f: flip(f / "library.json"), "damaged"),
    "missing": (lambda f: (f / "library.json").unlink(), r"damaged: library\.json is missing"),
    "no functions": (lambda f: rewrite(f, lambda c: c.pop("functions")), "damaged: KeyError"),
    "kind": (edited(*SEE_AT, "kind", to="pickle"), "unknown kind"),
    "body": (edited(*SEE_AT, "body", to="os.system"), "unknown kind"),
    "size": (edited(*SEE_AT, "output", to=-3), "no size"),
    "versions": (edited(*SEE_AT, "versions", to=[]), "versions of SEE"),
    "digest": (edited(*SEE_AT, "versions", 0, "digest", to="../../secret"), "a digest is none"),
    "used": (edited(*SUM_AT, "functions", to={"SEE": 7}), "no version 7 of SEE"),
    "right": (edited(*SUM_AT, "right", to=31), "numbers of task sum"),
    "count": (edited(*SUM_AT, "count", to="30"), "count is no int"),
}  # fmt: skip


@pytest.mark.parametrize("fault", AT_ONCE)
def test_a_damaged_index(folder: Path, fault: str) -> None:
    spoil, message = AT_ONCE[fault]
    spoil(folder)
    before = state(folder)
    with pytest.raises(SolutionError, match=message):
        Library(folder)
    with pytest.raises(SolutionError, match=message):
        learn(larger, larger_data(), library=folder, task="larger", settings=FAST)
    assert state(folder) == before


LATER: dict[str, Fault] = {
    "weights flipped": lambda folder: flip(weights(folder)),
    "weights missing": lambda folder: weights(folder).unlink(),
    "examples flipped": lambda folder: flip(examples(folder)),
    "examples missing": lambda folder: examples(folder).unlink(),
    "choices": edited(*SUM_AT, "choices", to={"pick": [0, 3]}),
    "no choices": edited(*SUM_AT, "choices", to={}),
    "net": edited(*SUM_AT, "net", to="cnn"),
    "text": edited(*SUM_AT, "text", to="import os"),
    "hidden": edited(*SEE_AT, "hidden", to=[9]),
    "count of examples": edited(*SUM_AT, "count", to=31),
    "weights for examples": lambda folder: edited(
        *SUM_AT, "examples", to=Library(folder).history("SEE")[0].digest
    )(folder),
}


@pytest.mark.parametrize("fault", LATER)
def test_damage_that_is_seen_on_the_way(folder: Path, fault: str) -> None:
    LATER[fault](folder)
    before = state(folder)
    with pytest.raises((SolutionError, FileError), match=r"damaged|there is no file"):
        Library(folder).check()
    assert state(folder) == before


# ---- a disk that is full


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("at", range(7))
def test_a_full_disk(
    learned: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int,
    fresh: bool,
) -> None:  # fmt: skip
    """Whenever it happens, the library is what it was, and can be saved to afterwards."""
    place = tmp_path / "fresh" if fresh else folder
    before = Library(place).store.read()
    given = Library(learned)["SEE"]
    zeros = {name: torch.zeros_like(value) for name, value in given.weights().items()}
    calls, real = [0], os.fsync

    def full(handle: int) -> None:
        calls[0] += 1
        if calls[0] == at + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        try:
            Library(place).add("SEE", (given.network, zeros))
        except FileError as error:
            message = str(error)
        else:
            message = ""
    assert ("no space left" in message) == (calls[0] > at), "the failure was not told"
    if message:
        assert Library(place).store.read() == before
        assert {path.stem for path in (place / "tensors").glob("*")} == before.digests
    library = Library(place)
    library.add("SEE", (given.network, zeros))
    assert not library["SEE"].weights()["weights.0"].any()
    names = {path.stem for path in (place / "tensors").iterdir()}
    assert names == set(library.store.read().digests)
