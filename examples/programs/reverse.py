"""Write a list that begins in cell 1 and ends with a 0 backwards to where cell 0 points."""

import neuralc as nc


@nc.program
def reverse(mem):
    """Find the end, then copy from there."""
    target, end = mem[0], 1
    while mem[end] != 0:
        end += 1
    while end != 1:
        end -= 1
        mem[target] = mem[end]
        target += 1
