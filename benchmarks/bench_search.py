"""Search: candidate circuits x examples per second, and the seconds that tasks take.

The systematic search is measured on circuits that cannot be made of so few gates, so that it goes
through the whole space. A candidate is a circuit up to one of its gates, told apart from all
others by what it does. It counts for all examples, though the first that rules it out ends the look
at it: about a third of them are looked at. The last gate is not counted there: all its kinds are
looked at together, as bits; `whole programs` counts them. Annealing runs whole circuits. Both on
one thread, without compilation, the median of several runs; the tasks with compilation, from
nothing known to a program checked.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from time import monotonic, perf_counter
from typing import Any

from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.tasks import TASKS
from neuralc.backends import search
from neuralc.backends.base.problem import Problem
from neuralc.backends.search.annealing import Annealing
from neuralc.backends.search.enumerate import Enumeration
from neuralc.backends.search.layers import Layers
from neuralc.backends.search.machine import Machine
from neuralc.backends.search.space import Space
from neuralc.backends.search.tables import tabulate
from neuralc.ir.examples import bind
from neuralc.learning.model import Model

LIMIT = 1.0  # million candidates x examples per second
REPEATS, SECONDS = 5, 60.0


def circuit(gates: int, wires: int, bits: int, wanted: Callable[..., list[int]]) -> Problem:
    """Return a task for circuits, with all inputs of so many bits; further wires are 0."""
    instances: list[dict[str, Any]] = [
        {"initial_wires": [*given, *[0] * (wires - bits)], "final_wires": wanted(*given)}
        for given in product((0, 1), repeat=bits)
    ]
    outputs = len(instances[0]["final_wires"])
    hypers = {"numGates": gates, "numWires": wires, "numOutputs": outputs}
    program = Model.load("circuit", hypers).program
    return Problem(program, bind(program, instances))


def shift(c: int, a: int, b: int) -> list[int]:
    return [c, b, a] if c else [c, a, b]


def full_adder(a: int, b: int, c: int) -> list[int]:
    return [(a + b + c) >> 1, (a + b + c) & 1]


def two_bit_adder(a: int, b: int, c: int, d: int) -> list[int]:
    total = 2 * (a + c) + b + d
    return [total >> 2, (total >> 1) & 1, total & 1]


SPACES = {
    "full adder, 4 gates": circuit(4, 4, 3, full_adder),
    "2-bit adder, 5 gates": circuit(5, 5, 4, two_bit_adder),
}
CIRCUITS = {
    "controlled shift": circuit(4, 4, 3, shift),
    "full adder": circuit(5, 4, 3, full_adder),
}


def systematic(name: str, problem: Problem) -> dict[str, Cell]:
    """Go through a whole space; speeds in million a second."""
    machine = Machine(problem)
    count = problem.examples.count
    times = []
    for _ in range(REPEATS + 1):
        began = perf_counter()
        *_, moves = tabulate(machine)
        assert not isinstance(moves, int)
        layers = Layers(moves, count)
        for _ in layers.search():
            pass
        times.append(perf_counter() - began)
        assert layers.answer is None
    seconds = statistics.median(times[1:])  # the first one compiles
    return {
        "space": name, "candidates": layers.tried, "whole programs": layers.programs,
        "states": layers.states, "seconds": seconds,
        "candidates x examples": layers.tried * count / seconds / 1e6,
        "whole programs x examples": layers.programs * count / seconds / 1e6,
    }  # fmt: skip


def annealed(name: str, problem: Problem) -> dict[str, Cell]:
    """Anneal, and measure the programs that are run; speeds in million a second."""
    annealing = Annealing(problem, Space(problem.program))
    speeds, before = [], 0
    rounds = annealing.search()
    next(rounds)  # compiles
    for _ in range(REPEATS):
        before, began = annealing.tried, perf_counter()
        next(rounds)
        speeds.append((annealing.tried - before) / (perf_counter() - began) / 1e6)
    assert not annealing.done, "the circuit can be made, and the chains end early"
    speed = statistics.median(speeds)
    credited = speed * problem.examples.count
    return {"circuit": name, "programs": speed, "programs x examples": credited}


def depth_first(name: str, problem: Problem) -> dict[str, Cell]:
    """Search depth-first for a while; runs of one example in million a second."""
    search_ = Enumeration(Machine(problem), staged=False)
    steps = search_.search()
    next(steps)  # compiles
    speeds = []
    for _ in range(REPEATS):
        before, began = search_.tried, perf_counter()
        while search_.tried < before + 4_000_000 and next(steps, None) is not None:
            pass
        speeds.append((search_.tried - before) / (perf_counter() - began) / 1e6)
    return {"task": name, "runs": statistics.median(speeds)}


def solved(name: str, problem: Problem) -> dict[str, Cell]:
    """Solve a task; compilation counts."""
    began = perf_counter()
    outcome = search.solve(replace(problem, deadline=monotonic() + SECONDS), lambda *_: None)
    seconds = perf_counter() - began
    return {"task": name, "status": outcome.status, "seconds": seconds, "how": outcome.note}


def run() -> Report:
    """Measure everything."""
    spaces = [systematic(*item) for item in SPACES.items()]
    chains = [annealed(*item) for item in SPACES.items()]
    named = {t.name: Problem(t.model().program, t.examples()) for t in TASKS.values()}
    depth = [depth_first("basic_block access", named["basic_block access"])]
    tasks = [solved(*item) for item in (CIRCUITS | named).items()]
    bars = [
        Bar(f"{row['space']}: million candidates x examples per second", f">= {LIMIT:.0f}",
            row["candidates x examples"], float(row["candidates x examples"] or 0) >= LIMIT)
        for row in spaces
    ] + [
        Bar(f"{row['task']}", "found", row["status"], row["status"] == "found")
        for row in tasks
        if row["task"] in CIRCUITS
    ]  # fmt: skip
    tables = [
        Table("Systematic search of a whole space, million per second, 1 thread", spaces),
        Table("Annealing, million per second, 1 thread", chains),
        Table("Depth-first search, million runs of one example per second, 1 thread", depth),
        Table(f"Tasks, 1 thread, {SECONDS:.0f} s at most, compilation included", tasks),
    ]
    return Report("search", tables, bars)


if __name__ == "__main__":
    sys.exit(main(run))
