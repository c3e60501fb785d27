"""The differentiable computer between two layers: routing, calls, and what returns to the layers.

At every position (or behind some tokens only) the router says which programs run on what; the
programs run on all of it at once, and the result is a distribution. Which layers these are, and
how texts become tokens, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neuralc.nn.language.calling import Calls
from neuralc.nn.language.outcomes import Spread, spread
from neuralc.nn.language.reading import Reading
from neuralc.nn.language.router import Parse, Router, Routing


@dataclass(frozen=True, slots=True)
class Sites:
    """The N positions that call, and the numbers that they may point to.

    Attributes:
        example, position: where each is, int64 `(N,)`.
        caller: the position whose hidden state decides, int64 `(N,)`.
        numbers: positions of the numbers of each text, int64 `(B, S)`.
        values: the numbers, int64 `(B, S)`.
        there: which of them each site may point to, bool `(N, S)`.

    """

    example: Tensor
    position: Tensor
    caller: Tensor
    numbers: Tensor
    values: Tensor
    there: Tensor


@dataclass(frozen=True, slots=True)
class Called:
    """What the sites called.

    Attributes:
        sites: where.
        routing: which programs on what.
        results: of each step, `(N, n)`; empty where numbers are written as digits.
        spread: of the one step, where numbers are written as digits.
        pointed: whether operands point to numbers of the text; else they are decoded.

    """

    sites: Sites
    routing: Routing
    results: tuple[Tensor, ...]
    spread: Spread | None
    pointed: bool

    @property
    def steps(self) -> int:
        """How many calls are made one after the other."""
        return self.routing.write.shape[1]

    def written(self) -> Tensor:
        """Return how likely each number is what is written, `(N, n)`."""
        parts = zip(self.routing.write.unbind(1), self.results, strict=True)
        return torch.stack([w.unsqueeze(1) * z for w, z in parts]).sum(0)

    def spread_written(self) -> Spread:
        """Return the same where numbers are written as digits."""
        assert self.spread is not None
        return Spread(self.spread.numbers, self.routing.write * self.spread.chances)


def find_sites(reading: Reading, callers: Tensor, begin: int) -> Sites:
    """Return the sites among the positions from `begin` on.

    Args:
        reading: of the whole texts, `(B, T)`.
        callers: at which positions a call may be made, bool `(B, T)`.
        begin: positions before it are left out.

    """
    anchor = reading.anchor
    may = callers.gather(1, anchor.clamp_min(0)) & (anchor >= 0) & reading.present
    example, position = may[:, begin:].nonzero(as_tuple=True)
    position = position + begin
    ends = reading.ends()
    count = int(ends.sum(1).max()) if ends.numel() else 0
    order = torch.argsort(~ends, dim=1, stable=True)[:, :count]
    found = ends.gather(1, order)
    values = torch.where(found, reading.values.gather(1, order), 0)
    caller = anchor[example, position]
    there = found[example] & (order[example] <= caller.unsqueeze(1))
    return Sites(example, position, caller, order, values, there)


class Computer(nn.Module):
    """Router, programs, and the way back into the residual stream.

    Attributes:
        router: what is learned of calls.
        back: from a result to hidden states; 0 before training. None: nothing returns.

    """

    def __init__(
        self, calls: Calls, hidden: int, operands: int, *, steps: int, parse: Parse,
        residual: bool, width: int, digits: bool,
    ) -> None:  # fmt: skip
        """Make the trainable parts.

        Args:
            calls: the programs.
            hidden: d, of the hidden states.
            operands: the most operands of a program.
            steps: calls one after the other.
            parse: how operands are found.
            residual: whether results return to the hidden states.
            width: of queries and keys.
            digits: numbers are written as digits: results stay a list of numbers.

        """
        super().__init__()
        self.calls, self.digits = calls, digits
        self.router = Router(
            hidden, len(calls.names), operands, steps=steps, parse=parse, size=calls.n, width=width
        )
        self.back = nn.Linear(calls.n, hidden, bias=False) if residual else None
        if self.back is not None:
            nn.init.zeros_(self.back.weight)

    def call(self, features: Tensor, sites: Sites) -> Called:
        """Run the programs.

        Args:
            features: of all positions of the texts, `(B, T, features)`.
            sites: where.

        """
        own = features[sites.example, sites.caller]
        with torch.autocast(own.device.type, enabled=False):
            if self.router.parse == "decode":
                routing = self.router.route(own, None, None)
                values = None
            else:
                keys = self.router.keys(features)
                at = sites.numbers.unsqueeze(-1).expand(-1, -1, keys.shape[-1])
                keys = keys.gather(1, at)[sites.example]
                routing = self.router.route(own, keys, sites.there)
                values = sites.values[sites.example]
            return self._run(sites, routing, values)

    def _run(self, sites: Sites, routing: Routing, values: Tensor | None) -> Called:
        calls, results = self.calls, []
        if values is not None and calls.call == "joint":
            found = spread(calls.outcomes, routing, values)
            if self.digits:
                return Called(sites, routing, (), found, True)
            results = [found.dense(calls.n)]
        while len(results) < self.router.steps:
            step = len(results)
            literal = _dense(routing.operands[:, step], values, calls.n)
            results.append(
                calls(routing.selection[:, step], literal, routing.earlier[:, step], results)
            )
        return Called(sites, routing, tuple(results), None, values is not None)

    def returned(self, hidden: Tensor, called: Called, begin: int) -> Tensor:
        """Return hidden states `(B, T', d)` of positions from `begin` on with results added."""
        if self.back is None:
            return hidden
        weight = self.back.weight.float()
        added = nn.functional.linear(called.written(), weight).to(hidden.dtype)
        sites = called.sites
        return hidden.index_put((sites.example, sites.position - begin), added, accumulate=True)


def _dense(chances: Tensor, values: Tensor | None, n: int) -> Tensor:
    """Return operands as distributions of numbers, `(N, operands, n)`."""
    if values is None:
        return chances
    zeros = chances.new_zeros(*chances.shape[:2], n)
    return zeros.scatter_add(2, values.unsqueeze(1).expand_as(chances), chances)
