"""Controllers of the register machine: how long memorising takes, and how often a z is found.

A z is looked for among six memorised routines, from 64 random memories that the routine changes
and stops on within 18 instructions. A guess is right in one case of six.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.report import Bar, Cell, Report, Table, main
from neuralc import routines
from neuralc.ir.memories import Samples
from neuralc.learning.contextual.choose import choose
from neuralc.learning.contextual.memorise import Memorised, memorise
from neuralc.nn import exact
from neuralc.nn.compile import assembly_of
from neuralc.nn.contextual import ContextualMachine, Controller
from neuralc.nn.loss import Wanted, loss

NAMES = ("access", "addition", "copy", "increment", "linear_search", "swap")
MEMORY, REGISTERS, STEPS, SEEDS, UPDATES = 10, 7, 18, 20, 60
LEAST = 0.8


def learned(names: tuple[str, ...], memory: int, registers: int) -> tuple[Controller, Memorised]:
    """Memorise some routines."""
    controller = Controller(memory, registers, len(names), width=64)
    return controller, memorise(controller, dict(enumerate(names)), rate=1e-2)


def samples(name: str) -> Samples:
    """Draw the samples of a routine."""
    cells = np.random.default_rng(NAMES.index(name)).integers(0, MEMORY, (4000, MEMORY))
    ended = exact.run(assembly_of(name, MEMORY), cells, max_steps=STEPS)
    rows = np.flatnonzero(ended.halted & (ended.memory != cells).any(1))[:64]
    return Samples(cells[rows], ended.memory[rows], np.ones((len(rows), MEMORY), dtype=bool))


def drawn(machine: ContextualMachine, given: Samples) -> list[int]:
    """Return the z that the seeds find by soft draws."""
    return [found.z for found in choose(machine, given, seeds=range(SEEDS))]


def plain(machine: ContextualMachine, given: Samples) -> list[int]:
    """Return the z that descent finds without draws: z itself is a mixture of all six."""
    noise = torch.Generator().manual_seed(0)
    logits = torch.randn(SEEDS, len(NAMES), generator=noise).requires_grad_()
    optimiser = torch.optim.Adam([logits], 0.1)
    rng = np.random.default_rng(0)
    for _ in range(UPDATES):
        batch = given.take(rng.integers(0, given.count, 8))
        emitted = machine.machine(logits.softmax(-1))
        target = Wanted(batch.wanted, batch.asked, emitted.initial_line, SEEDS)
        terms = loss(emitted, batch.given, target, confidence=False)
        total = (terms.response + terms.halting).mean(1).sum()
        (logits.grad,) = torch.autograd.grad(total, [logits])
        optimiser.step()
    found: list[int] = logits.argmax(-1).tolist()
    return found


def run() -> Report:
    """Memorise six routines and all fourteen; then look for each of the six."""
    six = learned(NAMES, MEMORY, REGISTERS)
    everything = learned(routines.names(), 56, 22)
    memorising: list[dict[str, Cell]] = [
        {
            "programs": len(report.programs),
            "memory": controller.memory,
            "weights": sum(p.numel() for p in controller.parameters()),
            "updates": report.steps,
            "seconds": report.seconds,
            "confidence": report.confidence,
            "all emitted and alike": report.done,
        }
        for controller, report in (six, everything)
    ]
    machine = ContextualMachine(six[0], max_steps=STEPS + 2)
    ways: dict[str, Callable[[ContextualMachine, Samples], list[int]]] = {
        "soft draws": drawn, "plain descent": plain,
    }  # fmt: skip
    found: list[dict[str, Cell]] = []
    for k, name in enumerate(NAMES):
        given = samples(name)
        counts = {way: look(machine, given).count(k) for way, look in ways.items()}
        found.append({"routine": name, "seeds": SEEDS, **counts})
    share = sum(int(str(row["soft draws"])) for row in found) / (SEEDS * len(NAMES))
    memorised = six[1].done and everything[1].done
    bars = [
        Bar("z found by soft draws, share of all seeds", f">= {LEAST}", share, share >= LEAST),
        Bar("all memorised", "yes", memorised, memorised),
    ]
    tables = [Table("Memorising, width 64", memorising), Table("Seeds that find the z", found)]
    return Report("contextual", tables, bars)


if __name__ == "__main__":
    sys.exit(main(run))
