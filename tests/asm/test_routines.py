"""The fourteen generic programs: their sizes, and that they do what their tasks ask for."""

from __future__ import annotations

import random

import numpy as np
import pytest

from neuralc import machines, routines
from neuralc.backends.exact.executor import Executor
from neuralc.errors import FileError
from neuralc.ir.assembly import Assembly
from neuralc.lang import asm
from neuralc.lang.model import parse as parse_model
from neuralc.source import Source
from tests.asm.cases import ROUTINES, Case
from tests.asm.plain import run

EXACT = sorted(set(ROUTINES) - {"dijkstra"})  # whose machine is too large for a quick test


def routine(name: str) -> Assembly:
    return asm.parse(Source(f"{name}.asm", routines.path(name).read_text(encoding="utf-8")))


def memory(name: str, case: Case) -> list[int]:
    return case.cells + [0] * (ROUTINES[name].memory - len(case.cells))


def test_names() -> None:
    assert routines.names() == tuple(sorted(ROUTINES))
    with pytest.raises(FileError, match="the routines are access, addition"):
        routines.path("../access")


@pytest.mark.parametrize("name", ROUTINES)
def test_sizes(name: str) -> None:
    program, known = routine(name), ROUTINES[name]
    starts = " ".join("?" if value is None else str(value) for value in program.registers)
    assert (len(program.lines), starts) == (known.lines, known.registers)
    assert program.start == 0
    asm.fit(program, known.memory)


@pytest.mark.parametrize("name", ROUTINES)
def test_runs(name: str) -> None:
    for case in ROUTINES[name].cases:
        ended = run(routine(name), memory(name, case))
        assert ended.halted
        assert {cell: ended.memory[cell] for cell in case.wanted} == case.wanted
        assert ended.steps == case.steps


@pytest.mark.parametrize("name", EXACT)
def test_runs_on_the_machine(name: str) -> None:
    """The exact execution of `machines/ram.py` does what the plain interpreter does."""
    program, known = routine(name), ROUTINES[name]
    hypers = {
        "memory_size": known.memory,
        "num_registers": len(program.registers),
        "max_steps": max(case.steps for case in known.cases),
    }
    text = machines.path("ram").read_text(encoding="utf-8")
    executor = Executor(parse_model(Source("ram.py", text), hypers).program, jit=False)
    inputs = np.array([memory(name, case) for case in known.cases])
    found = executor.run(program.choices(known.memory), {"initial_memory": inputs})
    assert found["final_halted"].all()
    assert found["steps"].ravel().tolist() == [case.steps for case in known.cases]
    ended = [run(program, memory(name, case)).memory for case in known.cases]
    assert found["final_memory"][0].tolist() == ended


def test_copy_needs_the_end_of_its_list() -> None:
    """In the biased samples of `copy` no 0 is left where the list ends."""
    ended = run(routine("copy"), [8, *range(1, 8), *[0] * 7], 1000)
    assert not ended.halted


def edges(rng: random.Random, nodes: int) -> list[dict[int, int]]:
    """Return for each node some others, with weights."""
    return [
        {to: rng.randint(0, 7) for to in rng.sample(range(nodes), rng.randint(0, nodes - 1))}
        for _ in range(nodes)
    ]


def distances(graph: list[dict[int, int]]) -> list[int]:
    """Return the distances from node 0, by relaxing all edges often enough; -1: no path."""
    found = [0, *[1000] * (len(graph) - 1)]
    for _ in graph:
        for node, following in enumerate(graph):
            for to, weight in following.items():
                found[to] = min(found[to], found[node] + weight)
    return [-1 if distance >= 1000 else distance for distance in found]


@pytest.mark.parametrize("seed", range(20))
def test_shortest_paths_of_other_graphs(seed: int) -> None:
    rng = random.Random(seed)
    graph = edges(rng, nodes := rng.randint(1, 6))
    lists: list[int] = []
    starts = []
    for following in graph:
        starts.append(nodes + 2 + len(lists))
        lists += [number for to, weight in following.items() for number in (to + 1, weight)] + [0]
    cells = [0, *starts, 0, *lists]
    cells[0] = len(cells)
    ended = run(routine("dijkstra"), cells + [0] * (100 - len(cells)))
    assert ended.halted
    wanted = [number % 100 for distance in distances(graph) for number in (distance, 0)]
    assert ended.memory == [*cells, *wanted, *[0] * (100 - len(cells) - len(wanted))]
