"""A routine called jointly: the exact pushforward of its tabulated meaning.

Run softly step by step, a routine takes its variables for independent after each step, and loses
the gradient in depth. What it computes as a whole is a function on a finite domain, so that its
table, made once by exact runs, moves the probability of each tuple of arguments where it belongs.
Knows the table, not the routine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from neuralc.backends.soft.runtime import normalise
from neuralc.nn.calls.pushforward import Pushforward
from neuralc.nn.calls.shared import tied

Array = np.ndarray[Any, Any]


class Joint(nn.Module):
    """A routine as one function of its arguments, given by its table."""

    def __init__(
        self, values: Array, size: int | None = None, *, variables: Sequence[int] | None = None,
        normalised: bool = True,
    ) -> None:  # fmt: skip
        """Look at the table.

        Args:
            values: the result for every tuple of arguments, integers `[n, ..., n]`.
            size: the number of results; None: as many as the first argument has.
            variables: which variable each operand is, see `tied`; None: all are different. The
                call then takes one distribution per variable.
            normalised: divide the result by its sum, so that rounding errors of the mass do not
                grow from call to call; the division is part of the gradient.

        Raises:
            DataError: the table or the variables do not fit.

        """
        super().__init__()
        size = len(values) if size is None else size
        table = values if variables is None else tied(values, variables)
        self.push = Pushforward(table, size)
        self.normalised = normalised

    def forward(self, args: Sequence[Tensor]) -> Tensor:
        """Return the distribution of the result.

        Args:
            args: one distribution `(..., n)` per variable; independent.

        Returns:
            `(..., size)`; NaN where an argument has no mass at all, unless not `normalised`.

        Raises:
            DataError: not as many arguments as variables, or of other sizes.

        """
        z: Tensor = self.push(*args)
        return normalise(z) if self.normalised else z
