"""Sort a list that begins in cell 0 and ends with a 0."""

import neuralc as nc


@nc.program
def bubble_sort(mem):
    """Exchange neighbours until a pass finds nothing to exchange."""
    swapped = 1
    while swapped:
        swapped = 0
        i = 0
        while mem[i + 1] != 0:
            if mem[i] > mem[i + 1]:
                mem[i], mem[i + 1] = mem[i + 1], mem[i]
                swapped = 1
            i += 1
