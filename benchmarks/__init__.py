"""Benchmarks: `python -m benchmarks` runs them, prints tables and writes JSON. No timed tests."""
