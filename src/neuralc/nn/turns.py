"""The turns of the register machine, one compiled module, run until it stops.

The machine is the model `machines/ram.py`; one turn of it is compiled by the soft execution. What a
line asks for (instruction, arguments, target) is an input of the turn, so that it can be mixed in
two ways. What a program is made of is not known here (`machine.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

from neuralc import machines
from neuralc.backends.native.kernel import NAME
from neuralc.backends.native.module import REALS
from neuralc.backends.native.rollout import Fetch, Rollout
from neuralc.backends.soft.module import SoftModule
from neuralc.backends.soft.runtime import centred_softmax
from neuralc.engines import ENGINES, Engine
from neuralc.errors import Declined, NeuralcError
from neuralc.files import read_text
from neuralc.ir.assembly import OPERATIONS
from neuralc.ir.nodes import Program
from neuralc.ir.turn import Turn, turn
from neuralc.lang.model import parse
from neuralc.nn.rolled import Rolled, Rules, Watched, roll
from neuralc.source import Source

Mixing = Literal["rows", "logits"]
Halting = Literal["exact", "reference"]
LARGE = 128  # cells above which "auto" is torch, which is about as fast for large matrices
FIELDS = ("instruction", "first", "second", "target")
"""The parts of a line, as the model names their choices."""
_FETCHED = ("operation", "first_register", "second_register", "target_register")


@cache
def program(memory: int, registers: int, max_steps: int) -> Program:
    """Return the model of the register machine of some size."""
    path = machines.path("ram")
    hypers = {"memory_size": memory, "num_registers": registers, "max_steps": max_steps}
    return parse(Source("ram", read_text(path)), hypers).program


@cache
def _turn(memory: int, registers: int) -> Turn:
    """Return one turn of a machine that has not stopped; how it counts steps is left out."""
    whole = program(memory, registers, 1)
    return turn(whole, known={"halted": 0}, given=_FETCHED, without=("count",))


@cache
def _rollout(memory: int, registers: int, mixing: Mixing) -> Rollout:
    """Return the turn as kernels, for machines of some size."""
    sizes = dict(zip(_FETCHED, (len(OPERATIONS), *[registers] * 3), strict=True))
    fetch = Fetch("line_number", sizes, logits=mixing == "logits")
    return Rollout(_turn(memory, registers).program, fetch)


@dataclass(frozen=True, slots=True)
class State:
    """The machine between two turns.

    Attributes:
        memory: distributions of the cells, `(P, B, M, M)`.
        registers: distributions of the registers, `(P, B, R, M)`.
        line: distribution of the line that is next, `(P, B, M)`.
        stopped: the probability that it has stopped, `(P, B)`.
        running: which examples go on from here, bool `(P, B)`; the others are at their end, and
            what comes later is not theirs any more.

    """

    memory: Tensor
    registers: Tensor
    line: Tensor
    stopped: Tensor
    running: Tensor


class Turns(nn.Module):
    """One turn of the machine, and how it goes on and stops.

    Source:
        Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 3; the
        stopping rule is that of its public implementation: an example is at its end as soon as it
        has stopped with a probability above the threshold. Nothing is frozen before.

    """

    def __init__(
        self, memory: int, registers: int, *, restarts: int, mixing: Mixing, halting: Halting,
        threshold: float, engine: Engine = "torch",
    ) -> None:  # fmt: skip
        """Compile the turn.

        Args:
            memory: M.
            registers: R.
            restarts: P.
            mixing: "rows": each line's probabilities, mixed by the distribution of the line;
                "logits": the softmax of the mixed logits, as in the public implementation.
            halting: "exact": the true gradient of the probability of having stopped; "reference":
                that of the public implementation, which takes the probability of still running
                for a constant.
            threshold: eta.
            engine: what runs whole runs: "torch", "native" for kernels that are generated for the
                turn, or "auto": native where that is faster, on a CPU, up to `LARGE` cells.

        Raises:
            NeuralcError: there is no such engine.

        """
        super().__init__()
        if engine not in ENGINES:
            names = ", ".join(ENGINES)
            raise NeuralcError(f"engine is one of {names}, found {engine!r}")
        one = _turn(memory, registers)
        inputs = [decl.name for decl in one.program.of("input")]
        self.step = SoftModule(one.program, restarts=restarts, carried=inputs)
        self.following = dict(one.following)
        self.sizes = [len(OPERATIONS), registers, registers, registers]
        self.mixing, self.halting, self.threshold = mixing, halting, threshold
        self.engine, self.memory, self.registers = engine, memory, registers

    def commands(self, lines: Mapping[str, Tensor]) -> Tensor:
        """Return what `run` wants of the logits of all lines, each `(P, M, size)`."""
        rows = [lines[name] for name in FIELDS]
        if self.mixing == "rows":
            rows = [centred_softmax(row) for row in rows]
        return torch.cat(rows, -1)

    def run(self, commands: Tensor, state: State, limits: Tensor) -> Iterator[State]:
        """Yield the state after each turn, until every example is at its end.

        Args:
            commands: what `commands` returned, `(P, M, 11 + 3 R)`.
            state: where to begin.
            limits: the most turns that each program makes, int64 `(P,)`.

        """
        for count in range(1, int(limits.max()) + 1):
            if not state.running.any():
                return
            state = self._next(commands, state, count < limits)
            yield state

    def native(self, like: Tensor) -> bool:
        """Tell whether kernels run the machine, with numbers like these.

        Raises:
            Declined: they were asked for, and cannot.

        """
        reasons = []
        if like.device.type != "cpu":
            reasons.append(f"kernels are for the CPU, not for {like.device}")
        if like.dtype not in REALS:
            reasons.append(f"kernels are for float32 and float64, not for {like.dtype}")
        if self.memory < 2:
            reasons.append("a machine of one cell always does the same")
        if self.engine == "native" and reasons:
            raise Declined(NAME, reasons)
        wanted = self.engine == "native" or (self.engine == "auto" and self.memory <= LARGE)
        return wanted and not reasons

    def roll(
        self, commands: Tensor, state: State, limits: Tensor, watched: Watched | None
    ) -> Rolled:
        """Run by kernels until every example is at its end.

        Args:
            commands, state, limits: see `run`; no example is at its end yet.
            watched: cells whose errors are wanted, instead of the state at the end.

        """
        rules = Rules(self.following, self.halting == "reference", self.threshold, limits)
        before = {"memory": state.memory, "registers": state.registers, "line_number": state.line}
        turn = _rollout(self.memory, self.registers, self.mixing)
        return roll(turn, rules, commands, before, watched)

    def fetch(self, commands: Tensor, line: Tensor) -> list[Tensor]:
        """Return the distributions of instruction, arguments, target, each `(P, B, size)`."""
        mixed = (line @ commands).split(self.sizes, -1)
        return [centred_softmax(m) for m in mixed] if self.mixing == "logits" else list(mixed)

    def _next(self, commands: Tensor, state: State, more: Tensor) -> State:
        before = {"memory": state.memory, "registers": state.registers, "line_number": state.line}
        fetched = dict(zip(_FETCHED, self.fetch(commands, state.line), strict=True))
        after, _ = self.step.run({**before, **fetched})
        stop = after[self.following["halted"]][..., 1]
        going = 1 - state.stopped
        if self.halting == "reference":
            going = going.detach()
        stopped = state.stopped + going * stop
        memory, registers, line = (
            after[self.following[name]] for name in ("memory", "registers", "line_number")
        )
        running = state.running & (stopped <= self.threshold) & more.unsqueeze(1)
        return State(memory, registers, line, stopped, running)
