"""The open choices of a program as columns of one matrix, and their softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.soft.runtime import centred_backward
from neuralc.ir.nodes import Decl, Int, Program

SURE = 40.0  # the logit of a choice that is made; the others have 0
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
    """Where each Param stands in the matrix of logits, and which values are not allowed.

    Params of one size stand side by side, so that one softmax serves them all: `groups` are the
    size, the first column and the last but one of each such stretch.
    """

    def __init__(self, program: Program) -> None:
        self.blocks: list[Block] = []
        self.total = 0
        masks: list[np.ndarray] = []
        for decl in sorted(program.of("param"), key=_size):
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
        self.groups: list[tuple[int, int, int]] = []
        for size, same in groupby(self.blocks, key=lambda block: block.size):
            stretch = list(same)
            self.groups.append((size, stretch[0].start, stretch[-1].stop))

    def split(self, matrix: Tensor) -> dict[str, Tensor]:
        """Return the columns of each Param, as `(P, *shape, size)`."""
        return {
            b.name: matrix[:, b.start : b.stop].reshape(-1, *b.shape, b.size) for b in self.blocks
        }

    def join(self, parts: Mapping[str, Any]) -> np.ndarray:
        """Return arrays `(P, *shape, size)` as one matrix `(P, total)`."""
        rows = [np.asarray(parts[b.name]).reshape(-1, b.stop - b.start) for b in self.blocks]
        return np.concatenate(rows, axis=1)

    def certain(self, choices: Mapping[str, np.ndarray]) -> Tensor:
        """Return logits `(1, total)`, float64, by which choices `[*shape]` are made for certain."""
        if not self.blocks:
            return torch.zeros(1, 0, dtype=torch.float64)
        hot = {b.name: SURE * np.eye(b.size)[choices[b.name]] for b in self.blocks}
        return torch.from_numpy(self.join(hot))

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
    if not choices.blocks:
        return {}
    parts = _Softmaxes.apply(logits, choices)  # type: ignore[no-untyped-call]
    return dict(zip((block.name for block in choices.blocks), parts, strict=True))


class _Softmaxes(torch.autograd.Function):
    """All softmaxes as one operation, their gradients centred (see `centred_softmax`)."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, choices: Choices) -> tuple[Tensor, ...]:
        masked = choices.masked(logits)
        whole = [
            masked[:, start:stop].unflatten(1, (-1, size)).softmax(-1)
            for size, start, stop in choices.groups
        ]
        ctx.choices = choices
        ctx.save_for_backward(*whole)
        parts = choices.split(torch.cat([y.flatten(1) for y in whole], 1))
        return tuple(parts[block.name] for block in choices.blocks)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        dy = torch.cat([grad.flatten(1) for grad in grads], 1)
        rows = [
            centred_backward(y, dy[:, start:stop].unflatten(1, (-1, size))).flatten(1)
            for y, (size, start, stop) in zip(ctx.saved_tensors, ctx.choices.groups, strict=True)
        ]
        return torch.cat(rows, 1), None


def _size(decl: Decl) -> int:
    assert isinstance(decl.type, Int)
    return decl.type.size
