"""Add 1 to each number of a list that begins in cell 0 and ends with a 0."""

import neuralc as nc


@nc.program
def increment(mem):
    """Go over the list once."""
    i = 0
    while mem[i] != 0:
        mem[i] += 1
        i += 1
