"""Arguments that are not independent: two operands that read the same variable.

`f(v, v)` of one random `v` is not `f` of two independent copies of it: `v - v` is 0, always. Where
it is known which operands are one variable, the table is restricted to its diagonal (`tied`).
Where operands are chosen among registers by a network, the pairs that chose the same register get
the diagonal and all others the product (`Routed`): exact, if registers and choices are independent.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from neuralc.backends.soft.runtime import running
from neuralc.errors import DataError
from neuralc.nn.calls.pushforward import Pushforward, fit

Array = np.ndarray[Any, Any]


def tied(values: Array, variables: Sequence[int]) -> Array:
    """Return the table of a function of variables, some of which are several operands.

    Args:
        values: results, `[n_1, ..., n_k]`.
        variables: which variable each operand is, numbered in the order of first occurrence: with
            `(0, 1, 0)` the result is `g[v, w] = values[v, w, v]`.

    Returns:
        `[n of variable 0, n of variable 1, ...]`, a view.

    Raises:
        DataError: the numbers do not fit, or one variable has operands of several sizes.

    """
    sizes = np.shape(values)
    order = list(dict.fromkeys(variables))
    if len(variables) != len(sizes) or order != list(range(len(order))):
        raise DataError(
            f"variables {tuple(variables)} of {len(sizes)} operands\n"
            "  hint: one number per operand, new ones in order: (0, 1, 0) ties the first and third"
        )
    for variable in order:
        if len({n for n, v in zip(sizes, variables, strict=True) if v == variable}) > 1:
            raise DataError(f"operands of one variable have several sizes: {tuple(sizes)}")
    letters = [string.ascii_letters[v] for v in variables]
    out = "".join(string.ascii_letters[v] for v in order)
    diagonal: Array = np.einsum(f"{''.join(letters)}->{out}", values)
    return diagonal


class Routed(nn.Module):
    """A function of two operands, each chosen among the same registers by a network."""

    def __init__(self, values: Array, size: int) -> None:
        """Look at the table and at its diagonal.

        Args:
            values: results, integers `[n, n]`.
            size: the number of results.

        Raises:
            DataError: the table is not square, or no table.

        """
        super().__init__()
        self.apart = Pushforward(values, size)
        self.same = Pushforward(tied(values, (0, 0)), size)

    def forward(self, registers: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Return the distribution of the result: `sum_rs first_r second_s f(v_r, v_s)`.

        Only sums of products: the registers other than `r` are summed, never subtracted.

        Args:
            registers: independent distributions, `(..., R, n)`.
            first: which register the first operand reads, `(..., R)`.
            second: the same of the second operand, independent of it.

        Returns:
            `(..., size)`.

        Raises:
            DataError: the sizes do not fit.

        """
        count = registers.shape[-2]
        fit((count, count), (first, second))
        weighted = (second.unsqueeze(-1) * registers).mT
        others = (running(weighted, False, True) + running(weighted, True, True)).mT
        apart = self.apart(first.unsqueeze(-1) * registers, others)
        same = self.same((first * second).unsqueeze(-1) * registers)
        result: Tensor = (apart + same).sum(-2)
        return result
