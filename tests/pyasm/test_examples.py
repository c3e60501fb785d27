"""The example programs do on the machine what CPython does with the same text."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from neuralc import machines
from neuralc.backends.exact.executor import Executor
from neuralc.lang import pyasm
from neuralc.lang.model import parse
from neuralc.source import Source
from tests.pyasm.plain import run
from tests.pyasm.samples import DRAWS, SIZES

FOLDER = Path(__file__).parent.parent.parent / "examples" / "programs"
LINES = {  # and registers; a change for the better is welcome here, one for the worse is not
    "access": (5, 3), "addition": (8, 6), "binary_search": (35, 19), "bubble_sort": (18, 14),
    "copy": (8, 7), "dijkstra": (59, 26), "fibonacci": (34, 16), "gcd": (13, 8),
    "increment": (7, 6), "linear_search": (8, 7), "list_search": (11, 8), "listk": (11, 7),
    "merge": (21, 14), "permutation": (12, 9), "quicksort": (50, 24), "reverse": (12, 9),
    "swap": (9, 5), "walk_bst": (11, 8),
}  # fmt: skip
INPUTS = 1000


def source(name: str) -> Source:
    path = FOLDER / f"{name}.py"
    return Source(path.name, path.read_text(encoding="utf-8"))


def python(name: str) -> Callable[..., Any]:
    """Return the function of an example as CPython defines it."""
    tree = ast.parse(source(name).text)
    tree.body = [node for node in tree.body if not isinstance(node, ast.Import)]
    names: dict[str, Any] = {"nc": SimpleNamespace(program=lambda function: function)}
    exec(compile(tree, name, "exec"), names)
    return names[name]  # type: ignore[no-any-return]


def wanted(function: Callable[..., Any], compiled: pyasm.Compiled, cells: list[int]) -> list[int]:
    """Return the cells after CPython has run the text, modulo M, as the machine keeps them."""
    memory = list(cells)
    if compiled.arguments is None:
        function(memory)
    else:
        memory[0] = function(*memory[: compiled.arguments])
    return [value % compiled.memory for value in memory]


def test_every_example_has_samples() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(DRAWS) == set(SIZES) == set(LINES)


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_examples(name: str) -> None:
    compiled, function = pyasm.compile(source(name), memory=SIZES[name]), python(name)
    random = Random(name)
    data = compiled.status if compiled.status is not None else compiled.memory
    for _ in range(INPUTS):
        cells = DRAWS[name](random)
        cells += [0] * (compiled.memory - len(cells))
        found, _steps, _line = run(compiled.assembly, cells, junk=random.randrange(5))
        assert compiled.overflow(found) is None
        assert found[:data] == wanted(function, compiled, cells)[:data], cells


@pytest.mark.parametrize("name", sorted(LINES))
def test_sizes(name: str) -> None:
    assembly = pyasm.compile(source(name), memory=SIZES[name]).assembly
    assert (len(assembly.lines), len(assembly.registers)) == LINES[name]


def test_the_published_graph() -> None:
    cells = [49, 14, 19, 22, 25, 28] + [0] * 94
    for place, edges in [(14, [2, 2, 4, 5]), (19, [3, 1]), (22, [5, 1]), (25, [5, 6])]:
        cells[place : place + len(edges)] = edges
    found, _, _ = run(pyasm.compile(source("dijkstra"), memory=100).assembly, cells)
    assert found == [*cells[:49], 0, 0, 2, 0, 3, 0, 5, 0, 4, 0, *cells[59:]]


@pytest.mark.parametrize(("name", "steps"), [("listk", 60), ("fibonacci", 800)])
def test_on_the_machine_itself(name: str, steps: int) -> None:
    """The exact execution of `machines/ram.py` and the plain interpreter agree to the step."""
    compiled = pyasm.compile(source(name), memory=SIZES[name])
    assembly, size = compiled.assembly, compiled.memory
    hypers = {
        "memory_size": size, "num_registers": len(assembly.registers), "max_steps": steps,
    }  # fmt: skip
    path = machines.path("ram")
    machine = parse(Source(path.name, path.read_text(encoding="utf-8")), hypers)
    random = Random(1)
    rows = []
    while len(rows) < 20:
        cells = DRAWS[name](random)
        if name != "fibonacci" or cells[0] < 8:
            rows.append(cells + [0] * (size - len(cells)))
    inputs = {"initial_memory": np.array(rows)}
    found = Executor(machine.program).run(assembly.choices(size), inputs)
    assert found["final_halted"].all()
    for k, cells in enumerate(rows):
        memory, count, _ = run(assembly, cells)
        assert found["final_memory"][0, k].tolist() == memory
        assert found["steps"][0, k] == count
