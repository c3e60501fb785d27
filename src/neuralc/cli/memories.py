"""What `run` does with a compiled program: exactly and softly, on one memory or on samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuralc.cli.output import BAD_INPUT, FOUND, NOT_FOUND, Answer
from neuralc.errors import DataError, NeuralcError

if TYPE_CHECKING:
    import numpy as np

    from neuralc.ir.memories import Samples
    from neuralc.nn.folder import SavedMachine

    Array = np.ndarray[Any, Any]

SHOWN = 10  # samples that people see; --json has them all
WIDE = 30  # cells that people see when the rest is 0


@dataclass(frozen=True, eq=False)
class Result:
    """B runs of a program: exact ones and soft ones, `[B]` each, memories `[B, M]`.

    `where` is the line of the exact run's end, `confidence` the soft run's least certain cell of
    those that were not given as any value; `same` says whether these cells agree.
    """

    memory: Array
    steps: Array
    halted: Array
    where: Array
    soft_memory: Array
    soft_steps: Array
    stopped: Array
    confidence: Array
    same: Array


def run_program(
    folder: Path, memory: str | None, data: Path | None, max_steps: int | None
) -> Answer:
    """Run the program of a folder on a memory, or on the samples of a file.

    Raises:
        FileError: there is no such folder or file.
        SolutionError: the folder is damaged.
        DataError: the memory or the samples do not fit the program.

    """
    from neuralc.nn.folder import load

    if (memory is None) == (data is None):
        raise NeuralcError(
            "a compiled program needs a memory, or samples\n"
            '  hint: give --memory "3 0 2 4" or --data FILE'
        )
    saved = load(folder)
    limit = max_steps or saved.machine.max_steps
    if memory is not None and not memory.startswith("@"):
        return _one(saved, *_cells(memory, saved.memory), limit)
    return _samples(saved, data or Path(str(memory)[1:]), limit)


def _cells(text: str, size: int) -> tuple[Array, Array]:
    """Return a memory that was typed, and which of its cells are any, `[1, M]` each."""
    import numpy as np

    words = [word for word in re.split(r"[\s,;]+", text.strip("[]() \t\n,")) if word]
    if len(words) > size:
        raise DataError(f"--memory has {len(words)} cells, this program has {size}")
    values = []
    for cell, word in enumerate(words):
        number = int(word) if re.fullmatch(r"[0-9]{1,9}", word) else size
        if word != "?" and number >= size:
            raise DataError(
                f"--memory, cell {cell}: found {word[:20]!r}, wanted a number from 0 to "
                f"{size - 1}, or ? for any value"
            )
        values.append(0 if word == "?" else number)
    cells, flat = np.zeros((1, size), np.int64), np.zeros((1, size), bool)
    cells[0, : len(values)] = values
    flat[0, : len(values)] = [word == "?" for word in words]
    return cells, flat


def _run(saved: SavedMachine, cells: Array, flat: Array, limit: int) -> Result:
    import torch

    from neuralc.nn import exact

    ended = exact.run(saved.assembly, cells, max_steps=limit)
    soft = torch.nn.functional.one_hot(torch.as_tensor(cells), saved.memory).double()
    soft[torch.as_tensor(flat)] = 1 / saved.memory
    known = torch.as_tensor(~flat)
    with torch.no_grad():
        run = saved.machine(soft, max_steps=limit)
    values = run.values()[0].numpy()
    return Result(
        ended.memory, ended.steps, ended.halted, ended.line, values, run.steps[0].numpy(),
        run.stopped[0].double().numpy(), run.confidence(known)[0].double().numpy(),
        ((values == ended.memory) | flat).all(-1),
    )  # fmt: skip


# ---- one memory


def _one(saved: SavedMachine, cells: Array, flat: Array, limit: int) -> Answer:
    result = _run(saved, cells, flat, limit)
    trap = _trapped(saved, result, 0)
    data = _row(saved, result, 0)
    if trap is not None:
        return Answer(data={**data, "error": trap}, code=BAD_INPUT, problem=trap)
    sure, steps = float(result.confidence[0]), int(result.steps[0])
    text = "\n".join([
        f"memory      {_shown(result.memory[0])}",
        f"steps       {steps}",
        f"iterations  {steps + 1}",
        f"softly      {_softly(result, saved.machine.turns.threshold)}, confidence {sure:.3f}",
    ])  # fmt: skip
    if result.halted[0]:
        return Answer(text, data)
    text = text.replace("memory   ", "so far   ")
    return Answer(text, data, NOT_FOUND, _endless(limit))


def _softly(result: Result, threshold: float) -> str:
    """Say how the soft run of the first memory ended, and whether it agrees."""
    said = "the same" if result.same[0] else f"another memory: {_shown(result.soft_memory[0])}"
    if result.stopped[0] <= threshold:
        return f"{said}, not stopped (chance {result.stopped[0]:.3f})"
    steps = int(result.soft_steps[0])
    return said if steps == result.steps[0] else f"{said} after {steps} steps"


def _shown(cells: Array) -> str:
    """Return a memory, without the zeros that end a large one."""
    words = [str(value) for value in cells]
    last = max((k for k, word in enumerate(words) if word != "0"), default=0)
    if len(words) <= WIDE or last + 3 >= len(words):
        return " ".join(words)
    return " ".join([*words[: max(last + 1, 3)], "0", "…"])


def _endless(limit: int) -> str:
    return (
        f"it did not stop within {limit} instructions\n"
        f"  hint: give --max-steps {10 * limit}; if that is not enough, it may never stop on this "
        "memory"
    )


def _trapped(saved: SavedMachine, result: Result, k: int) -> str | None:
    """Return a message where a run ended because the stack of a Python program was full."""
    trap = saved.trap
    if trap is None or not result.halted[k] or int(result.where[k]) not in trap["lines"]:
        return None
    line, call = int(result.where[k]), int(result.memory[k, trap["status_cell"]])
    place = f"{trap['calls'][call]}\n  " if call in trap["calls"] else ""
    stack = saved.memory - trap["status_cell"]
    return (
        f"stack overflow: {place}the stack of {stack} cells is full; stopped in line {line} of the "
        "listing\n  hint: compile it with a larger --memory, or --stack, or call it less deeply"
    )


def _row(saved: SavedMachine, result: Result, k: int) -> dict[str, Any]:
    """Return one run as data."""
    steps = int(result.steps[k])
    return {
        "memory": result.memory[k],
        "steps": steps,
        "iterations": steps + 1,
        "halted": bool(result.halted[k]),
        "trap": _trapped(saved, result, k),
        "soft": {
            "memory": result.soft_memory[k],
            "steps": int(result.soft_steps[k]),
            "stopped": float(result.stopped[k]),
            "confidence": float(result.confidence[k]),
            "same": bool(result.same[k]),
        },
    }


# ---- samples


def _samples(saved: SavedMachine, data: Path, limit: int) -> Answer:
    import numpy as np

    from neuralc.data.memories import read

    samples = read(data)
    if samples.memory != saved.memory:
        raise DataError(
            f"{data}: the samples have {samples.memory} cells, this program has {saved.memory}"
        )
    flat = np.zeros(samples.given.shape, bool) if samples.any is None else samples.any
    result = _run(saved, samples.given, flat, limit)
    return _judged(saved, samples, result, limit)


def _judged(saved: SavedMachine, samples: Samples, result: Result, limit: int) -> Answer:
    traps = [_trapped(saved, result, k) for k in range(samples.count)]
    fine = result.halted & ([trap is None for trap in traps])
    right = samples.right(result.memory) & fine
    softly = samples.right(result.soft_memory) & (result.stopped > saved.machine.turns.threshold)
    mean = float(result.steps.mean())
    softness = f"softly {softly.sum()} right, confidence {result.confidence.min():.3f}"
    lines = [
        f"{samples.count} samples, {right.sum()} right; {softness}",
        f"steps {mean:.2f}, iterations {mean + 1:.2f} (mean)",
    ]
    rows = []
    for k in range(samples.count):
        rows.append({**_row(saved, result, k), "right": bool(right[k]), "soft_right": softly[k]})
    for k in range(min(samples.count, SHOWN)):
        verdict = "right" if right[k] else "wrong" if fine[k] else "no end"
        lines.append(f"  {k}: {_shown(result.memory[k])}  {verdict}, {result.steps[k]} steps")
    if samples.count > SHOWN:
        lines.append(f"  … {samples.count - SHOWN} more (--json prints all)")
    answer = {
        "samples": samples.count, "right": right.sum(), "soft_right": softly.sum(),
        "steps": mean, "iterations": mean + 1, "runs": rows,
    }  # fmt: skip
    first = next((trap for trap in traps if trap), None)
    if first:
        k = traps.index(first)
        return Answer(
            data={**answer, "error": first}, code=BAD_INPUT, problem=f"sample {k}: {first}"
        )
    if not result.halted.all():
        k = int(result.halted.argmin())
        problem = f"sample {k}: {_endless(limit)}"
        return Answer("\n".join(lines), answer, NOT_FOUND, problem)
    return Answer("\n".join(lines), answer, FOUND)
