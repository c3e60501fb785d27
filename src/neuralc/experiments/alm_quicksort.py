"""Quicksort with calls and a data stack, on the machine with subroutines, exactly and softly.

The paper prints the first six instructions of its quicksort; these programs are our own, and so are
the Python ones. Exact: all permutations of up to 6 numbers, and random lists of 30. Soft: the
soft machine on certain lists, all permutations of up to 4, where it must give a distribution that
is certain of the sorted list.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import torch

from neuralc.experiments import alm_sorts
from neuralc.nn.library.assembly import AssemblyRoutine
from neuralc.nn.library.library import RoutineLibrary

Array = np.ndarray[Any, Any]
HARD, SOFT, LONG = 6, 4, 30
SURE = 0.999
"""So probable must every number of a sorted list be in a soft run."""


@dataclass(frozen=True)
class Sorting:
    """What the command prints: text for people, data for programs."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True)
class _Program:
    """A way to sort: the routine, and where the length and the list go.

    Attributes:
        name: for the table.
        in_memory: the length is in cell 0 and the list behind it; else it is the operand.
        small: how many values and cells its machine needs for short lists.

    """

    name: str
    routine: Callable[[RoutineLibrary], AssemblyRoutine]
    in_memory: bool
    small: int

    def library(self, n: int) -> AssemblyRoutine:
        return self.routine(RoutineLibrary.standard(n))

    def given(self, lists: Array) -> tuple[Array, Array]:
        """Return arguments and memories for lists `[E, k]`."""
        count, length = lists.shape
        lengths = np.full((count, 1), length)
        if self.in_memory:
            return np.zeros((count, 0), np.int64), np.concatenate([lengths, lists], 1)
        return lengths, lists


def _of_library(name: str) -> Callable[[RoutineLibrary], AssemblyRoutine]:
    def routine(library: RoutineLibrary) -> AssemblyRoutine:
        found = library[name]
        assert isinstance(found, AssemblyRoutine)
        return found

    return routine


def _of_python(program: Any) -> Callable[[RoutineLibrary], AssemblyRoutine]:
    def routine(library: RoutineLibrary) -> AssemblyRoutine:
        found = library.add(program, "python_sort")
        assert isinstance(found, AssemblyRoutine)
        return found

    return routine


PROGRAMS = (
    _Program("quicksort", _of_library("sort"), in_memory=False, small=16),
    _Program("insertion sort", _of_library("insertion_sort"), in_memory=False, small=16),
    _Program("quicksort, Python", _of_python(alm_sorts.quicksort), in_memory=True, small=52),
    _Program("insertion sort, Python", _of_python(alm_sorts.insertion_sort), in_memory=True,
             small=24),
)  # fmt: skip


def run_alm_quicksort(
    *, lists: int = 100, seed: int = 0, hard: int = HARD, soft: int = SOFT,
    progress: Callable[[int, int, str], None] | None = None,
) -> Sorting:  # fmt: skip
    """Sort with every program in every way.

    Args:
        lists: how many random lists of 30.
        seed: of the random lists.
        hard, soft: the longest permutations, exactly and softly.
        progress: called with how many programs are done, of how many, and what comes next.

    """
    rows: list[dict[str, Any]] = []
    for k, program in enumerate(PROGRAMS):
        if progress is not None:
            progress(k, len(PROGRAMS), program.name)
        short = program.library(program.small)
        cases = [case for length in range(1, hard + 1) for case in _permutations(length)]
        rows.append(_exact(program, short, cases, f"permutations of up to {hard}"))
        long = np.random.default_rng(seed).integers(128, size=(lists, LONG))
        rows.append(_exact(program, program.library(128), [long], f"{lists} lists of {LONG}"))
        rows.append(_soft(program, short, soft))
    solved = all(row["right"] == row["lists"] for row in rows)
    return Sorting(_text(rows), {"rows": rows, "solved": solved, "seed": seed})


def _permutations(length: int) -> Iterator[Array]:
    yield np.array(list(permutations(range(1, length + 1))))


def _exact(
    program: _Program, routine: AssemblyRoutine, cases: list[Array], what: str
) -> dict[str, Any]:
    began = time.perf_counter()
    right, count, steps = 0, 0, []
    for lists in cases:
        arguments, memory = program.given(lists)
        ended = routine.execute(arguments, memory)
        assert ended.memory is not None
        start = int(program.in_memory)
        found = ended.memory[:, start : start + lists.shape[1]]
        right += int(((found == np.sort(lists, 1)).all(1) & ended.halted).sum())
        count += len(lists)
        steps.append(ended.steps)
    made = np.concatenate(steps)
    return _row(program, routine, f"exact, {what}", count, right, made, began)


def _soft(program: _Program, routine: AssemblyRoutine, longest: int) -> dict[str, Any]:
    began = time.perf_counter()
    machine = routine.machine()
    right, count, steps = 0, 0, []
    for length in range(1, longest + 1):
        (lists,) = _permutations(length)
        arguments, cells = program.given(lists)
        memory = np.zeros((len(lists), machine.sizes.cells), np.int64)
        memory[:, : cells.shape[1]] = cells
        hot = torch.eye(routine.n)
        run = machine(
            routine.name, [hot[torch.from_numpy(a)] for a in arguments.T],
            hot[torch.from_numpy(memory)],
        )  # fmt: skip
        start = int(program.in_memory)
        found = run.memory[:, start : start + length]
        wanted = torch.from_numpy(np.sort(lists, 1)).unsqueeze(-1)
        sure = found.gather(-1, wanted).squeeze(-1).amin(1) > SURE
        right += int((sure & (run.ended[:, 1] > SURE)).sum())
        count += len(lists)
        steps.append(run.steps)
    what = f"soft, permutations of up to {longest}"
    return _row(program, routine, what, count, right, np.array(steps), began)


def _row(
    program: _Program, routine: AssemblyRoutine, what: str, count: int, right: int,
    steps: Array, began: float,
) -> dict[str, Any]:  # fmt: skip
    return {
        "program": program.name, "lines": len(routine.image.lines), "what": what,
        "lists": count, "right": right, "most_steps": int(steps.max()),
        "seconds": time.perf_counter() - began,
    }  # fmt: skip


def _text(rows: list[dict[str, Any]]) -> str:
    lines = ["| program | lines | lists | sorted | most steps | seconds |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for row in rows:
        lines.append(
            f"| {row['program']} | {row['lines']} | {row['what']} | {row['right']} of "
            f"{row['lists']} | {row['most_steps']} | {row['seconds']:.1f} |"
        )
    return "\n".join(lines)
