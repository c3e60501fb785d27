"""A whole run of the register machine as one operation of autograd, its turns run by kernels.

Says the same as `Turns.run`, several times faster on a CPU: a turn, with what it fetches, is one
call forward and one backward, which runs the turn again; between them only the states are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.native.rollout import TABLE, Rollout

Array = np.ndarray[Any, Any]
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
        errors: of the cells that were watched, after each turn, `(T, P, B)`; else 0.
        memory, registers: every example at its own end, `(P, B, M, M)` and `(P, B, R, M)`; where
            cells were watched as it began, and not to be used.

    """

    stopped: Tensor
    running: Tensor
    errors: Tensor
    memory: Tensor
    registers: Tensor


@dataclass(frozen=True, slots=True)
class Watched:
    """Cells whose squared errors are wanted after every turn.

    Attributes:
        cells: int64 `(N,)`, all different: M times the number of the example, of all programs one
            after the other, plus that of the cell.
        rows: what should be in them, `(N, M)`.
        sample: the numbers of their examples, int64 `(N,)`.

    """

    cells: Tensor
    rows: Tensor
    sample: Tensor

    def difference(self, memory: Tensor) -> Tensor:
        """Return how far memories `(P, B, M * M)` are from what should be in them, `(N, M)`."""
        found = memory.view(-1, self.rows.shape[-1]).index_select(0, self.cells)
        return found.sub_(self.rows)

    def errors(self, memory: Tensor) -> Tensor:
        """Return the squared error of each example, `(P, B)`."""
        parts = self.difference(memory).square_().sum(-1)
        zeros = memory.new_zeros(memory.shape[0] * memory.shape[1])
        return zeros.index_add_(0, self.sample, parts).view(memory.shape[:2])

    def back(self, memory: Tensor, errors: Tensor, gradient: Tensor) -> None:
        """Add to the gradient of memories what comes from that of the errors."""
        scale = errors.reshape(-1).index_select(0, self.sample).unsqueeze(1)
        rows = self.difference(memory).mul_(scale).mul_(2)
        whole = gradient.view(-1, rows.shape[-1])
        whole.index_copy_(0, self.cells, rows.add_(whole.index_select(0, self.cells)))


def roll(
    rollout: Rollout, rules: Rules, table: Tensor, state: Mapping[str, Tensor],
    watched: Watched | None = None,
) -> Rolled:  # fmt: skip
    """Run until every example is at its end.

    Args:
        rollout: the turn.
        rules: how it stops.
        table: what `Turns.commands` returned.
        state: where to begin, by the names in `STATE`, `(P, B, *shape, M)`.
        watched: cells whose errors are wanted after every turn, instead of the state at the end.

    """
    course = _Course(rollout, rules, watched)
    given = [state[name] for name in STATE]
    stopped, errors, *finals = _Roll.apply(course, table, *given)  # type: ignore[no-untyped-call]
    memory, registers = (
        final.view(state[name].shape) for final, name in zip(finals, STATE, strict=False)
    )
    return Rolled(stopped, torch.from_numpy(np.stack(course.running)), errors, memory, registers)


@dataclass
class _Course:
    """A run: what was given to every turn and the end, and how it went; `(P, B, numbers)`.

    What there is one number of for each example is an array of NumPy, which is quicker for few.
    """

    rollout: Rollout
    rules: Rules
    watched: Watched | None
    given: list[dict[str, Tensor]] = field(default_factory=list)
    stop: list[Array] = field(default_factory=list)
    stopped: list[Array] = field(default_factory=list)
    running: list[Array] = field(default_factory=list)

    def run(self, table: Tensor, state: dict[str, Tensor], *, keep: bool) -> tuple[Tensor, ...]:
        """Run; return what `_Roll` does. `keep`: what the way back needs."""
        rules = self.rules
        finals = [state[name].clone() for name in STATE[:2]]
        stopped = np.zeros(finals[0].shape[:2], finals[0].numpy().dtype)
        running = np.ones_like(stopped, dtype=bool)
        self.stopped, self.running = [stopped], [running]
        errors = [torch.from_numpy(stopped)]
        limits = rules.limits.numpy()[:, None]
        for count in range(1, int(limits.max()) + 1):
            if not running.any():
                break
            given = {**state, TABLE: table}
            after = self.rollout.run(given)
            state = {name: after[rules.following[name]] for name in STATE}
            stop = after[rules.following["halted"]].numpy()[..., 1]
            stopped = stopped + (1 - stopped) * stop
            running = running & (stopped <= rules.threshold) & (count < limits)
            self.stopped.append(stopped)
            self.running.append(running)
            if self.watched is not None:
                errors.append(self.watched.errors(state["memory"]))
            elif (ended := self.ended(count - 1)) is not None:
                for final, name in zip(finals, STATE, strict=False):
                    final[ended] = state[name][ended]
            if keep:
                self.given.append(given)
                self.stop.append(stop)
        self.given.append(state)
        return torch.from_numpy(np.stack(self.stopped)), torch.stack(errors)[1:], *finals

    def ended(self, turn: int) -> Tensor | None:
        """Return which examples ended with a turn, None if none did."""
        found = self.running[turn] & ~self.running[turn + 1]
        return torch.from_numpy(found) if found.any() else None

    def back(
        self, table: Tensor, state: Mapping[str, Tensor], stopped: Tensor | None,
        errors: Tensor | None, finals: list[Tensor | None],
    ) -> list[Tensor]:  # fmt: skip
        """Return the gradients of the table and the first state, from those of what came out."""
        following, d_table = self.rules.following, torch.zeros_like(table)
        gradient = {name: torch.zeros_like(state[name]) for name in STATE}
        chance = np.zeros_like(self.stopped[0])
        for t in reversed(range(len(self.stop))):
            if self.watched is not None and errors is not None:
                self.watched.back(self.given[t + 1]["memory"], errors[t], gradient["memory"])
            if self.watched is None:
                _finish(gradient, finals, self.ended(t))
            if stopped is not None:
                chance = chance + stopped[t + 1].numpy()
            seed = np.zeros((*chance.shape, 2), chance.dtype)
            seed[..., 1] = chance * (1 - self.stopped[t])
            seeds = {following[name]: gradient[name] for name in STATE}
            seeds[following["halted"]] = torch.from_numpy(seed)
            found = self.rollout.back(self.given[t], seeds)
            d_table += found[TABLE]
            gradient = {
                name: found[name] if name in found else torch.zeros_like(state[name])
                for name in STATE
            }
            if not self.rules.reference:
                chance = chance * (1 - self.stop[t])
        if not self.stop:  # the end is the start
            _finish(gradient, finals, torch.ones(chance.shape, dtype=torch.bool))
        return [d_table, *(gradient[name] for name in STATE)]


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
    """From table and state to the chances to have stopped, errors, and the final state."""

    @staticmethod
    def forward(ctx: Any, course: _Course, table: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        ctx.shapes = [value.shape for value in (table, *state)]
        table = table.flatten(1).contiguous()
        given = {
            name: value.flatten(2).contiguous() for name, value in zip(STATE, state, strict=True)
        }
        found = course.run(table, given, keep=any(ctx.needs_input_grad))
        ctx.course = course
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(table, *given.values())
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        stopped, errors, *finals = grads
        table, *state = ctx.saved_tensors
        given = dict(zip(STATE, state, strict=True))
        found = ctx.course.back(table, given, stopped, errors, finals)
        return (None, *(x.view(shape) for x, shape in zip(found, ctx.shapes, strict=True)))
