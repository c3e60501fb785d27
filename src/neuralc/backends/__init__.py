"""Executions of a program, a folder each; they do not know one another."""
