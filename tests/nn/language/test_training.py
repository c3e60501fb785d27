"""`transformers.Trainer` trains from answers alone; frozen parts stay; adapters of peft fit in."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import Trainer, TrainingArguments

from neuralc.nn.language.augment import augment
from neuralc.nn.language.model import AugmentedCausalLM
from tests.nn.language.small import N, augmented, base, ids_of, library, pairs, tokenizer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*pin_memory.*:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(accelerate|peft|transformers).*"),
]
LORA = {"r": 2, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": True}


def examples(writing: Any = "whole", count: int = 64) -> list[dict[str, Any]]:
    """Sums and differences; only the answer has labels."""
    noise, made = random.Random(0), tokenizer(writing)
    rows = []
    for _ in range(count):
        a, b = noise.randrange(N), noise.randrange(N)
        text, answer = noise.choice([("add {} and {} =", a + b), ("sub {} from {} =", b - a)])
        ids, end = made(text.format(a, b))["input_ids"], made(str(answer % N))["input_ids"]
        end += [made.eos_token_id]
        rows.append({"input_ids": ids + end, "attention_mask": [1] * (len(ids) + len(end)),
                     "labels": [-100] * len(ids) + end})  # fmt: skip
    return rows


def train(model: Any, folder: Path, steps: int = 8, **options: Any) -> list[float]:
    """Train with the ordinary Trainer; return the losses."""
    arguments = {
        "output_dir": str(folder), "max_steps": steps, "per_device_train_batch_size": 16,
        "learning_rate": 1e-2, "logging_steps": 1, "report_to": [], "save_strategy": "no",
        "disable_tqdm": True, "seed": 0, "use_cpu": True, "lr_scheduler_type": "constant",
        "dataloader_pin_memory": False,
    } | options  # fmt: skip
    rows = examples(arguments.pop("writing", "whole"))

    def collate(batch: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["input_ids"]) for row in batch)
        fill = {"input_ids": 0, "attention_mask": 0, "labels": -100}
        return {k: torch.tensor([[v] * (width - len(row[k])) + row[k] for row in batch])
                for k, v in fill.items()}  # fmt: skip

    trainer = Trainer(model, TrainingArguments(**arguments), train_dataset=rows,
                      eval_dataset=rows[:16], data_collator=collate)  # fmt: skip
    trainer.train()
    assert trainer.evaluate()["eval_loss"] > 0
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]


def weights_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(module.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


OPTIONS: list[dict[str, Any]] = [
    {}, {"steps": 2, "callers": ["and", "from", "="]},
    {"parse": "decode"}, {"numbers": "digits"}, {"call": "marginal"}, {"callers": ["="]},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_trainer(options: dict[str, Any], tmp_path: Path) -> None:
    writing = options.get("numbers", "whole")
    model = augment(base(), library=pairs(), layer=1, operands=2, tokenizer=tokenizer(writing),
                    **options)  # fmt: skip
    before = weights_of(model)
    losses = train(model, tmp_path, writing=writing)
    assert losses[-1] < 0.8 * losses[0]
    after = model.state_dict()
    for name in ("base.lm_head.weight", "inserted.computer.router.project.weight"):
        assert not torch.equal(before[name], after[name])


def test_a_frozen_base_is_bit_identical(tmp_path: Path) -> None:
    model = augmented(library=pairs()).freeze_base()
    before = weights_of(model.base)
    losses = train(model, tmp_path, steps=12)
    assert losses[-1] < losses[0]
    assert same(before, model.base.state_dict())


def test_learned_from_answers_alone(tmp_path: Path) -> None:
    """Two programs, two operands: the frozen transformer cannot add, the programs can."""
    model = augment(base(), library=pairs(), layer=1, operands=2, tokenizer=tokenizer())
    train(model, tmp_path, steps=120)
    model.eval()
    right = 0
    for row in examples(count=64):
        cut = len(row["input_ids"]) - 2
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"][:cut]])).logits
        right += int(logits[0, -1].argmax()) == row["input_ids"][cut]
    assert right >= 60
    (step,) = model.explain("sub 3 from 2 =").steps
    assert step.programs[0][0] == "sub"
    assert [o.number for o in step.operands] == [2, 3]
    assert step.results[0][0] == 7


# ---- adapters


def test_adapters_first(tmp_path: Path) -> None:
    """`get_peft_model(base)`, then augment: what is saved has the adapters merged."""
    own = base()
    frozen = weights_of(own)
    model: Any = augment(
        get_peft_model(own, LoraConfig(task_type="CAUSAL_LM", **LORA)), library=pairs(), layer=1,
        operands=2, tokenizer=tokenizer(),
    )  # fmt: skip
    losses = train(model, tmp_path)
    assert losses[-1] < losses[0]
    found = model.base.get_base_model().state_dict()
    assert all(torch.equal(v, found.get(k, found.get(k.replace("proj.", "proj.base_layer."))))
               for k, v in frozen.items())  # fmt: skip
    adapters = [v for k, v in model.state_dict().items() if "lora_B" in k]
    assert adapters
    assert all(bool(v.any()) for v in adapters)
    model.eval()
    given = ids_of(["add 3 and 4 =", "add 1 ="])
    ids = model.generate(**given, max_new_tokens=3, do_sample=False, eos_token_id=None)
    with torch.no_grad():
        wanted = model(**given).logits
        model.save_pretrained(tmp_path / "saved")
        assert torch.equal(model(**given).logits, wanted)  # itself unchanged
        again = AugmentedCausalLM.from_pretrained(tmp_path / "saved")
        assert not [k for k in again.state_dict() if "lora" in k]
        assert torch.allclose(again(**given).logits, wanted, atol=1e-4)
    assert torch.equal(
        again.generate(**given, max_new_tokens=3, do_sample=False, eos_token_id=None), ids
    )


@pytest.mark.parametrize("task", [None, "CAUSAL_LM"])
def test_adapters_afterwards(task: Any, tmp_path: Path) -> None:
    """`get_peft_model(augmented)`: the computer is trained and saved beside the adapters."""
    config = LoraConfig(task_type=task, modules_to_save=["inserted"], **LORA)
    start = augment(base(), library=pairs(), layer=1, operands=2, tokenizer=tokenizer())
    model = get_peft_model(copy.deepcopy(start), config)
    before = weights_of(model)
    losses = train(model, tmp_path)
    assert losses[-1] < losses[0]
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all("lora_" in k or ".inserted.modules_to_save." in k for k in changed)
    assert any("router.project" in k for k in changed)
    model.eval()
    given = ids_of(["add 3 and 4 =", "add 1 ="])
    with torch.no_grad():
        wanted = model(**given).logits
    model.save_pretrained(tmp_path / "adapters")
    again = PeftModel.from_pretrained(copy.deepcopy(start), tmp_path / "adapters").eval()
    with torch.no_grad():
        assert torch.equal(again(**given).logits, wanted)
    settings = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    assert torch.equal(model.generate(**given, **settings), again.generate(**given, **settings))
    merged = model.merge_and_unload()
    assert isinstance(merged, AugmentedCausalLM)
    with torch.no_grad():
        assert torch.allclose(merged(**given).logits, wanted, atol=1e-4)
    merged.save_pretrained(tmp_path / "merged")
    with torch.no_grad():
        found = AugmentedCausalLM.from_pretrained(tmp_path / "merged")(**given).logits
    assert torch.allclose(found, wanted, atol=1e-4)
    assert merged.explain("add 3 and 4 =").steps


def test_bfloat16(tmp_path: Path) -> None:
    """The base computes in bfloat16, the router in float32."""
    model: Any = augment(base().to(torch.bfloat16), library=library(), layer=1, operands=2,
                         tokenizer=tokenizer())  # fmt: skip
    assert {w.dtype for w in model.inserted.parameters()} == {torch.float32}
    losses = train(model, tmp_path)
    assert losses[-1] < losses[0]
    assert {w.dtype for w in model.inserted.parameters()} == {torch.float32}
    for numbers in ("whole", "digits"):
        given = ids_of(["add 3 and 4 =", "add 1 ="], numbers)
        other = augmented(numbers=numbers)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            logits = other(**given).logits
        assert torch.allclose(logits, other(**given).logits, atol=0.1)
