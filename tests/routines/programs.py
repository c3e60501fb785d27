"""Random programs of the machine with subroutines, and the plain interpreter on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuralc.ir.algebras import Distributions, Integers
from neuralc.ir.alm import FIELDS, OPERATIONS, Image
from neuralc.ir.evaluate import evaluate
from neuralc.nn.library.machine import Sizes, program

Array = np.ndarray[Any, Any]
SIZES = Sizes(values=5, cells=3, lines=7, registers=3, depth=2)


def random_image(seed: int, sizes: Sizes = SIZES) -> Image:
    """Draw lines; line 0 halts, and those that end a run are rare elsewhere."""
    rng = np.random.default_rng(seed)
    chances = np.where(np.arange(len(OPERATIONS)) < 2, 0.2, 1.0)
    count = sizes.lines
    columns = [
        rng.choice(len(OPERATIONS), count, p=chances / chances.sum()),
        *(rng.integers(sizes.registers, size=count) for _ in range(3)),
        rng.integers(sizes.values, size=count),
        rng.integers(count, size=count),
    ]
    lines = np.stack(columns, 1).astype(np.int64)
    lines[0] = 0
    return Image(lines, {"main": range(1, count)}, sizes.registers, sizes.depth, memory=True)


def start(sizes: Sizes, registers: Array, memory: Array, line: int = 1) -> dict[str, Array]:
    """Return the inputs of the model for one run that begins as runs of routines do."""
    return {
        "initial_line": np.array(line),
        "initial_registers": registers,
        "initial_memory": memory,
        "initial_stack": np.zeros(sizes.depth, np.int64),
        "initial_height": np.array(1),
    }


def interpreted(
    image: Image, sizes: Sizes, inputs: dict[str, Array], max_steps: int
) -> dict[str, Array]:
    """Return the outputs of a run in the plain interpreter."""
    model = program(sizes, max_steps)
    choices = image.choices(sizes.lines)
    given = {
        (name, at): int(array[at])
        for name, array in {**{n: choices[n][0] for n in FIELDS}, **inputs}.items()
        for at in np.ndindex(array.shape)
    }
    found = evaluate(model, given, Integers())
    return {
        decl.name: np.array(
            [found[decl.name, at] for at in np.ndindex(decl.shape)]
        ).reshape(decl.shape)
        for decl in model.of("output")
    }  # fmt: skip


def interpreted_softly(
    sizes: Sizes, lines: dict[str, Array], inputs: dict[str, Array], max_steps: int
) -> dict[str, Array]:
    """Return the outputs, distributions, where lines and inputs are `[*shape, size]`."""
    model = program(sizes, max_steps)
    given = {
        (name, at): array[at]
        for name, array in {**lines, **inputs}.items()
        for at in np.ndindex(array.shape[:-1])
    }
    found = evaluate(model, given, Distributions())
    return {
        decl.name: np.array([found[decl.name, at] for at in np.ndindex(decl.shape)]).reshape(
            *decl.shape, -1
        )
        for decl in model.of("output")
    }
