"""Walk down a binary tree.

Cell 0 holds the address of the root, cell 1 where the answer goes; from cell 2 on stands the
path: 1 is left, 2 is right, 0 is the end. A node is a number and the addresses of its children.
"""

import neuralc as nc


@nc.program
def walk_bst(mem):
    """Follow the path, and put the number found there into the answer."""
    node, out = mem[0], mem[1]
    step = 2
    while mem[step] != 0:
        node = mem[node + mem[step]]
        step += 1
    mem[out] = mem[node]
