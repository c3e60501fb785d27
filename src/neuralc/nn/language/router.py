"""From hidden states to calls: which program, on which operands, and whether to write the result.

The parameters that an augmented model adds are here, and are all trained from answers alone. An
operand points to a number of the text, or is decoded from the hidden state (`parse`); or it is what
an earlier call of the text gave. Programs are only counted here.
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
    """The calls of N positions.

    Attributes:
        selection: which program, `(N, K)`.
        operands: which of the choices an operand is, `(N, operands, C)`; the choices are the
            numbers of the text, or all numbers of the encoding.
        earlier: which earlier call's result it is, `(N, operands, calls)`.
        write: the probability that the result is what is written, `(N,)`.

    `operands` and `earlier` of an operand sum to 1; or to 0 where there is nothing to point to.

    """

    selection: Tensor
    operands: Tensor
    earlier: Tensor
    write: Tensor


class Router(nn.Module):
    """Linear maps of normed hidden states, in float32.

    Every token proposes a program and how to find its operands; a position that calls looks at the
    tokens before it, and takes what those propose that it looks at.
    """

    def __init__(
        self, hidden: int, programs: int, operands: int, *, parse: Parse = "point", size: int = 0,
        width: int = 64, write: float = -1.0,
    ) -> None:  # fmt: skip
        """Make the maps.

        Args:
            hidden: d, of the hidden states.
            programs: K.
            operands: the most operands of a program.
            parse: see `Parse`.
            size: how many numbers there are, for `parse="decode"`.
            width: of queries and keys.
            write: the logit of writing a result before training.

        """
        super().__init__()
        self.programs, self.operands = programs, operands
        self.parse, self.width = parse, width
        self.norm = nn.RMSNorm(hidden, eps=1e-6)
        decoded = size if parse == "decode" else 0
        self.sizes = {
            "proposal": programs + operands * (width + decoded),
            "seen": width,
            "look": width,
            "operands": operands * (width + decoded),
            "write": 1,
            "number": width,
            "result": width,
        }
        self.features = sum(self.sizes.values())
        self.project = nn.Linear(hidden, self.features)
        with torch.no_grad():
            self.project.bias.zero_()
        self.begin(write=write)

    def begin(self, *, write: float | None = None, scale: float | None = None) -> None:
        """Set how training begins; None leaves a part as it is.

        Args:
            write: the logit of writing a result. Where it is high, the answers have to come from
                the programs: the model cannot learn them by heart.
            scale: standard deviation of the weights that find operands, which are drawn anew. With
                `parse="decode"`, operands that are nearly uniform give results that are so, too,
                and hardly any gradient: 0.1 to 0.3 begins sooner than the default.

        """
        with torch.no_grad():
            if write is not None:
                self.part(self.project.bias, "write").fill_(write)
            if scale is not None:
                self.part(self.project.weight.T, "operands").normal_(std=scale)

    def part(self, features: Tensor, name: str) -> Tensor:
        """Return a part of features `(…, features)` by its name, see `sizes`."""
        start = 0
        for one, size in self.sizes.items():
            if one == name:
                return features[..., start : start + size]
            start += size
        raise KeyError(name)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return all that is computed of hidden states: `(…, d)` -> `(…, features)`."""
        with torch.autocast(hidden.device.type, enabled=False):
            normed = nn.functional.rms_norm(
                hidden.float(), [hidden.shape[-1]], self.norm.weight.float(), self.norm.eps
            )
            weight, bias = self.project.weight.float(), self.project.bias.float()
            return nn.functional.linear(normed, weight, bias)

    def look(self, own: Tensor, features: Tensor, visible: Tensor) -> Tensor:
        """Return what the tokens propose that are looked at.

        Args:
            own: features of those that look, `(B, Q, features)`.
            features: of all tokens, `(B, T, features)`.
            visible: which tokens each may look at, bool `(B, Q, T)`; at least one.

        Returns:
            `(B, Q, proposal)`.

        """
        scores = self.part(own, "look") @ self.part(features, "seen").transpose(1, 2)
        scores = (scores / math.sqrt(self.width)).masked_fill(~visible, -torch.inf)
        return scores.softmax(-1) @ self.part(features, "proposal")

    def route(
        self, own: Tensor, proposed: Tensor, numbers: tuple[Tensor, Tensor] | None,
        results: tuple[Tensor, Tensor],
    ) -> Routing:  # fmt: skip
        """Return the calls.

        Args:
            own: features of the positions that call, `(N, features)`.
            proposed: what they have looked at, `(N, proposal)`.
            numbers: keys of the numbers that each might point to, `(N, S, width)`, and which of
                them it may, bool `(N, S)`; None for "decode".
            results: the same for results of earlier calls, `(N, C, width)` and `(N, C)`.

        """
        count, operands = len(own), self.operands
        found = self.part(own, "operands") + proposed[:, self.programs :]
        found = found.view(count, operands, found.shape[1] // operands)
        queries, decoded = found[..., : self.width], found[..., self.width :]
        parts = [decoded if numbers is None else self._scores(queries, *numbers)]
        parts.append(self._scores(queries, *results))
        chosen = torch.cat(parts, -1)
        none = torch.finfo(chosen.dtype).min
        chances = chosen.softmax(-1) * (chosen > none)  # where there is nothing, nothing is chosen
        choices = parts[0].shape[-1]
        return Routing(
            proposed[:, : self.programs].softmax(-1), chances[..., :choices],
            chances[..., choices:], self.part(own, "write")[:, 0].sigmoid(),
        )  # fmt: skip

    def _scores(self, queries: Tensor, keys: Tensor, there: Tensor) -> Tensor:
        scores = torch.einsum("now,nsw->nos", queries, keys) / math.sqrt(self.width)
        return scores.masked_fill(~there.unsqueeze(1), torch.finfo(scores.dtype).min)
