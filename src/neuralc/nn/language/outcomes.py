"""What programs give for operands that are known numbers: every program, every choice of numbers.

A text has few numbers, so an operand that points to them has few values, and all combinations can
be looked up in tables, or computed by circuits. Together with the probabilities of the choices
this is the exact distribution of the result (a joint call), for a handful of look-ups. How likely
a choice is, is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.nn.language.router import Routing


class Outcomes(Protocol):
    """Tables, or circuits."""

    groups: Sequence[tuple[int, list[int]]]
    """The numbers of operands that programs have, each with the programs that have so many."""

    def results(self, group: int, operands: Sequence[Tensor]) -> Tensor:
        """Return the results of the programs of a group, int64 `(N, programs, *choices)`.

        Args:
            group: which.
            operands: one int64 tensor for each, `(N, *choices)` when broadcast.

        """


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of a result: M numbers with their probabilities, some of them equal.

    Attributes:
        numbers: int64 `(N, M)`.
        chances: `(N, M)`; what is missing to 1 had nothing to point to.

    """

    numbers: Tensor
    chances: Tensor

    def dense(self, size: int) -> Tensor:
        """Return the probabilities of the numbers 0 .. size - 1, `(N, size)`."""
        zeros = self.chances.new_zeros(len(self.chances), size)
        return zeros.scatter_add(1, self.numbers, self.chances)


def spread(outcomes: Outcomes, routing: Routing, values: Tensor) -> Spread:
    """Return the result of the first step, where all operands point to numbers of the text.

    Args:
        outcomes: the programs.
        routing: the choices.
        values: the numbers of the text, int64 `(N, S)`.

    """
    numbers, chances = [], []
    count, choices = values.shape
    for group, (arity, programs) in enumerate(outcomes.groups):
        operands, weight = [], routing.selection[:, 0, programs]
        for k in range(arity):
            shape = [count, *(choices if j == k else 1 for j in range(arity))]
            operands.append(values.view(shape))
            weight = weight.unsqueeze(-1) * routing.operands[:, 0, k].view(
                count, *[1] * (k + 1), choices
            )
        numbers.append(outcomes.results(group, operands).reshape(count, -1))
        chances.append(weight.reshape(count, -1))
    return Spread(torch.cat(numbers, 1), torch.cat(chances, 1))


def groups_of(arities: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Return the numbers of operands that there are, each with the programs that have so many."""
    return [(k, [p for p, a in enumerate(arities) if a == k]) for k in sorted(set(arities))]


class TableOutcomes(nn.Module):
    """Looks results up in the tables of the programs, numbers being 0 .. n - 1."""

    def __init__(self, tables: Sequence[np.ndarray], n: int) -> None:
        """Keep the tables, which are shared and not saved with a model.

        Args:
            tables: of each program, `[n] * operands`, integers below n.
            n: how many numbers there are.

        """
        super().__init__()
        self.n, self.groups = n, groups_of([table.ndim for table in tables])
        for group, (_, programs) in enumerate(self.groups):
            rows = np.stack([np.asarray(tables[p]).reshape(-1) for p in programs])
            kind = np.int16 if n <= 2**15 else np.int32
            table = torch.from_numpy(rows.astype(kind))
            self.register_buffer(f"table{group}", table, persistent=False)

    def results(self, group: int, operands: Sequence[Tensor]) -> Tensor:
        """Look up, see `Outcomes`."""
        table: Tensor = getattr(self, f"table{group}")
        index = operands[0]
        for operand in operands[1:]:
            index = index * self.n + operand
        found = table[:, index.reshape(-1)].long().view(len(table), *index.shape)
        return found.transpose(0, 1)


def entries(arities: Sequence[int], choices: int) -> int:
    """Return how many numbers a `Spread` has for so many choices."""
    return sum(len(programs) * math.prod([choices] * k) for k, programs in groups_of(arities))


class CircuitOutcomes(nn.Module):
    """Computes results by circuits on binary numbers, as wide as 64 bits."""

    def __init__(self, names: Sequence[str], arities: Sequence[int], bits: int) -> None:
        """Look the circuits up.

        Args:
            names: of the programs.
            arities: how many operands each has.
            bits: of the numbers.

        Raises:
            NeuralcError: a program has no circuit.

        """
        super().__init__()
        raise NotImplementedError(names, arities, bits)

    def results(self, group: int, operands: Sequence[Tensor]) -> Tensor:
        """Compute, see `Outcomes`."""
        raise NotImplementedError
