"""Copy a list that begins in cell 1 and ends with a 0 to where cell 0 points."""

import neuralc as nc


@nc.program
def copy(mem):
    """Copy cell by cell."""
    source, target = 1, mem[0]
    while mem[source] != 0:
        mem[target] = mem[source]
        source += 1
        target += 1
