"""Compiled programs inside language models: what a model reads, which program it calls, on what."""
