"""Compiled programs as differentiable parts of neural networks."""
