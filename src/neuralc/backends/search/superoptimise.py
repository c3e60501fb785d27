"""Stochastic superoptimisation: make a right program of the register machine faster on examples.

Many short chains (`superoptimise_chain`) anneal the original or the best program so far, at
temperatures drawn anew for each. What is found is right on all examples and takes fewer steps on
average; that is no proof for other inputs, and none that nothing is faster.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise_chain import compiled
from neuralc.backends.search.superoptimise_tidy import tidied
from neuralc.errors import DataError, Declined
from neuralc.ir.examples import NOT_OBSERVED, Examples
from neuralc.ir.nodes import Program

Array = np.ndarray[Any, Any]
Choices = Mapping[str, Array]
Tell = Callable[[int, float], None]
"""Called with the proposals made so far and the mean steps of the best program."""

STEPS, HALTED = "steps", "final_halted"
PROPOSALS = 8_000_000  # where no other number is given
CHAIN = 100_000  # proposals of a chain
HEAT = (0.01, 0.06)  # temperatures at the start of a chain, in wrong examples; half at its end
PRICE = 0.2  # of as many steps as the best program takes, in wrong examples
FROM_ORIGINAL = 0.25  # of the chains start at the original, the others at the best
NAMED = 0.6  # up to so many of the registers in proposals are ones that the program names
EXAMPLES = 8  # that chains look at in the beginning
# The numbers above were chosen on six tasks of Bunel et al. (2016).


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
    """Return a program that is right on all examples and takes few steps; see `Superoptimiser`."""
    return Superoptimiser(program, examples).run(
        original, seed=seed, seconds=seconds, proposals=proposals, chances=chances,
        threads=threads, tell=tell,
    )  # fmt: skip


class Superoptimiser:
    """Makes programs faster on the same examples, from any number of seeds; compiles once."""

    def __init__(self, program: Program, examples: Examples) -> None:
        """Prepare the execution.

        Args:
            program: `machines/ram.py`; `max_steps` should be at least twice what an original
                needs, or the way to shorter programs that leads over longer ones is closed.
            examples: what every program has to do, at least one; it also has to halt.

        Raises:
            Declined: the program is another machine.
            DataError: there is no example.

        """
        if reasons := declines(program):
            raise Declined("the superoptimisation", reasons)
        if not examples.count:
            raise DataError("there is no example\n  hint: give at least one to be fast on")
        self.program = program
        self.examples = _all_halt(program, examples)
        self.executor = Executor(program, threads=1)
        self._chain: Any = None

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
            proposals: the number of programs to try; None: `PROPOSALS`.
            chances: probabilities [*shape, size] of the values of choices by param, from which
                a part of the proposals is drawn.
            threads: chains that run at the same time.
            tell: called at every improvement.

        Raises:
            DataError: the original is wrong on an example, or something is of the wrong shape.

        """
        start = moving.row(original, self.program)
        search = _Search(self, start, seed, chances, tell)
        begun = time.monotonic()
        with ThreadPoolExecutor(threads) as pool:
            while search.tried < (PROPOSALS if proposals is None else proposals) and (
                seconds is None or time.monotonic() - begun < seconds
            ):
                chains = [search.draw() for _ in range(threads)]
                for end in list(pool.map(search.anneal, chains)):
                    search.settle(end)
        best = search.tidy()
        return Found(
            moving.choices(best, self.program), self.steps(best).mean(), self.examples.count,
            search.tried, time.monotonic() - begun, tuple(search.history),
        )  # fmt: skip

    def steps(self, row: Array) -> Array:
        """Return the steps int64 [examples] of a program.

        Raises:
            DataError: it is wrong on an example.

        """
        params = {n: v[None] for n, v in moving.choices(row, self.program).items()}
        found = {n: v[0] for n, v in self.executor.run(params, self.examples.inputs).items()}
        for name, wanted in self.examples.outputs.items():
            wrong = (wanted != NOT_OBSERVED) & (wanted != found[name])
            if wrong.any():
                raise _wrong(self.examples, found, name, np.argwhere(wrong)[0])
        return np.asarray(found[STEPS], np.int64)
