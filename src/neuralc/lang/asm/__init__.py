"""Assembly text of the register machine, to and from `ir/assembly.py`."""
