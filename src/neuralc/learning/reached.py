"""What one solver reached: a line of the table that `learn` gives back."""

from __future__ import annotations

from typing import NamedTuple


class Reached(NamedTuple):
    """What one solver reached.

    `status`: "found", "impossible", "unknown" (it was ended or gave up), "failed" (its process
    died), or "skipped" (it was not asked); `right`: training examples that its best program gets
    right, by exact execution; `seconds`: that it ran; `note`: in a few words, or why not.
    """

    solver: str
    status: str
    right: int
    seconds: float
    note: str
