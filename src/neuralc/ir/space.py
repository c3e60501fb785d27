"""How many programs a model admits: the product of the sizes of its open choices.

Knows nothing of networks, whose weights are not counted, nor of which programs mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import log10, prod

from neuralc.ir.nodes import Int, Program


def open_choices(program: Program) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """Yield the name, the index and the number of values of every `Param` that is not fixed."""
    fixed = {(item.name, item.index) for item in program.fixed}
    for decl in program.of("param"):
        assert isinstance(decl.type, Int), "a Param is a whole number"
        sizes = decl.limits or (decl.type.size,) * prod(decl.shape)
        indices = product(*map(range, decl.shape))
        for index, size in zip(indices, sizes, strict=True):
            if (decl.name, index) not in fixed:
                yield decl.name, index, size


def log10_size(program: Program) -> float:
    """Return the decimal logarithm of the number of programs that the open choices allow."""
    return sum(log10(size) for _, _, size in open_choices(program))
