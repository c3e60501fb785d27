"""Add two numbers by counting: `mem[0] = mem[0] + mem[1]`."""

import neuralc as nc


@nc.program
def addition(mem):
    """Count one up and the other down."""
    a, b = mem[0], mem[1]
    while b:
        a, b = a + 1, b - 1
    mem[0] = a
