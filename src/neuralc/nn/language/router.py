"""From hidden states to calls: which program, on which operands, and whether to write the result.

The parameters that an augmented model adds are here, and are all trained from answers alone. An
operand points to a number of the text, or is decoded from the hidden state (`parse`); from the
second step on it may also be the result of an earlier step. Programs are only counted here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Parse = Literal["point", "decode"]
"""How operands are found: by pointing to numbers of the text, or by decoding hidden states."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The calls of N positions; each of the steps is one call.

    Attributes:
        selection: which program, `(N, steps, K)`.
        operands: which of the choices an operand is, `(N, steps, operands, C)`; the choices are
            the numbers of the text, or all numbers of the encoding.
        earlier: which result of an earlier step it is, `(N, steps, operands, steps)`.
        write: the probability that the result of a step is what is written, `(N, steps)`; what is
            missing to 1 is left to the model.

    `operands` and `earlier` of an operand sum to 1; or to 0 where there is nothing to point to.

    """

    selection: Tensor
    operands: Tensor
    earlier: Tensor
    write: Tensor


class Router(nn.Module):
    """Linear maps of normed hidden states, in float32."""

    def __init__(
        self, hidden: int, programs: int, operands: int, *, steps: int = 1, parse: Parse = "point",
        size: int = 0, width: int = 64, write: float = -1.0,
    ) -> None:  # fmt: skip
        """Make the maps.

        Args:
            hidden: d, of the hidden states.
            programs: K.
            operands: the most operands of a program.
            steps: calls one after the other at each position.
            parse: see `Parse`.
            size: how many numbers there are, for `parse="decode"`.
            width: of queries and keys, for `parse="point"`.
            write: the logit of writing a result before training, against 0 for not doing so.

        """
        super().__init__()
        self.programs, self.operands, self.steps = programs, operands, steps
        self.parse, self.width = parse, width
        self.norm = nn.RMSNorm(hidden, eps=1e-6)
        one = width if parse == "point" else size
        self.sizes = [steps * programs, steps * operands * one, steps * operands * steps, steps]
        self.sizes += [width] if parse == "point" else []
        self.project = nn.Linear(hidden, sum(self.sizes))
        with torch.no_grad():
            self.project.bias.zero_()
        self.begin(write=write)
        below = torch.ones(steps, steps, dtype=torch.bool).tril(-1)
        self.below: Tensor
        self.register_buffer("below", below, persistent=False)

    def begin(self, *, write: float | None = None, scale: float | None = None) -> None:
        """Set how training begins; None leaves a part as it is.

        Args:
            write: the logit of writing a result, against 0 for not doing so. Where it is high, the
                answers have to come from the programs: the model cannot learn them by heart.
            scale: standard deviation of the weights that find operands, which are drawn anew. With
                `parse="decode"`, operands that are nearly uniform give results that are so, too,
                and hardly any gradient: 0.1 to 0.3 begins sooner than the default.

        """
        with torch.no_grad():
            if write is not None:
                self.project.bias[sum(self.sizes[:3]) : sum(self.sizes[:4])] = write
            if scale is not None:
                rows = slice(self.sizes[0], sum(self.sizes[:2]))
                self.project.weight[rows].normal_(std=scale)

    @property
    def features(self) -> int:
        """How many numbers are computed of each hidden state."""
        return sum(self.sizes)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return all that is computed of hidden states: `(…, d)` -> `(…, features)`."""
        with torch.autocast(hidden.device.type, enabled=False):
            normed = nn.functional.rms_norm(
                hidden.float(), [hidden.shape[-1]], self.norm.weight.float(), self.norm.eps
            )
            weight, bias = self.project.weight.float(), self.project.bias.float()
            return nn.functional.linear(normed, weight, bias)

    def keys(self, features: Tensor) -> Tensor:
        """Return what pointing compares with, `(…, width)`."""
        return features[..., -self.width :]

    def route(self, features: Tensor, keys: Tensor | None, there: Tensor | None) -> Routing:
        """Return the calls.

        Args:
            features: of the positions that call, `(N, features)`.
            keys: of the numbers that each might point to, `(N, S, width)`; None for "decode".
            there: which of them it may point to, bool `(N, S)`; None for "decode".

        """
        count, steps, operands = len(features), self.steps, self.operands
        parts = features.split(self.sizes, -1)
        selection = parts[0].view(count, steps, self.programs).softmax(-1)
        found = parts[1].view(count, steps, operands, -1)
        earlier = parts[2].view(count, steps, operands, steps)
        none = torch.finfo(features.dtype).min
        earlier = earlier.masked_fill(~self.below[:, None], none)
        if keys is not None and there is not None:
            scores = torch.einsum("ntow,nsw->ntos", found, keys) / math.sqrt(self.width)
            found = scores.masked_fill(~there[:, None, None], none)
        chosen = torch.cat([found, earlier], -1)
        chances = chosen.softmax(-1) * (chosen > none)  # where there is nothing, nothing is chosen
        choices = found.shape[-1]
        write = nn.functional.pad(parts[3], (1, 0)).softmax(-1)[:, 1:]
        return Routing(selection, chances[..., :choices], chances[..., choices:], write)
