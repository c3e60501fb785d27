"""What a run of the soft register machine costs: wrong cells, doubt, time, and no end.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 4.2, in the
form of the public implementation: errors are squared distances of distributions, summed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from neuralc.nn.machine import RegisterMachine
from neuralc.nn.rolled import Watched
from neuralc.nn.turns import State


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each term counts; the names in the paper are alpha, beta, gamma, delta."""

    response: float = 1.0
    confidence: float = 0.0
    efficiency: float = 0.0
    halting: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """The four terms, each `(P, B)`; E is the end of an example, p the chance to have stopped.

    Attributes:
        response: squared error of the asked cells at the end.
        confidence: sum over t = 1..E of `(p_t - p_{t-1})` times the squared error then.
        efficiency: sum over t = 0..E of `1 - p_t`.
        halting: `1 - p_E` where that is above the threshold's complement, else 0.
        end: the chance to have stopped at the end.

    """

    response: Tensor
    confidence: Tensor
    efficiency: Tensor
    halting: Tensor
    end: Tensor

    def total(self, weights: Weights) -> Tensor:
        """Return the weighted sum, `(P, B)`."""
        return (
            weights.response * self.response
            + weights.confidence * self.confidence
            + weights.efficiency * self.efficiency
            + weights.halting * self.halting
        )


class Wanted:
    """What should come out: distributions of the asked cells only."""

    def __init__(self, values: Any, asked: Any, like: Tensor, restarts: int) -> None:
        """Pick the asked cells out.

        Args:
            values: integers `(B, M)` or `(P, B, M)`, or distributions with one axis M more.
            asked: which cells count, bool `(B, M)` or `(P, B, M)`.
            like: a tensor of the dtype and device to use.
            restarts: P.

        """
        mask = torch.as_tensor(asked, device=like.device, dtype=torch.bool)
        mask = mask.expand(restarts, *mask.shape[-2:])
        given = torch.as_tensor(values, device=like.device)
        if not given.is_floating_point():
            given = one_hot(given.long(), mask.shape[-1])
        given = given.expand(restarts, *given.shape[-3:])
        self.shape = mask.shape[:2]
        self.where = mask.nonzero(as_tuple=True)
        self.rows = given[self.where].to(like)
        self.sample = self.where[0] * self.shape[1] + self.where[1]
        self.watched = Watched(self.sample * mask.shape[-1] + self.where[2], self.rows, self.sample)

    def error(self, memory: Tensor) -> Tensor:
        """Return the squared error of the asked cells of memories `(P, B, M, M)`, `(P, B)`."""
        rows = memory[self.where] - self.rows
        zeros = memory.new_zeros(self.shape[0] * self.shape[1])
        return zeros.index_add(0, self.sample, rows.square().sum(-1)).view(self.shape)


def loss(
    machine: RegisterMachine, memory: Any, wanted: Wanted, *, max_steps: int | None = None,
    confidence: bool = True,
) -> Terms:  # fmt: skip
    """Run a machine and return the terms of the loss, each `(P, B)`.

    With the halting rule "reference" the term `halting` counts where all steps were used, as in the
    public implementation; else where an example has not stopped.

    Args:
        machine: the machine.
        memory: see `RegisterMachine.forward`.
        wanted: what should come out.
        max_steps: the most turns; None: those of the machine.
        confidence: False leaves that term 0; it needs the errors of all states.

    """
    if machine.engine == "native":
        seen = _by_kernels(machine, memory, wanted, max_steps, every=confidence)
    else:
        states = machine.states(memory, max_steps=max_steps)
        seen = _by_torch(states, wanted, every=confidence)
    stopped, before = seen.stopped, seen.running[:-1]
    ended = before & ~seen.running[1:]
    end = (stopped[1:] * ended).sum(0)
    doubt, time = torch.zeros_like(end), 1 - stopped[0]
    time = time + ((1 - stopped[1:]) * before).sum(0)
    if seen.errors is not None:
        doubt = ((stopped[1:] - stopped[:-1]) * seen.errors * before).sum(0)
    unfinished = end <= machine.turns.threshold
    if machine.turns.halting == "reference":
        unfinished = before.sum(0) >= machine.cut_off(max_steps).unsqueeze(1)
    return Terms(seen.response, doubt, time, (1 - end) * unfinished, end)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the loss needs to know of a run.

    Chances to have stopped and what goes on from there are `(T + 1, P, B)`, the squared error at
    the end `(P, B)`, errors after every turn `(T, P, B)` if they were asked for.
    """

    stopped: Tensor
    running: Tensor
    response: Tensor
    errors: Tensor | None


def _by_kernels(
    machine: RegisterMachine, memory: Any, wanted: Wanted, max_steps: int | None, *, every: bool
) -> _Seen:
    if not every:
        run = machine.rolled(memory, max_steps=max_steps)
        return _Seen(run.stopped, run.running, wanted.error(run.memory), None)
    run = machine.rolled(memory, wanted.watched, max_steps=max_steps)
    ended = run.running[:-1] & ~run.running[1:]
    return _Seen(run.stopped, run.running, (run.errors * ended).sum(0), run.errors)


def _by_torch(states: Iterator[State], wanted: Wanted, *, every: bool) -> _Seen:
    state = next(states)
    response = torch.zeros_like(state.stopped)
    stopped, running, errors = [state.stopped], [state.running], [response]
    for following in states:
        ended = state.running & ~following.running
        if every or ended.any():
            errors.append(wanted.error(following.memory))
            response = torch.where(ended, errors[-1], response)
        stopped.append(following.stopped)
        running.append(following.running)
        state = following
    kept = torch.stack(errors)[1:] if every else None
    return _Seen(torch.stack(stopped), torch.stack(running), response, kept)
