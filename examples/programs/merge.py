"""Merge two lists that descend and end with a 0 into one.

Cells 0 and 1 hold where they begin, cell 2 where the merged list goes.
"""

import neuralc as nc


@nc.program
def merge(mem):
    """Take the larger of the two next numbers, until both lists are at their end."""
    a, b, out = mem[0], mem[1], mem[2]
    while mem[a] or mem[b]:
        if mem[a] > mem[b]:
            mem[out] = mem[a]
            a += 1
        else:
            mem[out] = mem[b]
            b += 1
        out += 1
    mem[out] = 0
