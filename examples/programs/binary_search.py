"""Find a number in an ascending array.

Cell 0 holds the length n, cell 1 the number; the array is in the cells 2 .. n + 1. Cell 0 gets
the first index of the number in the array, or n where it is not there.
"""

import neuralc as nc


@nc.program
def half(number):
    """Return half of a number, rounded down; the machine cannot divide."""
    count = 0
    while number > 1:
        number -= 2
        count += 1
    return count


@nc.program
def binary_search(mem):
    """Keep `low <= place <= high` while the range is halved."""
    low, high = 0, mem[0]
    while low < high:
        middle = low + half(high - low)
        if mem[middle + 2] < mem[1]:
            low = middle + 1
        else:
            high = middle
    if low < mem[0] and mem[low + 2] == mem[1]:
        mem[0] = low
