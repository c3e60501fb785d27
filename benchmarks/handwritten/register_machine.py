"""The register machine by hand: one spectrum per turn for all arithmetic, restarts leading.

What an engineer would write who needs this one machine: ADD, SUB, INC and DEC are one circular
convolution, done as products with a small Fourier matrix; the same product gives the cumulative
sums of MAX, and MIN is `a + b - MAX`. Four terms of loss, both ways of mixing the commands of the
lines, both gradients of halting. It knows no task, no sampler and no optimiser.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

STOP, ZERO, INC, ADD, SUB, DEC, MIN, MAX, READ, WRITE, JEZ = range(11)
OPERATIONS = 11
ROWS, LOGITS = "rows", "logits"
TRUE, REFERENCE = "true", "reference"


class CentredSoftmax(torch.autograd.Function):
    """Softmax over the last dimension; its backward is exact to rounding for sharp rows too."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor) -> Tensor:
        """Return the probabilities."""
        result = logits.softmax(-1)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """Subtract the winner's gradient first: without that, near-certain rows cancel."""
        (result,) = ctx.saved_tensors
        centred = grads[0] - grads[0].gather(-1, result.argmax(-1, keepdim=True))
        grad: Tensor = result * (centred - (result * centred).sum(-1, keepdim=True))
        return grad


def softmax(logits: Tensor) -> Tensor:
    """Return the probabilities of logits, with a backward that does not cancel."""
    result: Tensor = CentredSoftmax.apply(logits)  # type: ignore[no-untyped-call]
    return result


@dataclass(frozen=True)
class Rules:
    """How a run goes, and what it costs.

    Attributes:
        max_steps: T, the turns after which a run is cut off.
        mixing: ROWS mixes the lines' probabilities, LOGITS the lines' logits before the softmax.
        halting: TRUE is the exact gradient, REFERENCE what the reference of 2016 descends.
        threshold: a run ends when more than this much of it has stopped.
        renormalise: whether the result and the instruction pointer are divided by their sums.
        alpha: the weight of the error at the end.
        beta: of the error at every turn, as far as the run stops there.
        gamma: of the turns before the stop.
        delta: of what has not stopped at the end.

    """

    max_steps: int
    mixing: str = ROWS
    halting: str = TRUE
    threshold: float = 0.9
    renormalise: bool = True
    alpha: float = 10.0
    beta: float = 0.0
    gamma: float = 0.0
    delta: float = 0.0


class Losses(NamedTuple):
    """The four terms without their weights, each `[P, B]`."""

    alpha: Tensor
    beta: Tensor
    gamma: Tensor
    delta: Tensor


class Run(NamedTuple):
    """A run of P restarts on B examples, each up to its own end.

    Attributes:
        memory: at the end, `[P, B, M, M]`.
        registers: at the end, `[P, B, R, M]`.
        stopped: how much has stopped after each turn, `[P, B, turns + 1]`; constant after the end.
        steps: the turns until the end, `[P, B]`.
        losses: None without targets.

    """

    memory: Tensor
    registers: Tensor
    stopped: Tensor
    steps: Tensor
    losses: Losses | None


class RegisterMachine(nn.Module):
    """A soft register machine with M cells, values and lines, and R registers."""

    spectra: Tensor
    inverse: Tensor
    circles: Tensor

    def __init__(self, memory: int, registers: int, rules: Rules) -> None:
        super().__init__()
        self.size, self.registers, self.rules = memory, registers, rules
        self.waves = memory // 2 + 1
        values = torch.arange(memory, dtype=torch.float64)
        angles = 2 * math.pi / memory * torch.outer(values, values[: self.waves])
        sums = torch.ones(memory, memory, dtype=torch.float64).triu()
        weights = torch.full((self.waves, 1), 2.0 / memory, dtype=torch.float64)
        weights[0] = 1 / memory
        if memory % 2 == 0:
            weights[-1] = 1 / memory
        inverse = torch.cat((angles.cos().T * weights, -angles.sin().T * weights))
        circles = torch.zeros(2, 2, self.waves, dtype=torch.float64)  # of INC and DEC
        circles[0, :], circles[1, 0] = angles[1].cos(), -angles[1].sin()
        circles[1, 1] = angles[1].sin()
        self.register_buffer("spectra", torch.cat((angles.cos(), -angles.sin(), sums), 1))
        self.register_buffer("inverse", inverse)  # [2 * waves, M]
        self.register_buffer("circles", circles.transpose(0, 1).reshape(2, -1))

    def forward(
        self,
        params: Mapping[str, Tensor],
        memory: Tensor,
        target: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Run:
        """Run from `memory`.

        Args:
            params: logits `instruction` `[P, M, 11]`, `first`, `second`, `target` `[P, M, R]`,
                `initial_registers` `[P, R, M]`, `initial_line` `[P, M]`.
            memory: `[B, M, M]`, or `[P, B, M, M]`: every restart has its own examples.
            target: the wanted memory, like `memory`.
            mask: which cells count, `[B, M]` or `[P, B, M]`.

        """
        names = ("instruction", "first", "second", "target")
        if self.rules.mixing == ROWS:
            commands = torch.cat([softmax(params[name]) for name in names], -1)
        else:
            commands = torch.cat([params[name] for name in names], -1)
        restarts = len(commands)
        memory = memory.expand(restarts, *memory.shape[-3:])
        batch = memory.shape[1]
        registers = softmax(params["initial_registers"]).unsqueeze(1).expand(-1, batch, -1, -1)
        line = softmax(params["initial_line"]).unsqueeze(1).expand(-1, batch, -1)
        book = _Book(self.rules, memory, target, mask)
        for _ in range(self.rules.max_steps):
            memory, registers, line, stop = self.turn(
                commands, memory, registers, line, book.active
            )
            book.record(stop, memory)
            if book.over():
                break
        return book.close(memory, registers)

    def turn(
        self, commands: Tensor, memory: Tensor, registers: Tensor, line: Tensor, active: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return memory, registers and line after one turn, and how much of it was STOP.

        Where `active` is 0, memory and registers stay as they are.
        """
        mixed = torch.bmm(line, commands)
        operation = mixed[..., :OPERATIONS]
        chosen = mixed[..., OPERATIONS:].unflatten(-1, (3, self.registers))
        if self.rules.mixing == LOGITS:
            operation, chosen = softmax(operation), softmax(chosen)
        pair = chosen[..., :2, :] @ registers  # [P, B, 2, M]
        x, y = pair.unbind(-2)
        result = self.result(operation, pair, x, y, (x.unsqueeze(-2) @ memory).squeeze(-2))
        if self.rules.renormalise:
            result = result / result.sum(-1, keepdim=True)
        active = active.unsqueeze(-1)
        written = operation[..., WRITE, None] * active * x
        memory = torch.lerp(memory, y.unsqueeze(-2), written.unsqueeze(-1))
        changed = chosen[..., 2, :] * active
        registers = torch.lerp(registers, result.unsqueeze(-2), changed.unsqueeze(-1))
        jump = operation[..., JEZ, None] * x[..., :1]
        line = torch.lerp(line.roll(1, -1), y, jump)
        if self.rules.renormalise:
            line = line / line.sum(-1, keepdim=True)
        return memory, registers, line, operation[..., STOP]

    def result(self, operation: Tensor, pair: Tensor, x: Tensor, y: Tensor, read: Tensor) -> Tensor:
        """Return the mixture of the eleven results, `[P, B, M]`."""
        seen = pair @ self.spectra
        waves = self.waves
        xr, yr = seen[..., :waves].unbind(-2)
        xi, yi = seen[..., waves : 2 * waves].unbind(-2)
        below_x, below_y = seen[..., 2 * waves :].unbind(-2)
        circles = operation[..., INC : DEC + 1 : DEC - INC] @ self.circles
        add, subtract = operation[..., ADD, None], operation[..., SUB, None]
        kr = (add + subtract) * yr + circles[..., :waves]
        ki = (add - subtract) * yi + circles[..., waves:]
        nothing = operation[..., [STOP, ZERO, WRITE, JEZ]].sum(-1, keepdim=True)  # the value 0
        spectrum = torch.cat((xr * kr - xi * ki + nothing, xr * ki + xi * kr), -1)
        most = x * below_y + y * below_x - x * y
        least = operation[..., MIN, None]
        return (
            spectrum @ self.inverse
            + least * (x + y)
            + (operation[..., MAX, None] - least) * most
            + operation[..., READ, None] * read
        )


class _Book:
    """What each run has stopped and lost so far, and whether it is over."""

    def __init__(
        self, rules: Rules, memory: Tensor, target: Tensor | None, mask: Tensor | None
    ) -> None:
        self.rules, self.target, self.mask = rules, target, mask
        zero = memory.new_zeros(memory.shape[:2])
        self.stopped, self.alive = [zero], zero + 1
        self.active = zero + 1  # a number, 0 once the run is over
        self.steps = torch.zeros_like(zero, dtype=torch.long)
        self.time, self.confidence = zero + 1, zero

    def error(self, memory: Tensor) -> Tensor:
        """Return the squared error over the cells that count, `[P, B]`."""
        assert self.target is not None
        assert self.mask is not None
        return ((memory - self.target).square().sum(-1) * self.mask).sum(-1)

    def record(self, stop: Tensor, memory: Tensor) -> None:
        """Take in what one turn stopped, and the memory after it."""
        alive = self.alive.detach() if self.rules.halting == REFERENCE else self.alive
        share = self.active * stop * alive
        stopped = self.stopped[-1] + share
        self.alive = self.alive * (1 - self.active * stop)
        self.stopped.append(stopped)
        self.steps = self.steps + self.active.long()
        if self.target is not None:
            self.time = self.time + self.active * (1 - stopped)
            if self.rules.beta:
                self.confidence = self.confidence + share * self.error(memory)
        self.active = self.active * (stopped <= self.rules.threshold)

    def over(self) -> bool:
        """Return whether all runs are over."""
        return not bool(self.active.any())

    def close(self, memory: Tensor, registers: Tensor) -> Run:
        """Return the whole run."""
        stopped = torch.stack(self.stopped, -1)
        losses = None
        if self.target is not None:
            rest = 1 - stopped[..., -1]
            unfinished = torch.where(rest > 1 - self.rules.threshold, rest, 0)
            if self.rules.halting == REFERENCE:  # its gradient is on if the run was cut off
                pushed = torch.where(self.steps == self.rules.max_steps, rest, 0)
                unfinished = pushed + (unfinished - pushed).detach()
            losses = Losses(self.error(memory), self.confidence, self.time, unfinished)
        return Run(memory, registers, stopped, self.steps, losses)


def total(losses: Losses, rules: Rules) -> Tensor:
    """Return the weighted sum of the four terms, `[P, B]`."""
    return (
        rules.alpha * losses.alpha
        + rules.beta * losses.beta
        + rules.gamma * losses.gamma
        + rules.delta * losses.delta
    )


class DenseRegisterMachine(RegisterMachine):
    """The papers' form, to compare with: a table [11, M, M, M] of all results."""

    table: Tensor

    def __init__(self, memory: int, registers: int, rules: Rules) -> None:
        super().__init__(memory, registers, rules)
        x, y = torch.arange(memory).unsqueeze(1), torch.arange(memory)
        rows = {INC: x + 1 + 0 * y, ADD: x + y, SUB: x - y, DEC: x - 1 + 0 * y,
                MIN: torch.minimum(x, y), MAX: torch.maximum(x, y)}  # fmt: skip
        zero = 0 * x * y
        values = torch.stack([rows.get(k, zero) for k in range(OPERATIONS)]) % memory
        table = nn.functional.one_hot(values, memory).double()
        table[READ] = 0  # not a function of the arguments alone
        self.register_buffer("table", table)

    def result(self, operation: Tensor, pair: Tensor, x: Tensor, y: Tensor, read: Tensor) -> Tensor:
        """Return the mixture of the eleven results, `[P, B, M]`."""
        results = torch.einsum("pbx,pby,ixyv->pbiv", x, y, self.table)
        mixed = (operation.unsqueeze(-2) @ results).squeeze(-2)
        return mixed + operation[..., READ, None] * read
