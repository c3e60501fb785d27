"""Run benchmarks: `python -m benchmarks` all of them, `python -m benchmarks soft exact` some.

Each prints its tables as Markdown and writes `benchmarks/results/<name>.json`. Exit code 1 if a
bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter

import torch

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(NAMES)}; none: all")
    parser.add_argument("--results", type=Path, default=FOLDER / "results", metavar="FOLDER")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    torch.set_num_threads(1)
    missed = 0
    for name in options.names or NAMES:
        began = perf_counter()
        report = import_module(f"benchmarks.bench_{name}").run()
        print(report.markdown())
        print(f"({perf_counter() - began:.0f} s)\n", flush=True)
        report.save(options.results / f"{name}.json")
        missed += sum(not bar.met for bar in report.bars)
    if missed:
        print(f"{missed} bars missed", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
