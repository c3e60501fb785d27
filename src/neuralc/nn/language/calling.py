"""The programs of a library as one call: which one is a distribution, and so are its operands.

`joint` is the exact distribution of the result. Operands that point to numbers of the text have
few values, and every combination is run (`outcomes.py`); others are pushed through the programs'
tables. `marginal` runs the programs softly, line by line, with all registers taken as independent,
as the paper does. Where the distributions come from is not known here.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899; joint calls are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.nn.calls.pushforward import Mixture
from neuralc.nn.calls.shared import tied
from neuralc.nn.language.outcomes import CircuitOutcomes, TableOutcomes, groups_of
from neuralc.nn.library.routine import Routine

Call = Literal["joint", "marginal"]
"""How programs are called."""


class Calls(nn.Module):
    """The programs that a computer chooses from.

    Attributes:
        routines: the programs; those that work on a memory are left out.
        names: theirs.
        arities: how many operands each has.
        n: how many numbers the encoding has.
        call: "joint" or "marginal".
        outcomes: results for known operands: tables, or circuits.

    """

    def __init__(self, routines: Mapping[str, Routine], n: int, call: Call) -> None:
        """Tabulate the programs, once.

        Args:
            routines: by name, see `Routine`.
            n: how many numbers the encoding has.
            call: how they are called on distributions.

        Raises:
            NeuralcError: a program does not halt for some operands, or its table is too large.

        """
        super().__init__()
        self.routines = [r for r in routines.values() if not r.over_memory]
        self.names = [routine.name for routine in self.routines]
        self.arities = [routine.operands for routine in self.routines]
        self.n, self.call = n, call
        tables = [routine.values() for routine in self.routines]
        self.outcomes: TableOutcomes | CircuitOutcomes = TableOutcomes(tables, n)
        self.groups = groups_of(self.arities)
        self.mixtures = nn.ModuleList(
            Mixture([tables[p] for p in programs], n) for _, programs in self.groups
        )
        two = [tied(table, (0, 0)) for table in tables if table.ndim == 2]
        self.diagonals = Mixture(two, n) if two else None

    def use_circuits(self, bits: int) -> None:
        """Compute results by circuits from now on; raises NeuralcError where there is none."""
        self.outcomes = CircuitOutcomes(self.routines, bits)

    def forward(
        self, selection: Tensor, literal: Tensor, earlier: Tensor, results: Sequence[Tensor]
    ) -> Tensor:
        """Return the distribution of the result, `(N, n)`.

        Two operands that are both the same earlier result have one value, not two independent
        ones: for programs of two operands that is exact. The operands of larger ones, and
        different earlier results, are taken as independent, and so is everything in marginal calls.

        Args:
            selection: which program, `(N, K)`.
            literal: the part of each operand that is no earlier result, `(N, operands, n)`.
            earlier: how likely each operand is each earlier result, `(N, operands, C)`.
            results: the earlier results, `(N, n)` each, C of them.

        """
        if not len(literal):
            return literal[:, 0]  # nobody calls
        weighted = [earlier[..., k, None] * one.unsqueeze(1) for k, one in enumerate(results)]
        whole = torch.stack([literal, *weighted]).sum(0)
        if self.call == "marginal":
            return self._marginal(selection, whole)
        z = torch.zeros_like(literal[:, 0])
        for group, (arity, programs) in enumerate(self.groups):
            chosen, mixture = selection[:, programs], self.mixtures[group]
            if arity != 2 or not results:
                z = z + mixture(chosen, *whole[:, :arity].unbind(1))
                continue
            z = z + mixture(chosen, literal[:, 0], whole[:, 1])
            for k, result in enumerate(results):
                others = [w[:, 1] for j, w in enumerate(weighted) if j != k]
                second = torch.stack([literal[:, 1], *others]).sum(0)
                z = z + mixture(chosen, weighted[k][:, 0], second)
                assert self.diagonals is not None  # there are programs of two operands
                both = (earlier[:, 0, k] * earlier[:, 1, k]).unsqueeze(1)
                z = z + both * self.diagonals(chosen, result)
        return z

    def _marginal(self, selection: Tensor, operands: Tensor) -> Tensor:
        z = torch.zeros_like(operands[:, 0])
        mass = operands.sum(-1)  # 0 where there is nothing to point to: then there is no result
        missing = nn.functional.pad((mass <= 0).to(z.dtype).unsqueeze(-1), (0, self.n - 1))
        operands = operands / mass.where(mass > 0, 1).unsqueeze(-1) + missing
        for p, routine in enumerate(self.routines):
            found = routine.soft(list(operands[:, : routine.operands].unbind(1)))
            there = mass[:, : routine.operands].prod(1)
            z = z + (selection[:, p] * there).unsqueeze(1) * found
        return z


def check_fits(routines: Mapping[str, Routine], n: int, operands: int) -> None:
    """Raise a NeuralcError where programs are of another encoding, or have too many operands."""
    usable = {name: r for name, r in routines.items() if not r.over_memory}
    if not usable:
        raise NeuralcError(
            "the library has no program that a layer can call\n"
            "  hint: nc.Library.standard(n=128) has some"
        )
    for name, routine in usable.items():
        if routine.n != n:
            raise NeuralcError(
                f"{name} is a program on {routine.n} numbers, and the encoding has {n}\n"
                "  hint: all programs of a library work on the same numbers"
            )
    many = {name: r.operands for name, r in usable.items() if not 1 <= r.operands <= operands}
    if many:
        some = ", ".join(f"{name} has {count}" for name, count in many.items())
        raise NeuralcError(
            f"programs with no operand, or more than {operands}: {some}\n"
            f"  hint: augment(…, operands={max(many.values())}), or leave them out: library.remove"
        )
