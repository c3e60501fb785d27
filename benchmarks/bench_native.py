"""The engine native against PyTorch, `torch.compile`, JAX, and what the processor can do.

One training step without the update (softmax, forward, loss, backward) of the published tasks with
100 restarts, and of the register machine at several sizes with 32 memories. All in one process,
interleaved, CPU time, one thread; so ratios hold on a busy machine, milliseconds do not. Before the
clock starts, losses and gradients of both engines and of JAX are compared in float64.

JAX is measured where it is installed (`pip install 'neuralc[jax]'`): the register machine written
for it (`jax_machine.py`), the tasks node by node (`jax_graph.py`), each in the form that is the
fastest there. With the variable NEURALC_BENCH_SLOW set there are also two large register machines,
and `torch.compile`, which is given four minutes for each case.

The least that a step takes (`native_case.py`) is told as time at the rates of this very run: of a
loop of products that does nothing else (`fma.py`), and of a copy of a large array. Cold is what a
kernel takes to be generated and compiled, and its first step; warm is the same with the kernel on
disk.
Wall time with the threads of all cores is measured in a process of its own, JAX having them, too;
it wants an idle machine.

Learning is `learn` from the parsed model to the solution: 400 restarts, exactly 300 steps each, all
judged once, after the last one, so that none leaves early. Fewer restarts are exact then than with
the default, which judges every ten steps and keeps what was exact once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from time import perf_counter, process_time

import torch

from benchmarks import fma, jax_steps, native_compile
from benchmarks.bench_pushforward import resident
from benchmarks.native_case import (
    EXAMPLES,
    SLOW,
    Case,
    Steps,
    machines,
    outside_bytes,
    paper_products,
    products,
    tasks,
)
from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.tasks import TASKS
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.backends.native import NativeModule
from neuralc.errors import Declined
from neuralc.learning.run import learn

LONG = 2**24  # numbers that are copied, far more than any cache holds
STEPS, RESTARTS = 300, 400
MANY, GIBI = 1000, 2**30
Row = dict[str, Cell]
Calls = dict[str, Callable[[], object]]


def measured(case: Case) -> tuple[Row, Row, list[Bar]]:
    """Check and measure a case: how long a step takes, what it takes at least, the bars."""
    what = f"{case.name}, {case.restarts} restarts"
    about: Row = {"case": case.name, "P x B": f"{case.restarts} x {case.count}"}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURALC_CACHE"] = folder
        try:
            Steps(case, torch.float64).check()
            steps = Steps(case, torch.float32)
        except Declined as error:
            about["case"] = f"{case.name}: {error}"
            return about, about, [Bar(f"{what}: runs", "yes", str(error), False)]
        warm = Steps(case, torch.float32).seconds
    numbers, most = torch.ones(LONG), fma.peak()
    copy = torch.empty_like(numbers)
    calls: Calls = {
        "native": steps.call(steps.native), "torch": steps.call(steps.plain),
        "peak": most.run, "copy": lambda: copy.copy_(numbers),
    }  # fmt: skip
    others = with_others(case, steps, calls)
    times = interleaved(calls, rounds=7)
    middle = {name: quartiles(own)[1] for name, own in times.items()}
    faster = {name: ratios(times[name], times["native"])[1] for name in times}
    row = about | {"native, ms": 1e3 * middle["native"]}
    for name in ("torch", "JAX", "torch.compile"):
        row[f"{name}, ms"] = 1e3 * middle[name] if name in times else others[name]
        row[f"x {name}"] = faster.get(name)
    least = paper_products(case) if case.size else products(case)
    arithmetic = least * middle["peak"] / most.products
    traffic = outside_bytes(case) * middle["copy"] / (8 * LONG)
    bounds = about | {
        "products": least, "their ms": 1e3 * arithmetic,
        "share of the peak": arithmetic / middle["native"],
        "bytes": outside_bytes(case), "bytes, ms": 1e3 * traffic,
        "cold, s": steps.seconds, "warm, s": warm,
        **{f"{name}, cold, s": others.get(f"{name}, s") for name in ("JAX", "torch.compile")},
        "JAX, form": others.get("form"),
    }  # fmt: skip
    found = {"share": arithmetic / middle["native"], "cold": steps.seconds, "warm": warm}
    return row, bounds, bars(case, what, faster, found)


def with_others(case: Case, steps: Steps, calls: Calls) -> dict[str, Cell]:
    """Add JAX and `torch.compile` to the calls; return how long they compiled, or why not."""
    found: dict[str, Cell] = {"JAX": jax_steps.missing(), "torch.compile": f"set {SLOW}"}
    if found["JAX"] is None:
        step = jax_steps.fastest(case, steps.plain)
        calls["JAX"] = step.run
        found |= {"JAX, s": step.seconds, "form": step.form}
    if SLOW in os.environ:
        compiled = native_compile.compiled(steps.plain, steps.inputs, case.targets)
        if isinstance(compiled, str):
            found["torch.compile"] = compiled
        else:
            calls["torch.compile"], found["torch.compile, s"] = compiled
            torch.testing.assert_close(compiled[0](), steps.step(steps.plain), rtol=1e-4, atol=1e-4)
    return found


def bars(case: Case, what: str, faster: dict[str, float], found: dict[str, float]) -> list[Bar]:
    """Return what a case has to reach."""
    wanted = [("torch", case.faster), ("JAX", case.faster_than_jax)]
    result = [
        Bar(f"{what}: times faster than {name}", f">= {limit:g}", faster[name],
            faster[name] >= limit)
        for name, limit in wanted if limit and name in faster
    ]  # fmt: skip
    if case.size == (20, 7, 40) and case.restarts > 1:
        share, cold, warm = found["share"], found["cold"], found["warm"]
        result += [
            Bar(f"{what}: share of the processor's peak", ">= 0.25", share, share >= 0.25),
            Bar(f"{what}: cold, s", "< 20", cold, cold < 20),
            Bar(f"{what}: warm, s", "< 1", warm, warm < 1),
        ]
    return result


def peak(restarts: int) -> tuple[float, float]:
    """Return GiB of memory before and at the height of two steps, the compiler's included."""
    torch.set_num_threads(1)
    case = next(c for c in machines() if c.size == (20, 7, 40))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURALC_CACHE"] = folder
        before = resident("VmHWM")
        module = NativeModule(case.program, restarts=restarts)
        inputs = module.prepare(case.inputs)
        for _ in range(2):
            loss = module.loss(inputs, case.targets)
            assert loss is not None
            loss.sum().backward()
    return before / GIBI, resident("VmHWM") / GIBI


def memory() -> tuple[Table, list[Bar]]:
    """Measure the memory of many restarts, in a process of its own."""
    rows: list[Row] = []
    context = get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for restarts in (1, MANY):
            before, most = pool.submit(peak, restarts).result()
            rows.append({"restarts": restarts, "examples": EXAMPLES, "before, GiB": before,
                         "at most, GiB": most, "more, GiB": most - before})  # fmt: skip
    more = rows[-1]["more, GiB"]
    assert isinstance(more, float)
    bar = Bar(f"register machine M=20 R=7 T=40, {MANY} restarts: more memory, GiB", "< 2", more,
              more < 2)  # fmt: skip
    return Table("Memory of a step of the register machine M=20 R=7 T=40", rows), [bar]


def hundred() -> Case:
    """Return the register machine that most bars are about."""
    return next(c for c in machines() if c.size == (20, 7, 40) and c.restarts > 1)


def walls(cores: int) -> dict[str, list[float]]:
    """Return the seconds of steps by the clock, all engines having the threads of all cores."""
    case = hundred()
    os.environ |= {"XLA_FLAGS": "", "NPROC": str(cores)}
    torch.set_num_threads(cores)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURALC_CACHE"] = folder
        steps = Steps(case, torch.float32)
        calls = {"native": steps.call(steps.native), "torch": steps.call(steps.plain)}
        with_others(case, steps, calls)
        return interleaved(calls, rounds=9, clock=perf_counter)


def threads() -> tuple[Table, list[Bar]]:
    """Measure the wall time of a step on all cores."""
    cores = os.cpu_count() or 1
    case = hundred()
    context = get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        times = pool.submit(walls, cores).result()
    rows: list[Row] = []
    found = []
    limits = {"torch": case.faster, "JAX": case.faster_than_jax}
    for name, own in times.items():
        low, middle, high = quartiles(own)
        faster = ratios(own, times["native"])[1]
        rows.append({"engine": name, "ms": 1e3 * middle, "quartiles": f"{1e3 * low:.0f}, "
                     f"{1e3 * high:.0f}", "native is faster, times": faster})  # fmt: skip
        if limit := limits.get(name):
            what = f"{case.name}, {case.restarts} restarts, {cores} cores: times faster than {name}"
            found.append(Bar(what, f">= {limit:g}", faster, faster >= limit))
    title = f"{case.name}, {case.restarts} restarts, wall time on {cores} cores"
    return Table(title, rows), found


def learning() -> tuple[Table, list[Bar]]:
    """Learn the tasks with both engines: restarts for each minute, and how many are exact."""
    rows: list[Row] = []
    result = []
    for task in TASKS.values():
        rates, solved = {}, {}
        for engine in ("torch", "native"):
            asked = partial(learn, task.model(), task.examples(), engine=engine, restarts=RESTARTS)
            asked(steps=1)  # what judges, and the kernel, are compiled
            began = process_time()
            found = asked(steps=STEPS, check_every=STEPS)
            rates[engine] = 60 * RESTARTS / (process_time() - began)
            solved[engine] = found.report.solved
            assert found.report.steps == STEPS
        rows.append(
            {"task": task.name, **{f"restarts a minute, {e}": r for e, r in rates.items()},
             **{f"exact of {RESTARTS}, {e}": n for e, n in solved.items()}}
        )  # fmt: skip
        faster = rates["native"] / rates["torch"]
        result.append(Bar(f"{task.name}: restarts a minute, times those of torch", ">= 10", faster,
                          faster >= 10))  # fmt: skip
        share = (solved["torch"] + 1) / (RESTARTS + 2)
        spread = 3 * (2 * RESTARTS * share * (1 - share)) ** 0.5
        apart = abs(solved["torch"] - solved["native"])
        result.append(Bar(f"{task.name}: exact restarts apart", f"<= {spread:.0f}", apart,
                          apart <= spread))  # fmt: skip
    title = f"Learning, exactly {STEPS} steps of each restart, CPU time of one thread"
    return Table(title, rows), result


def run() -> Report:
    """Check and measure everything."""
    torch.set_num_threads(1)
    rows, bounds, found = [], [], []
    for case in (*tasks(), *machines()):
        began = process_time()
        row, bound, own = measured(case)
        print(f"{case.name}: {process_time() - began:.0f} s", file=sys.stderr, flush=True)
        rows.append(row)
        bounds.append(bound)
        found += own
    tables = [
        Table("A step of training, CPU time; x: times faster is native", rows),
        Table("The least that a step takes, and what compiling takes", bounds),
    ]
    for part in (memory, threads, learning):
        table, own = part()
        tables.append(table)
        found += own
    return Report("native", tables, found)


if __name__ == "__main__":
    sys.exit(main(run))
