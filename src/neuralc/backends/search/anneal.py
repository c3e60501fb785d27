"""Stochastic search: simulated annealing of many programs at once, with restarts.

Every chain changes its program at random and keeps the change if it makes fewer mistakes, or by
chance, less and less often as it cools down (Kirkpatrick, Gelatt, Vecchi 1983; for programs:
Schkufza, Sharma, Aiken 2013). After a round all chains start anew, and the next round is longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from neuralc.backends.search.moves import Moves
from neuralc.backends.search.scoring import Cost
from neuralc.backends.search.space import Array, Space

CHAINS, STEPS = 256, 500  # of the first round
GROWTH = 1.5  # of the number of steps from round to round
HOT, COLD = 2.0, 0.15  # temperatures, in mistakes


class Annealing:
    """A search that can be stopped at every yield.

    Attributes:
        best: the choices int64 [choices] with the fewest mistakes, OPEN where there is no value.
        cost: their number of mistakes.
        tried: how many programs were run.

    """

    def __init__(
        self, space: Space, cost: Cost, *, seed: int, chances: Mapping[str, Array] | None = None,
        chains: int = CHAINS, steps: int = STEPS,
    ) -> None:  # fmt: skip
        """Start with nothing; `chances` are probabilities of values to draw from."""
        self.space, self.of, self.chains, self.steps = space, cost, chains, steps
        self.rng = np.random.default_rng(seed)
        self.moves = Moves(space, chances or {}, self.rng)
        self.best: Array | None = None
        self.cost = np.inf
        self.tried = self.rounds = 0

    @property
    def note(self) -> str:
        """What was done so far, in a few words."""
        return f"{self.tried:,} programs annealed in {self.rounds} rounds"

    def search(self) -> Iterator[int]:
        """Yield how many programs were run since the last yield; ends when one is right."""
        steps = float(self.steps)
        while self.cost > 0:
            self.rounds += 1
            yield from self._round(int(steps))
            steps *= GROWTH

    def _round(self, steps: int) -> Iterator[int]:
        rows = self.moves.draw(self.chains)
        costs = self._costs(rows)
        yield self.chains
        for heat in np.geomspace(HOT, COLD, steps):
            if self.cost == 0:
                return
            others = self.moves.changed(rows)
            found = self._costs(others)
            taken = found - costs <= -heat * np.log(1 - self.rng.random(self.chains))
            rows = np.where(taken[:, None], others, rows)
            costs = np.where(taken, found, costs)
            yield self.chains

    def _costs(self, rows: Array) -> Array:
        full = np.broadcast_to(self.space.start, (len(rows), self.space.count)).astype(np.int64)
        full[:, self.space.open] = rows
        costs = self.of(self.space.params(full))
        self.tried += len(rows)
        k = int(costs.argmin())
        if costs[k] < self.cost:
            self.cost, self.best = float(costs[k]), full[k]
        return costs
