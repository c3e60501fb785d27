"""The engine native against torch, torch.compile if asked for, and what the processor can do.

One training step without the update (softmax, forward, loss, backward) of the published tasks with
100 restarts, and of the register machine with M = 20, R = 7, T = 40 and 32 memories. All in one
process, interleaved, CPU time, one thread; so ratios hold on a busy machine, milliseconds do not.
Before the clock starts, losses and gradients of both engines are compared in float64.

The lower bound is what performance needs at least for the register machine with a memory that is
kept whole, 12 M^2 + 3 M (11 + 3 R) + 12 R M + 60 M products for each turn, forward and backward, at
the rate of a product of two large matrices in the same rounds. Memory is what one thread works in,
all stored, and with steps computed again, which is compared in time, too. `torch.compile` of a run
takes minutes to compile and is measured only where the variable NEURALC_BENCH_COMPILE is set.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import process_time

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.tasks import TASKS
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.backends.native import NativeModule
from neuralc.backends.native.kernel import Memory
from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.graph import B
from neuralc.ir.nodes import Program
from neuralc.learning.run import learn
from neuralc.learning.train import negative_log_likelihood
from neuralc.nn.turns import program

M, R, T, EXAMPLES = 20, 7, 40, 32
SIDE = 1024  # of the matrices whose product shows what the processor can do
STEPS, RESTARTS = 300, 400
MEMORIES = (((20, 7, 40), True), ((64, 8, 64), True), ((20, 7, 200), True), ((1280, 4, 40), False))
"""Register machines M, R, T whose memory is compared, and whether their time is, too."""
Call = Callable[[], Tensor]


@dataclass(frozen=True)
class Case:
    """A program with examples, and how many times faster it has to be."""

    name: str
    program: Program
    restarts: int
    inputs: dict[str, np.ndarray]
    targets: dict[str, Tensor]
    limit: float

    @property
    def count(self) -> int:
        """The number of examples."""
        return len(next(iter(self.inputs.values())))


def cases() -> list[Case]:
    """Return all cases: the tasks, then the register machine."""
    found = []
    for task in TASKS.values():
        examples = task.examples()
        targets = {name: torch.as_tensor(t) for name, t in examples.outputs.items()}
        found.append(Case(task.name, task.model().program, 100, dict(examples.inputs), targets, 10))
    rng = np.random.default_rng(0)
    cells, wanted = rng.integers(0, M, (2, EXAMPLES, M))
    for restarts, limit in ((1, 50.0), (100, 15.0)):
        found.append(
            Case(f"register machine M={M} R={R} T={T}", program(M, R, T), restarts,
                 {"initial_memory": cells}, {"final_memory": torch.from_numpy(wanted)}, limit)
        )  # fmt: skip
    return found


class Steps:
    """A case in both engines."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.case = case
        self.plain = SoftModule(case.program, restarts=case.restarts).to(dtype)
        self.plain.logits.data.normal_()
        began = process_time()
        self.native = NativeModule(case.program, restarts=case.restarts).to(dtype)
        self.native.logits.data = self.plain.logits.data.clone()
        self.inputs = self.plain.prepare(case.inputs)
        self.step(self.native)
        self.seconds = process_time() - began

    def step(self, module: SoftModule) -> Tensor:
        """Return the loss of each restart, after the backward pass."""
        module.logits.grad = None
        loss = negative_log_likelihood(module, self.inputs, self.case.targets)
        loss.sum().backward()
        return loss

    def check(self) -> None:
        """Assert that both engines mean the same."""
        one, two = self.step(self.plain), self.step(self.native)
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(
            self.plain.logits.grad, self.native.logits.grad, rtol=0, atol=1e-9
        )


def products(restarts: int) -> float:
    """Return how many products a step of the register machine takes at least."""
    turn = 12 * M * M + 3 * M * (11 + 3 * R) + 12 * R * M + 60 * M
    return float(turn * T * EXAMPLES * restarts)


def measured(case: Case) -> tuple[dict[str, Cell], list[Bar]]:
    """Check and measure a case."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURALC_CACHE"] = folder
        Steps(case, torch.float64).check()
        steps = Steps(case, torch.float32)
        warm = Steps(case, torch.float32).seconds
    square = torch.ones(SIDE, SIDE)
    calls: dict[str, Callable[[], object]] = {
        "torch": lambda: steps.step(steps.plain),
        "native": lambda: steps.step(steps.native),
        "peak": lambda: square @ square,
    }
    if "NEURALC_BENCH_COMPILE" in os.environ:
        fast = torch.compile(lambda: negative_log_likelihood(
            steps.plain, steps.inputs, case.targets).sum())  # fmt: skip
        calls["torch.compile"] = lambda: fast().backward()
    times = interleaved(calls, rounds=7)
    _, ratio, _ = ratios(times["torch"], times["native"])
    others: dict[str, Cell] = {}
    if "torch.compile" in times:
        others["times faster than torch.compile"] = ratios(times["torch.compile"], times["native"])[
            1
        ]
    native, peak = quartiles(times["native"])[1], SIDE**3 / quartiles(times["peak"])[1]
    row: dict[str, Cell] = {
        "case": case.name, "P x B": f"{case.restarts} x {case.count}",
        "torch, ms": 1e3 * quartiles(times["torch"])[1], "native, ms": 1e3 * native,
        "times faster": ratio, "cold, s": steps.seconds, "warm, s": warm, **others,
    }  # fmt: skip
    what = f"{case.name}, {case.restarts} restarts"
    bars = [Bar(f"{what}: times faster than torch", f">= {case.limit:g}", ratio,
                ratio >= case.limit)]  # fmt: skip
    if case.name.startswith("register") and case.restarts > 1:
        share = products(case.restarts) / native / peak
        bars.append(Bar(f"{what}: share of the processor's peak", ">= 0.25", share, share >= 0.25))
        bars.append(Bar(f"{what}: cold, s", "< 20", steps.seconds, steps.seconds < 20))
        bars.append(Bar(f"{what}: warm, s", "< 1", warm, warm < 1))
    return row, bars


def machine_steps(sizes: tuple[int, int, int], memory: Memory) -> tuple[NativeModule, Call]:
    """Return a register machine M, R, T with 16 restarts, and its step with 16 memories."""
    rng = np.random.default_rng(0)
    cells, wanted = rng.integers(0, sizes[0], (2, 16, sizes[0]))
    torch.manual_seed(0)
    native = NativeModule(program(*sizes), restarts=16, memory=memory)
    native.logits.data.normal_()
    inputs = native.prepare({"initial_memory": cells})
    targets = {"final_memory": torch.from_numpy(wanted)}

    def step() -> Tensor:
        native.logits.grad = None
        loss = negative_log_likelihood(native, inputs, targets)
        loss.sum().backward()
        return loss.detach()

    return native, step


def memory() -> tuple[Table, list[Bar]]:
    """Compare steps that are stored with such that are computed again."""
    rows: list[dict[str, Cell]] = []
    bars = []
    ways: tuple[Memory, ...] = ("stored", "recomputed")
    for sizes, timed in MEMORIES:
        both = {way: machine_steps(sizes, way) for way in ways}
        arenas = [
            native.kernels.module("loss", "float", B, native.params, 2**60).size * 4 / 2**20
            for native, _ in both.values()
        ]
        row: dict[str, Cell] = dict(zip(("M", "R", "T"), sizes, strict=True))
        row |= {"stored, MiB": arenas[0], "recomputed, MiB": arenas[1], "time over stored": None}
        if timed:
            torch.testing.assert_close(*(step() for _, step in both.values()))
            times = interleaved({way: step for way, (_, step) in both.items()}, rounds=7)
            row["time over stored"] = ratios(times["recomputed"], times["stored"])[1]
        rows.append(row)
        share = arenas[1] / arenas[0]
        bars.append(Bar(f"register machine {sizes}: memory recomputed over stored", "<= 0.4", share,
                        share <= 0.4))  # fmt: skip
    return Table("Memory of a thread, float32, examples in the lanes", rows), bars


def learning() -> tuple[Table, list[Bar]]:
    """Learn the tasks with both engines: restarts for each minute, and how many are exact."""
    rows: list[dict[str, Cell]] = []
    bars = []
    for task in TASKS.values():
        rates, solved = {}, {}
        for engine in ("torch", "native"):
            asked = partial(learn, task.model(), task.examples(), engine=engine)
            asked(restarts=RESTARTS, steps=1)  # what judges, and the kernel, are compiled
            began = process_time()
            found = asked(restarts=RESTARTS, steps=STEPS)
            rates[engine] = 60 * RESTARTS / (process_time() - began)
            solved[engine] = found.report.solved
        rows.append(
            {"task": task.name, **{f"restarts a minute, {e}": r for e, r in rates.items()},
             **{f"exact of {RESTARTS}, {e}": n for e, n in solved.items()}}
        )  # fmt: skip
        faster = rates["native"] / rates["torch"]
        bars.append(Bar(f"{task.name}: restarts a minute, times those of torch", ">= 10", faster,
                        faster >= 10))  # fmt: skip
        share = (solved["torch"] + 1) / (RESTARTS + 2)
        spread = 3 * (2 * RESTARTS * share * (1 - share)) ** 0.5
        apart = abs(solved["torch"] - solved["native"])
        bars.append(Bar(f"{task.name}: exact restarts apart", f"<= {spread:.0f}", apart,
                        apart <= spread))  # fmt: skip
    return Table(f"Learning, {STEPS} steps, judged every 10, CPU time of one thread", rows), bars


def run() -> Report:
    """Check and measure everything."""
    torch.set_num_threads(1)
    rows, bars = [], []
    for case in cases():
        row, found = measured(case)
        rows.append(row)
        bars += found
    tables = [Table("A step of training, CPU time", rows)]
    for table, found in (memory(), learning()):
        tables.append(table)
        bars += found
    return Report("native", tables, bars)


if __name__ == "__main__":
    sys.exit(main(run))
