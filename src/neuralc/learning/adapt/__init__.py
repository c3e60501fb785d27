"""Adaptive neural compilation: a program is made faster on the inputs that it really sees."""
