"""Find the k-th number of a linked list.

Cell 0 holds the address of its first node, cell 1 holds k (from 1 on), cell 2 where the answer
goes. A node is a cell with the address of the next, then a cell with its number.
"""

import neuralc as nc


@nc.program
def listk(mem):
    """Follow the pointers."""
    node, k, out = mem[0], mem[1], mem[2]
    while k != 1:
        node = mem[node]
        k -= 1
    mem[out] = mem[node + 1]
