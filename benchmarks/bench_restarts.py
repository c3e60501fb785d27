"""What restarts cost: one whole training step of P = 100 restarts against one of P = 1.

Restarts are the first dimension of every tensor, so most of the price of a small step, which is
that of calling torch some hundred times, is paid once for all of them.
"""

from __future__ import annotations

import sys

from benchmarks.report import Bar, Report, Table, main
from benchmarks.tasks import TASKS
from benchmarks.timing import interleaved, quartiles, ratios
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

LIMIT = 12.0
COUNTS = (1, 10, 100)


def run() -> Report:
    """Measure every task; the bar is for the Turing machine."""
    rows, bars = [], []
    for task in TASKS.values():
        model, examples = task.model(), task.examples()
        calls = {
            f"P = {count}, ms": Trainer(
                model.compile(restarts=count), examples, Settings(restarts=count)
            ).step
            for count in COUNTS
        }
        times = interleaved(calls, rounds=11)
        low, middle, high = ratios(times["P = 100, ms"], times["P = 1, ms"])
        rows.append(
            {
                "task": task.name,
                **{name: 1e3 * quartiles(values)[1] for name, values in times.items()},
                "100 over 1": middle,
                "lower quartile": low,
                "upper quartile": high,
            }
        )
        if task.machine == "turing":
            what = f"{task.name}: P = 100 over P = 1, time"
            bars.append(Bar(what, f"<= {LIMIT:.0f}", middle, middle <= LIMIT))
    return Report("restarts", [Table("One training step, CPU time", rows)], bars)


if __name__ == "__main__":
    sys.exit(main(run))
