"""Saved models are the same models; what is damaged or too new is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from neuralc.errors import NeuralcError, SolutionError
from neuralc.nn.language.config import Augmentation
from neuralc.nn.language.model import AugmentedCausalLM
from tests.nn.language.small import ADD, augmented, base, ids_of, library, library_of, pairs

TEXTS = ["add 3 and 4 =", "what is 12 sub 5 ?"]


def logits(model: Any) -> Any:
    writing = model.inserted.augmentation.numbers.writing
    with torch.no_grad():
        return model(**ids_of(TEXTS, writing)).logits


def saved(folder: Path, model: Any) -> dict[str, Any]:
    """Save; return the content of config.json."""
    model.save_pretrained(folder)
    content: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return content


def rewritten(folder: Path, content: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(content), "utf-8")


OPTIONS: list[dict[str, Any]] = [
    {}, {"steps": 2, "callers": ["="]}, {"numbers": "digits"}, {"parse": "decode"},
    {"layer": "model.layers.1"}, {"model": base(tie_word_embeddings=True)},
    {"model": AutoModelForCausalLM.from_config(base().config, dtype=torch.bfloat16).eval()},
]  # fmt: skip
NAMES = ["plain", "steps", "digits", "decode", "named", "tied", "bfloat16"]


@pytest.mark.parametrize("options", OPTIONS, ids=NAMES)
def test_bit_identical(options: dict[str, Any], tmp_path: Path) -> None:
    model = augmented(**options)
    saved(tmp_path, model)
    files = {path.name for path in tmp_path.iterdir()}
    assert "model.safetensors" in files
    assert not {name for name in files if name.endswith((".bin", ".pt", ".pkl"))}
    for loader in (AugmentedCausalLM, AutoModelForCausalLM):
        again = loader.from_pretrained(tmp_path)
        assert isinstance(again, AugmentedCausalLM)
        assert torch.equal(logits(again), logits(model))
        assert again.explain("add 3 and 4 =").text == model.explain("add 3 and 4 =").text
        assert again.base.dtype == model.base.dtype
        assert {w.dtype for w in again.inserted.parameters()} == {torch.float32}
        assert again.library.to_json() == model.library.to_json()
        tied = model.config.text_config.tie_word_embeddings
        assert (again.base.lm_head.weight is again.base.model.embed_tokens.weight) == tied


def test_settings_and_circuits_are_kept(tmp_path: Path) -> None:
    model = augmented(numbers="digits", library=pairs()).use_circuits(40)
    model.generation_config.max_new_tokens = 3
    saved(tmp_path, model)
    again = AugmentedCausalLM.from_pretrained(tmp_path)
    assert again.inserted.augmentation == model.inserted.augmentation
    assert again.inserted.reader.limit == 2**40
    assert again.generation_config.max_new_tokens == 3
    assert torch.equal(logits(again), logits(model))
    assert again.tokenizer("add 31 =")["input_ids"] == model.tokenizer("add 31 =")["input_ids"]
    _, told = AugmentedCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not told["missing_keys"]


def test_the_library_is_a_copy(tmp_path: Path) -> None:
    programs = library_of(ADD)
    model = augmented(library=programs)
    programs.add("routine more a\n inc a 0\n ret\n")
    assert list(model.library) == ["add"]
    saved(tmp_path, model)
    assert list(AugmentedCausalLM.from_pretrained(tmp_path).library) == ["add"]


def test_of_a_newer_version(tmp_path: Path) -> None:
    content = saved(tmp_path, augmented())
    content["augmentation"]["format"] = 99
    rewritten(tmp_path, content)
    for loader in (AugmentedCausalLM, AutoModelForCausalLM):
        with pytest.raises(SolutionError, match=r"newer neuralc \(format 99.*\n  hint: pip"):
            loader.from_pretrained(tmp_path)


def test_missing_weights(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    model = augmented()
    saved(tmp_path, model)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["inserted.computer.router.project.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SolutionError, match=r"no weights inserted.computer.router.project.weight"):
        AugmentedCausalLM.from_pretrained(tmp_path)


CONTENT = augmented().inserted.augmentation.to_json()
DAMAGED: list[dict[str, Any]] = [
    {"format": "1"}, {"format": None}, {"layer": 0}, {"layer": True}, {"layer": 1.5},
    {"operands": 0}, {"operands": "2"}, {"steps": -1}, {"steps": None}, {"parse": "guess"},
    {"call": 3}, {"residual": 1}, {"width": 0}, {"width": 2**40}, {"callers": [-1]},
    {"callers": 5}, {"bits": 65}, {"bits": True}, {"numbers": None}, {"library": []},
    {"numbers": {"writing": "whole"}}, {"more": 1}, {"parse": []},
]  # fmt: skip


@pytest.mark.parametrize("change", DAMAGED, ids=str)
def test_damaged_parts(change: dict[str, Any]) -> None:
    with pytest.raises(SolutionError):
        Augmentation.from_json(CONTENT | change)


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_missing_parts(name: str) -> None:
    with pytest.raises(SolutionError):
        Augmentation.from_json({k: v for k, v in CONTENT.items() if k != name})


@pytest.mark.parametrize("content", [None, [], "x", {}])
def test_no_augmentation(content: Any) -> None:
    with pytest.raises(SolutionError, match=r"config.json is damaged"):
        Augmentation.from_json(content)


@pytest.mark.parametrize(
    "change",
    [
        {"library": {"kind": "other"}},
        {"library": library().to_json() | {"version": 99}},
        {"library": library().to_json() | {"routines": [{"name": "add", "text": "import os"}]}},
        {"library": library().to_json() | {"n": 10**9}},
        {"layer": 3}, {"layer": "model.nothing"}, {"operands": 1}, {"callers": [48]},
    ],
    ids=lambda change: "-".join(change),
)  # fmt: skip
def test_damaged_models(change: dict[str, Any], tmp_path: Path) -> None:
    content = saved(tmp_path, augmented())
    content["augmentation"] |= change
    rewritten(tmp_path, content)
    with pytest.raises(NeuralcError):
        AugmentedCausalLM.from_pretrained(tmp_path)
