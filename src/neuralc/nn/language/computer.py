"""The differentiable computer between two layers: routing, calls, and what returns to the layers.

At every position (or behind some tokens only) the router says which programs run on what; the
programs run on all of it at once, and the result is a distribution. Which layers these are, and
how texts become tokens, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from neuralc.nn.language.calling import Calls
from neuralc.nn.language.outcomes import Spread, spread
from neuralc.nn.language.reading import Reading
from neuralc.nn.language.router import Parse, Router, Routing


@dataclass(frozen=True, slots=True)
class Sites:
    """The N positions that call, text by text, and what they may point to.

    Attributes:
        example, position: where each is, int64 `(N,)`.
        numbers: positions of the numbers of each text, int64 `(B, S)`.
        values: the numbers, int64 `(B, S)`.
        there: which of them each site may point to, bool `(N, S)`.
        calls: the sites of each text in order, by their numbers among the N, int64 `(B, C)`.
        earlier: which of them come before each site, bool `(N, C)`.

    """

    example: Tensor
    position: Tensor
    numbers: Tensor
    values: Tensor
    there: Tensor
    calls: Tensor
    earlier: Tensor

    def rows(self, x: Tensor, begin: int) -> Tensor:
        """Return the rows of the sites of `(B, Q, …)`, whose positions count from `begin`."""
        if len(self.example) == x.shape[0] * x.shape[1]:  # every position: nothing is picked
            return x.flatten(0, 1)
        return x[self.example, self.position - begin]


@dataclass(frozen=True, slots=True)
class Called:
    """What the sites called.

    Attributes:
        sites: where.
        routing: which programs on what.
        result: its distribution, `(N, n)`; None where numbers are written as digits.
        spread: the same where numbers are written as digits.
        pointed: whether operands point to numbers of the text; else they are decoded.

    """

    sites: Sites
    routing: Routing
    result: Tensor | None
    spread: Spread | None
    pointed: bool

    def written(self) -> Tensor:
        """Return how likely each number is what is written, `(N, n)`."""
        assert self.result is not None
        return self.routing.write.unsqueeze(1) * self.result

    def spread_written(self) -> Spread:
        """Return the same where numbers are written as digits."""
        assert self.spread is not None
        write = self.routing.write.unsqueeze(1)
        return Spread(self.spread.numbers, write * self.spread.chances)


def find_sites(reading: Reading, callers: Tensor, begin: int, chained: bool) -> Sites:
    """Return the sites among the positions from `begin` on.

    Args:
        reading: of the whole texts, `(B, T)`.
        callers: at which positions a call may be made, bool `(B, T)`.
        begin: positions before it are left out.
        chained: whether sites may use what earlier sites gave.

    """
    anchor = reading.anchor
    may = callers.gather(1, anchor.clamp_min(0)) & (anchor >= 0) & reading.present
    may = may[:, begin:]
    example, position = may.nonzero(as_tuple=True)
    position = position + begin
    numbers, found = _in_front(reading.ends())
    values = torch.where(found, reading.values.gather(1, numbers), 0)
    caller = anchor[example, position]
    there = found[example] & (numbers[example] <= caller.unsqueeze(1))
    if not chained:
        none = example.new_zeros(len(may), 0)
        return Sites(example, position, numbers, values, there, none, none[example].bool())
    order, is_call = _in_front(may)
    number = (may.flatten().cumsum(0) - 1).view(may.shape).gather(1, order)
    before = is_call[example] & (order[example] + begin < position.unsqueeze(1))
    calls = torch.where(is_call, number, 0)
    return Sites(example, position, numbers, values, there, calls, before)


def _in_front(marked: Tensor) -> tuple[Tensor, Tensor]:
    """Return the marked positions of each row in order, and which of these are any."""
    count = int(marked.sum(1).max()) if marked.numel() else 0
    order = torch.argsort(~marked, dim=1, stable=True)[:, :count]
    return order, marked.gather(1, order)


class Computer(nn.Module):
    """Router, programs, and the way back into the residual stream.

    Attributes:
        router: what is learned of calls.
        back: from a result to hidden states; 0 before training. None: nothing returns.
        steps: how many calls may depend on each other, one after the other.

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
        self.calls, self.digits, self.steps = calls, digits, steps
        self.router = Router(
            hidden, len(calls.names), operands, parse=parse, size=calls.n, width=width
        )
        self.back = nn.Linear(calls.n, hidden, bias=False) if residual else None
        if self.back is not None:
            nn.init.zeros_(self.back.weight)

    def call(self, features: Tensor, reading: Reading, callers: Tensor, begin: int) -> Called:
        """Run the programs at all sites from `begin` on.

        Args:
            features: of all positions of the texts, `(B, T, features)`.
            reading: of the texts.
            callers: at which positions a call may be made, bool `(B, T)`.
            begin: the first position that may be a site.

        """
        router, chained = self.router, self.steps > 1
        first = 0 if chained else begin  # a chain may begin anywhere
        sites = find_sites(reading, callers, first, chained)
        with torch.autocast(features.device.type, enabled=False):
            own, visible = features[:, first:], reading.visible()
            seen = visible[:, first:]
            anchor = reading.anchor[:, first:].clamp_min(0).unsqueeze(-1)
            if self.digits:  # else every token is its own anchor
                own = features.gather(1, anchor.expand(-1, -1, features.shape[-1]))
                seen = visible.gather(1, anchor.expand(-1, -1, visible.shape[-1]))
            if chained:  # only what stands behind the call before: the rest is its result now
                part = callers.cumsum(1) - callers.long()
                seen = seen & (part.gather(1, anchor[..., 0]).unsqueeze(2) == part.unsqueeze(1))
            proposed = router.look(own, features, seen)
            own, proposed = (sites.rows(x, first) for x in (own, proposed))
            results = router.part(own, "result")[sites.calls][sites.example], sites.earlier
            if router.parse == "decode":
                called = self._run(sites, router.route(own, proposed, None, results), None)
            else:
                keys = router.part(features, "number")
                place = sites.numbers.unsqueeze(-1).expand(-1, -1, keys.shape[-1])
                keys = keys.gather(1, place)[sites.example]
                routing = router.route(own, proposed, (keys, sites.there), results)
                called = self._run(sites, routing, sites.values[sites.example])
        return called if first == begin else _since(called, begin)

    def _run(self, sites: Sites, routing: Routing, values: Tensor | None) -> Called:
        calls, pointed = self.calls, values is not None
        if values is not None and calls.call == "joint":
            found = spread(calls.outcomes, routing, values)
            if self.digits:
                return Called(sites, routing, None, found, pointed)
            result = found.dense(calls.n)
        else:
            literal = _dense(routing.operands, values, calls.n)
            result = calls(routing.selection, literal, routing.earlier[..., :0], [])
        if self.steps > 1:
            literal = _dense(routing.operands, values, calls.n)
        for _ in range(self.steps - 1):  # what rests on earlier results is known a step later
            earlier = result[sites.calls][sites.example]
            result = calls(routing.selection, literal, routing.earlier, earlier.unbind(1))
        return Called(sites, routing, result, None, pointed)

    def returned(self, hidden: Tensor, called: Called, begin: int) -> Tensor:
        """Return hidden states `(B, T', d)` of positions from `begin` on with results added."""
        if self.back is None:
            return hidden
        weight = self.back.weight.float()
        added = nn.functional.linear(called.written(), weight).to(hidden.dtype)
        sites = called.sites
        if len(added) == hidden.shape[0] * hidden.shape[1]:
            return hidden + added.view_as(hidden)
        return hidden.index_put((sites.example, sites.position - begin), added, accumulate=True)


def _since(called: Called, begin: int) -> Called:
    """Return the calls of the positions from `begin` on only; `calls` still counts all of them."""
    sites, routing, kept = called.sites, called.routing, called.sites.position >= begin
    assert called.result is not None
    return Called(
        replace(
            sites, example=sites.example[kept], position=sites.position[kept],
            there=sites.there[kept], earlier=sites.earlier[kept],
        ),
        Routing(
            routing.selection[kept], routing.operands[kept], routing.earlier[kept],
            routing.write[kept],
        ),
        called.result[kept], None, called.pointed,
    )  # fmt: skip


def _dense(chances: Tensor, values: Tensor | None, n: int) -> Tensor:
    """Return operands as distributions of numbers, `(N, operands, n)`."""
    if values is None:
        return chances
    zeros = chances.new_zeros(*chances.shape[:2], n)
    return zeros.scatter_add(2, values.unsqueeze(1).expand_as(chances), chances)
