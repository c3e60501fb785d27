"""Batches of programs, examined in this process or in several at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

from fuzz.examine import Counts, batch
from fuzz.executions import chosen

BATCH = 10  # programs
Died = range
"""The seeds of a batch whose process has died."""


def examined(seeds: range, only: str | None, processes: int) -> Iterator[Counts | Died]:
    """Yield the counts of batches as they are done.

    Args:
        seeds: of the programs.
        only: names of executions, see `executions.chosen`.
        processes: how many; 1: no other than this one.

    """
    batches = (seeds[k : k + BATCH] for k in range(0, len(seeds), BATCH))
    if processes > 1:
        yield from _in_processes(batches, only, processes)
        return
    one_thread()
    for some in batches:
        yield _named_batch(some, only)


def one_thread() -> None:
    """Let torch use one thread: each process has one core."""
    import torch

    torch.set_num_threads(1)


def _in_processes(
    batches: Iterator[range], only: str | None, processes: int
) -> Iterator[Counts | Died]:
    pool = ProcessPoolExecutor(processes, get_context("spawn"), initializer=one_thread)
    running: dict[Future[Counts], range] = {}
    try:
        while True:
            for seeds in islice(batches, 2 * processes - len(running)):
                running[pool.submit(_named_batch, seeds, only)] = seeds
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                seeds = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield seeds
                    return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _named_batch(seeds: range, only: str | None) -> Counts:
    return batch(seeds, chosen(only))
