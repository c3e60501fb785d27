"""The parity chain: bits in a ring, all neighbours equal, the first one 0.

The only solution is 0 everywhere. Any solver that propagates finds it at once; gradients get stuck
in long chains: stretches of zeros and of ones whose borders nothing moves.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428.
"""

from __future__ import annotations

from neuralc.errors import DataError
from neuralc.tasks.task import Instance, Task


def parity(size: int) -> Task:
    """Return the chain of `size` unknown bits; its domain is one example without inputs.

    Raises:
        DataError: `size` is below 2.

    """
    if size < 2:
        raise DataError(f"a parity chain of {size} bits has no neighbours\n  hint: give 2 or more")
    wanted: Instance = {"differs": [0] * size, "first": 0}
    return Task(f"parity-{size}", "parity", {"numBits": size}, lambda: [{}], lambda _: wanted)
