"""Sequence models on MATH: trained on short expressions, tested on longer ones.

An LSTM and a Neural GPU see the images of an expression (or its symbols, one-hot) and its value
modulo 19, nothing else. Each is trained on expressions of 2 to `trained_to` digits and tested on
held-out images of 2 to 16 digits. Knows neither programs nor the command line.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
section 4.1: the generalisation curves, with images and without.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

from neuralc.data.digits import Digits
from neuralc.errors import DataError, FileError, HyperError
from neuralc.experiments.ntpt_sequence_data import Pictures, draw_tensors
from neuralc.files import read_text, write_atomic
from neuralc.zoo.lstm import Lstm
from neuralc.zoo.neural_gpu import NeuralGpu
from neuralc.zoo.symbols import OneHot, TwoNetworks

Progress = Callable[[int, int, str], None]
Tell = Callable[[int, str], None]  # steps done, and a remark
SHORTEST, LONGEST = 2, 16  # digits
TESTED = 500  # held-out expressions of each length
TRAINED_TO = (2, 5)  # digits: as for programs, and what the paper gave these models
BATCH = 64
CHUNK = 100  # expressions in memory at once in a test
VERSION = 1
NO_SMALLER_STEP = 0.05  # of the rate, at the end of training
GROWING = 0.8  # of the steps, after which expressions of all lengths have their share


@dataclass(frozen=True)
class Setting:
    """A model with its sizes and how it is trained.

    Attributes:
        kind: "lstm" or "neural-gpu".
        width: the units of a layer, or filters.
        layers: of the LSTM.
        dropout: as the model understands it.
        rate: the largest step of Adam; it falls along a cosine.
        steps: batches of 64 for expressions of 2 digits.
        longer_steps: batches where longer ones are learned from too.

    """

    kind: str
    width: int
    layers: int = 2
    dropout: float = 0.0
    rate: float = 1e-3
    steps: int = 10_000
    longer_steps: int = 10_000

    def steps_for(self, longest: int) -> int:
        """Return the batches of training on expressions of up to `longest` digits."""
        return self.steps if longest == SHORTEST else self.longer_steps


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "lstm": Setting("lstm", 128, rate=2e-3),
        "lstm-2x256": Setting("lstm", 256, steps=50_000, longer_steps=100_000),
        "lstm-3x1024": Setting(
            "lstm", 1024, layers=3, dropout=0.5, rate=3e-4, steps=50_000, longer_steps=100_000
        ),
        "neural-gpu": Setting("neural-gpu", 24, rate=3e-3, steps=6_000, longer_steps=4_000),
        "neural-gpu-512": Setting(
            "neural-gpu", 512, dropout=0.06, rate=3e-4, steps=50_000, longer_steps=100_000
        ),
    }
)
SMALL = ("lstm", "neural-gpu")  # minutes on one core
PAPER = ("lstm-2x256", "lstm-3x1024", "neural-gpu-512")  # as published: hours to weeks


@dataclass(frozen=True)
class Sequences:
    """One row for each model and range of lengths: text for people, data for programs."""

    rows: list[dict[str, Any]]
    text: str
    data: dict[str, Any]


def run_sequences(
    digits: Digits, operators: Digits, *, models: Sequence[str] = SMALL,
    trained_to: Sequence[int] = TRAINED_TO, images: bool = True, steps: int | None = None,
    seed: int = 0, progress: Progress | None = None, out: Path | None = None,
    tested: int = TESTED,
) -> Sequences:  # fmt: skip
    """Train models and measure how often they give the exact value, by length.

    Args:
        digits: images of digits; those to learn from are for training, those held out for tests.
        operators: images of the operators, of the same size.
        models: names of `SETTINGS`: `SMALL` for a core and minutes, `PAPER` for the paper's sizes.
        trained_to: the longest expressions to train on, in digits; one model for each.
        images: False: the models see symbols, one-hot.
        steps: of training; None: as the setting says.
        seed: of weights, training and test expressions.
        progress: called with steps done, steps in all, and a remark.
        out: a folder for the result of each model; what is there already is not done again.
        tested: expressions of each length in the test.

    Raises:
        DataError: `trained_to` is not from 2 to 16, or images do not fit together.
        HyperError: there is no model of that name, or no steps.
        FileError: the folder cannot be written, or a result in it is damaged.

    """
    _check(models, trained_to, steps, tested)
    jobs = [
        Job(name, SETTINGS[name], longest, images, steps or SETTINGS[name].steps_for(longest), seed,
            tested)
        for name in models for longest in trained_to
    ]  # fmt: skip
    rows, done, total = [], 0, sum(job.steps for job in jobs)
    for job in jobs:

        def tell(step: int, remark: str, before: int = done) -> None:
            if progress is not None:
                progress(before + step, total, remark)

        rows.append(_once(job, digits, operators, tell, out))
        done += job.steps
    return Sequences(rows, _text(rows, images), {"images": images, "seed": seed, "rows": rows})


def _check(
    models: Sequence[str], trained_to: Sequence[int], steps: int | None, tested: int
) -> None:
    for name in models:
        if name not in SETTINGS:
            raise HyperError(
                f"there is no sequence model {name!r}\n  hint: there are {', '.join(SETTINGS)}"
            )
    for longest in trained_to:
        if not SHORTEST <= longest <= LONGEST:
            raise DataError(
                f"found training on up to {longest} digits, wanted {SHORTEST}..{LONGEST}"
            )
    if (steps is not None and steps < 1) or tested < 1:
        raise HyperError(f"found {steps} steps and {tested} tested, wanted at least 1 of each")


@dataclass(frozen=True)
class Job:
    """One model to be trained and tested; all that decides what comes of it."""

    name: str
    setting: Setting
    trained_to: int
    images: bool
    steps: int
    seed: int
    tested: int

    @property
    def file(self) -> str:
        """The name of the file of its result."""
        seen = "images" if self.images else "symbols"
        return f"{self.name}-{seen}-to{self.trained_to}-steps{self.steps}-seed{self.seed}.json"

    def identity(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"version": VERSION, "batch": BATCH, **dataclasses.asdict(self)}


def _once(
    job: Job, digits: Digits, operators: Digits, tell: Tell, out: Path | None
) -> dict[str, Any]:
    """Return the row of a job: from its file, or by doing it."""
    path = None if out is None else out / job.file
    if path is not None and path.exists():
        row = _read(path, job, digits.name)
        if row is not None:
            return row
    row = {
        **job.identity(),
        "digits": digits.name,
        **_train_and_test(job, digits, operators, tell),
    }
    if path is not None:
        write_atomic(path, json.dumps(row, indent=1) + "\n")
    return row


def _read(path: Path, job: Job, digits: str) -> dict[str, Any] | None:
    """Return a saved row, or None if it is of other settings than this job."""
    try:
        row = json.loads(read_text(path))
        saved = {key: row[key] for key in (*job.identity(), "digits")}
        lengths = [int(size) for size in row["accuracy"]]
        fine = all(0 <= float(share) <= 1 for share in row["accuracy"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        fine, lengths, row, saved = False, [], None, {}
    if not fine or lengths != list(range(SHORTEST, LONGEST + 1)):
        raise FileError(
            f"{path} is damaged: it is no result of a sequence model\n"
            "  hint: delete it, and the model is trained again"
        )
    assert isinstance(row, dict)
    return row if saved == {**job.identity(), "digits": digits} else None


def build_model(setting: Setting, pixels: int | None) -> nn.Module:
    """Return a model with fresh weights; `pixels` is None where it reads symbols."""
    reader = OneHot() if pixels is None else TwoNetworks(pixels)
    if setting.kind == "lstm":
        return Lstm(reader, layers=setting.layers, width=setting.width, dropout=setting.dropout)
    return NeuralGpu(reader, filters=setting.width, dropout=setting.dropout)


def _train_and_test(job: Job, digits: Digits, operators: Digits, tell: Tell) -> dict[str, Any]:
    began = time.process_time()
    train = held_out = None
    if job.images:
        train = Pictures(
            (digits.train_images, digits.train_labels),
            (operators.train_images, operators.train_labels),
        )
        held_out = Pictures(
            (digits.test_images, digits.test_labels),
            (operators.test_images, operators.test_labels),
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        model = build_model(job.setting, train.pixels if train else None)
        history = _train(model, job, train, tell)
    trained = time.process_time()
    accuracy = {
        str(size): exact_share(model, held_out, size, job.tested, job.seed)
        for size in range(SHORTEST, LONGEST + 1)
    }
    return {
        "accuracy": accuracy, "history": history, "examples": job.steps * BATCH,
        "parameters": sum(p.numel() for p in model.parameters()),
        "training_seconds": trained - began, "testing_seconds": time.process_time() - trained,
    }  # fmt: skip


def _train(
    model: nn.Module, job: Job, pictures: Pictures | None, tell: Tell
) -> list[dict[str, float]]:
    """Train a model; return loss and share of right answers on fresh batches, now and then."""
    rng = np.random.default_rng([job.seed, 1])
    optimizer = torch.optim.Adam(model.parameters(), lr=job.setting.rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, job.steps, eta_min=job.setting.rate * NO_SMALLER_STEP
    )
    every = max(1, job.steps // 20)
    history, losses, right = [], [], []
    model.train()
    for step in range(1, job.steps + 1):
        sizes = range(SHORTEST, longest_at(step, job.steps, job.trained_to) + 1)
        sequences, lengths, results = draw_tensors(pictures, BATCH, sizes, rng)
        logits = model(sequences, lengths)
        loss = nn.functional.cross_entropy(logits, results)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        falling.step()
        losses.append(float(loss.detach()))
        right.append(float((logits.detach().argmax(1) == results).float().mean()))
        if step % every == 0 or step == job.steps:
            entry = {"step": step, "loss": float(np.mean(losses)), "right": float(np.mean(right))}
            history.append(entry)
            losses, right = [], []
            tell(step, _remark(job, entry))
    return history


def longest_at(step: int, steps: int, trained_to: int) -> int:
    """Return the longest expressions, in digits, that a step of training draws.

    Short ones come first, as Kaiser & Sutskever (2016) train the Neural GPU: what their values
    say of images is easier to learn.
    """
    stages = trained_to - SHORTEST + 1
    return min(trained_to, SHORTEST + int(stages * (step - 1) / (GROWING * steps)))


@torch.no_grad()
def exact_share(
    model: nn.Module, pictures: Pictures | None, size: int, count: int, seed: int
) -> float:
    """Return the share of fresh expressions of one length whose exact value a model gives.

    Args:
        model: called with sequences and lengths.
        pictures: held-out images, or None for symbols.
        size: digits of each expression.
        count: expressions.
        seed: the same seed gives the same expressions. Their images are new to the model; as
            symbols, short ones are not: there are only 400 of two digits.

    """
    model.eval()
    rng = np.random.default_rng([seed, 2, size])
    right = 0
    for start in range(0, count, CHUNK):
        sequences, lengths, results = draw_tensors(pictures, min(CHUNK, count - start), [size], rng)
        right += int((model(sequences, lengths).argmax(1) == results).sum())
    return right / count


def _remark(job: Job, entry: Mapping[str, float]) -> str:
    seen = "images" if job.images else "symbols"
    return (
        f"{job.name} on {seen}, up to {job.trained_to} digits: loss {entry['loss']:.3f}, "
        f"{entry['right']:.1%} right"
    )


def _text(rows: Sequence[Mapping[str, Any]], images: bool) -> str:
    """Return a table: a line for each model, a column for each length."""
    sizes = [str(size) for size in range(SHORTEST, LONGEST + 1)]
    seen = "images" if images else "one-hot symbols"
    lines = [
        f"sequence models on {seen}: exact values in % of held-out expressions, by digits", "",
        f"{'model':15} {'trained to':>10} " + " ".join(f"{size:>4}" for size in sizes),
    ]  # fmt: skip
    for row in rows:
        shares = " ".join(f"{100 * row['accuracy'][size]:4.0f}" for size in sizes)
        lines.append(f"{row['name']:15} {row['trained_to']:>10} {shares}")
    return "\n".join(lines)
