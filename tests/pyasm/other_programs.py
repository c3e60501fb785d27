"""Helper programs of another file, for tests of how names are found."""

from __future__ import annotations

from neuralc.lang import pyasm

STEP = 10


@pyasm.program
def double(a):  # type: ignore[no-untyped-def]
    """Return twice a number."""
    return a + a


def shifted(a):  # type: ignore[no-untyped-def]
    """Return a number plus the constant of this file."""
    return a + STEP
