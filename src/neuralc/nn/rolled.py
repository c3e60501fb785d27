"""A whole run of the register machine as one operation of autograd, its turns run by kernels.

Says the same as `Turns.run`, several times faster on a CPU: a turn, with what it fetches, is one
call forward and one backward, which runs the turn again; between them only the states are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from neuralc.backends.native.rollout import TABLE, Rollout

STATE = ("memory", "registers", "line_number")


@dataclass(frozen=True)
class Rules:
    """How a run goes on and stops, see `Turns`.

    Attributes:
        following: from each part of the state before a turn to its name after it.
        reference: whether the probability of still running is taken for a constant.
        threshold: eta.
        limits: the most turns that each program makes, int64 `(P,)`.

    """

    following: Mapping[str, str]
    reference: bool
    threshold: float
    limits: Tensor


@dataclass(frozen=True, slots=True)
class Rolled:
    """What is known of a run of T turns; all of it can be differentiated.

    Attributes:
        stopped: the probability that it has stopped before each turn and at the end, `(T+1, P, B)`.
        running: which examples go on from there, bool `(T+1, P, B)`.
        cells: the cells that were watched after each turn, `(T, N, M)`.
        memory, registers: every example at its own end, `(P, B, M, M)` and `(P, B, R, M)`.

    """

    stopped: Tensor
    running: Tensor
    cells: Tensor
    memory: Tensor
    registers: Tensor


def roll(
    rollout: Rollout, rules: Rules, table: Tensor, state: Mapping[str, Tensor], watched: Tensor
) -> Rolled:
    """Run until every example is at its end.

    Args:
        rollout: the turn.
        rules: how it stops.
        table: what `Turns.commands` returned.
        state: where to begin, by the names in `STATE`, `(P, B, *shape, M)`.
        watched: the cells to keep, int64 `(N,)`, counted through all programs and examples.

    """
    course = _Course(rollout, rules, watched)
    given = [state[name] for name in STATE]
    found = _Roll.apply(course, table, *given)  # type: ignore[no-untyped-call]
    stopped, cells, memory, registers = found
    return Rolled(stopped, torch.stack(course.running), cells, memory, registers)


@dataclass
class _Course:
    """A run: what was given to every turn, and how it went."""

    rollout: Rollout
    rules: Rules
    watched: Tensor
    given: list[dict[str, Tensor]] = field(default_factory=list)
    stop: list[Tensor] = field(default_factory=list)
    stopped: list[Tensor] = field(default_factory=list)
    running: list[Tensor] = field(default_factory=list)
    ended: list[Tensor | None] = field(default_factory=list)  # None: no example

    def run(self, table: Tensor, state: dict[str, Tensor], *, keep: bool) -> tuple[Tensor, ...]:
        """Run; return what `_Roll` does. `keep`: what the way back needs."""
        following, threshold = self.rules.following, self.rules.threshold
        finals = [state[name].clone() for name in STATE[:2]]
        stopped = finals[0].new_zeros(finals[0].shape[:2])
        running = torch.ones_like(stopped, dtype=torch.bool)
        self.stopped, self.running = [stopped], [running]
        cells = []
        for count in range(1, int(self.rules.limits.max()) + 1):
            if not running.any():
                break
            given = {**state, TABLE: table}
            after = self.rollout.run(given)
            state = {name: after[following[name]].view_as(state[name]) for name in STATE}
            stop = after[following["halted"]][..., 1]
            stopped = stopped + (1 - stopped) * stop
            before, more = running, (count < self.rules.limits).unsqueeze(1)
            running = before & (stopped <= threshold) & more
            self.stopped.append(stopped)
            self.running.append(running)
            cells.append(state["memory"].flatten(0, -2).index_select(0, self.watched))
            ended: Tensor | None = before & ~running
            if ended is not None and ended.any():
                for final, name in zip(finals, STATE, strict=False):
                    final[ended] = state[name][ended]
            else:
                ended = None
            if keep:
                self.given.append(given)
                self.stop.append(stop)
                self.ended.append(ended)
        none = table.new_empty(0, len(self.watched), finals[0].shape[-1])
        return torch.stack(self.stopped), torch.stack(cells) if cells else none, *finals

    def back(
        self, table: Tensor, state: Mapping[str, Tensor], stopped: Tensor | None,
        cells: Tensor | None, finals: list[Tensor | None],
    ) -> list[Tensor]:  # fmt: skip
        """Return the gradients of the table and the first state, from those of what came out."""
        d_table = torch.zeros_like(table)
        gradient = {name: torch.zeros_like(state[name]) for name in STATE}
        chance = torch.zeros_like(self.stopped[0])
        for t in reversed(range(len(self.given))):
            if cells is not None:
                gradient["memory"].flatten(0, -2).index_add_(0, self.watched, cells[t])
            self._finish(gradient, finals, self.ended[t])
            if stopped is not None:
                chance = chance + stopped[t + 1]
            seed = torch.stack((torch.zeros_like(chance), chance * (1 - self.stopped[t])), -1)
            following = self.rules.following
            seeds = {following["halted"]: seed}
            seeds |= {following[name]: gradient[name] for name in STATE}
            found = self.rollout.back(self.given[t], seeds)
            d_table += found[TABLE].view_as(table)
            gradient = {
                name: found[name].view_as(state[name]) if name in found
                else torch.zeros_like(state[name]) for name in STATE
            }  # fmt: skip
            if not self.rules.reference:
                chance = chance * (1 - self.stop[t])
        if not self.given:  # the end is the start
            self._finish(gradient, finals, self.running[0])
        return [d_table, *(gradient[name] for name in STATE)]

    @staticmethod
    def _finish(
        gradient: Mapping[str, Tensor], finals: list[Tensor | None], ended: Tensor | None
    ) -> None:
        """Add the gradient of the final state of the examples that have ended."""
        if ended is None:
            return
        for final, name in zip(finals, STATE, strict=False):
            if final is not None:
                gradient[name][ended] += final[ended]


class _Roll(torch.autograd.Function):
    """From table and state to the chances to have stopped, watched cells, and the final state."""

    @staticmethod
    def forward(ctx: Any, course: _Course, table: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        table, *state = (value.contiguous() for value in (table, *state))  # type: ignore[assignment]
        keep = any(ctx.needs_input_grad)
        found = course.run(table, dict(zip(STATE, state, strict=True)), keep=keep)
        ctx.course = course
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(table, *state)
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        stopped, cells, *finals = grads
        table, *state = ctx.saved_tensors
        given = dict(zip(STATE, state, strict=True))
        return (None, *ctx.course.back(table, given, stopped, cells, finals))
