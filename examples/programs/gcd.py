"""The greatest common divisor of two numbers of which none is 0."""

import neuralc as nc


@nc.program
def gcd(a, b):
    """Take the smaller from the larger until they are equal."""
    while a != b:
        if a > b:
            a = a - b
        else:
            b = b - a
    return a
