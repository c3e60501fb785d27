"""Adaptation by search: every seed anneals the program on the exact execution.

All seeds look at the same samples. What is found is run on more, and on all inputs where they are
few; those that it gets wrong join, and the seed goes on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.search.superoptimise import Superoptimiser
from neuralc.ir.memories import Samples
from neuralc.learning.adapt.gradient import Tell
from neuralc.learning.adapt.problem import Choices, Problem

Array = np.ndarray[Any, Any]

EXAMPLES, CHECKED = 300, 2000  # samples to search on; more, by which what is found is checked
PROPOSALS = 1_500_000  # programs that a seed tries
ROUNDS, JOIN = 4, 20  # searches of a seed; wrong samples that join after each


@dataclass(frozen=True, eq=False)
class Found:
    """What a seed has found; `choices` None: nothing. `seconds` of search."""

    choices: Choices | None
    seconds: float


class Search:
    """Searches of one problem, from any number of seeds and in any number of threads."""

    def __init__(self, problem: Problem, seed: int) -> None:
        """Draw the samples and prepare the execution."""
        self.problem = problem
        self.samples = problem.draw(EXAMPLES, "train", seed)
        self.checks = [problem.draw(CHECKED, "choose", seed)]
        if problem.everything is not None:
            self.checks.append(problem.everything)
        self.optimiser = self._optimiser(self.samples)
        self.optimiser.run(problem.choices, seed=0, proposals=1)  # compiles, before threads begin

    def run(
        self, seed: int, start: Choices | None, chances: Mapping[str, Array] | None, proposals: int
    ) -> Found:
        """Search from one seed.

        Args:
            seed: of the search.
            start: a program that is right on the samples it was chosen by; None: the original.
            chances: probabilities of the choices, for proposals.
            proposals: programs to try.

        """
        began = time.monotonic()
        samples, optimiser = self.samples, self.optimiser
        begin = self._right_start(start, samples)
        for _ in range(ROUNDS):
            found = optimiser.run(begin, seed=seed, proposals=proposals, chances=chances)
            wrong = self._wrong(found.choices)
            if wrong is None:
                return Found(found.choices, time.monotonic() - began)
            samples = samples.joined(wrong)
            optimiser = self._optimiser(samples)
            begin = self._right_start(start, samples)
        return Found(None, time.monotonic() - began)

    def _optimiser(self, samples: Samples) -> Superoptimiser:
        return Superoptimiser(self.problem.program, self.problem.examples(samples))

    def _right_start(self, start: Choices | None, samples: Samples) -> Choices:
        """Return the start if it is right on the samples, else the original."""
        if start is not None and self.problem.try_one(start, samples).solved:
            return start
        return self.problem.choices

    def _wrong(self, choices: Choices) -> Samples | None:
        """Return some of the samples that a program gets wrong, None if there is none."""
        for samples in self.checks:
            right = self.problem.try_one(choices, samples).right
            if not right.all():
                return samples.take(np.flatnonzero(~right)[:JOIN])
        return None


def search_all(
    problem: Problem, seeds: Sequence[int], starts: Sequence[Choices | None],
    chances: Sequence[Mapping[str, Array] | None], threads: int, tell: Tell | None,
    proposals: int = PROPOSALS,
) -> list[Found]:  # fmt: skip
    """Search for every seed, several at a time.

    Args:
        problem: what is to be adapted.
        seeds: the seeds.
        starts: for each a program to begin with; None: the original.
        chances: for each probabilities of choices; None: none.
        threads: searches at once.
        tell: told of every seed that is done.
        proposals: programs that each tries.

    """
    search = Search(problem, seeds[0])
    with ThreadPoolExecutor(threads) as pool:
        running = {
            pool.submit(search.run, seed, start, chance, proposals): k
            for k, (seed, start, chance) in enumerate(zip(seeds, starts, chances, strict=True))
        }
        for done, _ in enumerate(as_completed(running), 1):
            if tell is not None:
                tell(done, len(seeds), "seeds searched")
        return [future.result() for future in running]
