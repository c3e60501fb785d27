"""Learn a model from examples: by gradients, or by asking solvers in processes of their own.

Whoever proposes a program, exact execution decides. Imports no PyTorch by itself: the processes of
solvers are at work while it loads.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralc.backends.base import Problem
from neuralc.backends.base.problem import Choices
from neuralc.cores import cores
from neuralc.errors import DataError, Declined, NeuralcError, SolverFailed
from neuralc.ir.examples import Examples
from neuralc.learning import contradiction, portfolio
from neuralc.learning.batches import split
from neuralc.learning.model import Model
from neuralc.learning.race import Entrant, Race, ask
from neuralc.learning.reached import Reached
from neuralc.learning.settings import Settings

if TYPE_CHECKING:
    import torch

    from neuralc.backends.soft import SoftModule
    from neuralc.learning.alternate import Alternated
    from neuralc.learning.library.library import Library
    from neuralc.learning.solution import Report, Solution

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int, str], None]
BLAME = 60.0  # seconds to find out which examples are to blame
Tell = Callable[[str], None]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while solvers were at work; `solution` is the best that they had found."""

    def __init__(self, solution: Solution) -> None:
        """Keep the solution."""
        self.solution = solution
        super().__init__()


def learn(
    model: Model, data: Any, *, solver: str = "gradient", timeout: float | None = None,
    threads: int | None = None, test: Any = None, settings: Settings | None = None,
    out: str | Path | None = None, progress: Progress | None = None, tell: Tell | None = None,
    networks: Mapping[str, torch.Tensor] | None = None, library: Library | str | Path | None = None,
    task: str | None = None, replace_task: bool = False, **changes: Any,
) -> Solution:  # fmt: skip
    """Find the open choices and train the networks of a model from examples.

    Args:
        model: the model.
        data: training examples: a list of mappings, one mapping of arrays, `Examples`, or batches
            as in a data file (that named "train", or the first, is learned from, others held out).
        solver: "gradient", "search", "sat", "smt", "cp", or "auto", which asks those that fit, side
            by side. Networks are trained by gradients alone.
        timeout: seconds after which the best so far is returned; None: no limit, 600 for "auto".
        threads: processes and threads at once; None: 1 for gradients, else one per core.
        test: held-out examples, in the same forms.
        settings: how to learn by gradients; other solvers take the seed only. `changes` are single
            settings, such as `restarts=100, seed=0`.
        out: a folder for the solution; a checkpoint of learning by gradients is kept there, and a
            run that was interrupted goes on from it when called again with the same arguments.
        progress: called with the work done, all of it, and a remark.
        tell: called with what is chosen and reached, in words.
        networks: parameters of trained networks, named as in `Solution.weights`: to start from, or
            for "search" the networks as they are.
        library, task, replace_task: where to take functions from by name, and to save them with
            this task if it is solved; see `Session`.

    Returns:
        The best program: exact on the training examples if one was found.

    Raises:
        DataError: examples that do not fit the model.
        Contradiction: examples that no program can be right on.
        Declined, MissingExtra: the solver cannot be asked this, with its reasons.
        SolutionError: the checkpoint in `out` or the library is damaged.
        NeuralcError: settings, a device, networks or a library that cannot be.
        KeyboardInterrupt: by gradients after a checkpoint was saved, else after the best so far was
            saved (`Interrupted`), if `out` is given.

    """
    _check(solver, timeout, threads)
    given = {name: value for name, value in changes.items() if value is not None}
    chosen = dataclasses.replace(settings or Settings(), **given)
    asked = _Task(
        model, *_examples(model, data, test), chosen, Path(out) if out else None, networks or {},
        threads, timeout, progress or (lambda *_: None), tell or (lambda words: None),
    )  # fmt: skip
    return asked.with_library(solver, library, task, replace=replace_task)


def _examples(model: Model, data: Any, test: Any) -> tuple[Examples, Examples | None]:
    """Return examples to learn from and examples held out, after a first look at them."""
    train, held_out = split(model.program, data, test)
    if not train.count:
        raise DataError("there is no training example\n  hint: give at least one")
    contradiction.check_equal_inputs(model.program, train)
    return train, held_out


def _check(solver: str, timeout: float | None, threads: int | None) -> None:
    """Refuse what cannot mean anything."""
    portfolio.check_name(solver)
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and 0 < timeout < math.inf):
        raise NeuralcError(f"timeout is a positive number of seconds, found {timeout!r}")
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and threads > 0):
        raise NeuralcError(f"threads must be positive, found {threads!r}")


@dataclass(frozen=True)
class _Task:
    """One call of `learn`, its arguments checked and its data bound."""

    model: Model
    train: Examples
    held_out: Examples | None
    settings: Settings
    out: Path | None
    networks: Mapping[str, torch.Tensor]
    threads: int | None
    timeout: float | None
    progress: Progress
    tell: Tell
    began: float = field(default_factory=time.monotonic)
    old: frozenset[str] = frozenset()  # networks that come from a library

    def run(self, solver: str) -> Solution:
        """Return what the solver finds."""
        if solver == "gradient":
            return self.by_gradients()
        if solver == "auto" and self.timeout is None:
            return dataclasses.replace(self, timeout=portfolio.AUTO_TIMEOUT).run(solver)
        if solver == "auto" and self.model.program.networks:
            return self.by_turns()
        return self.by_solvers(solver, self.threads or cores())

    def with_library(
        self, solver: str, library: Library | str | Path | None, task: str | None, *, replace: bool
    ) -> Solution:
        """Return what the solver finds with the functions of a library, and save it there."""
        if library is None:
            if task is not None or replace:
                raise NeuralcError("a task is named without a library\n  hint: give library=FOLDER")
            return self.run(solver)

        from neuralc.learning.library.session import Session

        session = Session.begin(
            library, task, self.model, self.networks, replace=replace, out=self.out
        )
        asked = dataclasses.replace(self, networks=session.networks, old=session.old)
        solution = session.end(asked.run(solver), self.train, self.held_out)
        self.tell(f"library: {solution.report.library}")
        if self.out is not None:
            solution.save(self.out)
        return solution

    @property
    def deadline(self) -> float | None:
        """When to stop, on the clock of `time.monotonic`."""
        return None if self.timeout is None else self.began + self.timeout

    # ---- by gradients, in this process

    def by_gradients(self, others: tuple[Reached, ...] = ()) -> Solution:
        """Learn by gradients, here."""
        from neuralc import saved
        from neuralc.learning.gradient import descend

        settings = self.settings
        if self.threads is not None:
            settings = dataclasses.replace(settings, threads=self.threads)
        solution = descend(
            self.model, self.train, self.held_out, settings,
            out=self.out, progress=self.progress, networks=self.networks, deadline=self.deadline,
            old=self.old, tell=self.tell,
        )  # fmt: skip
        if others:
            report = dataclasses.replace(solution.report, others=others)
            solution = dataclasses.replace(solution, report=report)
        if self.out is not None:
            solution.save(self.out)
            saved.remove(self.out, "checkpoint")
        return solution

    # ---- networks: gradients and search by turns, in this process

    def by_turns(self) -> Solution:
        """Train networks by gradients and search for the program, by turns."""
        from neuralc.learning.alternate import alternate
        from neuralc.learning.gradient import torch_threads

        settings = dataclasses.replace(self.settings, threads=self.threads or self.settings.threads)
        self.tell("auto: the model has networks: gradients and search by turns")
        best: list[Alternated] = []
        try:
            with torch_threads(settings.threads):
                alternate(
                    self.model, self.train, settings, networks=self.networks,
                    deadline=self.deadline, tell=self.tell, keep=best.append, old=self.old,
                )  # fmt: skip
        except Declined as error:
            why = f"no search: {'; '.join(error.reasons)}"
            self.tell(f"auto: gradient alone, {why}")
            return self.by_gradients((Reached("search", "skipped", 0, 0.0, why),))
        except KeyboardInterrupt:
            if not best:
                raise
            raise Interrupted(self.alternated(best[-1])) from None
        return self.alternated(best[-1])

    def alternated(self, found: Alternated) -> Solution:
        """Return a program with its networks as a solution, and save it."""
        from neuralc.learning.decided import with_networks
        from neuralc.learning.solution import Report

        seconds = time.monotonic() - self.began
        module = with_networks(self.model, found.weights)
        solved = found.right >= self.settings.accept * self.train.count
        why = "it cannot train networks"
        report = Report(
            "gradient and search", self.settings.seed, self.settings.restarts,
            self.settings.restarts * found.starts, int(solved), self.settings.steps, found.right,
            self.train.count, 0, 0, seconds, self.settings.accept,
            "found" if solved else "unknown", "by turns",
            tuple(Reached(name, "skipped", 0, 0.0, why) for name in ("sat", "smt", "cp")),
        )  # fmt: skip
        return self.kept(module, found.choices, report)

    # ---- by solvers, in processes

    def by_solvers(self, solver: str, threads: int) -> Solution:
        """Ask one solver, or those that `auto` chooses."""
        module: SoftModule | None = None
        known: tuple[Array, ...] = ()
        if self.model.program.networks:
            from neuralc.learning.decided import likelihoods, with_networks

            module = with_networks(self.model, self.networks)
            known = likelihoods(module, self.networks, self.train)
        problem = Problem(
            self.model.program, self.train, self.settings.seed, threads, self.deadline,
            networks=known,
        )  # fmt: skip
        skipped: list[Reached] = []
        if solver == "auto":
            entrants, skipped = portfolio.choose(problem, self.settings, self.tell)
        else:
            entrants = [portfolio.single(solver, problem, self.settings)]
        goal = math.ceil(self.settings.accept * self.train.count) if known else None
        race = Race(problem, entrants, self.progress, self.tell, goal=goal)
        try:
            race.run()
        except KeyboardInterrupt:
            if race.best is None:
                raise
            raise Interrupted(self.finished(race, solver, skipped, module)) from None
        if race.status == "impossible":
            if race.best is not None:
                self.finished(race, solver, skipped, module)
            core = _fewer(problem, race.core) if race.leader == "search" else race.core
            raise contradiction.impossible(self.model.program, self.train, core)
        if race.best is None and len(race.errors) == len(entrants):
            raise _failure(race)
        return self.finished(race, solver, skipped, module)

    def finished(
        self, race: Race, solver: str, skipped: list[Reached], module: SoftModule | None
    ) -> Solution:
        """Return the best program as a solution, and save it."""
        seconds = time.monotonic() - self.began  # PyTorch, which is imported now, is not counted
        from neuralc.learning.solution import Report

        best = race.best or race.checker.first()
        winner = race.leader or solver
        row = race.rows.pop(winner, None)
        report = Report(
            winner, self.settings.seed, 1, 1, int(race.status == "found"), 0,
            best.right, self.train.count, 0, 0, seconds, self.settings.accept, race.status,
            row.note if row else "", (*race.rows.values(), *skipped),
        )  # fmt: skip
        return self.kept(module, best.choices, report)

    def kept(self, module: SoftModule | None, choices: Choices, report: Report) -> Solution:
        """Return choices as a solution, judged on the held-out examples, and save it."""
        from neuralc.learning.decided import decided, right_on

        if self.held_out is not None:
            right = right_on(self.model.program, module, choices, self.held_out)
            report = dataclasses.replace(report, test_right=right, test_count=self.held_out.count)
        solution = decided(self.model, module, choices, self.train, report)
        if self.out is not None:
            solution.save(self.out)
        return solution


def _fewer(problem: Problem, core: tuple[int, ...]) -> tuple[int, ...]:
    """Return which of some contradictory examples are to blame, if the solver sat can tell."""
    soon = dataclasses.replace(problem, deadline=time.monotonic() + BLAME)
    race = ask(soon, Entrant("sat", portfolio.SOLVERS["sat"]))
    return race.core if race.status == "impossible" else core


def _failure(race: Race) -> NeuralcError:
    """Return the error where no solver gave any answer."""
    if len(race.errors) == 1:
        (error,) = race.errors.values()
        return error
    return SolverFailed("no solver gave an answer:\n" + "\n".join(
        f"  {name}: {race.rows[name].note}" for name in race.errors
    ))  # fmt: skip


__all__ = ["Interrupted", "learn"]
