"""Find the first node of a linked list with a given number.

Cell 0 holds the address of the first node, cell 1 the number, cell 2 where the answer goes. A
node is a cell with the address of the next, then a cell with its number.
"""

import neuralc as nc


@nc.program
def list_search(mem):
    """Follow the pointers until the number is found."""
    node, wanted, out = mem[0], mem[1], mem[2]
    while mem[node + 1] != wanted:
        node = mem[node]
    mem[out] = node
