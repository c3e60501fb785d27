"""How a routine is called, chosen by the size of its table; and the call itself.

Knows of a routine its exact run, its table, its soft run: arrays and callables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.soft.runtime import normalise
from neuralc.errors import DataError
from neuralc.nn.calls.joint import Joint
from neuralc.nn.calls.sampled import Soft, straight_through
from neuralc.nn.calls.top import Run, top

Array = np.ndarray[Any, Any]
Mode = Literal["joint", "top-k", "marginal", "sampled"]
ENTRIES = 1 << 22  # of a table, 16 MiB
TUPLES = 64  # run for each example by "top-k"
FEW = 4  # arguments up to which the most probable tuples are worth a look


@dataclass(frozen=True, slots=True)
class Choice:
    """How to call a routine, and why in a sentence."""

    mode: Mode
    why: str


def choose(
    n: int, operands: int, *, limit: int = ENTRIES, tuples: int = TUPLES, soft: bool = True
) -> Choice:
    """Return how a routine is best called.

    Never "marginal", which is what a user may want to compare with: step by step, values are taken
    for independent, and a deep call has neither the right result nor a gradient.

    Args:
        n: the number of values of each operand.
        operands: how many, the cells of a memory included.
        limit: the most entries that a table may have.
        tuples: how many tuples of arguments "top-k" runs.
        soft: whether there is a soft run, whose gradient "sampled" takes.

    """
    entries = n**operands
    if entries <= limit:
        return Choice(
            "joint",
            f"{n}^{operands} = {entries:,} tuples of arguments fit into a table of at most "
            f"{limit:,}: exact, with the exact gradient",
        )
    too_large = f"a table of {n}^{operands} entries is over the limit of {limit:,}"
    if operands <= FEW or not soft:
        return Choice(
            "top-k",
            f"{too_large}, so the {tuples} most probable tuples of arguments are run exactly and "
            "the mass of the others is reported",
        )
    return Choice(
        "sampled",
        f"{too_large} and {operands} arguments are too many for a few tuples to hold most of the "
        "mass, so arguments are sampled and run exactly",
    )


@dataclass(frozen=True, eq=False)
class Result:
    """What a call returned.

    Attributes:
        distribution: `(..., size)`.
        lost: the mass of the arguments that were not run, `(...)`: 0 for "joint", exact for
            "top-k", None where it is not known ("marginal" and "sampled" lose no mass, but are
            wrong by correlations, or by chance).

    """

    distribution: Tensor
    lost: Tensor | None


class Call(nn.Module):
    """A routine as a part of a network: distributions in, a distribution out.

    Attributes:
        mode: how it is called.
        why: the reason, in a sentence.

    """

    def __init__(
        self, n: int, operands: int, *, values: Callable[[], Array] | None = None,
        run: Run | None = None, soft: Soft | None = None, mode: Mode | None = None,
        variables: Sequence[int] | None = None, limit: int = ENTRIES, tuples: int = TUPLES,
        samples: int = 8, seed: int = 0,
    ) -> None:  # fmt: skip
        """Choose how to call, and make the table if that is a joint call.

        Args:
            n: the number of values of operands and result.
            operands: how many operands.
            values: returns the table, integers `[n] * operands`; asked for only by "joint".
            run: the exact execution, for "top-k" and "sampled".
            soft: the soft execution, for "marginal" and "sampled".
            mode: how to call; None: what `choose` says.
            variables: which variable each operand is, see `tied`; None: all are different.
            limit: the most entries of a table.
            tuples: of arguments run by "top-k", for each example.
            samples: of arguments run by "sampled", for each example.
            seed: of the samples; each call draws new ones.

        Raises:
            DataError: what the mode needs is not there, or the variables do not fit.

        """
        super().__init__()
        self.variables = tuple(range(operands) if variables is None else variables)
        free = len(set(self.variables))
        found = choose(n, free, limit=limit, tuples=tuples, soft=soft is not None)
        if mode is not None and mode != found.mode:
            found = Choice(mode, f"asked for; the default were {found.mode!r}: {found.why}")
        self.mode, self.why = found.mode, found.why
        self.size, self.tuples, self.samples, self.seed = n, tuples, samples, seed
        self.run, self.soft = run, soft
        self.joint: Joint | None = None
        needs = {"joint": (values,), "top-k": (run,), "marginal": (soft,), "sampled": (run, soft)}
        if None in needs[self.mode]:
            raise DataError(f"a call by {self.mode!r} needs what was not given\n"
                            "  hint: 'joint' needs values, 'top-k' run, 'marginal' soft, "
                            "'sampled' run and soft")  # fmt: skip
        if self.mode == "joint" and values is not None:
            self.joint = Joint(values(), n, variables=self.variables)
        self._generator: torch.Generator | None = None

    def forward(self, args: Sequence[Tensor]) -> Result:
        """Call the routine.

        Args:
            args: one distribution `(..., n)` per variable, independent, of mass 1.

        Raises:
            DataError: not as many arguments as variables, or of other sizes.

        """
        if len(args) != len(set(self.variables)):
            raise DataError(f"{len(args)} arguments for {len(set(self.variables))} variables")
        if self.joint is not None:
            z = self.joint(args)
            return Result(z, z.new_zeros(z.shape[:-1]))
        if self.mode == "top-k":
            found = top(args, self._spread, self.size, self.tuples)
            return Result(found.distribution, found.lost)
        if self.mode == "marginal":
            return Result(normalise(self._softly(args)), None)
        if self._generator is None:
            self._generator = torch.Generator(args[0].device).manual_seed(self.seed)
        z = straight_through(
            args, self._spread, self._softly, self.size, self.samples, self._generator
        )
        return Result(z, None)

    def _spread(self, numbers: Array) -> tuple[Array, Array, Array]:
        """Run on one number per variable: each operand gets that of its variable."""
        assert self.run is not None
        return self.run(np.ascontiguousarray(numbers[:, list(self.variables)]))

    def _softly(self, args: Sequence[Tensor]) -> Tensor:
        """Run softly: operands of one variable are taken for independent, as all else is."""
        assert self.soft is not None
        return self.soft([args[variable] for variable in self.variables])

    def extra_repr(self) -> str:
        """Return how it is called and why."""
        return f"{self.mode}: {self.why}"
