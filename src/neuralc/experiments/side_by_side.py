"""Long jobs in processes of their own, as many at a time as there are cores.

A job is a call of a function that can be imported, with arguments that can be pickled; it is told
how to report progress, and is stopped by a KeyboardInterrupt where it does, so that it can save
what it has. Knows nothing of what jobs do. A script that uses more than one process needs a main
guard, as always with `multiprocessing`.
"""

from __future__ import annotations

import functools
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

Tell = Callable[[int, int, str], None]
OFTEN = 1.0  # seconds between two reports of a job


def side_by_side(
    function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], *, processes: int,
    progress: Callable[[int, int, str], None],
) -> list[Any]:  # fmt: skip
    """Call a function for every job, with one more argument that it reports progress to.

    Args:
        function: called as `function(*job, tell)`; `tell(done, total, remark)` may raise
            KeyboardInterrupt.
        jobs: arguments of each call.
        processes: at once; 1: all in this process.
        progress: called with the number of a job, its done and a remark.

    Returns:
        What the calls returned, in the order of the jobs.

    Raises:
        Exception: whatever a job raises; the others are stopped.

    """
    if processes == 1 or len(jobs) < 2:
        return [
            function(*job, functools.partial(_direct, progress, number))
            for number, job in enumerate(jobs)
        ]
    context = get_context("spawn")  # torch's threads do not survive a fork
    ignore = functools.partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with (
        context.Manager() as manager,
        ProcessPoolExecutor(processes, mp_context=context, initializer=ignore) as pool,
    ):
        told, stop = manager.Queue(), manager.Event()
        try:
            return _run(pool, processes, function, jobs, progress, told, stop)
        except BaseException:
            stop.set()
            raise


def _run(
    pool: ProcessPoolExecutor, processes: int, function: Callable[..., Any],
    jobs: Sequence[tuple[Any, ...]], progress: Callable[[int, int, str], None], told: Any,
    stop: Any,
) -> list[Any]:  # fmt: skip
    results: dict[int, Any] = {}
    running: dict[Future[Any], int] = {}
    started = 0
    while len(results) < len(jobs):
        while started < len(jobs) and len(running) < processes:  # no more than can begin at once
            teller = Teller(told, stop, started)
            running[pool.submit(function, *jobs[started], teller)] = started
            started += 1
        finished, _ = wait(running, timeout=OFTEN, return_when=FIRST_COMPLETED)
        for future in finished:
            results[running.pop(future)] = future.result()
        while not told.empty():
            progress(*told.get())
    return [results[number] for number in range(len(jobs))]


def _direct(progress: Callable[[int, int, str], None], number: int, done: int, _: int,
            remark: str) -> None:  # fmt: skip
    progress(number, done, remark)


@dataclass
class Teller:
    """How a job in another process reports progress, and learns that it shall stop."""

    told: Any
    stop: Any
    number: int
    last: float = 0.0

    def __call__(self, done: int, total: int, remark: str) -> None:
        """Report, now and then and at the end."""
        if done < total and time.monotonic() - self.last < OFTEN:
            return
        self.last = time.monotonic()
        self.told.put((self.number, done, remark))
        if self.stop.is_set():
            raise KeyboardInterrupt
