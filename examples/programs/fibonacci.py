"""The n-th Fibonacci number, by the recursion that defines it."""

import neuralc as nc


@nc.program
def fibonacci(n):
    """Add the two before."""
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)
