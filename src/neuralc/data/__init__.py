"""Loaders: examples in JSON files, handwritten digits, and grids of them.

Knows no models: what comes out are plain numbers and arrays, which `ir.examples.bind` then fits
to the inputs and outputs of a program.
"""
