"""What a model calls behind a text: programs and operands with their probabilities, as words.

The last token of the text is the one that is looked at. `Explanation.text` is for people, `data`
for JSON; `save_picture` draws it (`explain_picture.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from neuralc.files import write_atomic
from neuralc.nn.language.computer import Called
from neuralc.nn.language.explain_picture import draw
from neuralc.nn.language.inserted import Inserted
from neuralc.nn.language.outcomes import entries

SHOWN = 3  # alternatives of each kind
LEAST = 0.01  # what is less likely is not worth a line


@dataclass(frozen=True)
class Operand:
    """An operand of the most probable program: what it is, and how likely.

    Attributes:
        number: the most probable number.
        chance: its probability.
        source: "word 3" (from 1 on), "result behind '…'", or "decoded".
        words: for each word of the text, how likely it is pointed to; none where it is decoded.

    """

    number: int | None
    chance: float
    source: str
    words: tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes:
        place: the word behind which it is made.
        programs: all programs with their probabilities, the most probable first.
        operands: of the first program.
        results: the most probable results with their probabilities.
        write: how likely this result is what is written.

    """

    place: int
    programs: tuple[tuple[str, float], ...]
    operands: tuple[Operand, ...]
    results: tuple[tuple[int, float], ...]
    write: float

    def __str__(self) -> str:
        """Return the most probable call, then what all calls together give."""
        program, chance = self.programs[0]
        operands = ", ".join("?" if o.number is None else str(o.number) for o in self.operands)
        results = ", ".join(f"{r} {p:.3f}" for r, p in self.results if p >= LEAST) or "nothing"
        return f"{program}({operands}) {chance:.3f}, result {results}"


@dataclass(frozen=True)
class Explanation:
    """What is called behind the last token of a text.

    Attributes:
        words: the tokens of the text, the digits of a number as one.
        way: how programs are called, a sentence.
        steps: the call there, after those that it may rest on; empty where there can be none.
        likely: the most probable next tokens with their probabilities.

    """

    words: tuple[str, ...]
    way: str
    steps: tuple[Step, ...]
    likely: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """Everything as text."""
        lines = [" ".join(self.words), self.way]
        for step in self.steps:
            lines.append(f"behind {self.words[step.place]!r}: {step}")
            others = [f"{name} {p:.3f}" for name, p in step.programs[1:SHOWN] if p >= LEAST]
            if others:
                lines.append(f"  or {', '.join(others)}")
            for k, operand in enumerate(step.operands, 1):
                value = "" if operand.number is None else f"{operand.number}, "
                lines.append(f"  operand {k}: {value}{operand.source} {operand.chance:.3f}")
            lines.append(f"  written with probability {step.write:.3f}")
        if not self.steps:
            lines.append("no call is made here")
        lines.append("next: " + ", ".join(f"{word!r} {p:.3f}" for word, p in self.likely))
        return "\n".join(lines)

    def __str__(self) -> str:
        """Return everything as text."""
        return self.text

    @property
    def data(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "words": list(self.words),
            "way": self.way,
            "steps": [
                {
                    "word": step.place + 1,
                    "programs": dict(step.programs),
                    "operands": [asdict(operand) for operand in step.operands],
                    "results": [list(pair) for pair in step.results],
                    "write": step.write,
                }
                for step in self.steps
            ],
            "next": [list(pair) for pair in self.likely],
        }

    def save_picture(self, path: str | Path) -> None:
        """Draw programs, and what operands point to, into a PNG file.

        Raises:
            MissingExtra: matplotlib is not installed.
            FileError: it cannot be written.

        """
        write_atomic(path, draw(self))


def explanation(
    words: Sequence[str], places: Sequence[int], inserted: Inserted, called: Called,
    likely: Sequence[tuple[str, float]],
) -> Explanation:  # fmt: skip
    """Explain the calls of a pass over one text, behind its last token.

    Args:
        words: of the text.
        places: for each token, its word.
        inserted: what made the calls.
        called: the calls.
        likely: the most probable next tokens with their probabilities.

    """
    last, sites = len(places) - 1, called.sites.position.tolist()
    steps: list[Step] = []
    if last in sites:
        wanted = range(len(sites)) if inserted.computer.steps > 1 else [sites.index(last)]
        steps = [_step(inserted, called, site, words, places) for site in wanted]
    return Explanation(tuple(words), way(inserted, called), tuple(steps), tuple(likely))


def way(inserted: Inserted, called: Called) -> str:
    """Return how programs are called, and why, as a sentence."""
    calls, router = inserted.computer.calls, inserted.computer.router
    steps = inserted.computer.steps
    if calls.call == "marginal":
        return "marginal calls: line by line, all registers taken as independent"
    numbers = called.sites.numbers.shape[1]
    combinations = entries(calls.arities, numbers)
    kind = "circuits" if inserted.augmentation.bits else "tables"
    if router.parse == "point" and steps == 1:
        return (
            f"joint calls by {kind}: exact, {combinations} combinations of the {numbers} numbers "
            f"in the text and the {len(calls.names)} programs"
        )
    exact = "exact"
    if steps > 2 or (steps > 1 and max(calls.arities) > 2):
        exact = "exact where the operands of a call do not rest on the same earlier call"
    return f"joint calls by {kind} of up to {calls.n ** max(calls.arities):,} entries: {exact}"


def _step(
    inserted: Inserted, called: Called, site: int, words: Sequence[str], places: Sequence[int]
) -> Step:
    calls, routing = inserted.computer.calls, called.routing
    selection = routing.selection[site]
    order = selection.argsort(descending=True).tolist()
    programs = tuple((calls.names[p], float(selection[p])) for p in order)
    arity = calls.arities[order[0]]
    operands = tuple(_operand(called, site, k, words, places) for k in range(arity))
    place, write = places[int(called.sites.position[site])], float(routing.write[site])
    return Step(place, programs, operands, tuple(_results(called, site)), write)


def _operand(
    called: Called, site: int, k: int, words: Sequence[str], places: Sequence[int]
) -> Operand:
    sites, chances = called.sites, called.routing.operands[site, k]
    earlier = called.routing.earlier[site, k]
    example = int(sites.example[site])
    seen = [0.0] * len(words)
    numbers, before = sites.numbers[example].tolist(), sites.calls[example].tolist()
    if called.pointed:
        for place, chance in zip(numbers, chances.tolist(), strict=True):
            seen[places[place]] += chance
    for call, chance in zip(before, earlier.tolist(), strict=True):
        seen[places[int(sites.position[call])]] += chance
    best, sure = _largest(chances)
    last, surer = _largest(earlier)
    if surer > sure and called.result is not None:
        number, _ = _largest(called.result[before[last]])
        word = words[places[int(sites.position[before[last]])]]
        return Operand(number, surer, f"result behind {word!r}", tuple(seen))
    if best < 0:
        return Operand(None, 0.0, "nothing to point to", tuple(seen))
    if not called.pointed:
        return Operand(best, sure, "decoded", ())
    value = int(sites.values[example, best]) % 2**64
    return Operand(value, sure, f"word {places[numbers[best]] + 1}", tuple(seen))


def _largest(chances: Tensor) -> tuple[int, float]:
    if not chances.numel() or float(chances.max()) <= 0:
        return -1, 0.0
    return int(chances.argmax()), float(chances.max())


def _results(called: Called, site: int) -> list[tuple[int, float]]:
    if called.spread is None:
        assert called.result is not None
        best = called.result[site].topk(min(SHOWN, called.result.shape[1]))
        return [(int(v), float(p)) for p, v in zip(*best, strict=True)]
    numbers = called.spread.numbers[site].cpu().numpy().view(np.uint64)
    chances = called.spread.chances[site].cpu().numpy()
    total: dict[int, float] = {}
    for number, chance in zip(numbers.tolist(), chances.tolist(), strict=True):
        total[number] = total.get(number, 0.0) + chance
    return sorted(total.items(), key=lambda pair: -pair[1])[:SHOWN]
