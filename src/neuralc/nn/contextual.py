"""Programs that depend on an input: a network emits the weights of the register machine from z.

Every z has its own program; they run softly side by side, and gradients lead from what comes out
back to the network and to z. How a network comes to emit given programs, or z is found by
gradients, is not known here (`learning/contextual`).

Source: the controllers of Saldyt & Kambhampati, "Algorithmic Language Models with Neurally Compiled
Libraries" (2024), arXiv:2407.04899; the factors of the network are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neuralc.engines import Engine
from neuralc.errors import DataError, NeuralcError
from neuralc.ir.assembly import ARITY, OPERATIONS, Assembly, Line
from neuralc.nn.machine import RegisterMachine, Run
from neuralc.nn.turns import FIELDS, Halting, Mixing, Turns
from neuralc.nn.weights import assembly


class Controller(nn.Module):
    """From an input z to the logits of a program of the register machine.

    The body makes of z what all choices share. A place is a line, a register at the start, or the
    first line; it has an embedding, which is added to that. What follows is the same network for
    all places, so that the size is that of the embeddings and not z times all logits.

    Attributes:
        memory: M, the number of cells, values and lines.
        registers: R.
        inputs: d, the length of z; of a body of one's own whatever it was said to be.
        width: of all layers.
        body: from z `(B, d)` to `(B, width)`.
        plain_body: whether that is the one that comes with it.

    """

    def __init__(
        self, memory: int, registers: int, inputs: int, *, width: int = 128,
        body: nn.Module | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        """Make a controller with random weights.

        Args:
            memory: M.
            registers: R.
            inputs: d.
            width: of all layers.
            body: any module from what z is to `(B, width)`; None: a small one for `(B, d)`, whose
                first layer is linear, so that its columns are the embeddings of integers.
            seed: of the random weights, but not of those of a given body.

        Raises:
            NeuralcError: a size is below 1.

        """
        super().__init__()
        if min(memory, registers, inputs, width) < 1:
            raise NeuralcError(
                "a controller has 1 or more of all, found "
                f"memory={memory}, registers={registers}, inputs={inputs}, width={width}"
            )
        self.memory, self.registers, self.inputs, self.width = memory, registers, inputs, width
        self.plain_body = body is None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.body = (
                nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, width))
                if body is None
                else body
            )
            self.places = nn.Parameter(torch.randn(memory + registers + 1, width))
            self.hidden = nn.Linear(width, width)
            self.commands = nn.Linear(width, len(OPERATIONS) + 3 * registers)
            self.numbers = nn.Linear(width, memory)

    def forward(self, z: Any) -> dict[str, Tensor]:
        """Return the logits of the programs by the names of the model's choices.

        Args:
            z: integers `(B,)` below d, which stand for one-hot vectors; or real `(B, d)`.

        Returns:
            instruction `(B, M, 11)`, first, second and target `(B, M, R)`, initial_line `(B, M)`,
            initial_registers `(B, R, M)`.

        Raises:
            DataError: z has another shape, or holds numbers that do not fit.

        """
        context = self.body(self._vectors(z))
        places = nn.functional.gelu(context.unsqueeze(1) + self.places)
        rows = nn.functional.gelu(self.hidden(places))
        lines, numbers = self.commands(rows[:, : self.memory]), self.numbers(rows[:, self.memory :])
        sizes = [len(OPERATIONS), *[self.registers] * 3]
        return {
            **dict(zip(FIELDS, lines.split(sizes, -1), strict=True)),
            "initial_line": numbers[:, 0],
            "initial_registers": numbers[:, 1:],
        }

    def program(self, z: Any) -> Assembly:
        """Return the most probable program of one z: an integer, or a vector `(d,)`.

        Registers that an instruction does not look at are left open, and STOPs at the end that no
        constant names are left out; it behaves the same without.
        """
        with torch.no_grad():
            logits = self(torch.as_tensor(z).unsqueeze(0))
        return tidy(assembly({name: row[0].double().softmax(-1) for name, row in logits.items()}))

    def _vectors(self, z: Any) -> Tensor:
        """Return z as the body takes it."""
        given = torch.as_tensor(z, device=self.places.device)
        if not given.is_floating_point() and given.dim() < 2:
            if given.dim() == 0 or bool(((given < 0) | (given >= self.inputs)).any()):
                raise DataError(
                    f"z must be integers (B,) from 0 to {self.inputs - 1}, found "
                    f"{given.dtype} of shape {tuple(given.shape)}"
                    f"\n  hint: this controller takes vectors (B, {self.inputs}), too"
                )
            given = nn.functional.one_hot(given.long(), self.inputs)
        elif self.plain_body and (given.dim() != 2 or given.shape[1] != self.inputs):
            raise DataError(
                f"z of shape {tuple(given.shape)} does not fit\n"
                f"  hint: this controller takes integers (B,) or vectors (B, {self.inputs})"
            )
        return given.to(self.places.dtype)


class Emitted(RegisterMachine):
    """A register machine whose logits were computed, and lead back to where they come from."""

    def __init__(
        self, logits: Mapping[str, Tensor], turns: Turns, *, max_steps: int, scale: float
    ) -> None:
        """Take the logits as they are.

        Args:
            logits: by the names of the model's choices, `(P, *shape, size)`.
            turns: how a machine of this size runs.
            max_steps, scale: see `RegisterMachine`.

        """
        nn.Module.__init__(self)  # not that of the machine, which makes parameters and compiles
        self.max_steps, self.scale, self.turns = max_steps, scale, turns
        self.limits = None
        for name, row in logits.items():
            self.register_buffer(name, row, persistent=False)


class ContextualMachine(nn.Module):
    """The register machine with a controller: an input and memories in, memories out.

    Attributes:
        controller: emits the programs.
        max_steps: the most turns that a run makes, unless it is told otherwise.
        scale: a factor on all logits; above 1 every program is more certain than it was emitted.

    """

    def __init__(
        self, controller: Controller, *, max_steps: int = 100, scale: float = 1.0,
        mixing: Mixing = "rows", halting: Halting = "exact", threshold: float = 0.9,
        engine: Engine = "torch",
    ) -> None:  # fmt: skip
        """Compile the turn of a machine of the controller's size; see `RegisterMachine`."""
        super().__init__()
        self.controller, self.max_steps, self.scale = controller, max_steps, scale
        self.turns = Turns(
            controller.memory, controller.registers, restarts=1, mixing=mixing, halting=halting,
            threshold=threshold, engine=engine,
        ).to(controller.places)  # fmt: skip

    def machine(self, z: Any) -> Emitted:
        """Return the machine with the programs of all z side by side: P is their number.

        It is a `RegisterMachine`: what runs, reads, saves or judges one does that here too.

        Args:
            z: see `Controller.forward`.

        """
        return Emitted(
            self.controller(z), self.turns, max_steps=self.max_steps, scale=self.scale
        )  # fmt: skip

    def forward(
        self, z: Any, memory: Any, *, max_steps: int | None = None, trace: bool = False
    ) -> Run:
        """Run the program of every z.

        Args:
            z: P of them, see `Controller.forward`.
            memory: integers `(B, M)` or distributions `(B, M, M)` for all programs; or for each
                program its own, `(P, B, M)` or `(P, B, M, M)`.
            max_steps, trace: see `RegisterMachine.forward`.

        """
        found: Run = self.machine(z)(memory, max_steps=max_steps, trace=trace)
        return found


def tidy(program: Assembly) -> Assembly:
    """Return a program that behaves the same exactly, without what is never looked at.

    Arguments that an instruction does not look at and the target of STOP become None. Of the STOPs
    at the end one remains, and those that `start` or a constant of a jump names.
    """
    lines = [_tidy(line) for line in program.lines]
    jumps = {line.second for line in lines if line.operation == "JEZ"}
    named = [value for r, value in enumerate(program.registers) if r in jumps and value is not None]
    last = max((k + 1 for k, line in enumerate(lines) if line.operation != "STOP"), default=0)
    kept = lines[: max(last, program.start, *named) + 1]
    return Assembly(tuple(kept), program.registers, program.start)


def _tidy(line: Line) -> Line:
    arity = ARITY[line.operation]
    return Line(
        line.operation,
        line.first if arity > 0 else None,
        line.second if arity > 1 else None,
        None if line.operation == "STOP" else line.target or 0,
    )
