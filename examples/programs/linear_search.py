"""Find where a number stands: cell 0 holds it, and then its index in the list from cell 1 on."""

import neuralc as nc


@nc.program
def linear_search(mem):
    """Look at one cell after the other."""
    wanted = mem[0]
    i = 1
    while mem[i] != wanted:
        i += 1
    mem[0] = i
