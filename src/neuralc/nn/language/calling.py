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
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.nn.calls.pushforward import Mixture
from neuralc.nn.language.outcomes import CircuitOutcomes, TableOutcomes, groups_of

Call = Literal["joint", "marginal"]
"""How programs are called."""


class Calls(nn.Module):
    """The programs that a computer chooses from.

    Attributes:
        names: of the programs.
        arities: how many operands each has.
        n: how many numbers the encoding has.
        call: "joint" or "marginal".
        outcomes: results for known operands: tables, or circuits.

    """

    def __init__(self, routines: Mapping[str, Any], n: int, call: Call) -> None:
        """Tabulate the programs, once.

        Args:
            routines: by name, see `Routine`.
            n: how many numbers the encoding has.
            call: how they are called on distributions.

        Raises:
            NeuralcError: a program does not halt for some operands, or its table is too large.

        """
        super().__init__()
        self.names, self.n, self.call = list(routines), n, call
        self.arities = [routine.operands for routine in routines.values()]
        self.routines = list(routines.values())
        tables = [routine.values() for routine in self.routines]
        self.outcomes: TableOutcomes | CircuitOutcomes = TableOutcomes(tables, n)
        self.groups = groups_of(self.arities)
        self.mixtures = nn.ModuleList(
            Mixture([tables[p] for p in programs], n) for _, programs in self.groups
        )

    def use_circuits(self, bits: int) -> None:
        """Compute results by circuits from now on; raises NeuralcError where there is none."""
        self.outcomes = CircuitOutcomes(self.names, self.arities, bits)

    def forward(
        self, selection: Tensor, literal: Tensor, earlier: Tensor, results: Sequence[Tensor]
    ) -> Tensor:
        """Return the distribution of the result, `(N, n)`.

        Two operands of a program that are both the same earlier result have one value, not two
        independent ones: that case is added exactly (for programs of two operands; the operands
        of larger ones, and different earlier results, are taken as independent).

        Args:
            selection: which program, `(N, K)`.
            literal: the part of each operand that is no earlier result, `(N, operands, n)`.
            earlier: how likely each operand is each earlier result, `(N, operands, steps)`.
            results: of the earlier steps, `(N, n)` each.

        """
        whole = literal
        for step, result in enumerate(results):
            whole = whole + earlier[..., step, None] * result.unsqueeze(1)
        z = self.independent(selection, whole)
        if self.call == "joint":
            for step, result in enumerate(results):
                both = (earlier[:, 0, step] * earlier[:, 1, step]).unsqueeze(1)
                z = z + both * self._correlated(selection, result)
        return z

    def independent(self, selection: Tensor, operands: Tensor) -> Tensor:
        """Return the distribution of the result for operands that are independent.

        Args:
            selection: `(N, K)`.
            operands: `(N, operands, n)`.

        """
        z = operands.new_zeros(len(operands), self.n)
        if self.call == "marginal":
            for p, routine in enumerate(self.routines):
                found = routine.soft(list(operands[:, : routine.operands].unbind(1)))
                z = z + selection[:, p, None] * found.to(z)
            return z
        for (arity, programs), mixture in zip(self.groups, self.mixtures, strict=True):
            z = z + mixture(selection[:, programs], *operands[:, :arity].unbind(1))
        return z

    def _correlated(self, selection: Tensor, result: Tensor) -> Tensor:
        """Return what one value for both operands changes, for the programs of two operands."""
        z = torch.zeros_like(result)
        for (arity, programs), mixture in zip(self.groups, self.mixtures, strict=True):
            if arity == 2:
                chosen = selection[:, programs]
                z = z + self._diagonal(programs, chosen, result) - mixture(chosen, result, result)
        return z

    def _diagonal(self, programs: Sequence[int], chosen: Tensor, result: Tensor) -> Tensor:
        same = torch.arange(self.n, device=result.device)
        outcomes = self.outcomes
        assert isinstance(outcomes, TableOutcomes)
        group = [arity for arity, _ in self.groups].index(2)
        numbers = outcomes.results(group, [same[None], same[None]])[0]  # (programs, n)
        weights = chosen.unsqueeze(-1) * result.unsqueeze(1)
        z = torch.zeros_like(result)
        return z.index_add(1, numbers.reshape(-1), weights.flatten(1))


def check_fits(routines: Mapping[str, Any], n: int, operands: int) -> None:
    """Raise a NeuralcError where programs are of another encoding, or have too many operands."""
    if not routines:
        raise NeuralcError("the library is empty\n  hint: nc.Library.standard(n=128) has programs")
    for name, routine in routines.items():
        if routine.n != n:
            raise NeuralcError(
                f"{name} is a program on {routine.n} numbers, and the encoding has {n}\n"
                "  hint: all programs of a library work on the same numbers"
            )
    many = {name: r.operands for name, r in routines.items() if r.operands > operands}
    if many:
        some = ", ".join(f"{name} has {count}" for name, count in many.items())
        raise NeuralcError(
            f"programs with more than {operands} operands: {some}\n"
            f"  hint: augment(…, operands={max(many.values())}), or leave them out: library.remove"
        )
