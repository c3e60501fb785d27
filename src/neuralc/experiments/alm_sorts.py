"""Quicksort and insertion sort as Python programs: cell 0 holds the length n, 1 .. n the numbers.

Their texts are compiled, and become routines; the experiment is `alm_quicksort.py`.
"""

from __future__ import annotations

from neuralc.lang.pyasm.function import program


@program
def partition(mem, low, high):  # type: ignore[no-untyped-def]
    """Put the numbers below the last one of a stretch before it; return where it goes."""
    pivot = mem[high]
    place = low
    for i in range(low, high):
        if mem[i] < pivot:
            mem[i], mem[place] = mem[place], mem[i]
            place += 1
    mem[place], mem[high] = mem[high], mem[place]
    return place


@program
def sort(mem, low, high):  # type: ignore[no-untyped-def]
    """Sort a stretch: the part before the pivot, then the part behind it."""
    if low < high:
        place = partition(mem, low, high)
        sort(mem, low, max(place, 1) - 1)
        sort(mem, place + 1, high)


@program
def quicksort(mem):  # type: ignore[no-untyped-def]
    """Sort the whole array."""
    sort(mem, 1, mem[0])


@program
def insertion_sort(mem):  # type: ignore[no-untyped-def]
    """Move each number down past those that are larger."""
    for i in range(2, mem[0] + 1):
        value, place = mem[i], i
        while place > 1 and mem[place - 1] > value:
            mem[place] = mem[place - 1]
            place -= 1
        mem[place] = value
