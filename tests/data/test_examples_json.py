"""Data files are read as published, and what is wrong with one is said with its place."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.data.examples_json import read_batches, read_hypers
from neuralc.errors import DataError, FileError, HyperError

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "terpret"
INSTANCE = {"tape": [0, 1, None], "halted": 1}


def write(folder: Path, content: Any, name: str = "data.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def batch(instances: Any, **rest: Any) -> list[dict[str, Any]]:
    return [{"batch_name": "train", "hypers": "small", "instances": instances, **rest}]


def test_a_batch(tmp_path: Path) -> None:
    (found,) = read_batches(write(tmp_path, batch([INSTANCE])))
    assert (found.name, found.hypers, found.instances) == ("train", "small", [INSTANCE])


def test_names_may_be_left_out(tmp_path: Path) -> None:
    (found,) = read_batches(write(tmp_path, [{"instances": []}]))
    assert (found.name, found.hypers, found.instances) == ("batch 0", None, [])


# ---- arrays beside the file


def test_arrays_beside_the_file(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    np.savez(tmp_path / "grids.npz", images=images)
    np.save(tmp_path / "sums.npy", np.array([3, 4]))
    columns = {"image": {"npz": "grids.npz", "key": "images"}, "sum": {"npy": "sums.npy"}}
    single = [{"image": {"npz": "grids.npz", "key": "images"}, "sum": 3}]
    whole, one = read_batches(write(tmp_path, batch(columns) + batch(single)))
    assert isinstance(whole.instances, dict)
    np.testing.assert_array_equal(whole.instances["image"], images)
    assert whole.instances["sum"].tolist() == [3, 4]
    assert isinstance(one.instances, list)
    np.testing.assert_array_equal(one.instances[0]["image"], images)


class Bomb:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was executed",))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Bomb()))
    np.save(tmp_path / "object.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "object.npz", x=np.array([Bomb()], dtype=object))
    for value in ({"npy": "plain.npy"}, {"npy": "object.npy"}, {"npz": "object.npz", "key": "x"}):
        with pytest.raises(FileError, match="cannot read arrays"):
            read_batches(write(tmp_path, batch({"x": value})))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({"npz": "no.npz", "key": "x"}, FileError, r"there is no file .*no\.npz"),
        ({"npz": "bad.npz", "key": "x"}, FileError, "cannot read arrays"),
        ({"npz": "ok.npz", "key": "y"}, DataError, r"ok\.npz holds no array 'y'\n.*it holds 'x'"),
        ({"npz": "../ok.npz", "key": "x"}, DataError, "must lie in the folder"),
        ({"npz": "/etc/ok.npz", "key": "x"}, DataError, "must lie in the folder"),
        ({"npz": "ok.npz"}, DataError, r"\('train'\): x: wanted a number"),
        ({"what": 1}, DataError, r"\('train'\): x: wanted a number"),
    ],
)
def test_wrong_arrays(
    tmp_path: Path, value: dict[str, str], error: type[Exception], message: str
) -> None:
    np.savez(tmp_path / "ok.npz", x=np.zeros(2))
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(error, match=message):
        read_batches(write(tmp_path, batch({"x": value})))


# ---- what can be wrong with a file


def test_broken_json_shows_the_place(tmp_path: Path) -> None:
    path = write(tmp_path, '[\n  {"batch_name": "train" "instances": []}\n]')
    with pytest.raises(FileError) as caught:
        read_batches(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:2:26: this is not JSON: Expecting ',' delimiter"
    assert lines[-1].index("^") == lines[-2].index('"instances"')


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, "[" + "9" * 5000 + "]", "x" * 10_000])
def test_strange_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError) as caught:
        read_batches(write(tmp_path, text))
    assert len(str(caught.value)) < 1000


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        read_batches(tmp_path / "none.json")
    with pytest.raises(FileError, match="there is no file"):
        read_hypers(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": 1}, "the file: wanted a list of batches, found"),
        ([3], "batch 0: wanted an object"),
        ([{"batch_name": "train"}], "batch 0: has no 'instances'"),
        ([{"instances": [], "hyper": "x"}], "batch 0: has no use for 'hyper'"),
        ([{"instances": [], "batch_name": 3}], "batch 0: batch_name: wanted a string, found 3"),
        ([{"instances": [], "hypers": {}}], "batch 0: hypers: wanted the name"),
        (batch(7), r"batch 0 \('train'\): instances: wanted a list"),
        (batch([INSTANCE, 7]), r"batch 0 \('train'\), instance 1: wanted an object"),
        ('[{"instances": [{"a": 1, "a": 2}]}]', "'a' stands twice"),
        ('[{"instances": [{"a": NaN}]}]', "found NaN"),
    ],
)
def test_another_structure(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_batches(write(tmp_path, content))


# ---- hyper-parameters


def test_hypers(tmp_path: Path) -> None:
    several = write(tmp_path, {"a": {"n": 1}, "b": {"n": 2, "m": 3}}, "several.json")
    assert read_hypers(several, "b") == {"n": 2, "m": 3}
    assert read_hypers(write(tmp_path, {"a": {"n": 1}})) == {"n": 1}
    assert read_hypers(write(tmp_path, {"n": 1, "m": 2})) == {"n": 1, "m": 2}
    assert read_hypers(write(tmp_path, {"empty": {}}), "empty") == {}
    assert read_hypers(write(tmp_path, {})) == {}


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ({"a": {"n": 1}, "b": {}}, None, r"holds 2 sets.*\n.*'a', 'b'"),
        ({"a": {"n": 1}}, "c", r"no set of hyper-parameters 'c'\n.*'a'"),
        ({"a": {"n": 1.5}}, "a", r"set 'a': n is 1.5, an integer"),
        ({"a": {"n": True}}, "a", r"set 'a': n is True, an integer"),
        ({"n": "many"}, None, r"the file: n is 'many', an integer"),
    ],
)
def test_wrong_hypers(tmp_path: Path, content: Any, name: str | None, message: str) -> None:
    with pytest.raises(HyperError, match=message):
        read_hypers(write(tmp_path, content), name)


def test_hypers_of_another_structure(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wanted an object"):
        read_hypers(write(tmp_path, [1]))
    with pytest.raises(DataError, match="set 'a': wanted an object"):
        read_hypers(write(tmp_path, {"a": 1, "b": {}}), "a")


# ---- the published files


def test_every_published_file_loads() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("../shared/data/terpret is not here")
    files = sorted(PUBLISHED.rglob("*.json"))
    data = [path for path in files if not path.stem.endswith("_hypers")]
    assert len(files) == 23
    for path in data:
        stem = path.stem.removesuffix("2").removesuffix("_data")
        hypers = path.with_name(f"{stem}_hypers.json")
        for found in read_batches(path):
            assert found.instances
            assert isinstance(read_hypers(hypers, found.hypers), dict)
