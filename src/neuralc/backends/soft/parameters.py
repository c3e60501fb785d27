"""The open choices of a program as columns of one matrix, and their softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.soft.runtime import centred_backward
from neuralc.ir.nodes import Int, Program

FORBIDDEN = -1e4  # added to logits of values that an element cannot have


@dataclass(frozen=True)
class Block:
    """The columns `start : start + prod(shape) * size` belong to one Param."""

    name: str
    shape: tuple[int, ...]
    size: int
    start: int

    @property
    def stop(self) -> int:
        """The column behind the last."""
        return self.start + prod(self.shape) * self.size


class Choices:
    """Where each Param stands in the matrix of logits, and which values are not allowed."""

    def __init__(self, program: Program) -> None:
        self.blocks: list[Block] = []
        self.total = 0
        masks: list[np.ndarray] = []
        for decl in program.of("param"):
            assert isinstance(decl.type, Int)
            block = Block(decl.name, decl.shape, decl.type.size, self.total)
            self.blocks.append(block)
            self.total = block.stop
            allowed = np.ones((*decl.shape, decl.type.size), dtype=bool)
            if decl.limits is not None:
                limits = np.asarray(decl.limits).reshape(*decl.shape, 1)
                allowed &= np.arange(decl.type.size) < limits
            for fixed in program.fixed:
                if fixed.name == decl.name:
                    allowed[fixed.index] = np.arange(decl.type.size) == fixed.value
            masks.append(allowed.reshape(-1))
        self.allowed = np.concatenate(masks) if masks else np.zeros(0, dtype=bool)
        self.free = bool(self.allowed.all())

    def split(self, matrix: Tensor) -> dict[str, Tensor]:
        """Return the columns of each Param, as `(P, *shape, size)`."""
        return {
            b.name: matrix[:, b.start : b.stop].reshape(-1, *b.shape, b.size) for b in self.blocks
        }

    def join(self, parts: Mapping[str, Any]) -> np.ndarray:
        """Return arrays `(P, *shape, size)` as one matrix `(P, total)`."""
        rows = [np.asarray(parts[b.name]).reshape(-1, b.stop - b.start) for b in self.blocks]
        return np.concatenate(rows, axis=1)

    def best(self, logits: Tensor) -> dict[str, np.ndarray]:
        """Return the most probable allowed value of each choice: name -> `(P, *shape)`."""
        masked = self.masked(logits.detach())
        return {name: part.argmax(-1).cpu().numpy() for name, part in self.split(masked).items()}

    def masked(self, logits: Tensor) -> Tensor:
        """Return logits with the values that are not allowed pushed far down."""
        if self.free:
            return logits
        wall = torch.from_numpy(np.where(self.allowed, 0.0, FORBIDDEN))
        return logits + wall.to(logits)


def softmaxes(logits: Tensor, choices: Choices) -> dict[str, Tensor]:
    """Return the probabilities of all choices: name -> `(P, *shape, size)`."""
    parts = _Softmaxes.apply(logits, choices)  # type: ignore[no-untyped-call]
    return dict(zip((block.name for block in choices.blocks), parts, strict=True))


class _Softmaxes(torch.autograd.Function):
    """All softmaxes as one operation, their gradients centred (see `centred_softmax`)."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, choices: Choices) -> tuple[Tensor, ...]:
        parts = tuple(x.softmax(-1) for x in choices.split(choices.masked(logits)).values())
        ctx.choices = choices
        ctx.save_for_backward(*parts)
        return parts

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        rows = [
            centred_backward(y, dy).flatten(1)
            for y, dy in zip(ctx.saved_tensors, grads, strict=True)
        ]
        return torch.cat(rows, 1), None
