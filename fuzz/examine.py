"""Runs executions on cases, and counts; what goes wrong is kept as a finding."""

from __future__ import annotations

import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

from fuzz.case import Case, Mismatch, draw
from fuzz.coverage import constructs
from fuzz.executions import Execution
from fuzz.solve import GaveUp
from neuralc.errors import Declined, MissingExtra

MOST = 20  # findings of one batch that are kept


@dataclass(frozen=True)
class Finding:
    """One execution that went wrong on the program of a seed.

    `kind` is "Mismatch", or the name of the exception that came out.
    """

    seed: int
    execution: str
    kind: str
    message: str


@dataclass
class Counts:
    """What was done, by the names of executions; `covered` counts programs by construct."""

    programs: int = 0
    run: Counter[str] = field(default_factory=Counter)
    declined: Counter[str] = field(default_factory=Counter)
    gave_up: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    covered: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Add the counts of another batch."""
        self.programs += other.programs
        for name in ("run", "declined", "gave_up", "covered"):
            getattr(self, name).update(getattr(other, name))
        for name, seconds in other.seconds.items():
            self.seconds[name] += seconds
        self.findings += other.findings


def batch(seeds: Iterable[int], executions: Sequence[Execution]) -> Counts:
    """Examine the programs of some seeds."""
    counts = Counts()
    for seed in seeds:
        case = draw(seed)
        counts.programs += 1
        counts.covered.update(constructs(case.program))
        for execution in executions:
            if seed % execution.every == 0 and len(counts.findings) < MOST:
                examine(case, execution, counts)
    return counts


def examine(case: Case, execution: Execution, counts: Counts) -> None:
    """Run one execution on a case."""
    name, began = execution.name, perf_counter()
    finding = failure(case, execution)
    counts.seconds[name] += perf_counter() - began
    if finding is None:
        counts.run[name] += 1
    elif finding.kind == Declined.__name__:
        counts.declined[name] += 1
    elif finding.kind == GaveUp.__name__:
        counts.gave_up[name] += 1
    else:
        counts.run[name] += 1
        counts.findings.append(finding)


def failure(case: Case, execution: Execution) -> Finding | None:
    """Return what comes out of a check other than nothing.

    Raises:
        MissingExtra: the execution needs a package that is not installed.

    """
    try:
        execution.check(case)
    except MissingExtra:
        raise
    except (Mismatch, Declined, GaveUp) as found:
        return Finding(case.seed, execution.name, type(found).__name__, str(found))
    except Exception as error:  # noqa: BLE001 - whatever comes out is what we are looking for
        text = "".join(traceback.format_exception(error)[-4:]).rstrip()
        return Finding(case.seed, execution.name, type(error).__name__, text)
    return None
