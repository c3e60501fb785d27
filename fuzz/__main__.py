"""Run random programs by every execution: `python -m fuzz 1000`.

Prints where it stands, and in the end how often each execution was run and which constructs the
programs had. On a mismatch it prints the program, makes it smaller, and ends with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import sys
from time import perf_counter

from fuzz.case import draw
from fuzz.coverage import CONSTRUCTS
from fuzz.examine import Counts, Finding
from fuzz.executions import Execution, chosen
from fuzz.shrink import shrink
from fuzz.workers import Died, examined, one_thread
from neuralc.errors import MissingExtra

NEWS = 15.0  # seconds from one line of progress to the next


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line says; 0: no mismatch, 1: a mismatch, 130: it was stopped."""
    options = _options(arguments)
    try:
        executions = chosen(options.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    counts, began = Counts(), perf_counter()
    done = 0
    try:
        done = _run(options, counts, began)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        done = 130
    except MissingExtra as error:
        print(error, file=sys.stderr)
        return 2
    _summary(counts, executions, perf_counter() - began)
    for finding in counts.findings[: options.most]:
        _explain(finding, executions)
    return done or int(bool(counts.findings))


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("programs", type=int, metavar="N", help="how many programs")
    parser.add_argument("--seed", type=int, default=0, help="of the first program; then counted up")
    parser.add_argument("--only", help="executions by name, such as exact,soft; on every program")
    parser.add_argument("--most", type=int, default=1, help="mismatches after which it ends")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, counts: Counts, began: float) -> int:
    """Examine all programs, or stop at a mismatch; return 1 if a process has died."""
    news = began
    seeds = range(options.seed, options.seed + options.programs)
    for found in examined(seeds, options.only, options.processes):
        if isinstance(found, Died):
            near = f"{found.start} to {found.stop - 1}, or in those that were run beside them"
            print(f"a process died in the seeds {near}")
            return 1
        counts.add(found)
        if perf_counter() - news > NEWS:
            news = perf_counter()
            speed = counts.programs / (news - began)
            print(
                f"{counts.programs} of {options.programs} programs, {speed:.1f} a second, "
                f"{len(counts.findings)} mismatches", flush=True,
            )  # fmt: skip
        if len(counts.findings) >= options.most:
            break
    return 0


def _summary(counts: Counts, executions: tuple[Execution, ...], seconds: float) -> None:
    """Print how often each execution was run, and how many programs had each construct."""
    wrong = [finding.execution for finding in counts.findings]
    print(f"\n{'execution':20} {'every':>6} {'run':>7} {'declined':>9} {'gave up':>8} "
          f"{'wrong':>6} {'ms each':>8}")  # fmt: skip
    for execution in executions:
        name = execution.name
        calls = max(1, counts.run[name] + counts.declined[name] + counts.gave_up[name])
        print(
            f"{name:20} {execution.every:6} {counts.run[name]:7} {counts.declined[name]:9} "
            f"{counts.gave_up[name]:8} {wrong.count(name):6} "
            f"{1000 * counts.seconds[name] / calls:8.1f}"
        )
    print(f"\n{'programs with':44} {'number':>7} {'share':>6}")
    for construct in CONSTRUCTS:
        number = counts.covered[construct]
        print(f"{construct:44} {number:7} {number / max(1, counts.programs):6.1%}")
    print(
        f"\n{counts.programs} programs in {seconds:.0f} s, "
        f"{counts.programs / seconds:.1f} a second: {len(wrong)} mismatches"
    )


def _explain(finding: Finding, executions: tuple[Execution, ...]) -> None:
    """Print a mismatch, then the smallest program that shows it."""
    execution = next(e for e in executions if e.name == finding.execution)
    case = draw(finding.seed)
    print(f"\n=== {finding.execution}, seed {finding.seed}: {finding.kind}")
    print(f"again by: python -m fuzz 1 --seed {finding.seed} --only {finding.execution}\n")
    print(f"{case.text()}\n\n{finding.message}\n", flush=True)
    small, found = shrink(case, finding, execution)
    print(f"--- made smaller\n\n{small.text()}\n\n{found.message}", flush=True)


if __name__ == "__main__":
    one_thread()
    sys.exit(main())
