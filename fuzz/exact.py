"""The exact execution against the plain interpreter: outputs, and counts of what is wrong."""

from __future__ import annotations

import numpy as np

from fuzz.case import Array, Case, Mismatch
from neuralc.backends.exact import Executor
from neuralc.ir.examples import Examples


def check_plain_kernel(case: Case) -> None:
    """Check the kernel as plain Python."""
    _check(case, jit=False)


def check_compiled(case: Case) -> None:
    """Check the kernel that numba has compiled."""
    _check(case, jit=True)


def _check(case: Case, *, jit: bool) -> None:
    executor = Executor(case.program, jit=jit, threads=1)
    params, inputs = case.params(), case.examples()
    for fixed in case.program.fixed:  # which the execution puts in itself
        for p in range(len(case.choices)):
            params[fixed.name][(p, *fixed.index)] = 0
    found = executor.run(params, inputs)
    wanted = {d.name: np.stack([case.outputs(p)[d.name] for p in range(len(case.choices))])
              for d in case.program.of("output")}  # fmt: skip
    if found.keys() != wanted.keys():
        raise Mismatch(f"found the outputs {sorted(found)}, wanted {sorted(wanted)}")
    for name, array in wanted.items():
        if not np.array_equal(found[name], array):
            raise Mismatch(f"{name}: found {found[name].tolist()}, wanted {array.tolist()}")
    rng = np.random.default_rng(case.seed)
    targets = {
        name: np.where(rng.random(array[0].shape) < 0.3, -1, array[0])
        for name, array in wanted.items()
    }
    examples = Examples(inputs, targets, len(case.inputs))
    counts, right = executor.wrong(params, examples), _wrong(case, targets)
    if not np.array_equal(counts, right):
        raise Mismatch(
            f"how many values are wrong: found {counts.tolist()}, wanted {right.tolist()}\n"
            f"  targets: { {name: array.tolist() for name, array in targets.items()} }"
        )


def _wrong(case: Case, targets: dict[str, Array]) -> Array:
    """Return how many outputs differ from their targets, or observations do not hold, [P, E]."""
    counts = np.zeros((len(case.choices), len(case.inputs)), np.int64)
    for p in range(len(case.choices)):
        for e in range(len(case.inputs)):
            for (name, at), value in case.results(p, e).items():
                wanted = at[0] if name.startswith("observe ") else targets[name][(e, *at)]
                counts[p, e] += wanted not in (-1, value)
    return counts
