"""Kernels that store all that a gradient needs against such that compute steps again.

The memory that one thread works in, and the CPU time of a step of training of the register
machine with 16 restarts and 16 memories, one thread, interleaved. Both are compared before the
clock starts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.timing import interleaved, ratios
from neuralc.backends.native import NativeModule
from neuralc.backends.native.kernel import Memory, Variant, vectors
from neuralc.backends.soft.graph import B
from neuralc.learning.train import negative_log_likelihood
from neuralc.nn.turns import program

SIZES = (((20, 7, 40), True), ((64, 8, 64), True), ((20, 7, 200), True), ((1280, 4, 40), False))
"""Register machines M, R, T whose memory is compared, and whether their time is, too."""
ALL = 2**60  # bytes: nothing is declined
Call = Callable[[], Tensor]


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


def run() -> Report:
    """Compare and measure all sizes."""
    torch.set_num_threads(1)
    rows: list[dict[str, Cell]] = []
    bars = []
    ways: tuple[Memory, ...] = ("stored", "recomputed")
    for sizes, timed in SIZES:
        both = {way: machine_steps(sizes, way) for way in ways}
        arenas = [
            n.kernels.module(Variant("loss", vectors("float"), B, n.params, ALL)).size * 4 / 2**20  # type: ignore[arg-type]
            for n, _ in both.values()
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
    title = "Memory of a thread and time of a step, float32, examples in the lanes"
    return Report("recompute", [Table(title, rows)], bars)


if __name__ == "__main__":
    sys.exit(main(run))
