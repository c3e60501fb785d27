"""Small language models trained from answers alone, and how many answers they get right.

A sentence is a question with its answer behind it; only the tokens of the answer count for the
loss. Judged by what is written, greedily, token for token. Which sentences these are, and whether
there is a computer in the model, is not known here.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, section 5.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from neuralc.data.sentences import Sentence
from neuralc.nn.language.tokenizer import BEGIN, END, PAD

Draw = Callable[[int, np.random.Generator], list[Sentence]]
Progress = Callable[[int, int, str], None]
UNASKED = -100  # a label that does not count
AT_ONCE = 256  # sentences that are judged together


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    Attributes:
        steps: updates; the rate rises over the first of them, and falls to nearly 0 in the end.
        batch: sentences of an update.
        rate: of AdamW.
        warm: updates until the full rate.
        decay: of weights.
        clip: the most that gradients may have as a norm.

    """

    steps: int = 600
    batch: int = 64
    rate: float = 1e-3
    warm: int = 50
    decay: float = 0.01
    clip: float = 1.0


@dataclass(frozen=True)
class Trained:
    """What training took.

    Attributes:
        steps: updates made.
        seconds: of processor time.
        loss: mean over the last tenth of the updates, in nats per token.

    """

    steps: int
    seconds: float
    loss: float


def small_transformer(tokenizer: Any, seed: int, *, hidden: int = 128, layers: int = 2) -> Any:
    """Return a Llama model with random weights."""
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden,
        num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=256, pad_token_id=PAD, bos_token_id=BEGIN, eos_token_id=END,
    )  # fmt: skip
    return AutoModelForCausalLM.from_config(config)


def encode(tokenizer: Any, sentences: Sequence[Sentence]) -> dict[str, Tensor]:
    """Return questions with answers as tokens, padded on the left; only answers have labels."""
    questions = tokenizer([s.text for s in sentences], add_special_tokens=False)["input_ids"]
    answers = tokenizer([str(s.answer) for s in sentences], add_special_tokens=False)["input_ids"]
    length = max(len(q) + len(a) + 1 for q, a in zip(questions, answers, strict=True))
    shape = (len(sentences), length)
    ids, labels = torch.full(shape, PAD), torch.full(shape, UNASKED)
    present = torch.zeros(shape, dtype=torch.int64)
    for row, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        asked = [*answer, END]
        whole = [*question, *asked]
        ids[row, -len(whole) :] = torch.tensor(whole)
        labels[row, -len(asked) :] = torch.tensor(asked)
        present[row, -len(whole) :] = 1
    return {"input_ids": ids, "attention_mask": present, "labels": labels}


def train(
    model: nn.Module, tokenizer: Any, draw: Draw, schedule: Schedule, *, seed: int,
    progress: Progress | None = None,
) -> Trained:  # fmt: skip
    """Train a model from answers alone.

    Args:
        model: called with what `encode` returns, gives an object with a `loss`.
        tokenizer: of the model.
        draw: returns so many training sentences.
        schedule: how.
        seed: of what is drawn.
        progress: told of steps and loss.

    """
    noise = np.random.default_rng(seed)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, schedule.rate, weight_decay=schedule.decay)
    began, losses = time.process_time(), []
    model.train()
    for step in range(1, schedule.steps + 1):
        left = 1 - (step - 1) / schedule.steps
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate * min(1.0, step / schedule.warm, 1.5 * left)
        loss = model(**encode(tokenizer, draw(schedule.batch, noise))).loss
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(parameters, schedule.clip)
        optimiser.step()
        losses.append(float(loss.detach()))
        if progress is not None and step % 10 == 0:
            progress(step, schedule.steps, f"loss {np.mean(losses[-10:]):.3f}")
    last = losses[-max(1, len(losses) // 10) :]
    return Trained(schedule.steps, time.process_time() - began, float(np.mean(last)))


@torch.no_grad()
def answers(model: Any, tokenizer: Any, texts: Sequence[str], *, tokens: int) -> list[str]:
    """Return what a model writes behind questions, greedily, up to the end of the sentence.

    Args:
        model: a causal language model.
        tokenizer: of the model, padding on the left.
        texts: the questions.
        tokens: the most that it may write.

    """
    model.eval()
    found = []
    for start in range(0, len(texts), AT_ONCE):
        given = tokenizer(
            list(texts[start : start + AT_ONCE]), padding=True, return_tensors="pt",
            add_special_tokens=False,
        )  # fmt: skip
        ids = given["input_ids"]
        out = model.generate(
            input_ids=ids, attention_mask=given["attention_mask"], max_new_tokens=tokens,
            do_sample=False,
        )  # fmt: skip
        found += tokenizer.batch_decode(out[:, ids.shape[1] :], skip_special_tokens=True)
    return found


def share_right(
    model: Any, tokenizer: Any, sentences: Sequence[Sentence], *, tokens: int = 1
) -> float:
    """Return the share of sentences whose answer is written exactly."""
    written = answers(model, tokenizer, [s.text for s in sentences], tokens=tokens)
    right = [w.strip() == str(s.answer) for w, s in zip(written, sentences, strict=True)]
    return float(np.mean(right))
