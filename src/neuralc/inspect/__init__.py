"""Looking at what was learned: whether it is right on all inputs, and if not, on which."""
