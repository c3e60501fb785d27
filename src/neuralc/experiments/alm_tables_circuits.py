"""From tables to circuits: a router trained on small numbers computes with large ones.

The model is trained on sentences with numbers below 128, whose programs are tables, and then calls
circuits on 64-bit numbers that it has never seen the like of. Beside it long multiplication, on
which transformers collapse as factors get longer than those of training, with and without the
computer. Judged by what is written, digit for digit.

Sources: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, sections 3 and 6 ("bootstrapping"); Dziri et al., "Faith and Fate"
(2023), arXiv:2305.18654, for multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from neuralc.data.sentences import OPERATIONS, Multiplications, Questions, Sentence
from neuralc.experiments.alm_train import (
    Progress,
    Schedule,
    share_right,
    small_transformer,
    train,
)
from neuralc.nn.language.augment import augment
from neuralc.nn.language.computer import Called
from neuralc.nn.language.tokenizer import word_tokenizer
from neuralc.nn.library.library import RoutineLibrary

N, BITS = 128, 64
NARROW = 16  # bits that hold the products of training
PROGRAMS = ("add", "sub", "mul", "div", "mod", "min", "max")
TRAINED = (1, 2)  # digits of the factors of training
LONGEST = 21  # tokens of an answer: 20 digits and the end


_ROUTING = Schedule(steps=300)
_MULTIPLYING = Schedule(steps=1500)


@dataclass(frozen=True)
class Plan:
    """What is trained and tested.

    Attributes:
        seeds: of all parts.
        routing, multiplying: schedules.
        sums: how many additions of 64-bit numbers.
        others: how many of each other operation.
        products: how many of each length.
        lengths: digits of both factors.

    """

    seeds: int = 3
    routing: Schedule = _ROUTING
    multiplying: Schedule = _MULTIPLYING
    sums: int = 1000
    others: int = 200
    products: int = 200
    lengths: Sequence[int] = (1, 2, 3, 4, 5, 9)


QUICK = Plan(
    seeds=1, routing=Schedule(steps=100, warm=20), multiplying=Schedule(steps=50), sums=100,
    others=20, products=20, lengths=(1, 2, 3, 9),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


def run_alm_tables_circuits(plan: Plan, *, progress: Progress) -> Result:
    """Train with tables, compute with circuits; multiply with and without the computer."""
    jobs = [(part, seed) for part in (_routing, _multiplying) for seed in range(plan.seeds)]
    rows: list[dict[str, Any]] = []
    for number, (part, seed) in enumerate(jobs):

        def tell(step: int, steps: int, remark: str, at: int = number) -> None:
            progress(round(1000 * (at + step / steps)), 1000 * len(jobs), remark)

        rows.append({"seed": seed, **part(plan, seed, tell)})
    routing, products = rows[: plan.seeds], rows[plan.seeds :]
    data = {"n": N, "bits": BITS, "routing": routing, "multiplication": products}
    return Result(_table(plan, routing, products), data)


def library(*names: str) -> RoutineLibrary:
    """Return programs that have both tables and circuits."""
    return RoutineLibrary.standard(N).only(*names)


def _routing(plan: Plan, seed: int, progress: Progress) -> dict[str, Any]:
    questions = Questions(N, seed)
    tokenizer = word_tokenizer(questions.words(), N, writing="digits")
    model = augment(
        small_transformer(tokenizer, seed), library=library(*PROGRAMS), layer=1, operands=2,
        numbers="digits", tokenizer=tokenizer,
    )  # fmt: skip

    def draw(count: int, noise: np.random.Generator) -> list[Sentence]:
        return questions.draw("train", count, noise)

    trained = train(model, tokenizer, draw, plan.routing, seed=seed, progress=progress)
    noise = np.random.default_rng([seed, 1])
    small = questions.draw("pairs", plan.sums, noise)
    row: dict[str, Any] = {
        "cpu_seconds": trained.seconds,
        "steps": trained.steps,
        "tables": share_right(model, tokenizer, small, tokens=LONGEST),
    }
    model.use_circuits(BITS)
    for name in questions.operations:
        count = plan.sums if name == "add" else plan.others
        large, routes = _large(questions, name, count, noise)
        exact = share_right(model, tokenizer, large, tokens=LONGEST)
        row[name] = {
            "count": count, "routed": _routed(model, tokenizer, large, routes), "exact": exact,
        }  # fmt: skip
    return row


def _large(
    questions: Questions, name: str, count: int, noise: np.random.Generator
) -> tuple[list[Sentence], list[tuple[int, int]]]:
    """Return sentences with 64-bit numbers, and the operands in order, modulo 2^64."""
    sentences, operands = [], []
    for _ in range(count):
        a, b = (int(x) for x in noise.integers(2**64 - 1, size=2, dtype=np.uint64, endpoint=True))
        phrasings = questions.phrasings["train"][name]
        text = phrasings[int(noise.integers(len(phrasings)))].format(a=a, b=b)
        sentences.append(Sentence(text, OPERATIONS[name](a, b) % 2**64, (name,)))
        operands.append((a, b))
    return sentences, operands


@torch.no_grad()
def _routed(
    model: Any, tokenizer: Any, sentences: Sequence[Sentence], operands: Sequence[tuple[int, int]]
) -> float:
    """Return the share of sentences whose most probable program and operands are right."""
    model.eval()
    called: list[Called] = []
    right, commutes = [], {"add", "mul", "min", "max"}
    names = model.inserted.computer.calls.names
    for sentence, wanted in zip(sentences, operands, strict=True):
        given = tokenizer(sentence.text, return_tensors="pt", add_special_tokens=False)
        called.clear()
        with model.inserted.watched(called):
            model(input_ids=given["input_ids"])
        (made,) = called
        best = made.routing.operands[-1].argmax(-1)
        found = tuple(int(made.sites.values[0, k]) % 2**64 for k in best[:2].tolist())
        program = names[int(made.routing.selection[-1].argmax())]
        orders = (wanted, wanted[::-1]) if program in commutes else (wanted,)
        right.append(program == sentence.operations[0] and found in orders)
    return float(np.mean(right))


def _multiplying(plan: Plan, seed: int, progress: Progress) -> dict[str, Any]:
    task = Multiplications(seed)
    tokenizer = word_tokenizer([task.TEXT], N, writing="digits")

    def draw(count: int, noise: np.random.Generator) -> list[Sentence]:
        digits = noise.choice(TRAINED, 2)
        return task.draw((int(digits[0]), int(digits[1])), False, count, noise)

    row: dict[str, Any] = {}
    for name in ("computer", "alone"):
        model = small_transformer(tokenizer, seed)
        if name == "computer":
            model = augment(
                model, library=library("add", "sub", "mul"), layer=1, operands=2,
                numbers="digits", tokenizer=tokenizer,
            ).use_circuits(NARROW)  # fmt: skip
        schedule = plan.routing if name == "computer" else plan.multiplying
        trained = train(model, tokenizer, draw, schedule, seed=seed, progress=progress)
        if name == "computer":
            model.use_circuits(BITS)
        noise = np.random.default_rng([seed, 2])
        shares = {
            length: share_right(
                model, tokenizer, task.draw((length, length), True, plan.products, noise),
                tokens=LONGEST,
            )
            for length in plan.lengths
        }  # fmt: skip
        row[name] = {"cpu_seconds": trained.seconds, "steps": trained.steps, "lengths": shares}
    return row


def _table(
    plan: Plan, routing: Sequence[dict[str, Any]], products: Sequence[dict[str, Any]]
) -> str:
    title = f"Trained with tables on numbers below {N}, then circuits of {BITS} bits"
    lines = [
        f"{title}; smallest share of {plan.seeds} seeds.",
        "",
        f"{'':26} {'sentences':>9} {'routed':>8} {'exact':>8}",
    ]
    tables = 100 * min(row["tables"] for row in routing)
    lines.append(f"{'tables, pairs kept out':26} {plan.sums:9} {'':8} {tables:7.2f}%")
    for name in OPERATIONS:
        own = [row[name] for row in routing]
        routed, exact = (100 * min(one[what] for one in own) for what in ("routed", "exact"))
        lines.append(f"{f'circuits, {name}':26} {own[0]['count']:9} {routed:7.2f}% {exact:7.2f}%")
    head = "".join(f"{f'{k}x{k}':>9}" for k in plan.lengths)
    lines += ["", f"Products, trained on factors of {TRAINED[0]} and {TRAINED[-1]} digits", ""]
    lines.append(f"{'':26}{head} {'CPU s':>8}")
    for name, said in (("computer", "with the computer"), ("alone", "the transformer alone")):
        own = [row[name] for row in products]
        shares = "".join(
            f"{100 * np.mean([one['lengths'][k] for one in own]):8.1f}%" for k in plan.lengths
        )
        seconds = float(np.mean([one["cpu_seconds"] for one in own]))
        lines.append(f"{said:26}{shares} {seconds:8.0f}")
    return "\n".join(lines)
