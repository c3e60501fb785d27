"""One interface to arithmetic on distributions, with two implementations.

`Tables` works on unit encodings: exact on every distribution of independent operands, up to some
thousand values. `Circuits` works on bits: any width, exact on certain numbers. Operations have the
same names and meaning (`integers.py`): with n = 2 ** bits both give the same for all numbers, so
that what was learned with tables goes on with circuits on larger numbers. With another n they
differ where a result wraps round: tables are modulo n, circuits modulo 2 ** bits; quotients by
zero are n - 1 and 2 ** bits - 1.

Source: Saldyt & Kambhampati (2024), arXiv:2407.04899.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from neuralc.errors import DataError
from neuralc.nn.calls.pushforward import Mixture, fit
from neuralc.nn.numbers import circuits
from neuralc.nn.numbers.encodings import from_bits, from_unit, to_bits, to_unit
from neuralc.nn.numbers.gates import both, choose, differ, either, invert, is_hard
from neuralc.nn.numbers.integers import CIRCUITS, compute

Array = np.ndarray[Any, Any]


class Arithmetic(Protocol):
    """Numbers below `modulus`, encoded along the last axis, and operations on two of them."""

    names: tuple[str, ...]
    modulus: int

    def encode(self, numbers: Any) -> Tensor:
        """Return integers as certain numbers, `(..., width)`."""

    def decode(self, x: Tensor) -> Array:
        """Return the most probable integers, `(...)`; in bits, bit by bit."""

    def apply(self, name: str, operands: Sequence[Tensor]) -> Tensor:
        """Return the result of one operation, encoded."""

    def mix(self, selection: Tensor, operands: Sequence[Tensor]) -> Tensor:
        """Return the mixture of all results, by the chances `(..., K)` of the `names`."""


class Tables:
    """Arithmetic modulo n on distributions over n values.

    Attributes:
        mixture: holds the tables, a module; what moves it to a device moves the arithmetic.

    """

    def __init__(self, n: int, names: Sequence[str] = CIRCUITS) -> None:
        """Compute the tables.

        Args:
            n: the number of values.
            names: the operations, in the order of selections; see `integers.OPERATIONS`.

        Raises:
            DataError: an unknown operation, or none.

        """
        numbers = np.arange(n)
        self.modulus, self.names = n, tuple(names)
        self.mixture = Mixture(
            [compute(name, numbers[:, None], numbers, n).astype(np.int32) for name in names], n
        )

    def encode(self, numbers: Any) -> Tensor:
        """Return integers as certain distributions, float32 `(..., n)`."""
        return to_unit(numbers, self.modulus).to(self.mixture.tables.device)

    def decode(self, x: Tensor) -> Array:
        """Return the most probable integers, `(...)`."""
        return from_unit(x)

    def apply(self, name: str, operands: Sequence[Tensor]) -> Tensor:
        """Return the distribution of the result of one operation on independent operands.

        Args:
            name: one of `names`.
            operands: two distributions `(..., n)`.

        Raises:
            DataError: another operation, or operands of another size.

        """
        return self.mixture.alone(_place(name, self.names), *operands)

    def mix(self, selection: Tensor, operands: Sequence[Tensor]) -> Tensor:
        """Return `sum_k selection[..., k] * apply(names[k], operands)`, `(..., n)`.

        Raises:
            DataError: operands or selection of another size.

        """
        found: Tensor = self.mixture(selection, *operands)
        return found


class Circuits:
    """Arithmetic modulo 2 ** bits on the chances of bits, least significant first."""

    def __init__(self, bits: int, names: Sequence[str] = CIRCUITS) -> None:
        """Keep the width.

        Args:
            bits: the number of bits.
            names: the operations, in the order of selections; see `integers.CIRCUITS`.

        Raises:
            DataError: no bits, or an operation without a circuit.

        """
        if bits < 1:
            raise DataError(f"{bits} bits: numbers have at least one")
        for name in names:
            _place(name, CIRCUITS)
        self.bits, self.modulus, self.names = bits, 1 << bits, tuple(names)

    def encode(self, numbers: Any) -> Tensor:
        """Return integers as certain bits, float32 `(..., bits)`; `to_bits` gives hard ones."""
        return to_bits(numbers, self.bits).float()

    def decode(self, x: Tensor) -> Array:
        """Return the integers of the likelier value of each bit, `(...)`."""
        return from_bits(x)

    def apply(self, name: str, operands: Sequence[Tensor]) -> Tensor:
        """Return the bits of the result: bool for bool operands, else chances.

        Args:
            name: one of `names`.
            operands: two numbers `(..., bits)`, both bool or both chances.

        Raises:
            DataError: another operation, or operands of another width or kind.

        """
        _place(name, self.names)
        return self._pair(operands).result(name)

    def every(self, operands: Sequence[Tensor]) -> list[Tensor]:
        """Return the results of all operations; what several of them need is computed once.

        Arguments and errors are those of `apply`.
        """
        pair = self._pair(operands)
        return [pair.result(name) for name in self.names]

    def mix(self, selection: Tensor, operands: Sequence[Tensor]) -> Tensor:
        """Return `sum_k selection[..., k] * apply(names[k], operands)`, `(..., bits)`.

        The chance of each bit of the mixture is exact, if those of the results are.

        Raises:
            DataError: operands or selection of another size or kind.

        """
        fit((len(self.names),), (selection,))
        pair = self._pair(operands)
        parts = [
            weight.unsqueeze(-1) * pair.result(name).to(selection.dtype)
            for name, weight in zip(self.names, selection.unbind(-1), strict=True)
        ]
        return torch.stack(torch.broadcast_tensors(*parts)).sum(0)

    def _pair(self, operands: Sequence[Tensor]) -> _Pair:
        hard = [is_hard(operand) for operand in operands]
        if not all(hard):
            fit((self.bits,) * 2, operands)
        elif [operand.shape[-1:] for operand in operands] != [(self.bits,)] * 2:
            raise DataError(f"operands are two numbers of {self.bits} bits")
        return _Pair(*operands)


class _Pair:
    """Two numbers in bits, and what several operations need of them, each computed once."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self.a, self.b = a, b

    @cached_property
    def less(self) -> Tensor:
        return circuits.less(self.a, self.b)

    @cached_property
    def greater(self) -> Tensor:
        return circuits.less(self.b, self.a)

    @cached_property
    def divided(self) -> tuple[Tensor, Tensor]:
        return circuits.divide(self.a, self.b)

    def result(self, name: str) -> Tensor:
        """Return the bits of one operation of `CIRCUITS`."""
        a, b = self.a, self.b
        match name:
            case "add":
                return circuits.add(a, b)
            case "sub":
                return circuits.subtract(a, b)
            case "mul":
                return circuits.multiply(a, b)
            case "div" | "mod":
                return self.divided[name == "mod"]
            case "min":
                return choose(self.less.unsqueeze(-1), a, b)
            case "max":
                return choose(self.less.unsqueeze(-1), b, a)
            case "and":
                return both(a, b)
            case "or":
                return either(a, b)
            case "xor":
                return differ(a, b)
        return circuits.number(self._holds(name), a.shape[-1])

    def _holds(self, name: str) -> Tensor:
        match name:
            case "equal":
                return circuits.equal(self.a, self.b)
            case "unequal":
                return invert(circuits.equal(self.a, self.b))
            case "less":
                return self.less
            case "greater":
                return self.greater
            case "less_equal":
                return invert(self.greater)
            case "greater_equal":
                return invert(self.less)
        raise AssertionError(name)


def _place(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise DataError(f"no operation {name!r} here\n  hint: one of {', '.join(names)}")
    return names.index(name)
