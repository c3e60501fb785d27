"""Put numbers in a given order.

From cell 0 on stands a permutation of 1 .. n, then a 0, then n numbers; the i-th number of the
permutation is replaced by the number that it names.
"""

import neuralc as nc


@nc.program
def permutation(mem):
    """Find where the numbers begin, then look each up."""
    numbers = 0
    while mem[numbers] != 0:
        numbers += 1
    i = 0
    while mem[i] != 0:
        mem[i] = mem[numbers + mem[i]]
        i += 1
