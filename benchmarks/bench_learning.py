"""Learning the published tasks: restarts that become exact, and the speed of a step.

100 restarts, seed 0, default settings. The speed is that of the first 50 steps, when all restarts
are alive, without the exact judgements in between. It is compared with the published reference
implementation of TerpreT, which takes 8.5, 14.6, 53, 1.2 and 74 ms per epoch and restart, one
restart at a time (measured beforehand; its software no longer installs).
"""

from __future__ import annotations

import sys
from time import perf_counter

from benchmarks.report import Bar, Cell, Report, Table, main
from benchmarks.tasks import TASKS, Task
from neuralc.learning import learn
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer

REFERENCE = {  # ms per epoch and restart; exact restarts wanted; seconds allowed
    "turing invert": (8.5, 98, 60),
    "turing prepend": (14.6, 70, 60),
    "turing decrement": (53.0, 14, 60),
    "circuit swap": (1.2, 30, 60),
    "basic_block access": (74.0, 15, 180),
}
FASTER = 20.0
STEPS = 50


def milliseconds(task: Task, restarts: int) -> float:
    """Return the time of one step and restart, wall time, over the first steps."""
    module = task.model().compile(restarts=restarts, seed=0)
    trainer = Trainer(module, task.examples(), Settings(restarts=restarts))
    trainer.step()
    began = perf_counter()
    for _ in range(STEPS):
        trainer.step()
    return 1e3 * (perf_counter() - began) / STEPS / restarts


def run() -> Report:
    """Learn every task."""
    rows: list[dict[str, Cell]] = []
    bars = []
    for task in TASKS.values():
        restarts = Settings().restarts
        speed = milliseconds(task, restarts)
        began = perf_counter()
        report = learn(task.model(), task.instances, seed=0).report
        seconds = perf_counter() - began
        reference, wanted, allowed = REFERENCE.get(task.name, (None, None, None))
        rows.append(
            {
                "task": task.name,
                "exact restarts": report.solved,
                "of": report.restarts,
                "steps": report.steps,
                "seconds": seconds,
                "ms per epoch and restart": speed,
                "reference": reference,
                "times faster": reference / speed if reference else None,
            }
        )
        if reference and wanted and allowed:
            exact, times = report.solved, reference / speed
            bars += [
                Bar(f"{task.name}: exact restarts", f">= {wanted}", exact, exact >= wanted),
                Bar(f"{task.name}: seconds", f"<= {allowed}", seconds, seconds <= allowed),
                Bar(f"{task.name}: times faster", f">= {FASTER:.0f}", times, times >= FASTER),
            ]
    return Report("learning", [Table("100 restarts, seed 0, default settings", rows)], bars)


if __name__ == "__main__":
    sys.exit(main(run))
