"""Soft execution against the same machines written by hand in plain torch.

One training step without the update (softmax, forward, loss, backward) of P = 100 restarts on the
published tasks, and of P = 10 restarts on 64 grids of small images for `grid2x2_add`, where both
sides have the very same network. Before the clock starts, outputs, loss and gradient of both are
compared in float64. The row of the circuit with one number for a bit is there for information: it
has a representation that a compiler for arbitrary domains does not choose.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.handwritten.assembly import Assembly
from benchmarks.handwritten.basic_block import BasicBlock
from benchmarks.handwritten.circuit import BitCircuit, Circuit
from benchmarks.handwritten.grid2x2_add import Grid2x2Add
from benchmarks.handwritten.turing import Turing
from benchmarks.report import Bar, Report, Table, main
from benchmarks.tasks import TASKS, grids
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.backends.native.helpers import TINY
from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import Examples
from neuralc.learning.model import Model
from neuralc.learning.train import negative_log_likelihood

LIMIT = 1.3
HANDWRITTEN: dict[str, Callable[[Mapping[str, int]], nn.Module]] = {
    "turing": Turing, "circuit": Circuit, "basic_block": BasicBlock, "assembly": Assembly,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A machine twice: compiled, and by hand. `counts`: whether the bar is for it."""

    name: str
    module: SoftModule
    hand: nn.Module
    examples: Examples
    counts: bool = True


def cases() -> Iterator[Case]:
    """Yield every case."""
    for task in TASKS.values():
        module = task.model().compile(restarts=100)
        hand = HANDWRITTEN[task.machine](task.hypers)
        yield Case(task.name, module, hand, task.examples())
        if task.machine == "circuit":
            name = f"{task.name}, bits as numbers"
            yield Case(name, module, BitCircuit(task.hypers), task.examples(), counts=False)
    hypers = {"image_size": 8, "num_lines": 4}
    module = Model.load("grid2x2_add", hypers).compile(restarts=10, seed=0)
    hand = Grid2x2Add(hypers, module.networks["net_0"])
    yield Case("grid2x2_add, images 8 x 8", module, hand, grids(64, 8))


class Steps:
    """The two steps of a case, in one dtype."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.module, self.hand = case.module.to(dtype), case.hand.to(dtype)
        generator = torch.Generator().manual_seed(0)
        drawn = torch.rand(self.module.logits.shape, generator=generator, dtype=torch.float64)
        self.module.logits.data = drawn.log().to(dtype)
        self.inputs = self.module.prepare(case.examples.inputs)
        self.targets = {k: torch.as_tensor(v) for k, v in case.examples.outputs.items()}
        choices = self.module.choices
        parts = choices.split(choices.masked(self.module.logits.detach()))
        self.logits = {name: part.clone().requires_grad_() for name, part in parts.items()}

    def clear(self) -> None:
        """Forget the gradients of both sides."""
        for leaf in (*self.module.parameters(), *self.logits.values()):
            leaf.grad = None

    def compiled(self) -> Tensor:
        """Return the loss of each restart, after the backward pass."""
        self.clear()
        loss = negative_log_likelihood(self.module, self.inputs, self.targets)
        loss.sum().backward()
        return loss

    def by_hand(self) -> Tensor:
        """Return the loss of each restart, after the backward pass."""
        self.clear()
        params = {name: x.softmax(-1) for name, x in self.logits.items()}
        loss = torch.zeros((), dtype=self.module.logits.dtype)
        for name, chances in self.hand(params, self.inputs).items():
            target = self.targets[name].expand(chances.shape[:-1]).unsqueeze(-1)
            found = chances.gather(-1, target).squeeze(-1)
            loss = loss - (found + TINY).log().flatten(1).sum(1) / target.shape[1]
        loss.sum().backward()
        return loss

    def check(self) -> None:
        """Assert that both sides mean the same."""
        params = {name: x.softmax(-1) for name, x in self.logits.items()}
        wanted = self.module.run(self.inputs)[0]
        found = self.hand(params, self.inputs)
        assert found.keys() <= wanted.keys()  # the model may say more than the hand version
        for name in found:
            torch.testing.assert_close(found[name], wanted[name], rtol=0, atol=1e-9)
        loss, gradient = self.compiled(), self.module.logits.grad
        torch.testing.assert_close(self.by_hand(), loss, rtol=1e-9, atol=1e-9)
        parts = [x.grad.flatten(1) for x in self.logits.values() if x.grad is not None]
        torch.testing.assert_close(torch.cat(parts, 1), gradient, rtol=1e-9, atol=1e-9)


def run() -> Report:
    """Check and measure every case."""
    rows, bars = [], []
    for case in cases():
        Steps(case, torch.float64).check()
        steps = Steps(case, torch.float32)
        times = interleaved({"compiled": steps.compiled, "by hand": steps.by_hand})
        low, middle, high = ratios(times["compiled"], times["by hand"])
        rows.append(
            {
                "machine": case.name,
                "P x B": f"{case.module.restarts} x {case.examples.count}",
                "compiled, ms": 1e3 * quartiles(times["compiled"])[1],
                "by hand, ms": 1e3 * quartiles(times["by hand"])[1],
                "ratio": middle,
                "lower quartile": low,
                "upper quartile": high,
            }
        )
        if case.counts:
            what = f"{case.name}: compiled over hand-written, time"
            bars.append(Bar(what, f"<= {LIMIT}", middle, middle <= LIMIT))
    return Report("soft", [Table("Forward, loss and backward, CPU time", rows)], bars)


if __name__ == "__main__":
    sys.exit(main(run))
