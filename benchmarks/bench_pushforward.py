"""A known function of two distributions: the structured way against the dense one-hot cube.

Time and peak memory of forward and backward for a batch of 32 pairs of distributions over n
values. The structured way is what compiled code calls: an FFT for `add`, cumulative sums for `max`
and `less`, a segment sum for a `table` without structure. The cube is an einsum with n x n x m
zeros and ones, m results. Every case runs in a process of its own, because memory is a high-water
mark; the peak is what the constants (the cube, or the list of results of a table), forward and
backward add to the memory of the process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import torch
from torch import Tensor

from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.backends.soft import runtime
from neuralc.learning.model import Model
from neuralc.source import Source

BATCH = 32
SIZES = (16, 32, 64, 128, 256, 512, 1024)
KINDS = ("add", "max", "less", "table")
CUBE_LIMIT = 2 * 2**30  # bytes; a larger cube is not tried
PEAK_LIMIT = 64.0
MEBI = 2**20
Call = Callable[[Tensor, Tensor], Tensor]


def cells(kind: str, n: int) -> tuple[Tensor, int]:
    """Return the table of a function, `[n, n]`, and the number of its results."""
    x, y = torch.arange(n).unsqueeze(1), torch.arange(n)
    match kind:
        case "add":
            return (x + y) % n, n
        case "max":
            return torch.maximum(x, y), n
        case "less":
            return (x < y).long(), 2
        case _:
            return torch.randint(n, (n, n), generator=torch.Generator().manual_seed(0)), n


def largest(x: Tensor, y: Tensor) -> Tensor:
    """Return the distribution of the larger one, as compiled code writes it out."""
    return x * runtime.running(y, False, False) + y * runtime.running(x, False, True)


def structured(kind: str, n: int) -> Call:
    """Return what compiled code does."""
    table, size = cells(kind, n)
    index = table.flatten()
    match kind:
        case "add":
            return lambda x, y: runtime.circle(x, y, n)
        case "max":
            return largest
        case "less":
            return lambda x, y: runtime.less(x, y, (0, 1), 2)
        case _:
            return lambda x, y: runtime.scatter([x, y], index, size)


def dense(kind: str, n: int) -> Call:
    """Return the product with the one-hot cube."""
    table, size = cells(kind, n)
    cube = torch.zeros(n, n, size).scatter_(2, table.unsqueeze(2), 1.0)
    return lambda x, y: torch.einsum("bi,bj,ijk->bk", x, y, cube)


def training_step(call: Call, n: int) -> Callable[[], object]:
    """Return forward and backward on random distributions."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(BATCH, n, generator=generator).softmax(-1).requires_grad_() for _ in "xy")
    weights = torch.rand(BATCH, n, generator=generator)

    def step() -> None:
        x.grad = y.grad = None
        z = call(x, y)
        (z * weights[:, : z.shape[-1]]).sum().backward()

    return step


# ---- one case, in its own process


def resident(field: str) -> int:
    """Return `VmRSS` or `VmHWM` of this process in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise LookupError(field)


def measure(kind: str, n: int, way: str) -> dict[str, Cell]:
    """Return the time in ms and the peak in MiB of one case."""
    torch.set_num_threads(1)
    make = structured if way == "structured" else dense
    training_step(make(kind, 8), 8)()  # torch's own start is not counted
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the high-water mark
    step = training_step(make(kind, n), n)
    step()
    highest = (resident("VmHWM") - before) / MEBI
    began = process_time()
    step()
    rounds = 7 if process_time() - began < 0.1 else 2
    times = interleaved({"": step}, rounds)[""]
    return {"ms": 1e3 * quartiles(times)[1], "MiB": highest}


# ---- all cases

MODEL = """
n = Hyper()
@Runtime([n, n], n)
def ADD(a, b): return (a + b) % n
@Runtime([n, n], n)
def MAX(a, b): return max(a, b)
@Runtime([n, n], 2)
def LESS(a, b): return 1 if a < b else 0
@Runtime([n, n], n)
def TABLE(a, b): return (a * a + 3 * a * b + b) % n
x = Input(n)
y = Input(n)
added = Output(n)
larger = Output(n)
smaller = Output(2)
looked_up = Output(n)
added.set_to(ADD(x, y))
larger.set_to(MAX(x, y))
smaller.set_to(LESS(x, y))
looked_up.set_to(TABLE(x, y))
"""


def check() -> None:
    """Assert that compiled code calls what is measured, and that it gives what the cube gives."""
    code = Model.load(Source("four functions", MODEL), {"n": 192}).torch_source()
    for name in ("soft.circle(", "soft.running(", "soft.less(", "soft.scatter("):
        assert name in code, f"compiled code no longer calls {name}"
    x, y = torch.rand(2, BATCH, 64, dtype=torch.float64).softmax(-1)
    for kind in KINDS:
        table, size = cells(kind, 64)
        cube = torch.nn.functional.one_hot(table, size).double()
        wanted = torch.einsum("bi,bj,ijk->bk", x, y, cube)
        torch.testing.assert_close(structured(kind, 64)(x, y), wanted, rtol=0, atol=1e-12)


def run() -> Report:
    """Check, then measure every case."""
    check()
    rows = []
    context = get_context("forkserver")  # a fresh process each time, with torch imported already
    context.set_forkserver_preload(["benchmarks.bench_pushforward"])
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for kind in KINDS:
            for n in SIZES:
                small = pool.submit(measure, kind, n, "structured").result()
                fits = 4 * n * n * (2 if kind == "less" else n) <= CUBE_LIMIT
                large = pool.submit(measure, kind, n, "cube").result() if fits else {}
                rows.append(_row(kind, n, small, large))
    worst = next(r["structured, MiB"] for r in rows if (r["function"], r["n"]) == ("add", 1024))
    assert isinstance(worst, float)
    bar = Bar("add modulo 1024, batch 32: peak MiB", f"<= {PEAK_LIMIT:.0f}",
              worst, worst <= PEAK_LIMIT)  # fmt: skip
    tables = [Table("Forward and backward, batch 32", rows),
              Table("Three arguments of 19, 19 and 4 values", three_arguments())]  # fmt: skip
    return Report("pushforward", tables, [bar])


def three_arguments() -> list[dict[str, Cell]]:
    """Compare the product with the table, for all arguments but the last, with the segment sum."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(19, (19 * 19 * 4,), generator=generator)
    rows: list[dict[str, Cell]] = []
    for count in (64, 400, 1600):
        parts = [torch.rand(count, n, generator=generator).requires_grad_() for n in (19, 19, 4)]

        def segment(parts: list[Tensor] = parts) -> None:
            joint = (parts[0].unsqueeze(-1) * parts[1].unsqueeze(-2)).flatten(-2)
            joint = (joint.unsqueeze(-1) * parts[2].unsqueeze(-2)).flatten(-2)
            joint.new_zeros(len(joint), 19).index_add(-1, index, joint).square().sum().backward()

        def product(parts: list[Tensor] = parts) -> None:
            runtime.scatter(parts, index, 19).square().sum().backward()

        times = interleaved({"segment": segment, "product": product}, 11)
        low, middle, high = ratios(times["segment"], times["product"])
        rows.append({
            "rows": count, "product, ms": 1e3 * quartiles(times["product"])[1],
            "segment sum over product": middle, "quartiles": f"{low:.1f} to {high:.1f}",
        })  # fmt: skip
    return rows


def _row(kind: str, n: int, small: dict[str, Cell], large: dict[str, Cell]) -> dict[str, Cell]:
    fast, slow = small["ms"], large.get("ms")
    assert isinstance(fast, float)
    return {
        "function": kind,
        "n": n,
        "structured, ms": fast,
        "cube, ms": slow,
        "cube over structured": slow / fast if isinstance(slow, float) else None,
        "structured, MiB": small["MiB"],
        "cube, MiB": large.get("MiB"),
        "remark": "" if large else "cube over 2 GiB, not tried",
    }


if __name__ == "__main__":
    sys.exit(main(run))
