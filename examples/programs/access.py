"""Put the number behind the one that cell 0 points at into cell 0: `mem[0] = mem[mem[0] + 1]`."""

import neuralc as nc


@nc.program
def access(mem):
    """Follow the pointer in cell 0."""
    mem[0] = mem[mem[0] + 1]
