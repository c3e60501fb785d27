"""Arithmetic in sentences modulo 128: the same transformer with the computer and without it.

One step in several phrasings, tested on pairs of numbers and on phrasings that were kept out; and
two steps, tested on pairs of operations that were never trained on. Trained on answers alone; the
number of steps is fixed beforehand, so nothing that is tested on decides anything.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, section 5: 99.2 % in 62 epochs of modulo-128 arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.data.sentences import Compositions, Questions, Sentence
from neuralc.errors import NeuralcError
from neuralc.experiments.alm_train import (
    Progress,
    Schedule,
    Trained,
    share_right,
    small_transformer,
    train,
)
from neuralc.nn.language.augment import augment
from neuralc.nn.language.tokenizer import word_tokenizer
from neuralc.nn.library.library import RoutineLibrary

N = 128
PROGRAMS = ("add", "sub", "mul", "div", "mod", "min", "max", "gcd")
PAPER = {"pairs": 0.992, "epochs": 62}
PARTS = ("computer", "decoded", "alone", "two steps", "two steps alone")
ENDS = ("=", "is", ":")  # the last words of questions


_WITH_COMPUTER = Schedule(steps=300)
_DECODED = Schedule(steps=4000, rate=2e-3)
_ALONE = Schedule(steps=4000)


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        seeds: of the parts with the computer; the others have one.
        parts: names out of `PARTS`.
        with_computer, decoded, alone: schedules.
        most: the most sentences of each test; None: all.

    """

    seeds: int = 3
    parts: Sequence[str] = PARTS
    with_computer: Schedule = _WITH_COMPUTER
    decoded: Schedule = _DECODED
    alone: Schedule = _ALONE
    most: int | None = None


QUICK = Plan(
    seeds=1, parts=("computer", "alone", "two steps"), with_computer=Schedule(steps=100),
    alone=Schedule(steps=100), most=500,
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


def run_alm_arithmetic(plan: Plan, *, progress: Progress) -> Result:
    """Train and test all parts of a plan.

    Args:
        plan: what.
        progress: told of steps done, of all, and a remark.

    Raises:
        NeuralcError: there is no such part.

    """
    unknown = [part for part in plan.parts if part not in PARTS]
    if unknown:
        raise NeuralcError(f"there is no part {unknown[0]!r}\n  hint: {', '.join(PARTS)}")
    library = RoutineLibrary.standard(N).only(*PROGRAMS)
    jobs = [
        (part, seed)
        for part in plan.parts
        for seed in range(1 if "alone" in part or part == "decoded" else plan.seeds)
    ]
    rows: list[dict[str, Any]] = []
    for number, (part, seed) in enumerate(jobs):

        def tell(step: int, steps: int, remark: str, at: int = number, what: str = part) -> None:
            progress(round(1000 * (at + step / steps)), 1000 * len(jobs), f"{what}: {remark}")

        run = _two_steps if part.startswith("two") else _one_step
        rows.append({"part": part, "seed": seed, **run(part, seed, plan, library, tell)})
    data = {"n": N, "paper": PAPER, "programs": list(library), "rows": rows}
    return Result(_table(plan, rows), data)


def _schedule(part: str, plan: Plan) -> Schedule:
    if part == "decoded":
        return plan.decoded
    return plan.alone if "alone" in part else plan.with_computer


def _one_step(
    part: str, seed: int, plan: Plan, library: RoutineLibrary, progress: Progress
) -> dict[str, Any]:
    questions = Questions(N, seed)
    tokenizer = word_tokenizer(questions.words(), N)
    model = small_transformer(tokenizer, seed)
    if part == "computer":
        model = augment(model, library=library, layer=1, operands=2, tokenizer=tokenizer)
    elif part == "decoded":
        model = augment(
            model, library=library, layer=1, operands=2, tokenizer=tokenizer, parse="decode",
            callers=ENDS,
        )  # fmt: skip
    schedule = _schedule(part, plan)

    def draw(count: int, noise: np.random.Generator) -> list[Sentence]:
        return questions.draw("train", count, noise)

    trained = train(model, tokenizer, draw, schedule, seed=seed, progress=progress)
    tests = {
        split: share_right(model, tokenizer, _some(questions.every(split), plan.most, seed))
        for split in ("pairs", "phrasings")
    }
    return {**_took(trained, schedule, questions.size), **tests}


def _two_steps(
    part: str, seed: int, plan: Plan, library: RoutineLibrary, progress: Progress
) -> dict[str, Any]:
    compositions = Compositions(N, seed)
    tokenizer = word_tokenizer(compositions.words(), N)
    model = small_transformer(tokenizer, seed)
    if part == "two steps":
        model = augment(
            model, library=library, layer=1, operands=2, steps=2, tokenizer=tokenizer,
            callers=(",", "="), isolated=True,
        )  # fmt: skip
    schedule = _schedule(part, plan)

    def draw(count: int, noise: np.random.Generator) -> list[Sentence]:
        return compositions.draw(True, count, noise)

    trained = train(model, tokenizer, draw, schedule, seed=seed, progress=progress)
    noise = np.random.default_rng([seed, 1])  # others than those of training
    count = plan.most or 2000
    tests = {
        "trained compositions": compositions.draw(True, count, noise),
        "unseen compositions": compositions.draw(False, count, noise),
    }
    shares = {name: share_right(model, tokenizer, s) for name, s in tests.items()}
    kept = [" then ".join(pair) for pair in compositions.kept]
    return {**_took(trained, schedule, None), **shares, "kept": kept}


def _some(sentences: Any, most: int | None, seed: int) -> list[Sentence]:
    """Return all sentences, or some of them, drawn evenly."""
    every = list(itertools.chain(sentences))
    if most is None or most >= len(every):
        return every
    chosen = np.random.default_rng(seed).permutation(len(every))[:most]
    return [every[k] for k in chosen.tolist()]


def _took(trained: Trained, schedule: Schedule, epoch: int | None) -> dict[str, Any]:
    examples = trained.steps * schedule.batch
    return {
        "steps": trained.steps,
        "examples": examples,
        "epochs": None if epoch is None else examples / epoch,
        "cpu_seconds": trained.seconds,
        "loss": trained.loss,
    }


_SAID = {
    "computer": "with the computer, operands pointed to",
    "decoded": "with the computer, operands decoded",
    "alone": "the same transformer alone",
    "two steps": "two steps, with the computer",
    "two steps alone": "two steps, the transformer alone",
}


def _table(plan: Plan, rows: Sequence[dict[str, Any]]) -> str:
    tested = "all pairs that were kept out" if plan.most is None else f"{plan.most} sentences"
    lines = [
        f"Arithmetic modulo {N} in sentences, trained on answers alone; tested on {tested}.",
        "Smallest share over the seeds; a transformer of 2 layers, d = 128.",
        "",
        f"{'':42} {'seeds':>5} {'epochs':>7} {'CPU s':>7} {'tested':>9} {'harder':>9}",
    ]
    for part in plan.parts:
        own = [row for row in rows if row["part"] == part]
        one = "pairs" if "pairs" in own[0] else "trained compositions"
        two = "phrasings" if "pairs" in own[0] else "unseen compositions"
        epochs = "" if own[0]["epochs"] is None else f"{own[0]['epochs']:.2f}"
        seconds = float(np.mean([row["cpu_seconds"] for row in own]))
        shares = [min(row[name] for row in own) for name in (one, two)]
        lines.append(
            f"{_SAID[part]:42} {len(own):5} {epochs:>7} {seconds:7.0f} {100 * shares[0]:8.2f}% "
            f"{100 * shares[1]:8.2f}%"
        )
    lines += [
        f"{'paper':42} {'':5} {PAPER['epochs']:7} {'':7} {100 * PAPER['pairs']:8.2f}%",
        "",
        "tested: pairs of numbers never trained on; two steps: compositions that were trained on",
        "harder: the same in phrasings never trained on; two steps: compositions never trained on",
    ]
    return "\n".join(lines)
