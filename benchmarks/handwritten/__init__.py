"""Machines of `neuralc.machines` written by hand in plain torch, to compare the compiler with.

Each is what an engineer would write who needs this one machine, batched over restarts P and
examples B, with the choices as probabilities `[P, ..., n]`. All mean what the model files mean:
the benchmark asserts equal outputs, losses and gradients in float64 before it measures.
"""
