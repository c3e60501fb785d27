"""Speed of the exact execution, in steps per second: `python -m benchmarks.bench_exact`.

A step is one time step of one program on one example. Compared with the plain interpreter; the
programs are random choices, the examples random inputs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from neuralc import machines
from neuralc.backends.exact import Executor
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program
from neuralc.lang.model import parse
from neuralc.source import Source
from tests.exact.reference import draw, interpreted
from tests.exact.turing import turing

EXAMPLES = 10


@dataclass(frozen=True)
class Row:
    """What was measured for one program; speeds in steps per second, medians."""

    name: str
    steps: int
    programs: int
    compile_s: float
    score: float
    score_one_thread: float
    run: float
    interpreter: float


def workloads() -> list[tuple[str, int, Program]]:
    """Return names, time steps made, and programs."""
    found = [
        (f"turing (published) T={t} states={s}", t - 1, turing(steps=t, states=s))
        for t, s in ((6, 2), (7, 3), (9, 4))
    ]
    hypers: dict[str, tuple[int, dict[str, int]]] = {
        "turing": (8, {"numTapeSymbols": 3, "numHeadStates": 3, "tapeLength": 5,
                       "numTimesteps": 9}),
        "circuit": (3, {"numGates": 3, "numWires": 3, "numOutputs": 2}),
        "basic_block": (4, {"maxInt": 5, "numBlocks": 4, "numRegisters": 2, "numTimesteps": 5}),
        "maze": (24, {"W": 5, "H": 3, "T": 24, "image_size": 32, "max_int": 15}),
    }  # fmt: skip
    for name, (steps, values) in hypers.items():
        path = machines.path(name)
        source = Source(path.name, path.read_text(encoding="utf-8"))
        found.append((f"machines/{name}", steps, parse(source, values).program))
    return found


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the median time of a call, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(name: str, steps: int, program: Program, programs: int, repeats: int) -> Row:
    rng = np.random.default_rng(0)
    params, inputs, networks = draw(program, programs, EXAMPLES, rng)
    params = {key: array.astype(np.uint8) for key, array in params.items()}  # as a search holds it
    begin = time.perf_counter()
    executor = Executor(program)
    few = {key: array[:1] for key, array in params.items()}
    alone = {site: array[:1] for site, array in networks.items()}
    targets = {key: array[0] for key, array in executor.run(few, inputs, alone).items()}
    compiled = time.perf_counter() - begin
    examples = Examples(inputs, targets, EXAMPLES)
    work = programs * EXAMPLES * steps
    score = seconds(lambda: executor.score(params, examples, networks), repeats)
    run = seconds(lambda: executor.run(params, inputs, networks), repeats)
    executor.threads = 1
    one = seconds(lambda: executor.score(params, examples, networks), repeats)
    slow = seconds(lambda: interpreted(program, few, inputs, alone), 3)
    return Row(name, steps, programs, compiled, work / score, work / one, work / run,
               EXAMPLES * steps / slow)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{options.programs} programs x {EXAMPLES} examples, {cores} cores; million steps/s")
    print(f"{'':34}{'score':>8}{'1 core':>8}{'run':>8}{'interpr.':>10}{'times':>9}{'compile':>9}")
    executor_warm_up()
    rows = []
    for name, steps, program in workloads():
        row = measure(name, steps, program, options.programs, options.repeats)
        rows.append(row)
        speeds = [x / 1e6 for x in (row.score, row.score_one_thread, row.run)]
        print(f"{name:34}{speeds[0]:8.1f}{speeds[1]:8.1f}{speeds[2]:8.1f}"
              f"{row.interpreter / 1e6:10.4f}{row.score / row.interpreter:9.0f}"
              f"{row.compile_s:8.2f}s", flush=True)  # fmt: skip
    if options.json:
        about = {"cores": cores, "python": platform.python_version(), "examples": EXAMPLES}
        text = json.dumps({"about": about, "rows": [asdict(row) for row in rows]}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")


def executor_warm_up() -> None:
    """Compile something, so that numba's own start is not counted as compilation."""
    program = turing(steps=2)
    params, inputs, _ = draw(program, 1, 1, np.random.default_rng(0))
    Executor(program).run(params, inputs)


if __name__ == "__main__":
    main()
