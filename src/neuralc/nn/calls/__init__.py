"""Calls of whole programs and functions with arguments that are distributions."""
