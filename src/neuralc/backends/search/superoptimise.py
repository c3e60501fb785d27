"""Stochastic superoptimisation: make a right program of the register machine faster on examples.

Many short chains anneal the original or the best program so far, each at a temperature of its own.
What is found is right on all examples and takes fewer steps on average; that is no proof for other
inputs, and none that nothing is faster.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013). Unlike there, the
original always takes part, chains are short, and examples join when they are needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise_annealer import HALTED, STEPS, Annealer, Chain
from neuralc.backends.search.superoptimise_tidy import tidied
from neuralc.errors import DataError, Declined
from neuralc.ir.examples import NOT_OBSERVED, Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
Tell = Callable[[int, float], None]
"""Called with the proposals made so far and the mean steps of the best program."""

# chosen on six tasks of Bunel et al., "Adaptive Neural Compilation" (2016)
PROPOSALS = 8_000_000  # where no other number is given
CHAIN = 100_000  # proposals of a chain
HEAT = (0.01, 0.06)  # the least and the highest temperature, in wrong examples
PRICE = (0.05, 0.2)  # of as many steps as the best program takes, in wrong examples
FROM_ORIGINAL = 0.25  # of the chains start at the original, the others at the best
NAMED = 0.6  # up to so many of the registers in proposals are ones that the program names
EXAMPLES = 8  # that chains look at in the beginning


@dataclass(frozen=True, eq=False)
class Found:
    """The fastest program that was found; the original if none is faster.

    Attributes:
        choices: int64 `[*shape]` for every param.
        mean_steps: instructions executed, STOP included, on average over the examples.
        right_on: how many examples it is right on: all of them.
        tried: how many programs were proposed.
        seconds: how long that took.
        history: the mean steps of each new best, and the proposals made until then.

    """

    choices: Choices
    mean_steps: float
    right_on: int
    tried: int
    seconds: float
    history: tuple[tuple[int, float], ...]


def superoptimise(
    program: Program,
    original: Choices,
    examples: Examples,
    *,
    seed: int,
    seconds: float | None = None,
    proposals: int | None = None,
    chances: Choices | None = None,
    threads: int = 1,
    tell: Tell | None = None,
) -> Found:
    """Return a program that is right on all examples and fast; see `Superoptimiser.run`."""
    return Superoptimiser(program, examples).run(
        original, seed=seed, seconds=seconds, proposals=proposals, chances=chances,
        threads=threads, tell=tell,
    )  # fmt: skip


class Superoptimiser:
    """Makes programs faster on the same examples, from any number of seeds; compiles once."""

    def __init__(self, program: Program, examples: Examples) -> None:
        """Prepare the execution.

        Args:
            program: `machines/ram.py`. Its `max_steps` should be twice what an original needs or
                more: the way to a shorter program may lead over longer ones.
            examples: what programs have to do, besides halting; some cells of some of them are
                observed. Counts of steps in them are ignored.

        Raises:
            Declined: the program is another machine, or has choices that are fixed.
            DataError: nothing is observed.

        """
        if reasons := declines(program):
            raise Declined("the superoptimisation", reasons)
        self.program, self.examples = program, _halting(examples)
        self.annealer = Annealer(program, self.examples, self.judge)

    def run(
        self,
        original: Choices,
        *,
        seed: int,
        seconds: float | None = None,
        proposals: int | None = None,
        chances: Choices | None = None,
        threads: int = 1,
        tell: Tell | None = None,
    ) -> Found:
        """Return the fastest program that is found within a budget.

        The result is the same for the same seed and threads, unless the time runs out.

        Args:
            original: a program that is right on all examples, `[*shape]` or `[1, *shape]` by param.
            seed: of every random choice.
            seconds: after which no new chain starts; None: no limit.
            proposals: how many to make; None: `PROPOSALS`.
            chances: probabilities [*shape, size] of the values of choices by param, from which
                a part of the proposals is drawn.
            threads: chains that run at the same time.
            tell: called at every improvement.

        Raises:
            DataError: the original is wrong on an example, or something is of the wrong shape.

        """
        begun = time.monotonic()
        limit = PROPOSALS if proposals is None else proposals
        search = _Search(self, moving.row(original, self.program), seed, chances or {}, tell)
        with ThreadPoolExecutor(threads) as pool:
            while search.tried < limit:
                if seconds is not None and time.monotonic() - begun >= seconds:
                    break
                left = limit - search.tried
                search.round(pool, [min(CHAIN, left - k * CHAIN) for k in range(threads)])
        right, steps = self.judge(search.best)
        return Found(
            moving.choices(search.best, self.program), float(steps.mean()), int(right.sum()),
            search.tried, time.monotonic() - begun, tuple(search.history),
        )  # fmt: skip

    def judge(self, row: Array) -> tuple[Array, Array]:
        """Return on which examples a program is right, bool [N], and its steps on each, [N].

        Args:
            row: int64 [choices], see `superoptimise_moves`.

        """
        found = self._outputs(row)
        right = np.ones(self.examples.count, bool)
        for name, wanted in self.examples.outputs.items():
            fits = (wanted == NOT_OBSERVED) | (wanted == found[name])
            right &= fits.reshape(len(fits), -1).all(axis=1)
        return right, found[STEPS].astype(np.int64)

    def complaint(self, row: Array, example: int) -> DataError:
        """Say what is wrong with the original on an example."""
        found, wrong = self._outputs(row), []
        if not found[HALTED][example]:
            wrong = [f"it does not stop within {found[STEPS][example]} steps"]
        for name, targets in self.examples.outputs.items():
            wanted, value = targets[example], found[name][example]
            for index in np.argwhere((wanted != NOT_OBSERVED) & (wanted != value)).tolist():
                place = f"{name}{index if index else ''}"
                wrong.append(f"{place} is {value[tuple(index)]}, wanted {wanted[tuple(index)]}")
        inputs = ", ".join(f"{n} {v[example].tolist()}" for n, v in self.examples.inputs.items())
        return DataError(
            f"the original program is wrong on example {example} ({inputs}): {wrong[0]}\n"
            "  hint: only a right program can be made faster; correct it, or the example"
        )

    def _outputs(self, row: Array) -> dict[str, Array]:
        """Return the outputs of a program, [N, *shape] each."""
        params = {name: value[None] for name, value in moving.choices(row, self.program).items()}
        found = self.annealer.executor.run(params, self.examples.inputs)
        return {name: value[0] for name, value in found.items()}


class _Search:
    """What is known in the course of one run."""

    def __init__(
        self,
        task: Superoptimiser,
        original: Array,
        seed: int,
        chances: Choices,
        tell: Tell | None,
    ) -> None:
        """Start with the original, if it is right."""
        self.task, self.original, self.tell = task, original, tell
        self.rng = np.random.default_rng(seed)
        self.best = original
        right, self.steps = task.judge(original)
        if not right.all():
            raise task.complaint(original, int(np.argmin(right)))
        self.moves = moving.Moves.of(task.program, _values(task, original), chances)
        self.looked_at = self._different()[:EXAMPLES].tolist()
        self.history: list[tuple[int, float]] = []
        self.tried = 0

    def _different(self) -> Array:
        """Return examples with different inputs, in random order."""
        inputs = [v.reshape(len(v), -1) for v in self.task.examples.inputs.values()]
        first = np.unique(np.concatenate(inputs, axis=1), axis=0, return_index=True)[1]
        return self.rng.permutation(first)

    def round(self, pool: ThreadPoolExecutor, lengths: Sequence[int]) -> None:
        """Run chains of some lengths at the same time, and keep what they have found."""
        chains = [self._draw(length) for length in lengths if length > 0]
        list(pool.map(lambda chain: self.task.annealer.run(chain, self.moves), chains))
        for chain in chains:
            better = chain.steps.sum() < self.steps.sum()
            for at, mean in chain.history:
                self._note(self.tried + at, mean)
            if better:
                self.best = self._tidy(chain.best)
                self.steps = self.task.judge(self.best)[1]
                self._note(self.tried + chain.length, float(self.steps.mean()))
            failed = chain.order[: chain.active].tolist()
            self.looked_at += [e for e in failed if e not in self.looked_at]
            self.tried += chain.length

    def _note(self, tried: int, mean: float) -> None:
        """Remember an improvement, and tell of it."""
        if mean < (self.history[-1][1] if self.history else self.steps.mean()):
            self.history.append((tried, mean))
            if self.tell:
                self.tell(tried, mean)

    def _draw(self, length: int) -> Chain:
        """Return a chain with settings of its own: no single ones do well on all tasks."""
        others = np.setdiff1d(np.arange(self.task.examples.count), self.looked_at)
        return Chain(
            rng=np.random.default_rng(self.rng.integers(0, 2**63)),
            row=self.original if self.rng.random() < FROM_ORIGINAL else self.best,
            length=length,
            heat=float(self.rng.uniform(*HEAT)),
            price=float(self.rng.uniform(*PRICE) / self.steps.mean()),
            named=float(self.rng.uniform(0, NAMED)),
            order=np.concatenate([np.array(self.looked_at, np.int64), others]),
            active=len(self.looked_at),
            best=self.best,
            steps=self.steps,
        )

    def _tidy(self, row: Array) -> Array:
        """Return a program in a readable form, which also leaves more lines to chains."""

        def judge(row: Array) -> tuple[bool, int]:
            right, steps = self.task.judge(row)
            return bool(right.all()), int(steps.sum())

        return tidied(row, self.original, *moving.sizes(self.task.program), judge)


def declines(program: Program) -> list[str]:
    """Return why programs of a machine cannot be made faster here; empty if they can."""
    reasons = moving.declines(program)
    outputs = [decl.name for decl in program.of("output")]
    return reasons + [f"it has no output {n!r}" for n in (STEPS, HALTED) if n not in outputs]


def _halting(examples: Examples) -> Examples:
    """Return examples on which every program has to halt, whatever number of steps it takes."""
    observed = [n for n, v in examples.outputs.items() if n != STEPS and (v != NOT_OBSERVED).any()]
    if not set(observed) - {HALTED}:
        raise DataError(
            f"no cell is observed in {examples.count} examples: every program would be right\n"
            "  hint: give the cells that matter in `final_memory`, -1 for the others"
        )
    outputs = dict(examples.outputs)
    outputs[HALTED] = np.ones(examples.count, np.int64)
    outputs[STEPS] = np.full(examples.count, NOT_OBSERVED)
    return replace(examples, outputs=outputs)


def _values(task: Superoptimiser, original: Array) -> Array:
    """Return numbers worth trying as start values: of registers, and of cells that are observed."""
    lines, registers = moving.sizes(task.program)
    cells = [
        np.flatnonzero((wanted != NOT_OBSERVED).any(axis=0))
        for wanted in task.examples.outputs.values()
        if wanted.ndim == 2
    ]
    found = np.concatenate([original[4 * lines : 4 * lines + registers], *cells, [0, 1]])
    return np.unique(found[found < lines]).astype(np.int64)
