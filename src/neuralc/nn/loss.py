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
        self.cells = self.sample * mask.shape[-1] + self.where[2]

    def error(self, memory: Tensor) -> Tensor:
        """Return the squared error of the asked cells of memories `(P, B, M, M)`, `(P, B)`."""
        return self.errors(memory[self.where].unsqueeze(0))[0]

    def errors(self, cells: Tensor) -> Tensor:
        """Return that of the asked cells alone at T times, `(T, N, M)`, as `(T, P, B)`."""
        parts = (cells - self.rows).square().sum(-1)
        zeros = cells.new_zeros(len(parts), self.shape[0] * self.shape[1])
        return zeros.index_add(1, self.sample, parts).unflatten(1, self.shape)


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
    if machine.turns.native(machine.initial_line):
        rolled = machine.rolled(memory, wanted.cells, max_steps=max_steps)
        stopped, running = rolled.stopped, rolled.running
        errors = wanted.errors(rolled.cells)
    else:
        states = machine.states(memory, max_steps=max_steps)
        stopped, running, errors = _turns(states, wanted, every=confidence)
    before, end = running[:-1], (stopped[1:] * (running[:-1] & ~running[1:])).sum(0)
    response = (errors * (before & ~running[1:])).sum(0)
    time = 1 - stopped[0] + ((1 - stopped[1:]) * before).sum(0)
    doubt = torch.zeros_like(end)
    if confidence:
        doubt = ((stopped[1:] - stopped[:-1]) * errors * before).sum(0)
    unfinished = end <= machine.turns.threshold
    if machine.turns.halting == "reference":
        unfinished = before.sum(0) >= machine.cut_off(max_steps).unsqueeze(1)
    return Terms(response, doubt, time, (1 - end) * unfinished, end)


def _turns(
    states: Iterator[State], wanted: Wanted, *, every: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the chances to have stopped and what goes on from there, `(T + 1, P, B)`, and errors.

    These are `(T, P, B)`; not `every`: 0 but where an example is at its end.
    """
    state = next(states)
    stopped, running, errors = [state.stopped], [state.running], [torch.zeros_like(state.stopped)]
    for following in states:
        ended = state.running & ~following.running
        known = every or bool(ended.any())
        errors.append(wanted.error(following.memory) if known else errors[0])
        stopped.append(following.stopped)
        running.append(following.running)
        state = following
    return torch.stack(stopped), torch.stack(running), torch.stack(errors)[1:]
