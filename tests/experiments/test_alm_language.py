"""The experiments on language models, at sizes where only their form can be looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from neuralc.data.sentences import Sentence
from neuralc.errors import NeuralcError
from neuralc.experiments import alm_arithmetic, alm_tables_circuits
from neuralc.experiments.alm_train import (
    UNASKED,
    Schedule,
    encode,
    share_right,
    small_transformer,
    train,
)
from neuralc.nn.language.tokenizer import BEGIN, END, word_tokenizer

FEW = Schedule(steps=2, batch=4, warm=1)
SAID = [Sentence("3 plus 4 =", 7, ("add",)), Sentence("is 10 plus 2 =", 12, ("add",))]


def nothing(*_: Any) -> None:
    """Take progress, and say nothing."""


def test_only_answers_have_labels() -> None:
    tokenizer = word_tokenizer([s.text for s in SAID], 16, writing="digits")
    given = encode(tokenizer, SAID)
    assert given["labels"][0].tolist().count(UNASKED) == len(given["labels"][0]) - 2
    for row, answer in zip(range(2), ("7", "12"), strict=True):
        asked = given["labels"][row][given["labels"][row] != UNASKED].tolist()
        assert asked[-1] == END
        assert tokenizer.decode(asked[:-1]) == answer
    assert given["attention_mask"].sum(1).tolist() == [6, 9]


def test_a_model_learns_one_sentence_and_is_judged_by_what_it_writes() -> None:
    torch.manual_seed(0)
    tokenizer = word_tokenizer([s.text for s in SAID], 16)
    model = small_transformer(tokenizer, 0, hidden=16, layers=1)
    before = share_right(model, tokenizer, SAID)
    trained = train(
        model, tokenizer, lambda count, _: SAID * (count // 2), Schedule(steps=60, batch=4,
        rate=1e-2, warm=5), seed=0,
    )  # fmt: skip
    assert trained.loss < 0.5
    assert before < 1 == share_right(model, tokenizer, SAID)
    wrong = [replace(s, answer=s.answer + 1) for s in SAID]
    assert share_right(model, tokenizer, wrong) == 0
    assert model.config.bos_token_id == BEGIN


@pytest.mark.parametrize("part", ["computer", "two steps", "two steps alone"])
def test_arithmetic(part: str) -> None:
    plan = alm_arithmetic.Plan(seeds=1, parts=(part,), with_computer=FEW, alone=FEW, most=20)
    result = alm_arithmetic.run_alm_arithmetic(plan, progress=nothing)
    (row,) = result.data["rows"]
    assert row["examples"] == 8
    share = row["pairs" if part == "computer" else "unseen compositions"]
    assert 0 <= share <= 1
    assert "99.20%" in result.text


def test_an_unknown_part() -> None:
    with pytest.raises(NeuralcError, match="computer, decoded"):
        alm_arithmetic.run_alm_arithmetic(alm_arithmetic.Plan(parts=("compter",)), progress=nothing)


def test_tables_and_circuits() -> None:
    plan = alm_tables_circuits.Plan(
        seeds=1, routing=FEW, multiplying=FEW, sums=4, others=2, products=2, lengths=(1, 2)
    )
    result = alm_tables_circuits.run_alm_tables_circuits(plan, progress=nothing)
    (routing,) = result.data["routing"]
    assert routing["add"]["count"] == 4
    assert set(result.data["multiplication"][0]) == {"seed", "computer", "alone"}
    assert "1x1" in result.text


def test_routes_are_compared_with_what_was_asked() -> None:
    """A model whose router is set by hand calls the right program, and a wrong one."""
    questions = alm_tables_circuits.Questions(128, 0)
    tokenizer = word_tokenizer(questions.words(), 128, writing="digits")
    model = alm_tables_circuits.augment(
        small_transformer(tokenizer, 0), library=alm_tables_circuits.library("add", "sub"),
        layer=1, operands=2, numbers="digits", tokenizer=tokenizer,
    )  # fmt: skip
    sentence = [Sentence(f"{2**63} plus {2**63} =", 0, ("add",))]
    router = model.use_circuits(64).inserted.computer.router
    for program, share in (("add", 1.0), ("sub", 0.0)):
        with torch.no_grad():
            nn.init.zeros_(router.project.weight)
            router.part(router.project.bias, "proposal").zero_()
            chosen = model.inserted.computer.calls.names.index(program)
            router.part(router.project.bias, "proposal")[chosen] = 5.0
        wanted = [(2**63, 2**63)]
        assert alm_tables_circuits._routed(model, tokenizer, sentence, wanted) == share
