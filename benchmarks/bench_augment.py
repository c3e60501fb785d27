"""What a computer between two layers costs: a training step of a transformer with and without it.

A Llama of 2 layers, d = 128, a batch of 32 sequences of 32 tokens: forward, backward and AdamW.
Three numbers stand in every sequence, its answer is the last token. Calls everywhere, or behind
one word only; operands pointed to or decoded; results of earlier calls; numbers as digits. CPU time
of one thread, interleaved. Generation: a token with the cache, with and without.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import Bar, Report, Table, main
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.experiments.alm_train import small_transformer
from neuralc.nn.language.augment import augment
from neuralc.nn.language.tokenizer import word_tokenizer
from neuralc.nn.library.library import RoutineLibrary

BATCH, LENGTH, N = 32, 32, 128
LIMIT = 1.5
WORDS = ["the sum of , what is that times a b c d e f g h i j k l m n o p q r s t u v ="]
PROGRAMS = ("add", "sub", "mul", "div", "mod", "min", "max", "gcd")
WAYS: dict[str, dict[str, Any]] = {
    "calls everywhere": {},
    "calls behind one word": {"callers": ["="]},
    "decoded, behind one word": {"callers": ["="], "parse": "decode"},
    "two steps, behind two words": {"callers": [",", "="], "steps": 2},
    "everywhere, numbers as digits": {"numbers": "digits"},
}


def batch(tokenizer: Any, digits: bool) -> dict[str, Tensor]:
    """Return sequences of words with three numbers, `, … =` in them, and one token of an answer."""
    generator = torch.Generator().manual_seed(0)
    words = WORDS[0].split()
    rows = []
    for _ in range(BATCH):
        picked = torch.randint(0, len(words) - 1, (LENGTH - 6,), generator=generator).tolist()
        line = [words[k] for k in picked]
        numbers = torch.randint(0, 10 if digits else N, (3,), generator=generator).tolist()
        for place, number in zip((3, 9, 15), numbers, strict=True):
            line.insert(place, str(number))
        rows.append(" ".join([*line, ",", "=", "7"]))
    ids = tokenizer(rows, return_tensors="pt", add_special_tokens=False)["input_ids"]
    assert ids.shape == (BATCH, LENGTH), ids.shape
    labels = torch.full_like(ids, -100)
    labels[:, -1] = ids[:, -1]
    return {"input_ids": ids, "labels": labels}


def training(model: Any, given: dict[str, Tensor]) -> Callable[[], object]:
    """Return one training step."""
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4)

    def step() -> None:
        loss = model(**given).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def generation(model: Any, given: dict[str, Tensor]) -> Callable[[], object]:
    """Return the writing of eight tokens for every sequence."""

    def write() -> None:
        model.generate(
            input_ids=given["input_ids"], attention_mask=torch.ones_like(given["input_ids"]),
            max_new_tokens=8, min_new_tokens=8, do_sample=False,
        )  # fmt: skip

    return write


def run() -> Report:
    torch.set_num_threads(1)
    library = RoutineLibrary.standard(N).only(*PROGRAMS)
    rows, found = [], 0.0
    steps: dict[str, Callable[[], object]] = {}
    writes: dict[str, Callable[[], object]] = {}
    added: dict[str, int] = {}
    for way, settings in {"alone": None, **WAYS}.items():
        digits = bool(settings) and settings.get("numbers") == "digits"
        tokenizer = word_tokenizer(WORDS, N, writing="digits" if digits else "whole")
        model = small_transformer(tokenizer, 0)
        count = sum(p.numel() for p in model.parameters())
        if settings is not None:
            model = augment(
                model, library=library, layer=1, operands=2, tokenizer=tokenizer, **settings
            )
        added[way] = sum(p.numel() for p in model.parameters()) - count
        given = batch(tokenizer, digits)
        steps[way], writes[way] = training(model, given), generation(model, given)
    times, written = interleaved(steps, rounds=15), interleaved(writes, rounds=5)
    for way in steps:
        _, seconds, _ = quartiles(times[way])
        low, ratio, high = ratios(times[way], times["alone"])
        _, more, _ = ratios(written[way], written["alone"])
        rows.append(
            {
                "model": way, "parameters added": added[way], "ms a step": round(1e3 * seconds, 1),
                "us a token": round(1e6 * seconds / (BATCH * LENGTH), 1), "ratio": round(ratio, 2),
                "quartiles": f"{low:.2f} - {high:.2f}", "ratio, generating": round(more, 2),
            }
        )  # fmt: skip
        if way == "calls everywhere":
            found = round(ratio, 2)
    bar = Bar("calls everywhere: time of a training step", f"<= {LIMIT}x", found, found <= LIMIT)
    return Report("augment", [Table(f"A batch of {BATCH} x {LENGTH} tokens", rows)], [bar])


if __name__ == "__main__":
    sys.exit(main(run))
