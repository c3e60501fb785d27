"""What the TerpreT benchmark measures, and its table: our seconds beside the report's.

Knows neither solvers nor models: it lays out what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from neuralc.tasks import TASKS

NONE = "—"


@dataclass(frozen=True)
class Run:
    """One task given to one solver.

    Attributes:
        task: its name.
        solver: that was asked for; winner: that found the program ("" without one).
        seed: of the drawn examples and of the solver.
        solved: whether a program was found and is right on all inputs.
        seconds: wall-clock time until the solver came back.
        checked: "proved for all N inputs", "wrong on K of N" or "not found".
        examples: how many it learned from; right: how many of them come out right.
        note: what the solver said, where it gave up.
        program: as readable source; "" without one.

    """

    task: str
    solver: str
    seed: int
    solved: bool
    seconds: float
    checked: str
    examples: int
    right: int = 0
    winner: str = ""
    note: str = ""
    program: str = ""


@dataclass(frozen=True)
class Published:
    """A row of the report's table; None: not solved within its limit of four hours.

    `digits` is log10 of the number of programs; `gradient` the share of restarts that succeed, in
    per cent, with the defaults and with the best settings of a search; the others are seconds.
    """

    digits: int
    gradient: tuple[int, int] | None
    ilp: float | None
    smt: float | None
    sketch: float


REPORT = {
    "turing-invert": Published(4, (100, 100), 0.6, 0.7, 3.1),
    "turing-prepend": Published(9, (60, 100), 17.0, 0.9, 2.6),
    "turing-decrement": Published(9, (14, 25), 191.9, 1.6, 3.3),
    "circuit-shift": Published(10, None, 2.5, 0.7, 2.7),
    "circuit-full-adder": Published(13, None, 38, 1.9, 3.5),
    "circuit-two-bit-adder": Published(22, None, 13076.5, 174.4, 355.4),
    "block-access": Published(14, (15, 50), 98.0, 14.4, 4.4),
    "block-decrement": Published(19, (0, 5), None, None, 559.1),
    "block-list-k": Published(33, None, None, None, 5493.0),
    "assembly-access": Published(13, (20, 90), 3.6, 10.5, 3.8),
    "assembly-decrement": Published(20, None, None, None, 69.4),
    "assembly-list-k": Published(29, None, None, None, 16.8),
}  # fmt: skip


def markdown(runs: Sequence[Run], *, timeout: float, threads: int) -> str:
    """Return the table of the tasks, that of the parity chain, and what differs from the report.

    Args:
        runs: in the order of the rows.
        timeout: seconds that each run had.
        threads: that each run had.

    """
    parts: list[str] = []
    solvers = list(dict.fromkeys(run.solver for run in runs))
    tasks = [run for run in runs if run.task in TASKS]
    chain = [run for run in runs if run.task not in TASKS]
    if tasks:
        parts += [_tasks(tasks, solvers), _counts(tasks, solvers), *_wrong(tasks)]
    if chain:
        parts.append(_chain(chain, solvers))
    parts.append(
        f"Seconds are wall-clock times of one run with at most {timeout:g} s and "
        f"{threads} thread{'s' * (threads > 1)}; {NONE}: not solved in that time. A program counts "
        "as solved when it is right on all inputs of the task, run exactly."
    )
    if tasks:
        parts.append(DIFFERENCES)
    return "\n\n".join(parts)


DIFFERENCES = """\
Beside the report: its seconds (quoted from notes, not compared with its print) are those of other
machines, with a limit of four hours; FMGD is the share of restarts that succeed, with default and
with the best settings. It learns from 5 examples (circuits: 8, 8, 16), we from the number given,
drawn evenly from all kinds of input. Its assembly model was not published: ours has as many
programs."""


def _tasks(runs: Sequence[Run], solvers: Sequence[str]) -> str:
    names = [name for name in TASKS if any(run.task == name for run in runs)]
    head = ["task", "log10 programs", "examples", "inputs", *solvers,
            "report: FMGD %", "report: ILP s", "report: SMT s", "report: Sketch s"]  # fmt: skip
    rows = []
    for name in names:
        task, report = TASKS[name], REPORT[name]
        inputs = len(task.domain())
        gradient = NONE if report.gradient is None else " / ".join(map(str, report.gradient))
        rows.append([
            name, str(report.digits), str(task.examples or inputs), str(inputs),
            *(_cell([r for r in runs if (r.task, r.solver) == (name, s)]) for s in solvers),
            gradient, *(NONE if s is None else f"{s:g}"
                        for s in (report.ilp, report.smt, report.sketch)),
        ])  # fmt: skip
    return _table(head, rows)


def _chain(runs: Sequence[Run], solvers: Sequence[str]) -> str:
    names = list(dict.fromkeys(run.task for run in runs))
    rows = [
        [name.removeprefix("parity-"),
         *(_cell([r for r in runs if (r.task, r.solver) == (name, s)]) for s in solvers)]
        for name in names
    ]  # fmt: skip
    return _table(["parity chain, bits", *solvers], rows)


def _cell(runs: Sequence[Run]) -> str:
    """Return the median time of the runs that solved it, and how many these are."""
    good = [run.seconds for run in runs if run.solved]
    if not good:
        wrong = any(run.checked.startswith("wrong") for run in runs)
        return "wrong" if wrong else NONE
    share = "" if len(good) == len(runs) else f" ({len(good)} of {len(runs)})"
    return _seconds(median(good)) + share


def _counts(runs: Sequence[Run], solvers: Sequence[str]) -> str:
    """Say how many tasks each solver solved at least once."""
    count = len({run.task for run in runs})
    found = {s: {r.task for r in runs if r.solved and r.solver == s} for s in solvers}
    return "Solved: " + ", ".join(f"{s} {len(found[s])} of {count}" for s in solvers) + "."


def _wrong(runs: Sequence[Run]) -> list[str]:
    """Name the programs that fit the examples and are wrong elsewhere."""
    found = [f"{run.task} by {run.solver}: {run.checked}" for run in runs
             if run.checked.startswith("wrong")]  # fmt: skip
    return ["Right on the examples only: " + "; ".join(found) + "."] if found else []


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
