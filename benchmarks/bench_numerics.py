"""Accuracy in float32: gradients of nearly discrete programs, and 1,000 additions in a row.

First: logits are sharpness x one-hot + 0.1 x noise, the gradient of the loss in float32 is
compared with float64 (the norm of the difference over the norm), for random programs that are right
on all examples and for random programs that are wrong. The same with a plain softmax in place of
the centred one, whose backward cancels where one choice is nearly certain. A right program whose
gradient vanishes, because no single choice of it matters, has no relative error: it is left out.

Second: `x = x + x` modulo 20, 1,000 times. Each step squares the error of the sum of the
distribution unless it is divided out.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import Bar, Cell, Report, Table, main
from neuralc.backends.exact import Executor
from neuralc.backends.soft import SoftModule, module
from neuralc.backends.soft.parameters import Choices
from neuralc.ir.nodes import Int
from neuralc.learning.model import Model
from neuralc.learning.train import negative_log_likelihood
from neuralc.source import Source

SHARPNESS = (5, 10, 15, 20, 30)
STEPS = (5, 64)
PROGRAMS, EXAMPLES = 8, 5
NEGLIGIBLE = 1e-2  # times exp(-sharpness): the size of a gradient that is of second order
GRADIENT_LIMIT, SUM_LIMIT, LOSS_LIMIT = 2e-3, 1e-5, 1e-5


def machines(steps: int) -> Iterator[tuple[str, Model]]:
    """Yield machines that make so many steps."""
    yield "turing", Model.load("turing", {
        "numTapeSymbols": 3, "numHeadStates": 4, "tapeLength": 5, "numTimesteps": steps + 1,
    })  # fmt: skip
    yield "basic_block", Model.load("basic_block", {
        "numBlocks": 4, "numRegisters": 2, "numTimesteps": steps, "maxInt": 5,
    })  # fmt: skip
    yield "assembly", Model.load("assembly", {
        "const_maxInt": 5, "const_numRegisters": 2, "const_numTimesteps": steps,
        "const_numBlocks": 5,
    })  # fmt: skip


def plain_softmaxes(logits: Tensor, choices: Choices) -> dict[str, Tensor]:
    """Do what `softmaxes` does, with torch's own backward."""
    parts = choices.split(choices.masked(logits))
    return {name: part.softmax(-1) for name, part in parts.items()}


class Programs:
    """Random programs of one machine, random inputs, and what the programs make of them."""

    def __init__(self, model: Model) -> None:
        rng = np.random.default_rng(0)
        program = model.program
        self.module = model.compile(restarts=PROGRAMS)
        drawn = torch.from_numpy(rng.random(self.module.logits.shape))
        self.best = self.module.choices.best(drawn)
        self.noise = torch.from_numpy(rng.standard_normal(self.module.logits.shape))
        self.inputs = {
            decl.name: rng.integers(0, decl.type.size, (EXAMPLES, *decl.shape))
            for decl in program.of("input")
            if isinstance(decl.type, Int)
        }
        self.made = Executor(program, jit=False).run(self.best, self.inputs)

    def logits(self, sharpness: float) -> Tensor:
        """Return nearly discrete logits, float64 but of few digits, so that float32 holds them."""
        choices = self.module.choices
        hot = {b.name: np.eye(b.size)[self.best[b.name]] for b in choices.blocks}
        exact = sharpness * torch.from_numpy(choices.join(hot)) + 0.1 * self.noise
        return exact.float().double()

    def gradient(self, sharpness: float, dtype: torch.dtype, right: bool) -> Tensor:
        """Return the gradient of each program's loss, `[programs, logits]`, in float64."""
        soft = self.module.to(dtype)
        soft.logits.data = self.logits(sharpness).to(dtype)
        soft.logits.grad = None
        order = torch.arange(PROGRAMS) if right else torch.arange(PROGRAMS).roll(1)
        _losses(soft, soft.prepare(self.inputs), self.made, order).sum().backward()
        assert soft.logits.grad is not None
        return soft.logits.grad.double()

    def errors(self, sharpness: float, right: bool) -> tuple[Tensor, Tensor]:
        """Return the relative error per program: as it is, and with a plain softmax."""
        wanted = self.gradient(sharpness, torch.float64, right)
        found = self.gradient(sharpness, torch.float32, right)
        with mock.patch.object(module, "softmaxes", plain_softmaxes):
            plain = self.gradient(sharpness, torch.float32, right)
        size = wanted.norm(dim=1)
        counts = size > NEGLIGIBLE * math.exp(-sharpness)
        errors = [((g - wanted).norm(dim=1) / size)[counts] for g in (found, plain)]
        return errors[0], errors[1]


def _losses(
    soft: SoftModule, inputs: Mapping[str, Tensor], made: Mapping[str, np.ndarray], order: Tensor
) -> Tensor:
    """Return the loss of each program, whose targets are what program `order[p]` makes."""
    outputs, _ = soft.run(inputs)
    total = torch.zeros(soft.restarts, dtype=soft.logits.dtype)
    for name, chances in outputs.items():
        target = torch.from_numpy(made[name].astype(np.int64))[order].unsqueeze(-1)
        loss = -(chances.gather(-1, target).squeeze(-1) + 1e-15).log()
        total = total + loss.flatten(1).sum(1) / EXAMPLES
    return total


def gradients() -> tuple[Table, list[Bar]]:
    """Measure the gradients of all machines."""
    rows: list[dict[str, Cell]] = []
    worst: dict[str, float] = {}
    for steps in STEPS:
        for name, model in machines(steps):
            programs = Programs(model)
            for right in (True, False):
                for sharpness in SHARPNESS:
                    found, plain = programs.errors(sharpness, right)
                    kind = f"{name}, {'right' if right else 'wrong'} programs"
                    worst[kind] = max(worst.get(kind, 0.0), float(found.max()))
                    rows.append(
                        {
                            "machine": name,
                            "steps": steps,
                            "programs": f"{len(found)} {'right' if right else 'wrong'}",
                            "sharpness": sharpness,
                            "error, median": float(found.median()),
                            "error, worst": float(found.max()),
                            "plain softmax, median": float(plain.median()),
                            "plain softmax, worst": float(plain.max()),
                        }
                    )
    limit = f"<= {GRADIENT_LIMIT:.0e}"
    bars = [
        Bar(f"{kind}: error of the gradient", limit, error, error <= GRADIENT_LIMIT)
        for kind, error in worst.items()
    ]
    return Table("Gradient in float32 against float64, relative error per program", rows), bars


DOUBLING = """
T = Hyper()
n = 20
x0 = Param(n)
end = Output(n)
@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
x = Var(n)[T + 1]
x[0].set_to(x0)
for t in range(T):
    x[t + 1].set_to(ADD(x[t], x[t]))
end.set_to(x[T])
"""


def doubling() -> tuple[Table, list[Bar]]:
    """Measure `x = x + x`, 1,000 times, from a soft start and from nearly discrete ones."""
    model = Model.load(Source("doubling", DOUBLING), {"T": 1000})
    rng = np.random.default_rng(0)
    starts = {"soft": rng.standard_normal(20)}
    for sharpness in SHARPNESS:
        starts[f"sharpness {sharpness}"] = sharpness * np.eye(20)[4] + 0.1 * rng.standard_normal(20)
    rows: list[dict[str, Cell]] = []
    for name, start in starts.items():
        results = {}
        for dtype in (torch.float32, torch.float64):
            soft = model.compile(dtype=str(dtype).removeprefix("torch."))
            soft.logits.data = torch.from_numpy(start).float().unsqueeze(0).to(dtype)
            loss = negative_log_likelihood(soft, {}, {"end": torch.tensor([4])}).sum()
            loss.backward()
            total = float(soft({})["end"].detach().double().sum())
            results[dtype] = (total, float(loss.detach()), soft.logits.grad.double())
        (total, loss, slope), (_, wanted, wanted_slope) = results.values()
        rows.append(
            {
                "start": name,
                "sum - 1": abs(total - 1),
                "loss, float64": wanted,
                "loss error": abs(loss - wanted),
                "gradient finite": bool(slope.isfinite().all()),
                "gradient, float64 norm": float(wanted_slope.norm()),
                "gradient error": float((slope - wanted_slope).norm()),
            }
        )
    return Table("x = x + x modulo 20, 1,000 steps in float32", rows), _doubling_bars(rows)


def _doubling_bars(rows: list[dict[str, Cell]]) -> list[Bar]:
    sums = max(float(row["sum - 1"] or 0) for row in rows)
    losses = max(float(row["loss error"] or 0) for row in rows)
    finite = all(row["gradient finite"] for row in rows)
    return [
        Bar(
            "x = x + x: distance of the sum from 1", f"<= {SUM_LIMIT:.0e}", sums, sums <= SUM_LIMIT
        ),
        Bar("x = x + x: loss error", f"<= {LOSS_LIMIT:.0e}", losses, losses <= LOSS_LIMIT),
        Bar("x = x + x: gradient is finite", "yes", finite, finite),
    ]


def run() -> Report:
    """Measure both."""
    table, bars = gradients()
    second, more = doubling()
    return Report("numerics", [table, second], [*bars, *more])


if __name__ == "__main__":
    sys.exit(main(run))
