"""The user's own samples: what is written is read, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.data import memories
from neuralc.errors import DataError, FileError
from neuralc.ir.memories import Samples


def saved(folder: Path, content: Any) -> Path:
    path = folder / "samples.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def one(folder: Path, sample: Any, memory: Any = 4) -> Path:
    return saved(folder, {"memory": memory, "samples": [sample]})


def test_short_lists_go_on_with_0_and_only_what_out_lists_is_asked_for(tmp_path: Path) -> None:
    samples = memories.read(one(tmp_path, {"in": [3, 1], "out": [2, None, 0]}))
    assert samples.given.tolist() == [[3, 1, 0, 0]]
    assert samples.wanted.tolist() == [[2, 0, 0, 0]]
    assert samples.asked.tolist() == [[True, False, True, False]]
    assert samples.any is None
    assert (samples.given.dtype, samples.asked.dtype) == (np.int64, np.bool_)


def test_a_mask_decides_what_is_asked_for(tmp_path: Path) -> None:
    samples = memories.read(one(tmp_path, {"in": [], "out": [1, 2], "mask": [0, 1, 0, 1]}))
    assert samples.wanted.tolist() == [[1, 2, 0, 0]]
    assert samples.asked.tolist() == [[False, True, False, True]]


def test_null_and_minus_one_are_any_value(tmp_path: Path) -> None:
    content = [{"in": [None, 2, -1], "out": [2]}, {"in": [1], "out": [1]}]
    samples = memories.read(saved(tmp_path, {"memory": 4, "samples": content}))
    assert samples.given.tolist() == [[0, 2, 0, 0], [1, 0, 0, 0]]
    assert samples.any is not None
    assert samples.any.tolist() == [[True, False, True, False], [False] * 4]


@pytest.mark.parametrize("flat", [False, True])
def test_written_is_read(tmp_path: Path, flat: bool) -> None:
    rng = np.random.default_rng(0)
    given, wanted = rng.integers(6, size=(2, 5, 6))
    asked, free = rng.random((2, 5, 6)) < 0.5
    asked[:, 0] = True
    path = tmp_path / "new" / "samples.json"
    memories.write(path, Samples(np.where(free & flat, 0, given), wanted, asked, free & flat))
    back = memories.read(path)
    assert (back.given == np.where(free & flat, 0, given)).all()
    assert (back.wanted == wanted).all()
    assert (back.asked == asked).all()
    assert (back.any is None) == (not flat)
    assert not flat or (back.any == free).all()
    assert len(path.read_text().splitlines()) == 5 + 2


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (7, r"sample 0: wanted an object .*, found 7"),
        ({"in": [1]}, r"sample 0: 'out' is missing\n.*'in', 'out', maybe 'mask'"),
        ({"in": [1], "out": [1], "Mask": [1]}, r"sample 0: there is no use for 'Mask'"),
        ({"in": "1", "out": [1]}, r'sample 0: "in": wanted a list of up to 4 numbers, found "1"'),
        ({"in": [1] * 5, "out": [1]}, r'"in": 5 cells do not fit the "memory", 4\n.*"memory" 5'),
        ({"in": [0, 4], "out": [1]}, r'"in", cell 1: wanted an integer 0..3, found 4\n.*any value'),
        ({"in": [-2], "out": [1]}, r'"in", cell 0: wanted an integer 0..3, found -2'),
        ({"in": [1.0], "out": [1]}, r'"in", cell 0: wanted an integer 0..3, found 1.0'),
        ({"in": [True], "out": [1]}, r'"in", cell 0: wanted an integer 0..3, found true'),
        ({"in": [[1]], "out": [1]}, r'"in", cell 0: wanted an integer 0..3, found \[1\]'),
        ({"in": [1], "out": [-1]}, r'"out", cell 0: .* found -1\n.*null stands for .*not asked'),
        ({"in": [1], "out": [0, "a"]}, r'"out", cell 1: wanted an integer 0..3, found "a"'),
        ({"in": [1], "out": [1], "mask": [2]}, r'"mask", cell 0: wanted 1 .* or 0, found 2'),
        ({"in": [1], "out": [1], "mask": [1] * 9}, r'"mask": 9 cells do not fit the "memory", 4'),
        ({"in": [1], "out": [1, None], "mask": [1, 1]}, r"asks for cell 1, .*null there\n.*hint"),
        ({"in": [1], "out": [None]}, r"sample 0: nothing is asked for\n.*hint"),
        ({"in": [1], "out": [1], "mask": [0]}, r"sample 0: nothing is asked for"),
        ({"in": [1], "out": []}, r"sample 0: nothing is asked for"),
    ],
)
def test_a_wrong_sample_is_named(tmp_path: Path, sample: Any, message: str) -> None:
    with pytest.raises(DataError, match=rf"samples\.json: (?s:.*){message}"):
        memories.read(one(tmp_path, sample))


def test_the_number_of_the_sample_is_said(tmp_path: Path) -> None:
    content = {"memory": 4, "samples": [{"in": [1], "out": [1]}, {"in": [1], "out": [5]}]}
    with pytest.raises(DataError, match=r'sample 1: "out", cell 0'):
        memories.read(saved(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"memory": 4,\n "samples": [}', r"samples\.json:2:14: this is not JSON: .*\n.*hint"),
        ("", r"samples\.json:1:1: this is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "samples.json: .*digits"),
        ('{"memory": 4, "memory": 5, "samples": []}', "'memory' stands twice"),
        ([], r"the file: wanted an object .*, found \[\]"),
        ({"samples": []}, "the file: 'memory' is missing"),
        ({"memory": 4}, "the file: 'samples' is missing"),
        ({"memory": 4, "samples": [], "name": 1}, "the file: there is no use for 'name'"),
        ({"memory": 4, "samples": []}, r"samples: wanted a list of one sample or more, found \[\]"),
        ({"memory": 4, "samples": {}}, r"samples: wanted a list of one sample or more, found {}"),
        ({"memory": "4", "samples": []}, r'memory: wanted an integer 2.*, found "4"\n.*cells'),
        ({"memory": 1, "samples": []}, "memory: wanted an integer 2.*, found 1"),
        ({"memory": 10**9, "samples": []}, "memory: wanted an integer 2.*, found 1000000000"),
        ({"memory": True, "samples": []}, "memory: wanted an integer 2.*, found true"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        memories.read(saved(tmp_path, content))


def test_deep_lists_are_refused_at_any_depth(tmp_path: Path) -> None:
    for depth in range(100, 3000, 100):
        deep = "[" * depth + "]" * depth
        with pytest.raises(DataError):
            memories.read(saved(tmp_path, deep))


def test_what_is_no_file_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        memories.read(tmp_path / "missing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="not a text file"):
        memories.read(tmp_path / "binary.json")
