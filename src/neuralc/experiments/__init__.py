"""Runs that end in a table or a picture."""
