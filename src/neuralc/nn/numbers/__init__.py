"""Numbers as distributions, one-hot or in bits, and arithmetic on both."""
