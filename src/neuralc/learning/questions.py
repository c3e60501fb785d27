"""A question to a solver, and its answers, as messages between processes.

Both ends use this: the parent that asks, and the child that solves. A program travels as text of
the IR. What comes back is read with suspicion: choices are checked here for names and types, and by
whoever runs them for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.backends.base import Candidate, Problem
from neuralc.ir import text
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program
from neuralc.learning.frames import Frame

Array = np.ndarray[Any, Any]
_PARTS = ("inputs", "outputs", "chances")


def question(module: str, problem: Problem, options: Mapping[str, Any]) -> Frame:
    """Return the message that asks a solver.

    Args:
        module: where its `solve` is.
        problem: what it is asked; its deadline is sent a little early, so that the solver can
            still say what it has reached before it is ended.
        options: what JSON can hold, given to `solve` by name.

    """
    message = {
        "module": module, "program": text.show(problem.program), "count": problem.examples.count,
        "seed": problem.seed, "threads": problem.threads, "options": dict(options),
        "until": None if problem.deadline is None else time.time() + _asked(problem.left()),
        "networks": len(problem.networks),
    }  # fmt: skip
    parts = (problem.examples.inputs, problem.examples.outputs, problem.chances)
    arrays = {
        f"{part}:{name}": array
        for part, named in zip(_PARTS, parts, strict=True)
        for name, array in named.items()
    }
    arrays |= {f"network:{k}": array for k, array in enumerate(problem.networks)}
    return message, arrays


def _asked(seconds: float) -> float:
    return seconds - min(0.5, seconds / 10)


def problem_of(frame: Frame) -> Problem:
    """Return the problem that a question holds."""
    message, arrays = frame
    inputs, outputs, chances = (_named(arrays, f"{part}:") for part in _PARTS)
    until = message["until"]  # by the clock on the wall, which both processes share
    return Problem(
        text.read(message["program"]),
        Examples(inputs, outputs, message["count"]),
        message["seed"],
        message["threads"],
        None if until is None else time.monotonic() + until - time.time(),
        chances,
        tuple(arrays[f"network:{k}"] for k in range(message["networks"])),
    )


def answer(
    message: Mapping[str, Any], best: Candidate | None, arrays: Mapping[str, Array] | None = None
) -> Frame:
    """Return a message from a solver, with its best candidate and the arrays of its outcome."""
    arrays = dict(arrays or {})
    if best is not None:
        arrays |= {f"choices:{name}": array for name, array in best.choices.items()}
    return {**message, "best": best is not None}, arrays


def choices_of(program: Program, frame: Frame) -> dict[str, Array] | None:
    """Return the choices that a message holds, one array of its shape for every `param`, or None.

    Raises:
        ValueError: they are not those of the program.

    """
    message, arrays = frame
    if not message.get("best"):
        return None
    found = _named(arrays, "choices:")
    shapes = {decl.name: decl.shape for decl in program.of("param")}
    if {name: array.shape for name, array in found.items()} != shapes:
        raise ValueError("its choices are not those of the model")
    if any(array.dtype.kind not in "iu" for array in found.values()):
        raise ValueError("its choices are no whole numbers")
    return {name: found[name].astype(np.int64) for name in shapes}


def chances_of(frame: Frame) -> dict[str, Array]:
    """Return the probabilities of choices that a message holds, if any."""
    return _named(frame[1], "chances:")


def inputs_of(program: Program, frame: Frame, number: int) -> dict[str, Array]:
    """Return the input that tells the program of a message apart from another one, by its number.

    Raises:
        ValueError: they are not those of the program.

    """
    found = _named(frame[1], f"inputs:{number}:")
    shapes = {decl.name: decl.shape for decl in program.of("input")}
    if {name: array.shape for name, array in found.items()} != shapes:
        raise ValueError("its inputs are not those of the model")
    return found


def _named(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
