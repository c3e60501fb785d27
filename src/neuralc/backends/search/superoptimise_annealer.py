"""One chain from its start to its end: lays out what the compiled code works on.

`superoptimise_chain` comes back at every find and at every example that a promising program fails;
here that example joins the ones looked at, and the chain goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise_chain import compiled
from neuralc.ir.examples import NOT_OBSERVED, Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
Judge = Callable[[Array], tuple[Array, Array]]
"""On which examples a row of choices is right, bool [N], and its steps on each, int64 [N]."""

STEPS, HALTED = "steps", "final_halted"  # the outputs of `machines/ram.py` that matter here


@dataclass(eq=False)
class Chain:
    """Where a chain starts, and what it finds.

    Attributes:
        rng: of all its random choices.
        row: int64 [choices], where it starts.
        length: how many proposals it makes.
        heat: its temperature, in wrong examples.
        price: of a step, in wrong examples.
        named: see `Moves.parts`.
        order: int64 [N], the examples, those looked at first; changes.
        active: how many are looked at; grows.
        best, steps: the best program so far [choices] and its steps on each example [N].
        history: the mean steps of each new best, and the proposals made until then.

    """

    rng: np.random.Generator
    row: Array
    length: int
    heat: float
    price: float
    named: float
    order: Array
    active: int
    best: Array
    steps: Array
    history: list[tuple[int, float]] = field(default_factory=list)


class Annealer:
    """Runs chains on the examples of a task; they may run at the same time."""

    def __init__(self, program: Program, examples: Examples, judge: Judge) -> None:
        """Prepare the execution; the chain is compiled at the first call."""
        self.program, self.examples, self.judge = program, examples, judge
        self.executor = Executor(program, threads=1)
        self._compiled: Any = None

    def run(self, chain: Chain, moves: moving.Moves) -> None:
        """Run a chain to its end; it carries what it has found."""
        at, row = 0, chain.row
        parts = moves.parts(chain.named)
        while at < chain.length:
            kernel, arrays, row, scored = self._arrays(row, chain.order)
            if self._compiled is None:
                self._compiled = compiled(kernel, moving.compiled(), moving.reachable())
            best = row.copy()
            looked_at = chain.order[: chain.active]
            sums = np.array([chain.steps.sum(), chain.steps[looked_at].sum()])
            before = int(sums[0])
            at, example = self._compiled(
                chain.rng, at, chain.length, chain.heat, chain.price, row, parts,
                chain.active, best, sums, scored, arrays,
            )  # fmt: skip
            if sums[0] < before:
                chain.best = best.astype(np.int64)
                chain.steps = self.judge(chain.best)[1]
                chain.history.append((at, float(chain.steps.mean())))
            if example >= 0:
                swapped = [example, chain.active]
                chain.order[swapped] = chain.order[swapped[::-1]]
                chain.active += 1

    def _arrays(
        self, row: Array, order: Array
    ) -> tuple[Callable[..., None], tuple[Array, ...], Array, tuple[Any, ...]]:
        """Return the kernel, its arrays, the row among them, and what is scored.

        The choices are one row, of which the kernel sees parts. The outputs are parts of one array
        too: value k of an output on example e stands at its column k + e * its stride.
        """
        examples = self.examples.take(order)
        choices = moving.choices(row, self.program)
        kernel, arrays, places = self.executor.single(
            {name: value[None] for name, value in choices.items()}, examples
        )
        small = np.min_scalar_type(max(len(choices["instruction"]), 255))
        row, at = np.array(row, small), 0
        for name, value in choices.items():
            arrays[places[name]] = row[at : at + value.size]
            at += value.size
        arrays, scored = self._scored(arrays, examples)
        return kernel, tuple(arrays), row, scored

    def _scored(
        self, arrays: list[Array], examples: Examples
    ) -> tuple[list[Array], tuple[Any, ...]]:
        """Put an array for the outputs in; return what is scored, in the order of the chain."""
        layout, places = self.executor.kernel.layout, self.executor.kernel.arguments[4:]
        counts = {decl.name: math.prod(decl.shape) for decl in layout.outputs}
        found = np.zeros(examples.count * sum(counts.values()), np.int32)
        columns, strides, wanted, weights = [], [], [], []
        at = clock = 0
        for name, count in counts.items():
            size = examples.count * count
            arrays[places.index(layout.found[name].ident)] = found[at : at + size]
            clock = at if name == STEPS else clock
            blank = np.full(size, NOT_OBSERVED)
            targets = examples.outputs.get(name, blank).reshape(examples.count, count)
            observed = targets != NOT_OBSERVED
            for k in np.flatnonzero(observed.any(axis=0)):
                columns.append(at + k)
                strides.append(count)
                wanted.append(targets[:, k])
                # each example counts as one wrong value at most, and one more if it does not halt
                weights.append(observed[:, k] / np.maximum(1, observed.sum(axis=1)))
            at += size
        return arrays, (
            np.array(columns), np.array(strides), np.stack(wanted, axis=1),
            np.stack(weights, axis=1), clock, found,
        )  # fmt: skip
