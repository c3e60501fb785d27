"""Soft execution: every value is a distribution over its domain, so gradients reach the choices.

`lower` turns a program into a tensor program (`graph`), `emit` prints that as PyTorch code, and
`SoftModule` runs it.
"""

from neuralc.backends.soft.module import SoftModule as SoftModule
