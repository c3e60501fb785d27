"""The intermediate representation: types, nodes, the one interpreter, checks and text."""
