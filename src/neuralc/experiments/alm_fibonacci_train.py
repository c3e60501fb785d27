"""Trains a network of the Fibonacci experiment on answers alone, and asks it the kept pairs.

A tenth of the *training* pairs is set aside for validation. It alone decides when training ends,
and which of several initialisations counts; the kept pairs decide nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from neuralc.data.sentences import Fibonacci, Sentence
from neuralc.experiments.alm_fibonacci_networks import Answering, Way

VALIDATION = 0.1  # of the training pairs


@dataclass(frozen=True)
class Recipe:
    """How a network is made and trained.

    Attributes:
        hidden, deviation, scale, write: see `Answering`.
        rate: of learning at its highest; it rises over `warm` steps and falls to 0 in the end.
        decay: of all matrices (AdamW).
        steps: the most steps of one attempt.
        batch: pairs of a step.
        tries: attempts, each with another initialisation, until one is right on all of the
            validation; else the best one there counts.
        every: steps between two looks at the validation.

    """

    hidden: int = 128
    deviation: float = 0.02
    scale: float = 0.2
    write: float = 6.0
    rate: float = 1e-2
    decay: float = 0.0
    steps: int = 400
    batch: int = 128
    warm: int = 50
    tries: int = 4
    every: int = 50


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        test: share of the kept pairs that are answered right.
        first: the same of the first attempt.
        validation: that of the validation, by which the attempt was chosen.
        training: that of the pairs trained on.
        steps: of all attempts together.
        tries: how many attempts were made.
        seconds: of the processor, all attempts together.

    """

    test: float
    first: float
    validation: float
    training: float
    steps: int
    tries: int
    seconds: float


@dataclass(frozen=True)
class _Texts:
    """Questions `(B, T)` and the tokens of their answers `(B,)`."""

    ids: Tensor
    wanted: Tensor


def run_way(
    task: Fibonacci, way: Way, recipe: Recipe, seed: int, tell: Callable[[int], None]
) -> Outcome:
    """Train, with several attempts if need be, and ask the kept pairs.

    Args:
        task: the sentences.
        way: the network and how it calls.
        recipe: how it is trained.
        seed: of the validation, of all initialisations and batches.
        tell: called with the number of steps done so far, in all attempts.

    """
    began, steps = time.process_time(), 0
    best: tuple[tuple[float, float], Answering, _Texts] | None = None
    for attempt in range(recipe.tries):
        torch.manual_seed(1000 * seed + attempt)
        model = Answering(
            task, way, hidden=recipe.hidden, deviation=recipe.deviation, scale=recipe.scale,
            write=recipe.write,
        )  # fmt: skip
        training, validation = _parts(model, task.trained(), seed)
        steps += _train(
            model, recipe, training, validation, seed=1000 * seed + attempt,
            tell=partial(_later, tell, steps),
        )  # fmt: skip
        share, loss = _examine(model, validation)
        if attempt == 0:
            first = _examine(model, _texts(model, task.every()))[0]
        if best is None or (share, -loss) > best[0]:
            best = (share, -loss), model, training
        if share == 1:
            break
    assert best is not None
    (validated, _), model, training = best
    test = _examine(model, _texts(model, task.every()))[0]
    return Outcome(
        test, first, validated, _examine(model, training)[0], steps, attempt + 1,
        time.process_time() - began,
    )  # fmt: skip


def _later(tell: Callable[[int], None], before: int, step: int) -> None:
    tell(before + step)


def _train(
    model: Answering, recipe: Recipe, training: _Texts, validation: _Texts, *, seed: int,
    tell: Callable[[int], None],
) -> int:  # fmt: skip
    """Train until the validation is right, or to the end; return the steps."""
    optimizer, schedule = _optimizer(model, recipe)
    noise = torch.Generator().manual_seed(seed)
    for step in range(1, recipe.steps + 1):
        rows = torch.randint(len(training.ids), (recipe.batch,), generator=noise)
        loss = nn.functional.cross_entropy(model(training.ids[rows]), training.wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % recipe.every == 0 or step == recipe.steps:
            tell(step)
            share, mean = _examine(model, validation)
            if share == 1 and mean < SURE:
                return step
    return recipe.steps


SURE = 0.003
"""Training ends where the mean loss of the validation is less, and all of it right."""


def _optimizer(model: Answering, recipe: Recipe) -> tuple[Any, Any]:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.decay},
              {"params": others, "weight_decay": 0.0}]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.99))

    def share(step: int) -> float:
        return min(1.0, (step + 1) / recipe.warm) * (1 - step / recipe.steps)

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _parts(model: Answering, sentences: list[Sentence], seed: int) -> tuple[_Texts, _Texts]:
    """Return the pairs to train on, and those for validation."""
    order = torch.randperm(len(sentences), generator=torch.Generator().manual_seed(seed)).tolist()
    cut = round(VALIDATION * len(sentences))
    mixed = [sentences[k] for k in order]
    return _texts(model, mixed[cut:]), _texts(model, mixed[:cut])


def _texts(model: Answering, sentences: list[Sentence]) -> _Texts:
    return _Texts(
        model.tokens([one.text for one in sentences]),
        model.answers([one.answer for one in sentences]),
    )


@torch.no_grad()
def _examine(model: Answering, texts: _Texts) -> tuple[float, float]:
    """Return the share of right answers, and the mean loss."""
    model.eval()
    logits = torch.cat([model(ids) for ids in texts.ids.split(1024)])
    model.train()
    right = (logits.argmax(-1) == texts.wanted).double().mean()
    return float(right), float(nn.functional.cross_entropy(logits, texts.wanted))
