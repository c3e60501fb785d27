"""A routine that is a model of the language with its choices made, such as a learned solution.

Its inputs are the operands; it has one output. Nothing is known here of how the choices came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.exact import Executor
from neuralc.backends.soft.module import SoftModule
from neuralc.errors import NeuralcError
from neuralc.ir.check import check
from neuralc.ir.nodes import Decl, Int, Program
from neuralc.ir.text import show
from neuralc.nn.library.routine import SOFT_STEPS, Array, Routine


class ModelRoutine(Routine):
    """A routine that runs a program of the IR.

    Attributes:
        program: the model.
        choices: for each of its open choices the value, `[*shape]`.

    """

    def __init__(self, name: str, program: Program, choices: Mapping[str, Any], *, n: int) -> None:
        """Check that a model can be a routine.

        Args:
            name: of the routine.
            program: inputs of single numbers, or arrays, of one size; one output of this size.
            choices: for each param integers `[*shape]`.
            n: the number of values of the library; the model must have as many.

        Raises:
            NeuralcError: what the model has and a routine cannot have.

        """
        self.name, self.n, self.program = name, n, program
        self.choices = {key: np.asarray(value) for key, value in choices.items()}
        self.inputs = program.of("input")
        self.max_steps = 1  # a model always ends
        problem = _problem(program, n)
        if problem:
            raise NeuralcError(f"{name} cannot be a routine with {n} values: {problem}")
        self.operands = sum(map(_count, self.inputs))
        for decl in program.of("param"):
            found = self.choices.get(decl.name)
            if found is None or found.shape != decl.shape or found.dtype.kind not in "iu":
                raise NeuralcError(
                    f"{name}: the choice {decl.name} has the shape {decl.shape}, and is given as "
                    f"{None if found is None else found.shape}"
                )
            assert isinstance(decl.type, Int)
            limits = decl.type.size if decl.limits is None else np.reshape(decl.limits, decl.shape)
            if found.size and ((found < 0) | (found >= limits)).any():
                raise NeuralcError(f"{name}: a choice of {decl.name} is out of range")

    @property
    def text(self) -> str:
        """The model in the form of the IR, with the choices as comments."""
        made = [f"# {key} = {value.tolist()}" for key, value in self.choices.items()]
        return "\n".join([*made, show(self.program)])

    @cached_property
    def _executor(self) -> Executor:
        return Executor(self.program)

    def run(self, arguments: Any) -> tuple[Array, Array, Array]:
        """Run exactly, see `Routine.run`; a model has one step."""
        given = self.checked(arguments)
        count = len(given)
        params = {key: value[None] for key, value in self.choices.items()}
        inputs, at = {}, 0
        for decl in self.inputs:
            inputs[decl.name] = given[:, at : at + _count(decl)].reshape(count, *decl.shape)
            at += _count(decl)
        found = self._executor.run(params, inputs)
        values = next(iter(found.values()))[0].reshape(count).astype(np.int64)
        return values, np.ones(count, np.int64), np.ones(count, bool)

    @cached_property
    def _module(self) -> SoftModule:
        module = SoftModule(self.program)
        with torch.no_grad():
            module.logits.copy_(module.choices.certain(self.choices))
        return module.requires_grad_(requires_grad=False)

    def soft(self, arguments: Sequence[Tensor], *, max_steps: int = SOFT_STEPS) -> Tensor:
        """Run softly, see `Routine.soft`; `max_steps` is of no account."""
        del max_steps
        self.check_soft(arguments)
        module = self._module.to(arguments[0]) if arguments else self._module
        inputs, at = {}, 0
        for decl in self.inputs:
            held = torch.stack(list(arguments[at : at + _count(decl)]), 1)
            inputs[decl.name] = held.reshape(len(held), *decl.shape, self.n)
            at += _count(decl)
        result: Tensor = next(iter(module(inputs).values()))[0]
        return result.reshape(-1, self.n)


def _count(decl: Decl) -> int:
    return int(np.prod(decl.shape, dtype=int))


def _problem(program: Program, n: int) -> str:
    """Return what keeps a program from being a routine; "" if nothing does."""
    if program.networks:
        names = ", ".join(network.name for network in program.networks)
        return f"it has networks ({names}), which see more than numbers"
    outputs = program.of("output")
    if len(outputs) != 1 or _count(outputs[0]) != 1:
        return f"it has {sum(map(_count, outputs))} outputs, and a routine has one"
    if not program.of("input"):
        return "it has no input"
    for decl in (*program.of("input"), *outputs):
        if not isinstance(decl.type, Int):
            return f"{decl.name} is a tensor, and operands are numbers"
        if decl.type.size != n:
            return f"{decl.name} has {decl.type.size} values, and the library has {n}"
    errors = check(program)
    return str(errors[0]) if errors else ""
