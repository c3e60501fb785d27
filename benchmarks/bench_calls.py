"""Calls of tabulated functions: all binary operations on distributions, and arithmetic by circuits.

One operation: the pushforward of `nn/calls` against the papers' dense one-hot table (an einsum with
n x n x n zeros and ones, where that fits) and against `index_add` over the outer product of the
arguments, forward and backward, CPU time of one thread. All operations: time and peak memory of a
batch of 64 through every operation at n = 1024, and of a mixture of them; the bar is on the CPU
time of one thread, which does not depend on who else is at work, and two are quicker. Tables and
circuits: the same operations on operands of 7 bits, both checked on all pairs, and circuits of 64
bits on random ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch
from torch import Tensor

from benchmarks.bench_pushforward import MEBI, resident
from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.nn.calls.pushforward import Mixture, Pushforward
from neuralc.nn.numbers.arithmetic import Arithmetic, Circuits, Tables
from neuralc.nn.numbers.integers import CIRCUITS, OPERATIONS, compute

BATCH, LARGE, SMALL = 64, 1024, 128
PEAK_LIMIT, SECONDS_LIMIT = 256.0, 1.0
CORES = 2
Array = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Call = Callable[[Tensor, Tensor], Tensor]


NAMES = tuple(OPERATIONS)


def table(name: str, n: int) -> Array:
    """Return the table of an operation, `[n, n]`."""
    return compute(name, np.arange(n)[:, None], np.arange(n), n)


def dense(name: str, n: int) -> Call:
    """Return the product with the one-hot cube."""
    values = torch.from_numpy(table(name, n).copy())
    cube = torch.zeros(n, n, n).scatter_(2, values.unsqueeze(2), 1.0)
    return lambda x, y: torch.einsum("bi,bj,ijk->bk", x, y, cube)


def outer(name: str, n: int) -> Call:
    """Return the segment sum over the outer product of the arguments."""
    index = torch.from_numpy(table(name, n).flatten())

    def call(x: Tensor, y: Tensor) -> Tensor:
        joint = (x.unsqueeze(2) * y.unsqueeze(1)).flatten(1)
        return joint.new_zeros(len(joint), n).index_add(1, index, joint)

    return call


def arguments(n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(BATCH, n, generator=generator).softmax(-1) for _ in "xy")
    return x.requires_grad_(), y.requires_grad_()


def training_step(call: Call, n: int) -> Callable[[], object]:
    """Return forward and backward on random distributions."""
    x, y = arguments(n)
    weights = torch.rand(BATCH, n, generator=torch.Generator().manual_seed(1))

    def step() -> None:
        x.grad = y.grad = None
        (call(x, y) * weights).sum().backward()

    return step


def one_operation() -> list[dict[str, Cell]]:
    """Compare the three ways, at the size where the cube fits and at the large one."""
    rows: list[dict[str, Cell]] = []
    for n in (SMALL, LARGE):
        for name in ("add", "max", "mul", "gcd"):
            push = Pushforward(table(name, n), n)
            steps = {"ours": training_step(push, n), "outer": training_step(outer(name, n), n)}
            if n == SMALL:
                steps["dense"] = training_step(dense(name, n), n)
            times = interleaved(steps, 5 if n == LARGE else 11)
            row: dict[str, Cell] = {"operation": name, "n": n}
            row["pushforward, ms"] = 1e3 * quartiles(times["ours"])[1]
            row["index_add over it"] = ratios(times["outer"], times["ours"])[1]
            dearer = ratios(times["dense"], times["ours"])[1] if n == SMALL else None
            row["dense over it"] = dearer
            rows.append(row)
    return rows


# ---- all operations, in a process of its own: memory is a high-water mark


def all_operations(mixed: bool, threads: int) -> dict[str, Cell]:
    """Return seconds of forward and backward, of making the tables, and the peak in MiB."""
    torch.set_num_threads(threads)
    for name in ("add", "mul"):  # torch's and numba's own start is not counted
        training_step(Pushforward(table(name, 64), 64), 64)()
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the high-water mark
    began = perf_counter()
    step = mixture_step() if mixed else separate_step()
    made = perf_counter() - began
    times, spent = [], []
    for _ in range(5):
        began, work = perf_counter(), process_time()
        step()
        times.append(perf_counter() - began)
        spent.append(process_time() - work)
    return {
        "way": "mixture" if mixed else "one by one",
        "threads": threads,
        "operations": len(NAMES),
        "CPU s": quartiles(spent)[1],
        "s": quartiles(times)[1],
        "s at best": min(times),
        "s to look at the tables": made,
        "peak, MiB": (resident("VmHWM") - before) / MEBI,
    }


def separate_step() -> Callable[[], object]:
    pushes = [Pushforward(table(name, LARGE), LARGE) for name in NAMES]
    steps = [training_step(push, LARGE) for push in pushes]
    return lambda: [step() for step in steps]


def mixture_step() -> Callable[[], object]:
    mixture = Mixture([table(name, LARGE).astype(np.int32) for name in NAMES], LARGE)
    scores = torch.zeros(BATCH, len(NAMES), requires_grad=True)
    return training_step(lambda x, y: mixture(scores.softmax(-1), x, y), LARGE)


def tables_and_circuits() -> list[dict[str, Cell]]:
    """Compare both kinds of arithmetic on 7 bits: right on how many of all pairs, at what price."""
    a, b = (x.ravel() for x in np.mgrid[:SMALL, :SMALL])
    both: dict[str, Arithmetic] = {"tables": Tables(SMALL), "circuits": Circuits(7)}
    wide = Circuits(64)
    numbers = np.random.default_rng(0).integers(0, 2**63, (2, BATCH)).astype(object)
    rows: list[dict[str, Cell]] = []
    for name in CIRCUITS:
        steps, row = {}, dict[str, Cell](operation=name)
        for kind, one in both.items():
            found = one.decode(one.apply(name, (one.encode(a), one.encode(b))))
            row[f"{kind}, right"] = float((found == compute(name, a, b, SMALL)).mean())
            some = [one.encode(x[:: len(x) // BATCH][:BATCH]).requires_grad_() for x in (a, b)]
            steps[kind] = lambda one=one, name=name, some=some: (
                one.apply(name, some).square().sum().backward()
            )
        x, y = (wide.encode(row) for row in numbers)
        found = wide.decode(wide.apply(name, (x, y)))
        row["64 bits, right"] = float((found == compute(name, *numbers, 2**64)).mean())
        x, y = x.requires_grad_(), y.requires_grad_()
        steps["64 bits"] = lambda name=name, x=x, y=y: (
            wide.apply(name, (x, y)).square().sum().backward()
        )
        for kind, times in interleaved(steps, 2).items():
            row[f"{kind}, ms"] = 1e3 * quartiles(times)[1]
        rows.append(row)
    return rows


def check() -> None:
    """Assert that all ways agree."""
    x, y = torch.rand(2, BATCH, 32, dtype=torch.float64).softmax(-1)
    for name in NAMES:
        cube = torch.nn.functional.one_hot(torch.from_numpy(table(name, 32).copy()), 32).double()
        wanted = torch.einsum("bi,bj,ijk->bk", x, y, cube)
        for call in (Pushforward(table(name, 32), 32), outer(name, 32)):
            torch.testing.assert_close(call(x, y), wanted, rtol=0, atol=1e-12)


def run() -> Report:
    """Check, then measure."""
    check()
    context = get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        ways = [(mixed, threads) for threads in (1, CORES) for mixed in (False, True)]
        rows = [pool.submit(all_operations, *way).result() for way in ways]
    seconds, peak = rows[0]["CPU s"], max(float(row["peak, MiB"] or 0) for row in rows)
    assert isinstance(seconds, float)
    what = f"all operations, n = {LARGE}, batch {BATCH}"
    bars = [
        Bar(f"{what}: CPU s", f"< {SECONDS_LIMIT:.0f}", seconds, seconds < SECONDS_LIMIT),
        Bar(f"{what}: peak MiB", f"< {PEAK_LIMIT:.0f}", peak, peak < PEAK_LIMIT),
    ]
    both = tables_and_circuits()
    right = min(float(row[name] or 0) for row in both for name in row if name.endswith("right"))
    bars.append(Bar("tables and circuits: right", "1", right, right == 1))
    tables = [Table("One operation, forward and backward", one_operation()),
              Table(what, rows),
              Table(f"Tables and circuits, batch {BATCH}, forward and backward", both)]  # fmt: skip
    return Report("calls", tables, bars)


if __name__ == "__main__":
    sys.exit(main(run))
