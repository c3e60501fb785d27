"""The twelve tasks: domains and references against brute force, draws, files, known programs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.backends.exact import Executor
from neuralc.data.examples_json import read_batches, read_hypers
from neuralc.errors import DataError
from neuralc.ir.examples import bind
from neuralc.ir.nodes import Program
from neuralc.tasks import TASKS, Instance, Task, parity, write
from tests.machines.solved import machine
from tests.tasks.programs import CHOICES

each_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
Row = tuple[int, ...]


def program(task: Task) -> Program:
    return machine(task.machine, dict(task.hypers)).program


def frozen(instance: Instance) -> tuple[Any, ...]:
    return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sorted(instance.items()))


def pairs(name: str) -> dict[Row, Row]:
    """Return a task as a table from the input array to the output array."""
    found = {}
    for instance in TASKS[name].domain():
        arrays = {k: tuple(v) for k, v in instance.items() if isinstance(v, list)}
        (given,) = (v for k, v in arrays.items() if k.startswith("initial"))
        (wanted,) = (v for k, v in arrays.items() if k.startswith("final"))
        assert given not in found, "every input once"
        found[given] = wanted
    return found


# ---- domains and references, each computed in another way


def tape(text: str) -> Row:
    return tuple(map(int, text.ljust(5, "2")))


STRINGS = ["".join(bits) for n in (1, 2, 3, 4) for bits in product("01", repeat=n)]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("turing-invert", lambda s: s.translate({48: "1", 49: "0"})),
        ("turing-prepend", lambda s: "0" + s),
        ("turing-decrement", lambda s: f"{int(s, 2) - 1:0{len(s)}b}"),
    ],
)
def test_turing(name: str, function: Callable[[str], str]) -> None:
    strings = [s for s in STRINGS if name != "turing-decrement" or int(s, 2)]
    assert pairs(name) == {tape(s): tape(function(s)) for s in strings}
    assert all(instance["final_is_halted"] == 1 for instance in TASKS[name].domain())


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("circuit-shift", "000 001 010 011 100 110 101 111"),
        ("circuit-full-adder", "00 01 01 10 01 10 10 11"),
        ("circuit-two-bit-adder",
         "000 001 010 011 001 010 011 100 010 011 100 101 011 100 101 110"),
    ],
)  # fmt: skip
def test_circuit(name: str, table: str) -> None:
    rows = table.split()
    bits, width = len(rows).bit_length() - 1, TASKS[name].hypers["numWires"]
    assert pairs(name) == {
        tuple(map(int, f"{k:0{bits}b}".ljust(width, "0"))): tuple(map(int, row))
        for k, row in enumerate(rows)
    }


def memories(size: int) -> np.ndarray[Any, Any]:
    """Return all memories of `size` cells, int [size ** size, size]."""
    return np.stack(np.meshgrid(*[np.arange(size)] * size, indexing="ij"), -1).reshape(-1, size)


@pytest.mark.parametrize("family", ["block", "assembly"])
def test_access(family: str) -> None:
    every = memories(5)
    valid = every[every[:, 0] < 3]
    wanted = valid.copy()
    wanted[:, 0] = np.take_along_axis(valid, valid[:, :1] + 1, 1)[:, 0]
    table = dict(zip(map(tuple, valid.tolist()), map(tuple, wanted.tolist()), strict=True))
    assert pairs(f"{family}-access") == table


@pytest.mark.parametrize("family", ["block", "assembly"])
def test_decrement(family: str) -> None:
    every = memories(5)
    ended = ((every[:, :-1] > 0) | (every[:, 1:] == 0)).all(1) & (every[:, -1] == 0)
    valid = every[ended & (every[:, 0] > 0) & (every != 1).all(1)]
    wanted = np.maximum(valid - 1, 0)
    table = dict(zip(map(tuple, valid.tolist()), map(tuple, wanted.tolist()), strict=True))
    assert pairs(f"{family}-decrement") == table


def walk(memory: Row) -> list[int] | None:
    """Return the values of a linked list from address 1 on, or None where it is none of three."""
    values, seen, at = [], [], 1
    while at and at not in seen and at in (1, 3, 5):
        values.append(memory[at])
        seen.append(at)
        at = memory[at + 1]
    return values if at == 0 and sorted(seen) == [1, 3, 5] else None


@pytest.mark.parametrize("family", ["block", "assembly"])
def test_list_k(family: str) -> None:
    found = pairs(f"{family}-list-k")
    for memory, wanted in found.items():
        values = walk(memory)
        assert values is not None
        assert wanted == (values[memory[0]], *memory[1:])
        assert memory[7] == 0
    chains = [p for p in product(range(8), repeat=3) if walk((0, 0, p[0], 0, p[1], 0, p[2], 0))]
    assert {memory[2:7:2] for memory in found} == set(chains)
    assert len(found) == len(chains) * 3 * 8**3  # with distinct keys: all k and values of each


@pytest.mark.parametrize(
    ("name", "inputs"),
    [("turing-invert", 30), ("turing-decrement", 26), ("circuit-two-bit-adder", 16),
     ("block-access", 1875), ("assembly-decrement", 120), ("block-list-k", 3072)],
)  # fmt: skip
def test_sizes_of_domains(name: str, inputs: int) -> None:
    assert len(TASKS[name].domain()) == inputs


# ---- programs


@each_task
def test_a_known_program_is_right_on_the_whole_domain(task: Task) -> None:
    choices = {name: np.array(value)[None] for name, value in CHOICES[task.name].items()}
    domain = bind(program(task), task.domain())
    assert Executor(program(task), jit=False).score(choices, domain).all()


def test_the_domain_refuses_a_wrong_program() -> None:
    task = TASKS["block-access"]
    choices = {name: np.array(value)[None] for name, value in CHOICES[task.name].items()}
    choices["condReg"][0, 4], choices["thenBlock"][0, 4] = 1, 4  # halts for the value 0 only
    right = Executor(program(task), jit=False).score(choices, bind(program(task), task.domain()))
    assert 0 < right.sum() < right.size


# ---- draws


@each_task
@pytest.mark.parametrize("seed", [0, 1])
def test_draws_are_distinct_and_cover_the_domain(task: Task, seed: int) -> None:
    drawn, domain = task.draw(seed), task.domain()
    train, test = ({frozen(instance) for instance in part} for part in (drawn.train, drawn.test))
    assert not train & test
    assert train | test == {frozen(instance) for instance in domain}
    assert len(drawn.train) + len(drawn.test) == len(domain)
    assert len(train) == len(drawn.train) == (task.examples or len(domain))
    kinds = {task.kind(instance) for instance in domain}
    assert {task.kind(instance) for instance in drawn.train} == kinds


@each_task
def test_draws_repeat(task: Task) -> None:
    assert task.draw(3) == task.draw(3)
    if task.examples is not None:
        assert task.draw(3) != task.draw(4)


@pytest.mark.parametrize("name", [name for name in TASKS if not name.startswith("circuit")])
def test_short_and_long_cases_are_learned_from(name: str) -> None:
    def length(instance: Instance) -> int:
        """Return k, where there is one; else the length of what is on tape or in memory."""
        (values,) = (v for k, v in instance.items() if k.startswith("initial"))
        if "access" in name or "list" in name:
            return int(values[0])
        return sum(value != (2 if name.startswith("turing") else 0) for value in values)

    task = TASKS[name]
    assert set(map(length, task.draw(0).train)) == set(map(length, task.domain()))


def test_another_number_of_examples() -> None:
    task = TASKS["turing-invert"]
    assert len(task.draw(0, 30).train) == 30
    assert task.draw(0, 30).test == []
    assert len(task.draw(0, 1).train) == 1
    for count in (0, 31, -1):
        with pytest.raises(DataError, match="the task has 30 inputs"):
            task.draw(0, count)


@each_task
def test_files(task: Task, tmp_path: Path) -> None:
    hypers, data = write(task, tmp_path / "new", seed=5)
    batches = read_batches(data)
    drawn = task.draw(5)
    assert [batch.name for batch in batches] == ["train", "test"][: 1 + bool(drawn.test)]
    assert [batch.instances for batch in batches] == [drawn.train, drawn.test][: len(batches)]
    for batch in batches:
        assert read_hypers(hypers, batch.hypers) == task.hypers
        assert bind(program(task), batch.instances).count == len(batch.instances)


# ---- the parity chain


def test_parity_has_one_solution() -> None:
    task = parity(4)
    examples = bind(program(task), task.draw().train)
    bits = np.array(list(product((0, 1), repeat=4)))
    right = Executor(program(task), jit=False).score({"bits": bits}, examples)[:, 0]
    assert bits[right].tolist() == [[0, 0, 0, 0]]


def test_parity_needs_neighbours() -> None:
    with pytest.raises(DataError, match="no neighbours"):
        parity(1)
