"""Times of several calls in one process, interleaved, so that their ratio survives a busy machine.

CPU time is taken, not wall time, unless threads are what is measured: with one thread it counts the
work and not the neighbours.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from time import process_time, sleep

SAMPLE_SECONDS = 0.2  # so that what the call before has left in the caches counts for little
PAUSE, IDLE = 0.005, 0.0005  # seconds to wait, and of work in them that count as none


def interleaved(
    calls: Mapping[str, Callable[[], object]], rounds: int = 21,
    clock: Callable[[], float] = process_time,
) -> dict[str, list[float]]:  # fmt: skip
    """Return per call the seconds of one call, in each round, by CPU time or another clock.

    Each call is warmed up; in every round each of them is repeated until `SAMPLE_SECONDS` are over.
    What a call leaves for other threads to do, as JAX does, is not counted, to it nor to the next.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            settle()
            count, began = 0, clock()
            while (spent := clock() - began) < SAMPLE_SECONDS or not count:
                call()
                count += 1
            times[name].append(spent / count)
    return times


def settle() -> None:
    """Wait until no thread of this process is at work."""
    before = process_time()
    sleep(PAUSE)
    while (now := process_time()) - before > IDLE:
        before = now
        sleep(PAUSE)


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return lower quartile, median, upper quartile."""
    low, middle, high = statistics.quantiles(values, n=4)
    return low, middle, high


def ratios(above: list[float], below: list[float]) -> tuple[float, float, float]:
    """Return the quartiles of the ratio, round by round."""
    return quartiles([a / b for a, b in zip(above, below, strict=True)])
