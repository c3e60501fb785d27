"""Exact execution in steps per second, against the plain interpreter.

A step is one time step of one program on one example; the programs are random choices, the
examples random inputs. `score` (which programs are exact on all examples) is what search and
judging use, `run` also hands the outputs back. Wall time, all cores. The interpreter is the one
that defines what a program means (`ir/evaluate.py`), one program and example at a time.

The register machine runs its published programs, so a step is an instruction up to STOP, not a
turn of the loop. `single` is one program on few examples, called from compiled code on one core,
as annealing does: `each`, a call for each example, `all`, a call for all.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numba
import numpy as np

from benchmarks.report import Bar, Report, Table, main
from benchmarks.tasks import TASKS
from neuralc import routines
from neuralc.backends.exact import Executor, Site, sites
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Network, Program, Real
from neuralc.lang.asm import parse
from neuralc.learning.model import Model
from neuralc.source import Source
from neuralc.tasks.ram import TASKS as TASKS_OF_RAM

LIMIT = 50.0
PROGRAMS, EXAMPLES, REPEATS = 100_000, 10, 5
RAM_LIMIT = 200.0
RAM_TASKS, RAM_STEPS = ("listk", "addition", "bubble_sort"), 100
COPIES, INPUTS, FEW, ROUNDS = 20, 20_000, 32, 2000
Arrays = dict[str, np.ndarray[Any, Any]]
Classes = dict[Site, np.ndarray[Any, Any]]


def workloads() -> list[tuple[str, int, Program]]:
    """Return names, time steps made, and programs."""
    found = []
    for task in TASKS.values():
        steps = next(
            (n for name, n in task.hypers.items() if name.endswith("numTimesteps")),
            task.hypers.get("numGates", 1),
        )
        made = steps - 1 if task.machine == "turing" else steps
        found.append((task.name, made, task.model().program))
    maze = {"W": 5, "H": 3, "T": 24, "image_size": 32, "max_int": 15}
    return [*found, ("maze", 23, Model.load("maze", maze).program)]


def draw(
    program: Program, programs: int, rng: np.random.Generator
) -> tuple[Arrays, Arrays, Classes]:
    """Return random choices `[C, *shape]`, inputs `[E, *shape]`, and classes of all images."""
    params = {}
    for decl in program.of("param"):
        assert isinstance(decl.type, Int)
        limits = decl.type.size if decl.limits is None else np.reshape(decl.limits, decl.shape)
        numbers = rng.integers(0, limits, (programs, *decl.shape))
        params[decl.name] = numbers.astype(np.uint8)  # as a search holds them
    inputs = {
        decl.name: rng.integers(0, decl.type.size, (EXAMPLES, *decl.shape))
        for decl in program.of("input")
        if isinstance(decl.type, Int)
    }
    classes = {}
    for site in sites(program):
        kind = program.network[site.network].output
        assert isinstance(kind, Int)
        classes[site] = rng.integers(0, kind.size, (1, EXAMPLES, *site.shape(program)))
    return params, inputs, classes


def interpreted(program: Program, params: Arrays, inputs: Arrays, classes: Classes) -> list[object]:
    """Run the first program on all examples by the interpreter."""
    stores: list[object] = []
    for example in range(EXAMPLES):
        given: dict[Any, Any] = {
            (name, index): int(array[0][index])
            for name, array in params.items()
            for index in np.ndindex(array.shape[1:])
        }
        for decl in program.of("input"):
            for index in np.ndindex(decl.shape):
                real = isinstance(decl.type, Real)  # an image is stood for by where it is
                place = (example, *index)
                given[decl.name, index] = (
                    (decl.name, index) if real else int(inputs[decl.name][place])
                )
        stores.append(evaluate(program, given, Integers(_lookup(classes, example))))
    return stores


def _lookup(classes: Classes, example: int) -> Callable[[Network, Any], int]:
    def call(network: Network, args: Any) -> int:
        images = [arg for arg in args if isinstance(arg, tuple)]
        numbers = [arg for arg in args if not isinstance(arg, tuple)]
        found = classes[Site(network.name, tuple(name for name, _ in images))]
        where = [i for _, index in images for i in index]
        return int(found[(0, example, *where, *numbers)])

    return call


def seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of a call, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return statistics.median(times)


def measure(name: str, steps: int, program: Program) -> dict[str, Any]:
    """Return the row of one program, speeds in million steps per second."""
    params, inputs, classes = draw(program, PROGRAMS, np.random.default_rng(0))
    began = perf_counter()
    executor = Executor(program)
    few = {key: array[:1] for key, array in params.items()}
    targets = {key: array[0] for key, array in executor.run(few, inputs, classes).items()}
    compiled = perf_counter() - began
    examples = Examples(inputs, targets, EXAMPLES)
    work = PROGRAMS * EXAMPLES * steps / 1e6
    score = work / seconds(lambda: executor.score(params, examples, classes))
    run = work / seconds(lambda: executor.run(params, inputs, classes))
    executor.threads = 1
    alone = work / seconds(lambda: executor.score(params, examples, classes))
    slow = seconds(lambda: interpreted(program, few, inputs, classes), 3)
    plain = EXAMPLES * steps / 1e6 / slow
    return {
        "machine": name, "steps": steps, "score": score, "score, 1 core": alone, "run": run,
        "interpreter": plain, "times faster": score / plain, "compilation, s": compiled,
    }  # fmt: skip


def measure_ram(name: str) -> dict[str, Any]:
    """Return the row of one program of the register machine, in million instructions per second."""
    task, path = TASKS_OF_RAM[name], routines.path(name)
    assembly = parse(Source(path.name, path.read_text(encoding="utf-8")))
    sizes = {"memory_size": task.memory, "num_registers": len(assembly.registers)}
    program = Model.load("ram", {**sizes, "max_steps": RAM_STEPS}).program
    samples = task.draw("general", INPUTS)
    inputs = {"initial_memory": samples.given}
    one = {key: array.astype(np.uint8) for key, array in assembly.choices(task.memory).items()}
    began = perf_counter()
    executor = Executor(program)
    found = executor.run(one, inputs)
    compiled = perf_counter() - began
    if not samples.right(found["final_memory"][0]).all() or not found["final_halted"].all():
        raise AssertionError(f"{name}: wrong results")
    made = float(found["steps"].mean())  # STOP included
    examples = Examples(inputs, {key: array[0] for key, array in found.items()}, INPUTS)
    copies = {key: np.repeat(array, COPIES, axis=0) for key, array in one.items()}
    work = COPIES * INPUTS * made / 1e6
    score = work / seconds(lambda: executor.score(copies, examples))
    run = work / seconds(lambda: executor.run(copies, inputs))
    executor.threads = 1
    alone = work / seconds(lambda: executor.score(copies, examples))
    each, together = single(executor, one, examples.take(np.arange(FEW)))
    return {
        "program": name, "instructions": made, "score": score, "score, 1 core": alone, "run": run,
        "each, ns": each, "all, ns": together, "compilation, s": compiled,
    }  # fmt: skip


def single(executor: Executor, one: Arrays, examples: Examples) -> tuple[float, float]:
    """Return nanoseconds per instruction of one program: a call for each example, and for all."""
    kernel, arrays, _ = executor.single(one, examples)
    count = examples.count
    work = ROUNDS * float(examples.outputs["steps"].sum()) / 1e9

    @numba.njit
    def each(rounds, arrays):  # type: ignore[no-untyped-def]
        for _ in range(rounds):
            for e in range(count):
                kernel(e, e + 1, count, True, *arrays)

    @numba.njit
    def together(rounds, arrays):  # type: ignore[no-untyped-def]
        for _ in range(rounds):
            kernel(0, count, count, True, *arrays)

    calls = (each, together)
    first, second = (seconds(lambda call=call: call(ROUNDS, tuple(arrays))) / work  # type: ignore[misc]
                     for call in calls)  # fmt: skip
    if arrays[-1].any():
        raise AssertionError("wrong results")
    return first, second


def run() -> Report:
    """Measure every program."""
    warm_up = TASKS["circuit swap"].model().program  # numba's own start is not compilation
    params, inputs, classes = draw(warm_up, 1, np.random.default_rng(0))
    Executor(warm_up).run(params, inputs, classes)
    rows = [measure(*load) for load in workloads()]
    bars = [
        Bar(f"{row['machine']}: million steps per second", f">= {LIMIT:.0f}", row["score"],
            row["score"] >= LIMIT)
        for row in rows
        if row["machine"].startswith("turing")
    ]  # fmt: skip
    ram = [measure_ram(name) for name in RAM_TASKS]
    bars += [
        Bar(f"{row['program']}: million instructions per second", f">= {RAM_LIMIT:.0f}",
            row["score"], row["score"] >= RAM_LIMIT)
        for row in ram
    ]  # fmt: skip
    title = f"Million steps per second, {PROGRAMS} programs x {EXAMPLES} examples"
    title_ram = f"Register machine: million instructions per second, {INPUTS} inputs"
    return Report("exact", [Table(title, rows), Table(title_ram, ram)], bars)


if __name__ == "__main__":
    sys.exit(main(run))
