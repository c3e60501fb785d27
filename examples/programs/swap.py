"""Exchange two numbers of an array that begins in cell 2; cells 0 and 1 say which."""

import neuralc as nc


@nc.program
def swap(mem):
    """Exchange them."""
    p, q = mem[0] + 2, mem[1] + 2
    mem[p], mem[q] = mem[q], mem[p]
