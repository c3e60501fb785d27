"""Data of any make become arrays; a misfit is an error that says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neuralc.errors import DataError
from neuralc.ir.examples import bind
from neuralc.ir.nodes import Decl, Int, Program, Real

PROGRAM = Program(
    "m",
    (
        Decl("images", "input", Real((4, 4)), (2,)),
        Decl("k", "input", Int(4)),
        Decl("out", "output", Int(10), (3,)),
        Decl("guess", "output", Real((2,))),
        Decl("w", "param", Int(3)),
    ),
    (), (), (), (),
)  # fmt: skip
PIXELS = np.arange(32, dtype=np.float32).reshape(2, 4, 4)
FINE: dict[str, Any] = {"images": PIXELS, "k": 1, "out": [1, 2, 3]}


@pytest.mark.parametrize(
    "images",
    [PIXELS, PIXELS.tolist(), torch.tensor(PIXELS), list(torch.tensor(PIXELS)),
     torch.tensor(PIXELS, requires_grad=True), PIXELS.astype(np.uint8), list(PIXELS)],
)  # fmt: skip
def test_images_of_any_make(images: Any) -> None:
    found = bind(PROGRAM, [{**FINE, "images": images}] * 3)
    assert found.count == 3
    assert found.inputs["images"].dtype == np.float32
    assert np.array_equal(found.inputs["images"], [PIXELS] * 3)
    assert found.inputs["k"].dtype == found.outputs["out"].dtype == np.int64
    assert found.outputs["out"].tolist() == [[1, 2, 3]] * 3


def test_targets_may_be_unknown() -> None:
    found = bind(PROGRAM, [{**FINE, "out": [None, 2, 3]}, {**FINE, "out": None}, FINE])
    assert found.outputs["out"].tolist() == [[-1, 2, 3], [-1, -1, -1], [1, 2, 3]]


@pytest.mark.parametrize("wrap", [np.array, torch.tensor, list])
def test_whole_arrays(wrap: Any) -> None:
    arrays = {"images": np.stack([PIXELS, PIXELS]), "k": wrap([1, 2]), "out": wrap([[1, 2, 3]] * 2)}
    found = bind(PROGRAM, arrays)
    assert found.count == 2
    assert found.inputs["k"].tolist() == [1, 2]
    assert found.outputs["out"].tolist() == [[1, 2, 3]] * 2


def test_minus_one_in_whole_arrays_is_not_observed() -> None:
    arrays = {"images": PIXELS[None], "k": np.array([1]), "out": np.array([[1, -1, 3]])}
    assert bind(PROGRAM, arrays).outputs["out"].tolist() == [[1, -1, 3]]
    arrays["out"] = np.array([[1, -2, 3]])
    with pytest.raises(DataError, match=r"instance 0: out\[1\]: found -2, wanted 0\.\.9"):
        bind(PROGRAM, arrays)


def test_outputs_may_be_left_out_when_asked() -> None:
    inputs = {"images": PIXELS, "k": 1}
    assert bind(PROGRAM, [inputs], outputs=False).outputs["out"].tolist() == [[-1] * 3]
    assert bind(PROGRAM, [], outputs=False).inputs["images"].shape == (0, 2, 4, 4)
    with pytest.raises(DataError, match="output 'out' is missing"):
        bind(PROGRAM, [inputs])


TWO = Program("two", (Decl("a", "output", Int(3)), Decl("b", "output", Int(3))), (), (), (), ())


def test_an_output_that_nobody_mentions_is_not_observed() -> None:
    for data in ([{"a": 1}, {"a": None}], {"a": np.array([1, -1])}):
        found = bind(TWO, data).outputs
        assert {name: array.tolist() for name, array in found.items()} == {
            "a": [1, -1], "b": [-1, -1],
        }  # fmt: skip


def test_an_output_that_some_mention_must_be_in_all() -> None:
    for data, k, name in (([{"a": 1}, {"a": 1, "b": 0}], 0, "b"), ([{"b": 1}, {}], 1, "b")):
        with pytest.raises(DataError, match=f"instance {k}: output '{name}' is missing"):
            bind(TWO, data)
    with pytest.raises(DataError, match="instance 0: output 'a' is missing"):
        bind(TWO, [{}])
    with pytest.raises(DataError, match="data: output 'a' is missing"):
        bind(TWO, {})


def test_take() -> None:
    found = bind(PROGRAM, [{**FINE, "k": k} for k in range(4)])
    for indices, wanted in (
        ([2, 0], [2, 0]), (slice(1, 3), [1, 2]), (np.array([True, False, False, True]), [0, 3]),
        ([], []), (range(2), [0, 1]),
    ):  # fmt: skip
        some = found.take(indices)
        assert some.inputs["k"].tolist() == wanted
        assert some.count == len(some.outputs["out"]) == len(wanted)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"k": 4}, r"train: instance 1: k: found 4, wanted 0\.\.3"),
    ({"k": 10**30}, r"found 10+, wanted 0\.\.3"),
    ({"k": 1.5}, "k: found 1.5, wanted an integer"),
    ({"k": "one"}, "k: found 'one', wanted an integer"),
    ({"k": None}, "k: found null, wanted an integer: only outputs"),
    ({"k": [1]}, r"k: found shape \(1,\), wanted \(\)"),
    ({"out": [1, 2]}, r"out: found shape \(2,\), wanted \(3,\)"),
    ({"out": [1, 2, -1]}, r"out\[2\]: found -1"),
    ({"out": [[1], [1, 2], 3]}, r"out\[0\]: found \[1\]"),
    ({"images": PIXELS[0]}, r"images: found shape \(4, 4\), wanted \(2, 4, 4\)"),
    ({"images": PIXELS * np.nan}, "not finite"),
    ({"images": "cat"}, "images: found 'cat', wanted real numbers"),
    ({"images": [[1], [1, 2]]}, r"images: found \[\[1\], \[1, 2\]\], wanted real numbers"),
    ({"outt": 3}, "'outt' is no input or output of m\n  hint: did you mean 'out'"),
    ({"w": 3}, "'w' is a param of the model"),
    ({"guess": 3}, "'guess' is real-valued"),
    ({"zzz": 3}, r"the inputs and outputs are \['images', 'k', 'out'\]"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_a_misfit_says_which_instance(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        bind(PROGRAM, [FINE, {**FINE, **change}], where="train")
    assert str(caught.value).startswith("train: instance 1: ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": np.zeros(3, int)}, "numbers of examples differ"),
        ({"k": 3}, "wanted an array whose first axis is the example"),
        ({"k": np.array([0, 9])}, "data: instance 1: k: found 9"),
        ({"k": np.array([0, 1.0])}, "data: instance 0: k: found 0.0, wanted an integer"),
        ({"out": np.zeros((2, 4), int)}, r"data: instance 0: out: found shape \(4,\)"),
        ({"kk": np.zeros(2)}, "did you mean 'k'"),
    ],
)
def test_whole_arrays_are_checked(change: dict[str, Any], words: str) -> None:
    arrays = {"images": np.stack([PIXELS] * 2), "k": np.array([0, 1]),
              "out": np.zeros((2, 3), int)}  # fmt: skip
    with pytest.raises(DataError, match=words):
        bind(PROGRAM, {**arrays, **change})


def test_instances_are_mappings() -> None:
    with pytest.raises(DataError, match="instance 0 is of type int, wanted a mapping"):
        bind(PROGRAM, [5])  # type: ignore[list-item]
