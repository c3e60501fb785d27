"""Small problems for the tests of search, and the answer of brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from neuralc.backends.base.problem import Problem
from neuralc.backends.exact import Executor
from neuralc.backends.search.space import Space
from neuralc.ir.examples import Examples, bind
from neuralc.ir.nodes import Int
from neuralc.learning.model import Model
from tests.random_models import Features, random_program

Rows = np.ndarray[Any, Any]


def random_problem(seed: int, most: int = 400) -> Problem | None:
    """Return a random program with examples, or None if it has too many programs to try all.

    One in three has targets that are drawn at random, the others those of a hidden program. Some
    targets are not observed.
    """
    program = random_program(seed, Features(statements=8 + seed % 8, tight=bool(seed % 2)))
    space = Space(program)
    if np.prod(space.sizes[space.open].astype(float)) > most:
        return None
    rng = np.random.default_rng(seed)
    count = 1 + seed % 4
    inputs = {
        d.name: rng.integers(0, d.type.size, (count, *d.shape))
        for d in program.of("input")
        if isinstance(d.type, Int)
    }
    hidden = space.start[None].copy()
    hidden[:, space.open] = rng.integers(0, space.sizes[space.open])
    outputs = Executor(program, jit=False).run(space.params(hidden), inputs)
    targets = {}
    for name, found in outputs.items():
        kind = program.decl[name].type
        assert isinstance(kind, Int)
        other = rng.integers(0, kind.size, found[0].shape)
        target = other if seed % 3 == 0 else found[0]
        targets[name] = np.where(rng.random(target.shape) < 0.2, -1, target)
    return Problem(program, Examples(inputs, targets, count), seed=seed)


def all_rows(space: Space) -> Rows:
    """Return all programs, [programs, choices]."""
    values = list(product(*(range(n) for n in space.sizes[space.open])))
    rows = np.tile(space.start, (len(values), 1))
    rows[:, space.open] = np.array(values).reshape(len(values), -1)
    return rows


def solvable(problem: Problem) -> bool:
    """Tell whether some program is right, by running all of them."""
    space = Space(problem.program)
    executor = Executor(problem.program, jit=False)
    score = executor.score(space.params(all_rows(space)), problem.examples)
    return bool(score.all(axis=1).any())


def right(problem: Problem, params: Any) -> int:
    """Return how many examples choices get right."""
    given = {name: array[None] for name, array in params.items()}
    executor = Executor(problem.program, jit=False)
    return int(executor.score(given, problem.examples).sum())


def problem(machine: str, hypers: dict[str, int], instances: list[dict[str, Any]]) -> Problem:
    """Return a machine with examples."""
    program = Model.load(machine, hypers).program
    return Problem(program, bind(program, instances))


def swap(gates: int = 3) -> Problem:
    """Swap two of three wires: possible with three gates, not with two."""
    instances = [
        {"initial_wires": [a, b, 0], "final_wires": [b, a]} for a, b in product((0, 1), repeat=2)
    ]
    return problem("circuit", {"numGates": gates, "numWires": 3, "numOutputs": 2}, instances)


def shift() -> Problem:
    """Swap two wires if a third one is 1."""
    instances = [
        {"initial_wires": [c, a, b, 0], "final_wires": [c, b, a] if c else [c, a, b]}
        for c, a, b in product((0, 1), repeat=3)
    ]
    return problem("circuit", {"numGates": 4, "numWires": 4, "numOutputs": 3}, instances)


def full_adder(gates: int = 5) -> Problem:
    """Add three bits: possible with five gates, not with four."""
    instances = [
        {"initial_wires": [a, b, c, 0], "final_wires": [(a + b + c) >> 1, (a + b + c) & 1]}
        for a, b, c in product((0, 1), repeat=3)
    ]
    return problem("circuit", {"numGates": gates, "numWires": 4, "numOutputs": 2}, instances)


def turing(states: int, moments: int, pairs: dict[str, str]) -> Problem:
    """Return a task on a tape of five cells, blanks are 2."""

    def tape(word: str) -> list[int]:
        return [int(symbol) for symbol in word.ljust(5, "2")]

    hypers = {"numTapeSymbols": 3, "numHeadStates": states, "tapeLength": 5,
              "numTimesteps": moments}  # fmt: skip
    instances = [
        {"initial_tape": tape(word), "final_tape": tape(result), "final_is_halted": 1}
        for word, result in pairs.items()
    ]
    return problem("turing", hypers, instances)


def invert() -> Problem:
    """Turn every bit of a word over."""
    words = ("1101", "111", "100", "000", "0101")
    return turing(2, 6, {word: word.translate(str.maketrans("01", "10")) for word in words})


def decrement() -> Problem:
    """Take 1 from a binary number."""
    words = ("1101", "0110", "0001", "0100", "1100", "10", "11")
    return turing(3, 9, {word: f"{int(word, 2) - 1:0{len(word)}b}" for word in words})


def silent(*_: object) -> None:
    """Take no note of a report."""
