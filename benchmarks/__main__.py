"""Run benchmarks: `python -m benchmarks` all of them, `python -m benchmarks soft exact` some.

Each runs in a process of its own, prints its tables as Markdown and writes
`benchmarks/results/<name>.json`. Exit code 1 if a bar is missed or a benchmark fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

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
    missed = []
    for name in options.names or NAMES:
        result = options.results / f"{name}.json"
        command = [sys.executable, "-m", f"benchmarks.bench_{name}", "--json", str(result)]
        if subprocess.run(command, check=False).returncode:
            missed.append(name)
    if missed:
        print(f"bars missed, or failed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
