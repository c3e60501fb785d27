"""What a model says about its calls is what it computes with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from neuralc.errors import NeuralcError
from tests.nn.language.small import FUNCTIONS, N, augmented, ids_of, pairs, ternary

KINDS: dict[str, dict[str, Any]] = {
    "joint": {},
    "marginal": {"call": "marginal"},
    "decode": {"parse": "decode"},
    "steps": {"steps": 2, "callers": [",", "="]},
    "ternary": {"steps": 2, "library": ternary(), "callers": [",", "="]},
    "three": {"steps": 3, "callers": [",", "="]},
    "digits": {"numbers": "digits"},
}
WAYS = {
    "joint": "joint calls by tables: exact, 10 combinations of the 2 numbers",
    "marginal": "marginal calls: line by line",
    "decode": "joint calls by tables of up to 64 entries: exact\n",
    "steps": "joint calls by tables of up to 64 entries: exact\n",
    "ternary": "entries: exact where the operands of a call do not rest on the same earlier call",
    "three": "entries: exact where the operands of a call do not rest on the same earlier call",
    "digits": "joint calls by tables: exact, 10 combinations of the 2 numbers",
}


@pytest.mark.parametrize("kind", KINDS)
def test_explanations(kind: str, tmp_path: Path) -> None:
    model = augmented(**KINDS[kind])
    text = "add 3 and 4 , then ="
    found = model.explain(text)
    assert found.words == tuple(text.split())
    assert WAYS[kind] in found.way + "\n"
    chained = model.inserted.augmentation.steps > 1
    assert [step.place for step in found.steps] == ([4, 6] if chained else [6])
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
            elif operand.source == "decoded":
                assert model.inserted.augmentation.parse == "decode"
                assert operand.number in range(N)
                assert operand.words == ()
            else:
                assert operand.source == "result behind ','"
                assert step is found.steps[1]
                assert operand.number == found.steps[0].results[0][0]
                assert operand.words[4] == pytest.approx(operand.chance)
        assert 0 < step.write < 1
    given = ids_of([text], model.inserted.augmentation.numbers.writing)
    with torch.no_grad():
        best = float(model(**given).logits[0, -1].exp().max())
    assert found.likely[0][1] == pytest.approx(best, abs=1e-5)
    again = json.loads(json.dumps(found.data))
    assert again["words"] == list(found.words)
    assert list(again["steps"][0]["programs"]) == [name for name, _ in found.steps[0].programs]
    assert str(found) == found.text
    assert found.text.count("operand 1") == len(found.steps)
    for step in found.steps:
        assert f"behind {found.words[step.place]!r}: {step}\n" in found.text
    found.save_picture(tmp_path / "calls.png")
    assert (tmp_path / "calls.png").read_bytes().startswith(b"\x89PNG\r\n")


def certain(model: Any, program: str) -> None:
    """Let the router always choose one program, and always write."""
    router = model.inserted.computer.router
    with torch.no_grad():
        router.project.bias[list(model.inserted.computer.calls.names).index(program)] += 50
        router.part(router.project.bias, "write").add_(50)


def test_results_are_those_of_the_programs() -> None:
    model = augmented()
    certain(model, "double")
    (step,) = model.explain("add 3 and 5 =").steps
    assert step.programs[0][0] == "double"
    pointed = step.operands[0].words
    assert pointed[1] + pointed[3] == pytest.approx(1, abs=1e-5)
    assert dict(step.results)[FUNCTIONS["double"](3)] == pytest.approx(pointed[1], abs=1e-4)
    assert dict(step.results)[FUNCTIONS["double"](5)] == pytest.approx(pointed[3], abs=1e-4)


def point_to_results(model: Any) -> None:
    """Let operands be results of earlier calls wherever there are any."""
    router = model.inserted.computer.router
    with torch.no_grad():
        for part in ("look", "seen", "number"):  # numbers get the score 0 from all queries
            rows = router.part(torch.arange(router.features), part)
            router.project.weight[rows] = 0
            router.project.bias[rows] = 0
        rows = router.part(torch.arange(router.features), "operands")
        router.project.weight[rows] = 0
        router.project.bias[rows] = 4
        proposal = router.part(torch.arange(router.features), "proposal")[router.programs :]
        router.project.weight[proposal] = 0
        router.project.bias[proposal] = 0
        rows = router.part(torch.arange(router.features), "result")
        router.project.weight[rows] = 0
        router.project.bias[rows] = 4


def test_results_of_earlier_calls() -> None:
    """A double of a double of a number, which is behind the first comma."""
    model = augmented(steps=3, callers=[",", "="])
    certain(model, "double")
    point_to_results(model)
    found = model.explain("what is 3 , then =")
    first, second = found.steps
    assert first.operands[0].source == "word 3"
    assert first.results[0] == (6, pytest.approx(1, abs=1e-4))
    assert second.operands[0].source == "result behind ','"
    assert second.operands[0].number == 6
    assert second.operands[0].words[3] == pytest.approx(1, abs=1e-4)
    assert second.results[0] == (4, pytest.approx(1, abs=1e-4))
    assert "behind ',': double(3)" in found.text
    assert "behind '=': double(6)" in found.text
    assert found.likely[0][0] == "4"
    (only,) = model.explain("what is 3 ,").steps
    assert only == replace(first, operands=only.operands)
    assert only.results[0][0] == 6
    assert not model.explain("what is 3 , then").steps  # no call behind the last word


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
