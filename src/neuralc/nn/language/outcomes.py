"""What programs give for operands that are known numbers: every program, every choice of numbers.

A text has few numbers, so an operand that points to them has few values, and all combinations can
be looked up in tables, or computed by circuits. Together with the probabilities of the choices
this is the exact distribution of the result (a joint call), for a handful of look-ups. How likely
a choice is, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.nn.language.router import Routing
from neuralc.nn.library.routine import Routine
from neuralc.nn.numbers.arithmetic import Circuits
from neuralc.nn.numbers.integers import CIRCUITS, compute

WORD = 64  # bits of the numbers that a text may have
KEPT = 100_000  # pairs of operands whose results are remembered


class Outcomes(Protocol):
    """Tables, or circuits."""

    groups: list[tuple[int, list[int]]]
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
    """Return the result as far as operands point to numbers of the text.

    Args:
        outcomes: the programs.
        routing: the choices.
        values: the numbers of the text, int64 `(N, S)`.

    """
    numbers, chances = [], []
    count, choices = values.shape
    for group, (arity, programs) in enumerate(outcomes.groups):
        operands, weight = [], routing.selection[:, programs]
        for k in range(arity):
            shape = [count, *(choices if j == k else 1 for j in range(arity))]
            operands.append(values.view(shape))
            weight = weight.unsqueeze(-1) * routing.operands[:, k].view(
                count, *[1] * (k + 1), choices
            )
        numbers.append(outcomes.results(group, operands).flatten(1))
        chances.append(weight.flatten(1))
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


class CircuitOutcomes(nn.Module):
    """Computes results by circuits on binary numbers, modulo a power of two."""

    def __init__(self, routines: Sequence[Routine], bits: int) -> None:
        """Find the circuits of programs, by their names.

        Args:
            routines: the programs.
            bits: of the numbers, at most 64.

        Raises:
            NeuralcError: a program has no circuit, or is not the function that it is called by.

        """
        super().__init__()
        self.names = [routine.name for routine in routines]
        self.groups = groups_of([routine.operands for routine in routines])
        if not 1 <= bits <= WORD:
            raise NeuralcError(f"circuits have 1 to {WORD} bits, not {bits}")
        missing = [name for name in self.names if name not in CIRCUITS]
        if missing:
            raise NeuralcError(
                f"there is no circuit for {', '.join(missing)}\n"
                f"  hint: a library of {', '.join(CIRCUITS)} has them; library.remove(name)"
            )
        for routine in routines:
            a, b = np.indices((routine.n,) * 2)
            if not np.array_equal(compute(routine.name, a, b, routine.n), routine.values()):
                raise NeuralcError(f"{routine.name} is not the function of this name")
        self.bits, self.circuits = bits, Circuits(bits, self.names)
        self.known: dict[tuple[int, int], list[int]] = {}

    def results(self, group: int, operands: Sequence[Tensor]) -> Tensor:
        """Compute, see `Outcomes`; results of the same operands are kept for a while.

        A text that is written token by token makes the same calls again and again.
        """
        assert group == 0  # all circuits have two operands
        shape = torch.broadcast_shapes(*(x.shape for x in operands))
        if not shape.numel():  # no calls, or no numbers
            return operands[0].new_zeros(shape[0], len(self.names), *shape[1:])
        asked = torch.stack([x.expand(shape).reshape(-1) for x in operands], 1)
        pairs, place = torch.unique(asked, dim=0, return_inverse=True)
        keys = [(a, b) for a, b in pairs.tolist()]
        missing = [key for key in keys if key not in self.known]
        if missing:
            if len(self.known) + len(missing) > KEPT:
                self.known.clear()
                missing = keys
            bits = [_bits(torch.tensor(x), self.bits) for x in zip(*missing, strict=True)]
            found = torch.stack([_number(x) for x in self.circuits.every(bits)], 1).tolist()
            self.known |= zip(missing, found, strict=True)
        table = torch.tensor([self.known[key] for key in keys], device=asked.device)
        return table[place].view(*shape, -1).movedim(-1, 1)


def _bits(numbers: Tensor, bits: int) -> Tensor:
    """Return the bits of 64-bit patterns, bool `(…, bits)`, least significant first."""
    octets = np.ascontiguousarray(numbers.cpu().numpy())[..., None].view(np.uint8)
    return torch.from_numpy(np.unpackbits(octets, axis=-1, bitorder="little")[..., :bits] != 0)


def _number(bits: Tensor) -> Tensor:
    """Return the 64-bit patterns of bits, int64."""
    whole = np.zeros((*bits.shape[:-1], WORD), bool)
    whole[..., : bits.shape[-1]] = bits.numpy()
    octets = np.packbits(whole, axis=-1, bitorder="little")
    return torch.from_numpy(octets.view(np.int64)[..., 0].copy())


def entries(arities: Sequence[int], choices: int) -> int:
    """Return how many numbers a `Spread` has for so many choices."""
    return sum(len(programs) * choices**k for k, programs in groups_of(arities))
