"""A compiled program as a differentiable module: memories in, memories out.

The weights are the choices of `machines/ram.py` as logits. Where they come from is not known here
(`weights.py`), nor what they are good for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuralc.backends.soft.runtime import centred_softmax
from neuralc.engines import Engine
from neuralc.errors import DataError
from neuralc.ir.assembly import OPERATIONS
from neuralc.nn.rolled import Rolled, Watched
from neuralc.nn.turns import FIELDS, Halting, Mixing, State, Turns


@dataclass(frozen=True, slots=True)
class Run:
    """What came out of a run; every example at its own end.

    Attributes:
        memory: distributions of the cells, `(P, B, M, M)`.
        registers: distributions of the registers, `(P, B, R, M)`.
        stopped: the probability that it has stopped, `(P, B)`.
        steps: instructions executed, int64 `(P, B)`; the paper counts one more.
        trace: the states from the start on, if it was asked for.

    """

    memory: Tensor
    registers: Tensor
    stopped: Tensor
    steps: Tensor
    trace: tuple[State, ...] = ()

    def values(self) -> Tensor:
        """Return the most probable value of every cell, int64 `(P, B, M)`."""
        return self.memory.argmax(-1)

    def confidence(self, asked: Tensor) -> Tensor:
        """Return the least certain of the asked cells' largest probabilities, `(P, B)`.

        Args:
            asked: which cells count, bool `(B, M)`.

        """
        return self.memory.amax(-1).masked_fill(~asked, 1.0).amin(-1)


class RegisterMachine(nn.Module):
    """The soft register machine: P programs side by side, each run on all B memories.

    Attributes:
        instruction, first, second, target: logits of the lines, `(P, M, 11)` and `(P, M, R)`.
        initial_line: logits of the line that a run begins with, `(P, M)`.
        initial_registers: logits of the registers at the start, `(P, R, M)`.
        max_steps: the most turns that a run makes, unless it is told otherwise.
        scale: a factor on all logits; above 1 everything is more certain.
        limits: int64 `(P,)`, turns after which each program is cut off; None: `max_steps` for all.

    Source:
        Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 3.

    """

    def __init__(
        self, memory: int, registers: int, *, max_steps: int = 100, restarts: int = 1,
        mixing: Mixing = "rows", halting: Halting = "exact", threshold: float = 0.9,
        engine: Engine = "torch",
    ) -> None:  # fmt: skip
        """Make a machine whose lines may be anything: all logits are 0.

        Args:
            memory: M, the number of cells, values and lines.
            registers: R.
            max_steps: T.
            restarts: P.
            mixing: "rows" or "logits", see `Turns`.
            halting: "exact" or "reference", see `Turns`.
            threshold: eta; an example is at its end when it has stopped with more than this.
            engine: "torch", "native" or "auto", see `Turns`; what is traced runs in torch.

        """
        super().__init__()
        self.max_steps, self.scale = max_steps, 1.0
        self.limits: Tensor | None = None
        for name in FIELDS:
            size = len(OPERATIONS) if name == "instruction" else registers
            self.register_parameter(name, nn.Parameter(torch.zeros(restarts, memory, size)))
        self.initial_line = nn.Parameter(torch.zeros(restarts, memory))
        self.initial_registers = nn.Parameter(torch.zeros(restarts, registers, memory))
        self.turns = Turns(
            memory, registers, restarts=restarts, mixing=mixing, halting=halting,
            threshold=threshold, engine=engine,
        )  # fmt: skip

    @property
    def restarts(self) -> int:
        """P, the number of programs."""
        return self.initial_line.shape[0]

    @property
    def memory(self) -> int:
        """M, the number of cells, values and lines."""
        return self.initial_line.shape[1]

    @property
    def registers(self) -> int:
        """R, the number of registers."""
        return self.initial_registers.shape[1]

    @property
    def engine(self) -> Literal["native", "torch"]:
        """What runs the machine as it is now.

        Raises:
            Declined: kernels were asked for, and cannot.

        """
        return "native" if self.turns.native(self.initial_line) else "torch"

    def weights(self) -> dict[str, nn.Parameter]:
        """Return the logits by the names of the model's choices."""
        names = (*FIELDS, "initial_line", "initial_registers")
        return {name: getattr(self, name) for name in names}

    def probabilities(self) -> dict[str, Tensor]:
        """Return the probabilities of all choices: name -> `(P, *shape, size)`."""
        return {name: centred_softmax(w * self.scale) for name, w in self.weights().items()}

    def forward(self, memory: Any, *, max_steps: int | None = None, trace: bool = False) -> Run:
        """Run the programs.

        Args:
            memory: integers `(B, M)`, or distributions `(B, M, M)`; or for each program others,
                with P before B.
            max_steps: the most turns; None: those of the machine.
            trace: keep all states.

        Raises:
            DataError: the memories have another size, or hold values that do not fit.

        """
        if not trace and self.engine == "native":
            rolled = self.rolled(memory, max_steps=max_steps)
            steps = rolled.running[:-1].sum(0)
            end = rolled.stopped.gather(0, steps.unsqueeze(0)).squeeze(0)
            return Run(rolled.memory, rolled.registers, end, steps)
        states = self.states(memory, max_steps=max_steps)
        final = next(states)  # the start is always there
        kept = [final] if trace else []
        running, steps = final.running, torch.zeros_like(final.running, dtype=torch.int64)
        for state in states:
            kept += [state] if trace else []
            steps = steps + running
            final = _at_end(final, state, running)
            running = state.running
        return Run(final.memory, final.registers, final.stopped, steps, tuple(kept))

    def states(self, memory: Any, *, max_steps: int | None = None) -> Iterator[State]:
        """Yield the state at the start and after each turn until every example is at its end.

        Arguments and errors are those of `forward`. Always in torch.
        """
        state, commands = self._start(memory)
        yield state
        yield from self.turns.run(commands, state, self.cut_off(max_steps))

    def rolled(
        self, memory: Any, watched: Watched | None = None, *, max_steps: int | None = None
    ) -> Rolled:
        """Run by kernels until every example is at its end.

        Args:
            memory, max_steps: see `forward`.
            watched: cells whose errors are wanted after every turn, instead of the last state.

        """
        state, commands = self._start(memory)
        return self.turns.roll(commands, state, self.cut_off(max_steps), watched)

    def _start(self, memory: Any) -> tuple[State, Tensor]:
        """Return the state at the start, and what the lines say."""
        cells = self._cells(memory)
        batch = cells.shape[1]
        scaled = {name: weight * self.scale for name, weight in self.weights().items()}
        line = centred_softmax(scaled["initial_line"]).unsqueeze(1).expand(-1, batch, -1)
        start = centred_softmax(scaled["initial_registers"])
        registers = start.unsqueeze(1).expand(-1, batch, -1, -1)
        stopped = line.new_zeros(self.restarts, batch)
        state = State(cells, registers, line, stopped, torch.ones_like(stopped, dtype=torch.bool))
        return state, self.turns.commands(scaled)

    def cut_off(self, max_steps: int | None = None) -> Tensor:
        """Return the turns after which each program is cut off, int64 `(P,)`."""
        most = self.max_steps if max_steps is None else max_steps
        limits = torch.full((self.restarts,), most, device=self.initial_line.device)
        return limits if self.limits is None else torch.minimum(limits, self.limits)

    def _cells(self, memory: Any) -> Tensor:
        """Return memories as distributions `(P, B, M, M)`."""
        given = torch.as_tensor(memory, device=self.initial_line.device)
        size, shape = self.memory, tuple(given.shape)
        if not given.is_floating_point() and shape[1:] and shape[-1] == size:
            if bool(((given < 0) | (given >= size)).any()):
                raise DataError(f"memories must hold numbers from 0 to {size - 1}")
            given = nn.functional.one_hot(given.long(), size)
        if given.dim() not in (3, 4) or given.shape[-2:] != (size, size):
            raise DataError(
                f"memories of shape {shape} do not fit\n"
                f"  hint: this machine takes integers (B, {size}), or distributions "
                f"(B, {size}, {size})"
            )
        given = given.to(self.initial_line.dtype)
        return given.expand(self.restarts, *given.shape[-3:])


def _at_end(kept: State, state: State, running: Tensor) -> State:
    """Return `state` for the examples that were running before it, what was kept for others."""
    if bool(running.all()):
        return state
    cells = running[..., None, None]
    return State(
        torch.where(cells, state.memory, kept.memory),
        torch.where(cells, state.registers, kept.registers),
        torch.where(running[..., None], state.line, kept.line),
        torch.where(running, state.stopped, kept.stopped),
        state.running,
    )
