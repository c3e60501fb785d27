"""Sort an array by quicksort: cell 0 holds its length n, the cells 1 .. n the numbers."""

import neuralc as nc


@nc.program
def partition(mem, low, high):
    """Put the numbers below the last one of a stretch before it; return where it goes."""
    pivot = mem[high]
    place = low
    for i in range(low, high):
        if mem[i] < pivot:
            mem[i], mem[place] = mem[place], mem[i]
            place += 1
    mem[place], mem[high] = mem[high], mem[place]
    return place


@nc.program
def sort(mem, low, high):
    """Sort a stretch: the part before the pivot, then the part behind it."""
    if low < high:
        place = partition(mem, low, high)
        sort(mem, low, max(place, 1) - 1)
        sort(mem, place + 1, high)


@nc.program
def quicksort(mem):
    """Sort the whole array."""
    sort(mem, 1, mem[0])
