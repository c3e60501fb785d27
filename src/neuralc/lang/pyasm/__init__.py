"""A subset of Python, compiled to programs of the register machine; see docs/programs.md."""
