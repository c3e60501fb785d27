"""What a model says about its calls is what it computes with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from neuralc.errors import NeuralcError
from tests.nn.language.small import FUNCTIONS, augmented, ids_of, pairs, ternary

KINDS: dict[str, dict[str, Any]] = {
    "joint": {},
    "marginal": {"call": "marginal"},
    "decode": {"parse": "decode"},
    "steps": {"steps": 2},
    "ternary": {"steps": 2, "library": ternary()},
    "digits": {"numbers": "digits"},
}
WAYS = {
    "joint": "joint calls by tables: exact, 10 combinations of the 2 numbers",
    "marginal": "marginal calls: line by line",
    "decode": "joint calls by tables of up to 64 entries: exact",
    "steps": "joint calls by tables of up to 64 entries: exact",
    "ternary": "exact but for results of several steps in one call",
    "digits": "joint calls by tables: exact, 10 combinations of the 2 numbers",
}


@pytest.mark.parametrize("kind", KINDS)
def test_explanations(kind: str, tmp_path: Path) -> None:
    model = augmented(**KINDS[kind])
    found = model.explain("add 3 and 4 =")
    assert found.words == ("add", "3", "and", "4", "=")
    assert WAYS[kind] in found.way
    assert len(found.steps) == model.inserted.augmentation.steps
    for step in found.steps:
        programs = dict(step.programs)
        assert sum(programs.values()) == pytest.approx(1, abs=1e-5)
        assert set(programs) == set(model.library)
        assert step.programs[0][1] == max(programs.values())
        assert len(step.operands) == model.library[step.programs[0][0]].operands
        for operand in step.operands:
            assert 0 < operand.chance <= 1
            if operand.source.startswith("word"):
                word = int(operand.source.removeprefix("word ")) - 1
                assert found.words[word] == str(operand.number)
                assert operand.words[word] == pytest.approx(operand.chance)
                assert max(operand.words) == operand.words[word]
            else:
                assert operand.source in ("decoded", "result of step 1")
        assert 0 < step.write < 1
    given = ids_of(["add 3 and 4 ="], model.inserted.augmentation.numbers.writing)
    with torch.no_grad():
        best = float(model(**given).logits[0, -1].exp().max())
    assert found.likely[0][1] == pytest.approx(best, abs=1e-5)
    again = json.loads(json.dumps(found.data))
    assert again["words"] == list(found.words)
    assert list(again["steps"][0]["programs"]) == [name for name, _ in found.steps[0].programs]
    assert str(found) == found.text
    assert found.text.count("operand 1") == len(found.steps)
    found.save_picture(tmp_path / "calls.png")
    assert (tmp_path / "calls.png").read_bytes().startswith(b"\x89PNG\r\n")


def certain(model: Any, program: str) -> None:
    """Let the router always choose one program, and always write."""
    router = model.inserted.computer.router
    with torch.no_grad():
        router.project.bias[list(model.inserted.computer.calls.names).index(program)] += 50
        router.project.bias[sum(router.sizes[:3])] += 50


def test_results_are_those_of_the_programs() -> None:
    model = augmented()
    certain(model, "double")
    (step,) = model.explain("add 3 and 5 =").steps
    assert step.programs[0][0] == "double"
    pointed = step.operands[0].words
    assert pointed[1] + pointed[3] == pytest.approx(1, abs=1e-5)
    assert dict(step.results)[FUNCTIONS["double"](3)] == pytest.approx(pointed[1], abs=1e-4)
    assert dict(step.results)[FUNCTIONS["double"](5)] == pytest.approx(pointed[3], abs=1e-4)


def test_digits_are_joined_to_numbers() -> None:
    model = augmented(numbers="digits", library=pairs()).use_circuits(64)
    large = 2**64 - 1
    certain(model, "add")
    found = model.explain(f"what is 12 and {large} =")
    assert found.words == ("what", "is", "12", "and", str(large), "=")
    assert "joint calls by circuits" in found.way
    assert {o.number for o in found.steps[0].operands} <= {12, large}
    sums = {24, 11, (2 * large) % 2**64}
    assert {number for number, p in found.steps[0].results if p > 1e-10} <= sums
    behind = model.explain(f"what is 12 and {large} = 1")
    assert behind.words[-1] == "1"
    assert behind.steps  # the call of the position before the number is still in force


def test_where_no_call_is_made(tmp_path: Path) -> None:
    model = augmented(callers=["="])
    found = model.explain("add 3 and 4")
    assert not found.steps
    assert "no call is made here" in found.text
    found.save_picture(tmp_path / "none.png")
    found = model.explain("add and =")  # a call, but nothing to point to
    assert found.steps[0].operands[0].source == "nothing to point to"
    assert "?" in found.text
    found.save_picture(tmp_path / "nothing.png")


def test_modes_and_errors() -> None:
    model = augmented().train()
    model.explain("add 3 and 4 =")
    assert model.training
    with pytest.raises(NeuralcError, match="the text is empty"):
        model.explain("")
    model.tokenizer = None
    with pytest.raises(NeuralcError, match=r"does not know its tokenizer\n  hint"):
        model.explain("add 3")
