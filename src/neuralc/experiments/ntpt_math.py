"""`ntpt-math`: the MATH experiment of Neural TerpreT, part by part, ours beside the paper's.

Parts: the networks of the library, gradients alone, `auto`, training on through the program, long
expressions, and sequence models without programs. Each part is kept in a folder when it is done
and is not done again.

Source: Gaunt, Brockschmidt, Kushman, Tarlow: Differentiable Programs with Neural Libraries (Neural
TerpreT, 2017), arXiv:1611.02109, section 4.1, figures 4 and 8.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from neuralc import saved
from neuralc.data.digits import Digits
from neuralc.experiments.math_search import LongerExpressions
from neuralc.experiments.ntpt_math_read import READING, by_length, perfectly, read_on
from neuralc.experiments.ntpt_math_search import (
    AUTO,
    GRADIENT,
    by_gradients,
    by_turns,
    expressions,
    math_model,
    read_once,
)
from neuralc.experiments.ntpt_math_start import Weights, starting_networks
from neuralc.experiments.ntpt_math_table import text
from neuralc.experiments.ntpt_sequences import run_sequences
from neuralc.learning.decided import decided, right_on, with_networks
from neuralc.learning.model import Model
from neuralc.learning.solution import Report, Solution

Progress = Callable[[int, int, str], None]
EXPRESSIONS = 1000  # of two digits, for the search


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        batches: of restarts by gradients alone, each with its own networks and expressions.
        restarts: in each batch.
        seeds: of `auto`, likewise.
        nets: bodies of the networks that learn on through the program.
        share: of the steps of that training.
        sequence_steps: of each sequence model; None: as its setting says; 0: none is trained.
        tested: held-out expressions of each length.
        starting: share of the steps in which the networks to begin with are made.

    """

    batches: int = 3
    restarts: int = 100
    seeds: int = 20
    nets: tuple[str, ...] = ("mlp", "cnn")
    share: float = 1.0
    sequence_steps: int | None = None
    tested: int = 500
    starting: float = 1.0


FULL = Size()
QUICK = Size(
    batches=1, restarts=20, seeds=1, nets=("mlp",), share=0.1, sequence_steps=100, tested=100
)


@dataclass(frozen=True)
class NtptMath:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


def run_ntpt_math(
    digits: Digits, operators: Digits, *, size: Size = FULL, seed: int = 0,
    networks: Mapping[str, Tensor] | None = None, out: Path | None = None,
    progress: Progress | None = None,
) -> NtptMath:  # fmt: skip
    """Do all parts of the experiment.

    Args:
        digits: images of digits; those for learning are learned from, those held out are for tests.
        operators: images of the operators, of the same size.
        size: how much is done.
        seed: of everything; parts with several seeds count on from it.
        networks: of a library, named as in `Solution.weights`, to begin with; None: they are made
            here for every seed, see `starting_networks`.
        out: a folder for the result of each part; what is there already is not done again.
        progress: called with parts done, all parts, and a remark.

    Raises:
        FileError: the folder cannot be written.
        SolutionError: what is kept there is damaged.

    """
    run = _Run(digits, operators, size, seed, networks, out, progress)
    rows = [run.gradient(number) for number in range(size.batches)]
    turns = [run.auto(number) for number in range(size.seeds)]
    readings = [run.reading(net) for net in size.nets]
    data: dict[str, Any] = {
        "seed": seed, "digits": digits.name, "size": dataclasses.asdict(size),
        "gradient": rows, "auto": turns, "reading": readings, "perfect": run.perfect(),
        "sequences": run.sequences(),
    }  # fmt: skip
    return NtptMath(text(data), data)


@dataclass
class _Run:
    """One run: what it is about, and the parts as they are asked for."""

    digits: Digits
    operators: Digits
    size: Size
    seed: int
    given: Mapping[str, Tensor] | None
    out: Path | None
    progress: Progress | None
    done: int = 0

    def __post_init__(self) -> None:
        self.image_size = self.digits.train_images.shape[-1]
        self.longer = LongerExpressions(self.image_size)
        self.choices: dict[str, Any] | None = None  # the first program that was found
        size = self.size
        self.total = size.batches + size.seeds + 1 + len(size.nets) + bool(size.sequence_steps != 0)

    # ---- the parts

    def start(self, seed: int, net: str | None = None) -> tuple[Weights, dict[str, Any]]:
        """Return the networks that a seed begins with, and how well they read."""
        if self.given is not None and net is None:
            return dict(self.given), {}

        def make() -> tuple[dict[str, Any], Weights]:
            return {}, starting_networks(
                self.digits, self.operators, seed=seed, net=net, share=self.size.starting
            )

        about = {"seed": seed, "starting": self.size.starting}
        found, weights = self._kept(f"networks-{net or 'mlp'}-{seed}", about, make)
        return weights, found

    def gradient(self, number: int) -> dict[str, Any]:
        """Return what came of one batch of restarts by gradients alone."""
        seed = self.seed + number
        settings = dataclasses.replace(GRADIENT, seed=seed, restarts=self.size.restarts)

        def make() -> tuple[dict[str, Any], Weights]:
            weights, _ = self.start(seed)
            model = math_model(self.digits)
            train = expressions(model, self.digits, self.operators, EXPRESSIONS, seed=seed)
            return by_gradients(model, read_once(model, weights, train), settings, self.longer), {}

        row, _ = self._kept(f"gradient-{seed}", dataclasses.asdict(settings), make)
        self._note(row)
        self._tell(f"gradients alone: {row['found']} of {row['restarts']}")
        return row

    def auto(self, number: int) -> dict[str, Any]:
        """Return what came of one seed of `auto`."""
        seed = self.seed + number
        settings = dataclasses.replace(AUTO, seed=seed)

        def make() -> tuple[dict[str, Any], Weights]:
            weights, _ = self.start(seed)
            model = math_model(self.digits)
            train = expressions(model, self.digits, self.operators, EXPRESSIONS, seed=seed)
            return by_turns(model, weights, train, settings, self.longer), {}

        row, _ = self._kept(f"auto-{seed}", dataclasses.asdict(settings), make)
        self._note(row)
        self._tell(f"auto, seed {seed}: {'found' if row['found'] else 'not found'}")
        return row

    def reading(self, net: str) -> dict[str, Any]:
        """Return how well the networks read once they have learned on through the program."""
        base = READING[net]
        steps = max(1, round(base.steps * self.size.share))
        settings = dataclasses.replace(base, seed=self.seed, steps=steps)
        about = {**dataclasses.asdict(settings), "tested": self.size.tested}

        def make() -> tuple[dict[str, Any], Weights]:
            body = None if net == "mlp" else net
            model = math_model(self.digits, net=body)
            weights, _ = self.start(self.seed, body)
            assert self.choices is not None
            learned, row = read_on(
                model, self.choices, weights, self.digits, self.operators, settings,
                tell=lambda step, remark: self._tell(f"{net}, step {step}: {remark}", parts=0),
            )  # fmt: skip
            solution = self._solution(model, learned, row)
            if self.out is not None:
                solution.save(self.out / f"solution-{net}")
            shares = by_length(solution, self.digits, self.operators, tested=self.size.tested)
            return {**row, "exact": shares}, {}

        if self.choices is None:
            return {"net": net, "missing": "no program was found"}
        row, _ = self._kept(f"reading-{net}", {**about, "choices": self.choices}, make)
        self._tell(f"{net} reads {row['digits']:.1%} of the digits")
        return {"net": net, **row}

    def perfect(self) -> dict[str, Any] | None:
        """Return on which lengths the program is exact if nothing is misread."""
        if self.choices is None:
            return None
        choices = self.choices
        row, _ = self._kept(
            "perfect", {"choices": choices}, lambda: (perfectly(choices, self.image_size), {})
        )
        self._tell("exact execution of long expressions")
        return row

    def sequences(self) -> list[dict[str, Any]]:
        """Return what models without programs reach, on images and on one-hot symbols."""
        if self.size.sequence_steps == 0:
            return []
        folder = None if self.out is None else self.out / "sequences"
        rows: list[dict[str, Any]] = []
        for images in (True, False):  # figure 4 and figure 8a
            found = run_sequences(
                self.digits, self.operators, steps=self.size.sequence_steps, seed=self.seed,
                images=images, out=folder, tested=self.size.tested,
                progress=lambda done, total, remark: self._tell(remark, parts=0),
            )  # fmt: skip
            rows += found.rows
        self._tell("sequence models")
        return rows

    # ---- what they share

    def _solution(self, model: Model, weights: Weights, row: Mapping[str, Any]) -> Solution:
        """Return the program with networks that have learned on, as a solution."""
        module = with_networks(model, weights)
        choices = {
            name: np.asarray(value, np.int64) for name, value in (self.choices or {}).items()
        }
        train = expressions(model, self.digits, self.operators, EXPRESSIONS, seed=self.seed)
        right = right_on(model.program, module, choices, train)
        report = Report(
            "gradient", self.seed, 1, 1, int(right == train.count), row["steps"], right,
            train.count, 0, 0, row["seconds"], note="networks trained through a found program",
        )  # fmt: skip
        return decided(model, module, choices, train, report)

    def _note(self, row: Mapping[str, Any]) -> None:
        """Keep the first program that is exact."""
        if self.choices is None and row["choices"] is not None and row["found"]:
            self.choices = dict(row["choices"])

    def _kept(
        self, name: str, about: Mapping[str, Any],
        make: Callable[[], tuple[dict[str, Any], Weights]],
    ) -> tuple[dict[str, Any], Weights]:  # fmt: skip
        """Return a part from the folder, or make it and put it there."""
        identity = {"digits": self.digits.name, "given": self._digest(), **about}
        if self.out is not None and (self.out / f"{name}.json").exists():
            content, tensors = saved.read(self.out, name)
            if content.get("about") == identity and "row" in content:
                return content["row"], tensors
        row, weights = make()
        if self.out is not None:
            saved.write(self.out, name, {"about": identity, "row": row}, weights)
        return row, weights

    def _digest(self) -> str | None:
        """Return what tells networks that were given from others."""
        if self.given is None:
            return None
        digest = hashlib.sha256()
        for name in sorted(self.given):
            digest.update(self.given[name].numpy(force=True).tobytes())
        return digest.hexdigest()

    def _tell(self, remark: str, *, parts: int = 1) -> None:
        self.done += parts
        if self.progress is not None:
            self.progress(self.done, self.total, remark)
