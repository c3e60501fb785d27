"""Networks and program in turn: gradients train the networks, a search finds the program.

Gradients on everything at once teach the networks something long before they have settled on a
program. From there the search takes over: it finds the program that explains the examples best by
what the half-trained networks say, and the networks are trained on through that program, which
makes the next search easier. Knows no files and no processes.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from neuralc.backends.base.problem import Choices, Problem
from neuralc.backends.search.likelihood import declines, solve_likelihood
from neuralc.errors import Declined
from neuralc.ir.examples import Examples
from neuralc.learning.model import Model
from neuralc.learning.networks import (
    load_weights,
    network_weights,
    row_weights,
    shared_bodies,
    spread_weights,
)
from neuralc.learning.score import Judge, log_likelihoods
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

Array = np.ndarray[Any, Any]
Tell = Callable[[str], None]
APART = 1_000_003  # between the seeds of attempts, which others are not likely to use


class Alternated(NamedTuple):
    """What came of it.

    `choices`: integers of its shape for each `param`; `weights`: parameters of the networks by
    name, for one restart, as in `Solution.weights`; `right`: training examples that the two get
    right together, by exact execution. `starts`: attempts that were begun by then.
    """

    choices: Choices
    weights: dict[str, torch.Tensor]
    right: int
    starts: int = 1


def alternate(
    model: Model, train: Examples, settings: Settings, *, rounds: int = 3, attempts: int = 4,
    networks: Mapping[str, torch.Tensor] | None = None, deadline: float | None = None,
    tell: Tell | None = None, keep: Callable[[Alternated], None] | None = None,
    old: frozenset[str] = frozenset(),
) -> Alternated:  # fmt: skip
    """Learn networks and program by turns.

    Args:
        model: a model with networks.
        train: training examples.
        settings: `steps` steps on everything at once for all `restarts`, of which the best one is
            taken; then in each round a search, and `polish` (or, if that is 0, `steps`) steps on
            the networks alone. It ends when the share `accept` of the examples is right.
        rounds: of search and training, at most; 0: gradients only.
        attempts: how often it is begun anew, with other random numbers, where all rounds end below
            that share: networks that were trained through a wrong program make it look right.
        networks: parameters of networks to start from, as in `Solution.weights`.
        deadline: on the clock of `time.monotonic`; steps and rounds that would begin after it are
            left out, and no attempt is begun.
        tell: called with what was reached, in words.
        keep: called with the best pair so far, for whoever may be interrupted.
        old: the networks that come from a library; they learn at `library_rate`.

    Returns:
        The best pair of all rounds and attempts.

    Raises:
        Declined: a program that the search cannot run, or that calls no network.

    """
    best = _Best(settings.accept * train.count, keep)
    for attempt in range(attempts):
        drawn = dataclasses.replace(settings, seed=settings.seed + attempt * APART)
        turns = _Turns(model, train, drawn, deadline, old)
        best.starts = attempt + 1
        turns.go(networks or {}, rounds, best, tell or (lambda words: None))
        if best.enough() or turns.late() or not rounds:
            break
    return best.found


class _Best:
    """The best pair so far, of all attempts."""

    def __init__(self, wanted: float, keep: Callable[[Alternated], None] | None) -> None:
        self.wanted, self.keep, self.starts = wanted, keep, 0
        self.seen: Alternated | None = None

    @property
    def found(self) -> Alternated:
        """The best pair; every attempt sees one."""
        assert self.seen is not None, "there is an attempt"
        return self.seen

    def see(self, other: Alternated) -> None:
        """Keep the better one."""
        better = other if self.seen is None or other.right > self.seen.right else self.seen
        self.seen = better._replace(starts=self.starts)
        if self.keep:
            self.keep(self.seen)

    def enough(self) -> bool:
        """Tell whether it is right often enough."""
        return self.found.right >= self.wanted


class _Turns:
    """The networks as they are now, and how each turn changes them."""

    def __init__(
        self, model: Model, train: Examples, settings: Settings, deadline: float | None,
        old: frozenset[str],
    ) -> None:  # fmt: skip
        self.model, self.train, self.settings, self.deadline = model, train, settings, deadline
        self.old = old
        self.single = model.compile(
            seed=settings.seed, precision=settings.precision,
            engine=settings.engine_for(settings.polish or settings.steps),
        )  # fmt: skip
        self.judge = Judge(model.program, train, jit=True)
        self.chances: dict[str, Array] = {}
        reasons = declines(self._problem(0))
        if reasons:
            raise Declined("the likelihood search", reasons)

    def go(self, networks: Mapping[str, torch.Tensor], rounds: int, best: _Best, say: Tell) -> None:
        """Make one attempt."""
        count = self.train.count
        found = self.together(networks)
        best.see(found)
        say(f"gradients: {found.right} of {count} right")
        for number in range(rounds):
            if best.enough() or self.late():
                return
            found, note = self.searched(number)
            best.see(found)
            say(f"round {number + 1}: {note}; {found.right} of {count} right after training")

    def late(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def together(self, networks: Mapping[str, torch.Tensor]) -> Alternated:
        """Train all restarts, choices and networks, and go on with the best one."""
        module = self.model.compile(
            restarts=self.settings.restarts, seed=self.settings.seed,
            precision=self.settings.precision, engine=self.settings.engine_used,
            bodies=shared_bodies(self.model.program) if self.settings.shared else None,
        )  # fmt: skip
        if networks:
            spread_weights(module, networks)
        trainer = Trainer(module, self.train, self.settings, self.old)
        self._steps(trainer, self.settings.steps)
        choices = module.choices.best(module.logits)
        shares = self.judge.right(choices, module)
        losses = trainer.loss.double().numpy()
        best = max(range(len(shares)), key=lambda p: (shares[p], -losses[p]))
        load_weights(self.single, row_weights(module, best))
        with torch.no_grad():
            chances = self.single.probabilities()
        self.chances = {name: p[0].double().numpy() for name, p in chances.items()}
        return self._result({name: value[best] for name, value in choices.items()})

    def searched(self, number: int) -> tuple[Alternated, str]:
        """Search with the networks as they are, and train them through what is found."""
        outcome = solve_likelihood(self._problem(number), lambda remark, candidate: None)
        assert outcome.best is not None, "the search always tries some programs"
        choices = outcome.best.choices
        settings = dataclasses.replace(self.settings, restarts=1)
        trainer = Trainer(self.single, self.train, settings, self.old)
        trainer.fix(choices)
        self._steps(trainer, self.settings.polish or self.settings.steps)
        return self._result(choices), outcome.note

    def _steps(self, trainer: Trainer, count: int) -> None:
        for _ in range(count):
            if self.late():
                break
            trainer.step()
        trainer.perception.take_average()

    def _problem(self, number: int) -> Problem:
        """Return the question to the search; every round draws other random numbers."""
        return Problem(
            self.model.program, self.train, self.settings.seed + number, self.settings.threads,
            self.deadline, self.chances, log_likelihoods(self.single, self.train.inputs),
        )  # fmt: skip

    def _result(self, choices: Choices) -> Alternated:
        """Judge choices with the networks as they are."""
        share = self.judge.right({n: np.asarray(v)[None] for n, v in choices.items()}, self.single)
        return Alternated(
            choices, network_weights(self.single), round(float(share[0]) * self.train.count)
        )
