"""The register machine: the compiled model against the same machine written by hand in torch.

One training step without the update (softmax, T turns forward, loss, backward). Random soft
programs on random soft memories; nothing stops early. Before the clock starts, losses and gradients
of both are compared in float64.

Against the table `[11, M, M, M]` of all results, in two orders: the papers' (the table times the
first argument, then times the second), and the better one (the outer product of both arguments
first). Few turns, since the papers' order keeps 56 MB for each.

The engine native against torch: an update of adaptation without the optimiser, all terms of the
loss and their gradient, in both kinds of mixing.

Peak memory is that of a whole process that makes the machine and one step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import get_args

import torch
from torch import Tensor

from benchmarks.bench_pushforward import MEBI, resident
from benchmarks.handwritten.register_machine import READ, DenseRegisterMachine, Rules
from benchmarks.handwritten.register_machine import RegisterMachine as ByHand
from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.engines import Engine
from neuralc.nn.loss import Wanted, Weights, loss
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import Mixing

NEVER = 2.0  # a chance to have stopped that no run has
LIMIT, DENSE_LIMIT, PEAK_LIMIT = 1.3, 10.0, 1024.0
TURNS_OF_A_TABLE = 4
Machine = Callable[[Tensor], tuple[Tensor, Tensor]]  # memories to memories and chances of a stop
Graded = list[Tensor]  # a loss and its gradients


@dataclass(frozen=True)
class Case:
    """Sizes of a run."""

    memory: int
    registers: int
    turns: int
    batch: int
    restarts: int

    def row(self) -> dict[str, Cell]:
        """Return the sizes as the first columns of a table."""
        runs = f"{self.restarts} x {self.batch}"
        return {"M": self.memory, "R": self.registers, "T": self.turns, "P x B": runs}


MAIN = Case(20, 7, 40, 32, 100)
CASES = (MAIN, Case(10, 5, 15, 5, 100), Case(20, 7, 40, 32, 1), Case(20, 7, 40, 1, 1),
         Case(64, 8, 64, 32, 1), Case(256, 8, 32, 8, 1), Case(256, 8, 32, 1, 1),
         Case(1024, 8, 32, 1, 1))  # fmt: skip
LARGE = (Case(64, 8, 64, 32, 1), Case(256, 8, 32, 8, 1), Case(1024, 8, 32, 1, 1))


ENGINES = tuple(
    Case(memory, registers, turns, batch, restarts)
    for memory, registers, turns in ((8, 4, 15), (20, 7, 30))
    for restarts, batch in ((1, 1), (1, 32), (32, 32))
)
ASKED, FASTER = 3, 2.0  # cells that count; how many times faster kernels must be


class InPapersOrder(DenseRegisterMachine):
    """The table times the first argument, then times the second."""

    def result(self, operation: Tensor, pair: Tensor, x: Tensor, y: Tensor, read: Tensor) -> Tensor:
        """Return the mixture of the eleven results, `[P, B, M]`."""
        rows = torch.einsum("pbx,ixyv->pbiyv", x, self.table)
        results = torch.einsum("pby,pbiyv->pbiv", y, rows)
        mixed = (operation.unsqueeze(-2) @ results).squeeze(-2)
        return mixed + operation[..., READ, None] * read


class Steps:
    """The same training step in several ways."""

    def __init__(self, case: Case, dtype: torch.dtype = torch.float32) -> None:
        self.case, self.dtype = case, dtype
        generator = torch.Generator().manual_seed(0)
        self.module = RegisterMachine(
            case.memory, case.registers, max_steps=case.turns, restarts=case.restarts,
            threshold=NEVER,
        ).to(dtype)  # fmt: skip
        self.params = self.module.weights()
        for weight in self.params.values():
            weight.data = torch.randn(weight.shape, generator=generator, dtype=dtype)
        size = (case.batch, case.memory, case.memory)
        self.given, self.wanted = (
            torch.randn(size, generator=generator, dtype=dtype).softmax(-1) for _ in range(2)
        )

    def compiled(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Run the compiled model."""
        run = self.module(memory)
        return run.memory, run.stopped

    def by_hand(self, kind: type[ByHand] = ByHand) -> Machine:
        """Return the machine by hand."""
        rules = Rules(self.case.turns, threshold=NEVER)
        machine = kind(self.case.memory, self.case.registers, rules).to(self.dtype)

        def run(memory: Tensor) -> tuple[Tensor, Tensor]:
            found = machine(self.params, memory)
            return found.memory, found.stopped[..., -1]

        return run

    def step(self, machine: Machine) -> Callable[[], Tensor]:
        """Return one training step: it returns the loss."""

        def step() -> Tensor:
            for weight in self.params.values():
                weight.grad = None
            memory, stopped = machine(self.given)
            loss = (memory - self.wanted).square().sum() + (1 - stopped).sum()
            loss.backward()
            return loss.detach()

        return step

    def gradients(self) -> list[Tensor]:
        """Return the gradients of the last step."""
        return [weight.grad for weight in self.params.values() if weight.grad is not None]


def check(case: Case) -> None:
    """Assert that all ways mean the same."""
    steps = Steps(case, torch.float64)
    wanted = steps.step(steps.compiled)(), *steps.gradients()
    for kind in (ByHand, DenseRegisterMachine, InPapersOrder):
        found = steps.step(steps.by_hand(kind))(), *steps.gradients()
        for one, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def times() -> tuple[Table, list[Bar]]:
    """Compare with the machine by hand."""
    rows, bars = [], []
    for case in CASES:
        steps = Steps(case)
        calls = {"compiled": steps.step(steps.compiled), "by hand": steps.step(steps.by_hand())}
        found = interleaved(calls, 9)
        low, middle, high = ratios(found["compiled"], found["by hand"])
        rows.append(
            case.row()
            | {
                "compiled, ms": 1e3 * quartiles(found["compiled"])[1],
                "by hand, ms": 1e3 * quartiles(found["by hand"])[1],
                "ratio": middle,
                "lower quartile": low,
                "upper quartile": high,
            }
        )
        what = f"M = {case.memory}, P x B = {case.restarts} x {case.batch}: compiled over by hand"
        bars.append(Bar(what, f"<= {LIMIT}", middle, middle <= LIMIT))
    return Table("Forward, loss and backward, CPU time", rows), bars


def tables() -> tuple[Table, list[Bar]]:
    """Compare with the table of all results."""
    case = replace(MAIN, turns=TURNS_OF_A_TABLE)
    steps = Steps(case)
    ways = {
        "compiled": steps.compiled,
        "table, papers' order": steps.by_hand(InPapersOrder),
        "table, better order": steps.by_hand(DenseRegisterMachine),
    }
    found = interleaved({name: steps.step(way) for name, way in ways.items()}, 7)
    rows: list[dict[str, Cell]] = []
    for name in ways:
        low, middle, high = ratios(found[name], found["compiled"])
        time = 1e3 * quartiles(found[name])[1]
        rows.append(
            case.row()
            | {
                "way": name,
                "ms": time,
                "ms a turn": time / case.turns,
                "over compiled": middle,
                "lower quartile": low,
                "upper quartile": high,
            }
        )
    much = rows[1]["over compiled"]
    assert isinstance(much, float)
    bar = Bar("table in the papers' order over compiled", f">= {DENSE_LIMIT}", much,
              much >= DENSE_LIMIT)  # fmt: skip
    return Table(f"Against the table [11, M, M, M], {case.turns} turns", rows), [bar]


def peak(case: Case, way: str) -> float:
    """Return the most MiB that this process has had, after one step."""
    torch.set_num_threads(1)
    steps = Steps(case)
    steps.step(steps.compiled if way == "compiled" else steps.by_hand())()
    return resident("VmHWM") / MEBI


def peaks() -> tuple[Table, list[Bar]]:
    """Measure the peak memory of large cases, each in its own process."""
    rows: list[dict[str, Cell]] = []
    context = get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for case in LARGE:
            found = {w: pool.submit(peak, case, w).result() for w in ("compiled", "by hand")}
            rows.append(case.row() | {f"{way}, MiB": mib for way, mib in found.items()})
    worst = rows[-1]["compiled, MiB"]
    assert isinstance(worst, float)
    bar = Bar("M = 1024, one example, 32 turns: peak MiB", f"< {PEAK_LIMIT:.0f}", worst,
              worst < PEAK_LIMIT)  # fmt: skip
    return Table("Peak memory of a process with one step", rows), [bar]


def update(case: Case, engine: Engine, mixing: Mixing, dtype: torch.dtype) -> Callable[[], Graded]:
    """Return an update of adaptation without the optimiser: it returns loss and gradients."""
    machine = RegisterMachine(
        case.memory, case.registers, max_steps=case.turns, restarts=case.restarts,
        threshold=NEVER, mixing=mixing, engine=engine,
    ).to(dtype)  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    for weight in machine.weights().values():
        weight.data = torch.randn(weight.shape, generator=generator).to(dtype)
    cells = torch.randint(0, case.memory, (2, case.batch, case.memory), generator=generator)
    asked = torch.arange(case.memory).expand(case.batch, -1) < ASKED
    wanted = Wanted(cells[1], asked, machine.initial_line, case.restarts)
    weights = list(machine.weights().values())

    def step() -> Graded:
        total = loss(machine, cells[0], wanted).total(Weights(1, 1, 0.1, 5)).sum()
        return [total.detach(), *torch.autograd.grad(total, weights)]

    return step


def engines() -> tuple[Table, list[Bar]]:
    """Compare the engines, after checking that they mean the same."""
    rows: list[dict[str, Cell]] = []
    bars = []
    for case in ENGINES:
        for mixing in get_args(Mixing):
            ways: list[Engine] = ["torch", "native"]
            found = [update(case, engine, mixing, torch.float64)() for engine in ways]
            for one, other in zip(*found, strict=True):
                torch.testing.assert_close(other, one, rtol=1e-9, atol=1e-9)
            calls = {engine: update(case, engine, mixing, torch.float32) for engine in ways}
            times = interleaved(calls, 5)
            low, middle, high = ratios(times["torch"], times["native"])
            milliseconds = {f"{w}, ms": 1e3 * quartiles(times[w])[1] for w in ways}
            quarters = {"times faster": middle, "lower quartile": low, "upper quartile": high}
            rows.append({**case.row(), "mixing": mixing, **milliseconds, **quarters})
            runs = f"M = {case.memory}, P x B = {case.restarts} x {case.batch}, {mixing}"
            bars.append(Bar(f"{runs}: native, times faster than torch", f">= {FASTER}", middle,
                            middle >= FASTER))  # fmt: skip
    return Table("An update of adaptation by both engines, CPU time", rows), bars


def run() -> Report:
    """Check, then measure everything."""
    check(Case(7, 4, 6, 3, 2))
    check(Case(20, 7, 6, 3, 2))
    parts = [times(), tables(), engines(), peaks()]
    bars = [bar for _, own in parts for bar in own]
    return Report("machine", [table for table, _ in parts], bars)


if __name__ == "__main__":
    sys.exit(main(run))
