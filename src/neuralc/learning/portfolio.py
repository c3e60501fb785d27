"""Which solvers are asked, in which order, and what share of the time each gets.

`auto` chooses by the size of the space of programs, by the number of examples, and by what each
solver declines. Runs nothing itself: `race.py` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from neuralc.backends.base import Problem
from neuralc.errors import Declined, MissingExtra, NeuralcError
from neuralc.ir.space import log10_size
from neuralc.learning.race import Entrant
from neuralc.learning.reached import Reached
from neuralc.learning.settings import Settings

SOLVERS = {
    "gradient": "neuralc.learning.descent",
    "search": "neuralc.backends.search",
    "sat": "neuralc.backends.sat",
    "smt": "neuralc.backends.smt",
    "cp": "neuralc.backends.cp",
}
AUTO_TIMEOUT = 600.0  # seconds, if nobody says otherwise
ENUMERATED = 6.0  # 10 ** 6 programs are run in a second or a few
MANY = 2000  # examples; an encoding holds the program once for each

# Shares of the time. CaDiCaL solves what z3 and CP-SAT solve, most often 10 to 50 times sooner.
_SHARES = {"sat": 3.0, "search": 2.0}


def single(name: str, problem: Problem, settings: Settings) -> Entrant:
    """Return the one solver that was asked for.

    Raises:
        Declined: it cannot be asked this.
        MissingExtra: what it needs is not installed.

    """
    reasons = _declines(name, problem)
    if reasons:
        raise Declined(f"the solver {name}", reasons)
    return _entrant(name, settings)


def choose(
    problem: Problem, settings: Settings, tell: Callable[[str], None]
) -> tuple[list[Entrant], list[Reached]]:
    """Return the solvers that `auto` asks, the most promising first, and those that it does not.

    Args:
        problem: the question.
        settings: of learning by gradients.
        tell: called with each choice and its reason.

    Raises:
        Declined: nobody is left to be asked.

    """
    order, why = _order(problem)
    tell(f"auto: {_facts(problem)}: {why}")
    entrants: list[Entrant] = []
    skipped: list[Reached] = []
    for name in order:
        try:
            reasons = _declines(name, problem)
        except MissingExtra:
            reasons = ["not installed"]
        if reasons:
            tell(f"{name} skipped: {'; '.join(reasons)}")
            skipped.append(Reached(name, "skipped", 0, 0.0, "; ".join(reasons)))
        else:
            entrants.append(_entrant(name, settings))
    if not entrants:
        raise Declined("auto", [f"{row.solver}: {row.note}" for row in skipped])
    return entrants, skipped


def _facts(problem: Problem) -> str:
    size, count = log10_size(problem.program), problem.examples.count
    return f"10^{size:.1f} programs, {count} example{'' if count == 1 else 's'}"


def _order(problem: Problem) -> tuple[Sequence[str], str]:
    """Return the solvers in their order, and a reason."""
    if log10_size(problem.program) <= ENUMERATED:
        return ("search", "sat", "cp", "smt", "gradient"), "few enough to try them all"
    if problem.examples.count > MANY:
        return ("search", "gradient", "sat", "cp", "smt"), "too many examples for an encoding"
    return ("sat", "search", "cp", "smt", "gradient"), "an encoding first, a search beside it"


def _declines(name: str, problem: Problem) -> list[str]:
    if name == "gradient":  # its module brings PyTorch, which is not needed to answer this
        return ["networks are learned by gradients alone"] if problem.program.networks else []
    reasons: list[str] = import_module(SOLVERS[name]).declines(problem)
    return reasons


def _entrant(name: str, settings: Settings) -> Entrant:
    options: dict[str, Any] = {}
    if name == "gradient":
        options = {"settings": dataclasses.asdict(settings)}
    return Entrant(name, SOLVERS[name], _SHARES.get(name, 1.0), options)


def check_name(name: str) -> None:
    """Raise NeuralcError where there is no solver of this name."""
    if name not in SOLVERS and name != "auto":
        known = ", ".join([*SOLVERS, "auto"])
        raise NeuralcError(f"there is no solver {name!r}\n  hint: the solvers are {known}")
